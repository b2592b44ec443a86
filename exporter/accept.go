package exporter

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"lpexport/exporter/checkpoint"
)

// Acceptance is who accepts something, and why.
type Acceptance struct {
	Person string // the account of the operating system that typed it
	Reason string // the person's own words
}

// maxReason bounds a reason, in bytes.
const maxReason = 1000

// ReasonError is a reason that says nothing, or that no record can hold.
type ReasonError struct{ Why string }

func (e *ReasonError) Error() string { return "the reason " + e.Why }

// check refuses a reason that is no record of anything.
func (a Acceptance) check() error {
	switch {
	case strings.TrimSpace(a.Reason) == "":
		return &ReasonError{"is empty: say in your own words why you accept this"}
	case len(a.Reason) > maxReason:
		return &ReasonError{fmt.Sprintf("has %d bytes, at most %d are kept", len(a.Reason), maxReason)}
	case !utf8.ValidString(a.Reason) || strings.ContainsFunc(a.Reason, unicode.IsControl):
		return &ReasonError{"holds control characters or bytes that are not UTF-8"}
	}
	return nil
}

// NothingToAcceptError is a decision without an object.
type NothingToAcceptError struct {
	Kind, ID string
	Why      string
	Look     string // the command that shows what there is
}

func (e *NothingToAcceptError) Error() string {
	return fmt.Sprintf("there is no %s %q to accept: %s", e.Kind, e.ID, e.Why)
}

// Hint is where to look.
func (e *NothingToAcceptError) Hint() string { return e.Look }

// Accepted is a decision that was put on record, and what it did.
type Accepted struct {
	Decision   int64
	Kind       string // of checkpoint.Decision
	ID         string
	Was, Found string // hashes
	Done       string // a sentence
}

// decide puts a decision on record in the transaction of what it changes.
func (e *Exporter) decide(ctx context.Context, by Acceptance, d checkpoint.Decision, facts any, change func(tx *checkpoint.Tx, decision int64) error) (Accepted, error) {
	done := Accepted{Kind: d.Kind, ID: d.Subject, Was: d.Was, Found: d.Found}
	if err := by.check(); err != nil {
		return done, err
	}
	return done, e.cp.Update(ctx, func(tx *checkpoint.Tx) (err error) {
		if done.Decision, err = e.record(tx, by, d, facts); err != nil {
			return err
		}
		return change(tx, done.Decision)
	})
}

// record puts a decision on record.
func (e *Exporter) record(tx *checkpoint.Tx, by Acceptance, d checkpoint.Decision, facts any) (id int64, err error) {
	raw, err := json.Marshal(facts)
	if err != nil {
		return 0, err
	}
	d.At, d.Person, d.Reason, d.Facts = e.millis(), by.Person, by.Reason, string(raw)
	return tx.Decide(d)
}

// itemFacts is what the decision on an entry of the quarantine rests on.
type itemFacts struct {
	Kind        string `json:"kind"`
	Destination string `json:"destination"`
	Source      string `json:"source"` // the conversation, or the bundle and its file
	Why         string `json:"why"`    // it was in quarantine
	Bytes       int64  `json:"bytes"`
}

// AcceptItem gives up an entry of the quarantine: it waits no longer, and is not
// tried again. The same bytes do not come back; a conversation that changes is
// tried again with the change.
func (e *Exporter) AcceptItem(ctx context.Context, by Acceptance, id int64) (Accepted, error) {
	subject := strconv.FormatInt(id, 10)
	q, found, err := e.cp.QuarantinedByID(ctx, id)
	if err != nil {
		return Accepted{}, err
	}
	if !found {
		return Accepted{}, &NothingToAcceptError{checkpoint.DecidedItem, subject, "no such entry waits in quarantine", "lpexport quarantine list"}
	}
	var bundle checkpoint.Bundle
	file, known := "", false
	if q.Kind == checkpoint.KindItem {
		if bundle, file, known, err = e.rejected(ctx, q); err != nil {
			return Accepted{}, err
		}
	}
	d := checkpoint.Decision{Kind: checkpoint.DecidedItem, Subject: subject, Was: hexOf(q.SHA256)}
	done, err := e.decide(ctx, by, d, itemFacts{q.Kind, q.Name, q.SourceID, q.Reason, q.Bytes}, func(tx *checkpoint.Tx, decision int64) error {
		if known {
			if err := tx.GiveUpItem(bundle.ID, file); err != nil {
				return err
			}
		}
		return tx.Dismiss(q, decision, e.millis())
	})
	done.Done = "it is given up, and is not tried again"
	return done, err
}
