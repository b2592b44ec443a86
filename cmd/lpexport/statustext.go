package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
)

func (r *statusResult) text(w io.Writer) {
	if r.Checkpoint == "" {
		return
	}
	fmt.Fprintf(w, "checkpoint: %s\n", r.Checkpoint)
	if r.LagSeconds == nil {
		fmt.Fprintln(w, "behind: no complete cycle yet")
	} else {
		fmt.Fprintf(w, "behind: %s\n", age(*r.LagSeconds))
	}
	if r.LastCycle != nil && r.LastCycle.trouble != "" {
		fmt.Fprintf(w, "last cycle: %s: %s\n", r.LastCycle.Ended.Format(time.RFC3339), printable(r.LastCycle.trouble))
	}
	if r.Unavailable != nil {
		fmt.Fprintf(w, "LivePerson: %s\n", r.Unavailable)
	}
	for _, p := range r.Coverage {
		fmt.Fprintf(w, "covered: %s\n", p.period)
	}
	for _, h := range r.Holes {
		fmt.Fprintf(w, "gap: %s (ID %s)\n", h.text, h.ID)
	}
	for _, g := range r.GivenUp {
		fmt.Fprintf(w, "given up: %s\n", printable(g.text))
	}
	for _, d := range latest(r.Doubts) {
		fmt.Fprintf(w, "not known: %s\n", d.Text)
	}
	if n := len(r.Doubts) - doubtsShown; n > 0 {
		fmt.Fprintf(w, "not known: %s more, all of them with --json\n", count(n, "period"))
	}
	r.backfills(w)
	fmt.Fprintf(w, "open conversations: %d\n", r.OpenConversations)
	lacking(w, r.Partial, r.FailedLooks, r.command)
	if r.Events != (statusEvents{}) {
		fmt.Fprintln(w, r.Events)
	}
	if f := r.Files; f.Kept+f.Waiting+f.Doubtful+f.Missing > 0 {
		fmt.Fprintf(w, "files: %s\n", f)
	}
	if r.Excluded+int64(r.Namesakes) > 0 {
		fmt.Fprintln(w, r.leftOut())
	}
	for _, d := range r.Destinations {
		fmt.Fprintln(w, d)
		if d.Halted {
			fmt.Fprintf(w, "  %s\n", printable(cmp.Or(d.advice, "type "+d.Command)))
		}
	}
	for _, d := range r.Unconfigured {
		fmt.Fprintf(w, "%s; it is no longer configured: put it back, or end it: %s\n", d, d.Command)
	}
	r.quarantine(w)
	fmt.Fprintf(w, "next: %s\n", r.next())
}

// backfills says which backfills are not finished, and how to resume and to end them.
func (r *statusResult) backfills(w io.Writer) {
	for _, b := range r.Backfills {
		fmt.Fprintf(w, "backfill: %s is not finished, %s to be read\n  to resume it: %s\n  to end it: %s\n", b.period, count(b.Windows, "window"), b.Command, b.Abandon)
	}
	if n := r.OpenBackfills - int64(len(r.Backfills)); n > 0 {
		fmt.Fprintf(w, "backfill: %d more: %s\n", n, r.command("lpexport status --list backfills"))
	}
}

// groupsShown is how many groups of what is in quarantine the text names.
const groupsShown = 5

// quarantine has a line for each group of what waits for one reason.
func (r *statusResult) quarantine(w io.Writer) {
	fmt.Fprintf(w, "quarantine: %s", count(r.Quarantined, "item"))
	if r.Dismissed > 0 {
		fmt.Fprintf(w, ", %d dismissed", r.Dismissed)
	}
	fmt.Fprintln(w)
	left := r.Quarantined
	for _, g := range r.Waiting[:min(len(r.Waiting), groupsShown)] {
		fmt.Fprintf(w, "  %s\n", g)
		left -= g.Count
	}
	if len(r.Waiting) > 0 && left > 0 {
		fmt.Fprintf(w, "  %d more: %s\n", left, r.command("lpexport quarantine list"))
	}
}

// doubtsShown is how many periods of which something is not known the text names.
const doubtsShown = 5

func latest(doubts []statusDoubt) []statusDoubt { return doubts[max(len(doubts)-doubtsShown, 0):] }

func (e statusEvents) String() string {
	var parts []string
	if e.Waiting > 0 {
		parts = append(parts, fmt.Sprintf("%d wait for history or their sender, the oldest for %s", e.Waiting, age(e.OldestWaitingSeconds)))
	}
	if e.Unconfirmed > 0 {
		parts = append(parts, "history has not confirmed those of "+count(e.Unconfirmed, "conversation"))
	}
	return "events: " + strings.Join(parts, "; ")
}

// notGranted reports that LivePerson has never given this login a file, and says so.
func (f statusFiles) notGranted() bool { return f.Refused != "" && f.Kept == 0 }

func (f statusFiles) String() string {
	parts := append([]string{fmt.Sprintf("%d kept", f.Kept)}, f.parts()...)
	if f.Waiting > 0 && f.Fetch && f.Refused == "" {
		parts = append(parts, "the oldest for "+age(f.OldestWaitingSeconds))
	}
	return strings.Join(parts, ", ")
}

func (d statusDestination) String() string {
	line := fmt.Sprintf("%s: %d pending", d.Name, d.Pending)
	if d.Pending > 0 {
		line += fmt.Sprintf(", the oldest for %s", age(d.OldestPendingSeconds))
	}
	if d.Failed > 0 {
		line += fmt.Sprintf(", %d failed", d.Failed)
	}
	if d.Rejected > 0 {
		line += fmt.Sprintf(", %d rejected", d.Rejected)
	}
	if d.Held > 0 {
		line += fmt.Sprintf(", %d held", d.Held)
	}
	if d.Dismissed > 0 {
		line += fmt.Sprintf(", %d dismissed", d.Dismissed)
	}
	if d.Found > 0 {
		line += fmt.Sprintf(", %s found changed or missing", count(d.Found, "bundle"))
	}
	if d.Uncertain > 0 {
		line += fmt.Sprintf(", %d uncertain", d.Uncertain)
	}
	if d.Left > 0 {
		line += fmt.Sprintf(", %s not taken by the importer", count(d.Left, "file"))
	}
	if d.Withheld > 0 {
		line += fmt.Sprintf(", %s withheld", count(int(d.Withheld), "private message"))
	}
	if d.AudienceUnknown > 0 {
		line += fmt.Sprintf(", %s withheld until history says who may read it", count(int(d.AudienceUnknown), "message"))
	}
	if d.Halted {
		line += ", halted"
	} else if d.FailingSeconds > 0 {
		line += fmt.Sprintf(", failing for %s, next try in %s", age(d.FailingSeconds), age(d.NextTrySeconds))
	}
	if d.LastError != "" {
		line += ": " + printable(d.LastError)
	}
	return line
}

// failing says that the destination is tried again later. One that halts is not.
func (d statusDestination) failing() bool { return d.LastError != "" && !d.Halted }
