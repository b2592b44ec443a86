package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"lpexport/exporter"
)

// next is the command that an operator would type now.
func (r *statusResult) next() string {
	if needs := r.needs(); len(needs) > 0 {
		return needs[0].command
	}
	return r.command("lpexport export")
}

// longWaiting is for how many seconds a file may wait until a person has to look
// why: what LivePerson does not have is on record as missing by then.
const longWaiting = 2 * 24 * 3600

// need is something that a person has to see to.
type need struct {
	what    string
	command string // to type
}

// needs come in the order in which they are best seen to.
func (r *statusResult) needs() []need {
	var list []need
	exactly := func(what, command string) {
		list = append(list, need{printable(strings.ReplaceAll(what, "\n", " ")), command})
	}
	add := func(what, command string) { exactly(what, r.command(command)) }
	if last := r.LastCycle; last != nil && (last.Result == exporter.CycleRefused || last.Result == exporter.CycleFailed) {
		add(last.trouble, "lpexport check")
	}
	if r.Unavailable != nil {
		add("LivePerson is "+r.Unavailable.String(), "lpexport check")
	}
	for _, d := range r.Destinations {
		command := cmp.Or(d.Command, r.command("lpexport check"))
		switch {
		case d.Halted:
			exactly(strings.TrimSuffix("destination "+d.Name+" halts: "+d.LastError+": "+d.advice, ": "), command)
		case d.failing():
			exactly(fmt.Sprintf("destination %s has been failing for %s: %s", d.Name, age(d.FailingSeconds), d.LastError), command)
		}
	}
	for _, d := range r.Destinations {
		if d.Found > 0 {
			add(fmt.Sprintf("%s of destination %s found changed or missing", count(d.Found, "bundle"), d.Name), "lpexport status --list found")
		}
	}
	if r.Namesakes > 0 {
		add(count(r.Namesakes, "skill")+" not captured, though select.skills has the name", "lpexport status --list namesakes")
	}
	if r.Quarantined > 0 {
		add(r.inQuarantine(), "lpexport quarantine list")
	}
	for _, d := range r.Destinations {
		if d.Left > 0 {
			add(fmt.Sprintf("%s for destination %s not taken by the importer", count(d.Left, "file"), d.Name), "lpexport check")
		}
	}
	for _, d := range r.Unconfigured {
		exactly(fmt.Sprintf("destination %s is no longer configured, and %d conversations or bundles are owed to it", d.Name, d.Pending+d.Rejected), d.Command)
	}
	if r.LagSeconds == nil {
		add("no complete cycle yet", "lpexport export")
	}
	for _, h := range slices.Backward(r.Holes) {
		if h.Command != "" {
			list = append(list, need{printable("coverage gap: " + h.text), h.Command})
		}
	}
	if e := r.Events; e.Waiting > 0 && e.OldestWaitingSeconds >= int64(exporter.EventsWaitLong/time.Second) {
		add(fmt.Sprintf("%s not delivered, the oldest for %s", count(e.Waiting, "waiting event"), age(e.OldestWaitingSeconds)), "lpexport status --list events")
	}
	if r.Events.Unconfirmed > 0 { // a backfill asks history for them once more
		add("history has not confirmed the events of "+count(r.Events.Unconfirmed, "conversation"), "lpexport export --from T --to T")
	}
	if f := &r.Files; !f.Fetch || f.notGranted() {
		// There is nothing to do.
	} else if f.Waiting > 0 && f.Refused != "" {
		add(count(f.Waiting, "file")+" that messages name cannot be fetched: "+f.Refused, "lpexport check")
	} else if f.Waiting > 0 && f.OldestWaitingSeconds > longWaiting {
		add(fmt.Sprintf("%s not fetched, the oldest for %s", count(f.Waiting, "file"), age(f.OldestWaitingSeconds)), "lpexport check")
	}
	if r.OpenBackfills > 0 && len(r.Backfills) == 0 {
		add(count(r.OpenBackfills, "backfill")+" not finished", "lpexport status --list backfills")
	}
	for _, b := range r.Backfills {
		exactly(fmt.Sprintf("the backfill of %s is not finished", b.period), b.Command)
	}
	return list
}

// inQuarantine says how much waits, and why most of it does.
func (r *statusResult) inQuarantine() string {
	what := count(r.Quarantined, "item") + " in quarantine"
	switch {
	case len(r.Waiting) == 1:
		what += ": " + r.Waiting[0].Reason
	case len(r.Waiting) > 1:
		what += "; most of them: " + r.Waiting[0].Reason
	}
	return what
}

// command is what to type for this account.
func (r *statusResult) command(words string) string {
	if r.config == "" {
		return words
	}
	return words + " --config " + printable(r.config)
}
