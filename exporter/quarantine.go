package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"lpexport/exporter/checkpoint"
)

// Quarantined is something that waits for a person.
type Quarantined struct {
	ID           int64
	Kind         string // record, event: could not be read; conversation: could not be cut; item: was not taken
	Destination  string // whose; "": a record's
	Conversation string // "" when the record does not tell, and for an item
	Item         string // its bundle, and its file
	Reason       string
	Since        time.Time
	Bytes        int64
	SHA256       string
}

func fromRow(q checkpoint.Quarantined) Quarantined {
	out := Quarantined{ID: q.ID, Kind: q.Kind, Destination: q.Name, Conversation: q.SourceID, Reason: q.Reason,
		Since: time.UnixMilli(q.CreatedAt).UTC(), Bytes: q.Bytes, SHA256: hexOf(q.SHA256)}
	if q.Kind == checkpoint.KindItem {
		out.Conversation, out.Item = "", q.SourceID
	}
	return out
}

// QuarantineList lists what waits, oldest first.
func (e *Exporter) QuarantineList(ctx context.Context) ([]Quarantined, error) {
	rows, err := e.cp.Quarantined(ctx)
	list := make([]Quarantined, len(rows))
	for i, q := range rows {
		list[i] = fromRow(q)
	}
	return list, err
}

// WaitingGroup is all that waits for one reason.
type WaitingGroup struct {
	Kind        string // as of Quarantined
	Destination string
	Reason      string
	Count       int
	First       int64     // number of the one that waits longest
	Since       time.Time // when that began to wait
}

// Groups puts together what waits for one reason, the most frequent first.
func Groups(list []Quarantined) (groups []WaitingGroup) {
	type same struct{ kind, destination, reason string }
	at := map[same]int{}
	for _, q := range list {
		key := same{q.Kind, q.Destination, q.Reason}
		i, known := at[key]
		if !known {
			i = len(groups)
			at[key] = i
			groups = append(groups, WaitingGroup{Kind: q.Kind, Destination: q.Destination, Reason: q.Reason, First: q.ID, Since: q.Since})
		}
		groups[i].Count++
	}
	slices.SortStableFunc(groups, func(a, b WaitingGroup) int { return cmp.Compare(b.Count, a.Count) })
	return groups
}

// String says what waits, and why.
func (g WaitingGroup) String() string {
	what := plural(int64(g.Count), g.Kind)
	if g.Destination != "" {
		what += " for " + g.Destination
	}
	return because(what, g.Reason)
}

func (e *Exporter) quarantineStatus(ctx context.Context, s *Status) (err error) {
	if s.Quarantined, s.Waiting, err = e.quarantineGroups(ctx); err != nil {
		return err
	}
	s.Dismissed, err = e.cp.CountDismissed(ctx)
	return err
}

// quarantineGroups counts what waits, by what is wrong.
func (e *Exporter) quarantineGroups(ctx context.Context) (all int, list []WaitingGroup, err error) {
	if all, err = e.cp.CountQuarantined(ctx); err != nil || all == 0 {
		return all, nil, err
	}
	groups, err := e.cp.QuarantineGroups(ctx, shownGroups)
	for _, g := range groups {
		list = append(list, WaitingGroup{g.Kind, g.Name, g.Reason, g.Count, g.First, timeOf(g.Since)})
	}
	return all, list, err
}

// NotWaitingError is a number under which nothing waits.
type NotWaitingError struct{ ID int64 }

func (e *NotWaitingError) Error() string { return fmt.Sprintf("no item %d waits", e.ID) }

// Hint is what to do about it.
func (e *NotWaitingError) Hint() string { return "lpexport quarantine list" }

// QuarantineEntry is one entry that waits.
func (e *Exporter) QuarantineEntry(ctx context.Context, id int64) (Quarantined, error) {
	row, err := e.waits(ctx, id)
	return fromRow(row), err
}

// waits reads one entry that waits.
func (e *Exporter) waits(ctx context.Context, id int64) (checkpoint.Quarantined, error) {
	row, found, err := e.cp.QuarantinedByID(ctx, id)
	if err == nil && !found {
		err = &NotWaitingError{ID: id}
	}
	return row, err
}

// RetryOutcome is what a retry made of one entry.
type RetryOutcome string

const (
	Captured RetryOutcome = "captured" // it can be read now: the next run delivers it
	Queued   RetryOutcome = "queued"   // the next run tries it again
	Left     RetryOutcome = "left"     // it cannot be read now either
)

// RetriedItem is one entry that was tried again.
type RetriedItem struct {
	Quarantined
	Outcome RetryOutcome
}

// Retried is what a retry came to. Left and Resolved are of those that were tried.
type Retried struct {
	Tried, Resolved, Left int
	Items                 []RetriedItem
	Others                int // that wait and were not tried
}

