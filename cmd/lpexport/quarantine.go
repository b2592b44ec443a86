package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lpexport/exporter"
)

func newQuarantine(p *program) *cobra.Command {
	return group(&cobra.Command{Use: "quarantine", Short: "See to what waits for a person"},
		newQuarantineList(p), newQuarantineShow(p), newQuarantineRetry(p))
}

// quarantined is one item that waits. The record is only in show.
type quarantined struct {
	ID           int64     `json:"id"`
	Kind         string    `json:"kind"`
	Destination  string    `json:"destination"`  // "" for a record
	Conversation string    `json:"conversation"` // "" where it is not known, and for an item
	Item         string    `json:"item"`         // its bundle, and its file
	Reason       string    `json:"reason"`
	Since        time.Time `json:"since,omitzero"`
	Bytes        int64     `json:"bytes"`
	SHA256       string    `json:"sha256"`
}

func fromQuarantine(q exporter.Quarantined) quarantined {
	return quarantined{q.ID, q.Kind, q.Destination, q.Conversation, q.Item, q.Reason, q.Since, q.Bytes, q.SHA256}
}

func (q quarantined) String() string {
	what := printable(cmp.Or(q.Item, q.Conversation))
	if q.Destination != "" {
		what += " for " + q.Destination
	}
	return fmt.Sprintf("%d  %s  %s %s: %s", q.ID, q.Since.Format(time.RFC3339), q.Kind, what, printable(q.Reason))
}

type quarantineListResult struct {
	header
	Items []quarantined `json:"items"`
}

func (r *quarantineListResult) text(w io.Writer) {
	for _, item := range r.Items {
		fmt.Fprintln(w, item)
	}
	fmt.Fprintf(w, "%s\n", count(len(r.Items), "item"))
}

func newQuarantineList(p *program) *cobra.Command {
	empty := func() *quarantineListResult { return &quarantineListResult{Items: []quarantined{}} }
	return p.command(&cobra.Command{
		Use:   "list",
		Short: "List what waits, the oldest first",
		Long:  `List what could not be parsed, named, rendered or delivered, the oldest first.`,
		Args:  arguments(0, 0),
	}, func() result { return empty() }, func(ctx context.Context, _ []string) (result, error) {
		found := empty()
		return found, p.withState(ctx, func(e *exporter.Exporter) error {
			items, err := e.QuarantineList(ctx)
			for _, item := range items {
				found.Items = append(found.Items, fromQuarantine(item))
			}
			return err
		})
	})
}

// quarantineShowResult is one item with the record as it was received; bytes
// that are no UTF-8 are replaced, the hash is of the true ones.
type quarantineShowResult struct {
	header
	quarantined
	Record string `json:"record"`
}

func (r *quarantineShowResult) text(w io.Writer) {
	switch {
	case r.ID == 0:
	case r.Bytes == 0: // LivePerson never gave it
		fmt.Fprintln(w, r.quarantined)
	default:
		fmt.Fprintf(w, "%s\n%s, sha256 %s\n%s\n", r.quarantined, count(r.Bytes, "byte"), r.SHA256, printable(r.Record))
	}
}

func newQuarantineShow(p *program) *cobra.Command {
	return p.command(&cobra.Command{
		Use:   "show ID",
		Short: "Show one item as it was received",
		Long: `Show one item with the record as it was received. It holds what people wrote:
mind who reads along.`,
		Args: arguments(1, 1),
	}, func() result { return new(quarantineShowResult) }, func(ctx context.Context, args []string) (result, error) {
		found := new(quarantineShowResult)
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return found, usage(fmt.Sprintf("%q is not the number of an item", args[0]), "lpexport quarantine list")
		}
		known := false
		err = p.withState(ctx, func(e *exporter.Exporter) (err error) {
			var item exporter.Quarantined
			item, known, err = e.QuarantineShow(ctx, id)
			found.quarantined = fromQuarantine(item)
			found.Record = strings.ToValidUTF8(string(item.Record), "\uFFFD")
			return err
		})
		if err == nil && !known {
			return new(quarantineShowResult), usage(fmt.Sprintf("no item %d waits", id), "lpexport quarantine list")
		}
		return found, err
	})
}

type quarantineRetryResult struct {
	header
	Tried    int `json:"tried"`
	Resolved int `json:"resolved"`
	Left     int `json:"left"`
}

func (r *quarantineRetryResult) text(w io.Writer) {
	fmt.Fprintf(w, "tried %s: %d resolved, %d left\n", count(r.Tried, "item"), r.Resolved, r.Left)
}

func newQuarantineRetry(p *program) *cobra.Command {
	return p.command(&cobra.Command{
		Use:   "retry",
		Short: "Try again what waits",
		Long: `Read everything that waits again, as this version reads it. What is resolved is
delivered with the next export. What LivePerson never gave whole is resolved
until the next export has asked for it once more. What is left keeps waiting:
exit status 5.`,
		Args: arguments(0, 0),
	}, func() result { return new(quarantineRetryResult) }, func(ctx context.Context, _ []string) (result, error) {
		found := new(quarantineRetryResult)
		return found, p.withState(ctx, func(e *exporter.Exporter) error {
			retried, err := e.QuarantineRetry(ctx)
			found.Tried, found.Resolved, found.Left = retried.Tried, retried.Resolved, retried.Left
			if err == nil && retried.Left > 0 {
				err = exporter.ErrQuarantine
			}
			return err
		})
	})
}

// withState calls do with the exporter of the configuration, and not at all
// where there is no checkpoint yet: then nothing waits.
func (p *program) withState(ctx context.Context, do func(*exporter.Exporter) error) (err error) {
	c, err := p.loadConfig()
	if err != nil || !hasCheckpoint(c) {
		return err
	}
	e, err := p.openExporter(ctx, c, exporter.Settings{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	return do(e)
}
