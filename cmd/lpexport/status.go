package main

import (
	"fmt"
	"io"
	"time"
)

// statusResult answers: how far behind, what is stuck, what to type next.
type statusResult struct {
	header
	Checkpoint        string              `json:"checkpoint"`
	LagSeconds        *int64              `json:"lag_seconds"` // null before the first cycle
	Coverage          []period            `json:"coverage"`
	Destinations      []statusDestination `json:"destinations"`
	Quarantined       int64               `json:"quarantined"`
	OpenConversations int64               `json:"open_conversations"`
}

// period is a time span that was read whole: From inclusive, To exclusive.
type period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

type statusDestination struct {
	Name                 string `json:"name"`
	Pending              int64  `json:"pending"`
	OldestPendingSeconds int64  `json:"oldest_pending_seconds"`
	Failed               int64  `json:"failed"`
	LastError            string `json:"last_error"`
}

func newStatusResult() *statusResult {
	return &statusResult{Coverage: []period{}, Destinations: []statusDestination{}}
}

func (r *statusResult) text(w io.Writer) {
	if r.Checkpoint == "" {
		return
	}
	fmt.Fprintf(w, "checkpoint: %s\n", r.Checkpoint)
	if r.LagSeconds == nil {
		fmt.Fprintln(w, "behind: no cycle has come to its end yet")
	} else {
		fmt.Fprintf(w, "behind: %s\n", age(*r.LagSeconds))
	}
	for _, p := range r.Coverage {
		fmt.Fprintf(w, "covered: %s to %s\n", p.From.Format(time.RFC3339), p.To.Format(time.RFC3339))
	}
	fmt.Fprintf(w, "open conversations: %d\n", r.OpenConversations)
	for _, d := range r.Destinations {
		fmt.Fprintf(w, "%s: %d pending", d.Name, d.Pending)
		if d.Pending > 0 {
			fmt.Fprintf(w, ", the oldest for %s", age(d.OldestPendingSeconds))
		}
		if d.Failed > 0 {
			fmt.Fprintf(w, ", %d failed", d.Failed)
		}
		if d.LastError != "" {
			fmt.Fprintf(w, ": %s", printable(d.LastError))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "quarantine: %s\n", count(r.Quarantined, "item"))
	fmt.Fprintf(w, "next: %s\n", r.next())
}

// next is the command that an operator would type now.
func (r *statusResult) next() string {
	for _, d := range r.Destinations {
		if d.LastError != "" {
			return "lpexport check"
		}
	}
	if r.Quarantined > 0 {
		return "lpexport quarantine list"
	}
	return "lpexport export"
}