// QuarantineRetry tries what waits again, as this program reads it: what ids name,
// or everything. Records that can be read now are captured; events are settled, or
// stay under their number; with the next run, conversations that could not be cut are
// cut, items that were not taken are handed over, and LivePerson is asked once more
// for records that it has not given whole.
func (e *Exporter) QuarantineRetry(ctx context.Context, ids ...int64) (r Retried, err error) {
	norm, err := e.plainNames(ctx)
	if err != nil {
		return r, err
	}
	c := &capture{Exporter: e, norm: norm, waiting: true, stored: func() {}, counts: Counts{Excluded: map[string]int64{}}}
	if c.chosen, err = e.chooseSkills(ctx, true); err != nil {
		return r, err
	}
	if c.held, err = e.cp.AnyHeld(ctx); err != nil {
		return r, err
	}
	c.events = e.NewEvents(EventSettings{Due: func() {}})
	c.events.asking.Store(true) // nobody is asked for senders now
	rows, err := e.toRetry(ctx, ids)
	if err != nil {
		return r, err
	}
	for _, q := range rows {
		r.Tried++
		if err := c.retry(ctx, q); err != nil {
			return r, err
		}
		outcome, err := e.outcomeOf(ctx, q)
		if err != nil {
			return r, err
		}
		if outcome == Left {
			r.Left++
		}
		r.Items = append(r.Items, RetriedItem{fromRow(q), outcome})
	}
	r.Resolved = r.Tried - r.Left
	waiting, err := e.cp.CountQuarantined(ctx)
	r.Others = max(waiting-r.Left, 0)
	return r, err
}

func (e *Exporter) toRetry(ctx context.Context, ids []int64) (rows []checkpoint.Quarantined, err error) {
	if len(ids) == 0 {
		return e.cp.Quarantined(ctx)
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		row, err := e.waits(ctx, id)
		if err != nil {
			return nil, err
		}
		row.Frame = nil
		rows = append(rows, row)
	}
	return rows, nil
}

// outcomeOf tells what became of an entry that was tried again.
func (e *Exporter) outcomeOf(ctx context.Context, q checkpoint.Quarantined) (RetryOutcome, error) {
	_, waits, err := e.cp.QuarantinedByID(ctx, q.ID)
	switch {
	case waits:
		return Left, err
	case q.Kind == checkpoint.KindEvent, q.Kind == checkpoint.KindRecord && q.Bytes > 0:
		return Captured, err
	}
	return Queued, err
}

func (c *capture) retry(ctx context.Context, q checkpoint.Quarantined) error {
	resolve := func(tx *checkpoint.Tx) error { return tx.Resolve(q.ID, c.millis()) }
	if q.Kind == checkpoint.KindItem {
		return c.retryItem(ctx, q)
	}
	if q.Kind == checkpoint.KindConversation {
		return c.cp.Update(ctx, func(tx *checkpoint.Tx) error {
			return errors.Join(tx.ForgetLearned(q.Destination), resolve(tx))
		})
	}
	row, found, err := c.cp.QuarantinedByID(ctx, q.ID)
	if err != nil || !found {
		return err
	}
	if q.Kind == checkpoint.KindEvent {
		return c.events.judge(ctx, &row)
	}
	if len(row.Frame) == 0 { // LivePerson never gave it: the next run asks once more
		return c.cp.Update(ctx, func(tx *checkpoint.Tx) error {
			return errors.Join(c.askAgain(tx, q.SourceID), resolve(tx))
		})
	}
	raw, err := c.packer.unpack(nil, row.Frame)
	if err != nil {
		return err
	}
	p, err := c.page(ctx)
	if err != nil {
		return err
	}
	if err := p.Record(raw); err != nil {
		return err
	}
	if p.records[0].reason != "" {
		return nil
	}
	return c.store(ctx, p, func(tx *checkpoint.Tx) error {
		if len(p.overtaken) > 0 {
			return nil // nothing was stored: it waits on
		}
		return resolve(tx)
	})
}

// retryItem lets an item that was rejected be handed over again.
func (c *capture) retryItem(ctx context.Context, q checkpoint.Quarantined) error {
	b, file, found, err := c.rejected(ctx, q)
	if err != nil {
		return err
	}
	return c.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		if found {
			if err := tx.Again(q.Destination, b.ID, filepath.Base(b.Path), file); err != nil {
				return err
			}
		}
		return errors.Join(tx.ForgetLearned(q.Destination), tx.Resolve(q.ID, c.millis()))
	})
}

// rejected is the bundle, and the file of it, that an entry of the kind item names;
// found is false when the bundle was withdrawn.
func (e *Exporter) rejected(ctx context.Context, q checkpoint.Quarantined) (b checkpoint.Bundle, file string, found bool, err error) {
	bundle, file, _ := strings.Cut(q.SourceID, "/")
	_, serial, _ := cutLast(bundle, "-")
	n, err := strconv.Atoi(serial)
	if err != nil {
		return b, file, false, fmt.Errorf("quarantine %d: %q names no bundle", q.ID, q.SourceID)
	}
	b, found, err = e.cp.BundleBySerial(ctx, q.Destination, n)
	return b, file, found, err
}
