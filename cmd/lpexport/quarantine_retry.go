package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lpexport/exporter"
)

// quarantineRetryResult is what a retry came to. Tried, resolved and left are of what
// was tried.
type quarantineRetryResult struct {
	header
	Tried    int               `json:"tried"`
	Resolved int               `json:"resolved"`
	Left     int               `json:"left"`
	Captured int               `json:"captured"` // of the resolved: they can be read now
	Queued   int               `json:"queued"`   // of the resolved: the next run tries them again
	Others   int               `json:"others"`   // that wait and were not tried
	Items    []quarantineTried `json:"items"`

	next func(string) string
}

type quarantineTried struct {
	quarantined
	Outcome exporter.RetryOutcome `json:"outcome"` // captured, queued or left
}

func (r *quarantineRetryResult) text(w io.Writer) {
	if r.next == nil {
		return
	}
	fmt.Fprintf(w, "tried %s: %d can be read now, %d queued, %d left\n", count(r.Tried, "item"), r.Captured, r.Queued, r.Left)
	r.list(w, exporter.Queued, "queued, not resolved yet: the next run tries", r.next("lpexport export"))
	r.list(w, exporter.Left, "left: cannot be read now either", r.next("lpexport quarantine show ID"))
	if r.Others > 0 {
		fmt.Fprintf(w, "not tried: %d more: %s\n", r.Others, r.next("lpexport quarantine list"))
	}
}

// list has a line for each group of those that came to one outcome.
func (r *quarantineRetryResult) list(w io.Writer, outcome exporter.RetryOutcome, what, command string) {
	var items []quarantined
	var of []exporter.Quarantined
	for _, i := range r.Items {
		if i.Outcome == outcome {
			items = append(items, i.quarantined)
			of = append(of, exporter.Quarantined{ID: i.ID, Kind: i.Kind, Destination: i.Destination, Reason: i.Reason, Since: i.Since})
		}
	}
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(w, "%s: %s\n", what, command)
	var groups []waitingGroup
	for _, g := range exporter.Groups(of) {
		groups = append(groups, newWaitingGroup(g))
	}
	writeGroups(w, groups, items)
}

func (r *quarantineRetryResult) take(tried exporter.Retried) {
	r.Tried, r.Resolved, r.Left, r.Others = tried.Tried, tried.Resolved, tried.Left, tried.Others
	for _, i := range tried.Items {
		switch i.Outcome {
		case exporter.Captured:
			r.Captured++
		case exporter.Queued:
			r.Queued++
		}
		r.Items = append(r.Items, quarantineTried{fromQuarantine(i.Quarantined), i.Outcome})
	}
}

func newQuarantineRetry(p *program) *cobra.Command {
	empty := func() *quarantineRetryResult { return &quarantineRetryResult{Items: []quarantineTried{}} }
	return p.command(&cobra.Command{
		Use:   "retry [ID…]",
		Short: "Try again what waits",
		Long: `Try again the items with those numbers, or everything that waits, as this version
reads it. A record that can be read now is captured. The rest is queued: the next
run cuts and delivers it, or asks LivePerson for it once more, and what fails again
comes back. What still cannot be read is left: exit status 5.`,
		Args: arguments(0, 1000),
	}, func() result { return empty() }, func(ctx context.Context, args []string) (result, error) {
		found := empty()
		var ids []int64
		for _, arg := range args {
			id, err := quarantineID(arg)
			if err != nil {
				return found, err
			}
			ids = append(ids, id)
		}
		found.next = p.pasteable
		do := func(e *exporter.Exporter) error {
			tried, err := e.QuarantineRetry(ctx, ids...)
			found.take(tried)
			if err == nil && tried.Left > 0 {
				err = exporter.ErrQuarantine
			}
			return err
		}
		if len(ids) > 0 {
			return found, p.withQuarantine(ctx, ids[0], do)
		}
		return found, p.withState(ctx, do)
	})
}
