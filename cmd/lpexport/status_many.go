package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"lpexport/exporter"
)

// statusesResult is what several accounts' status comes to, in the order of
// their --config.
type statusesResult struct {
	header
	Accounts []accountStatus `json:"accounts"`
}

// accountStatus is the status of one of several accounts: as it is shown for
// that account alone, and whose it is.
type accountStatus struct {
	*statusResult
	Config  string `json:"config"`
	Account string `json:"account"` // "" when the configuration cannot be read
}

// runStatuses reads the status of one account after the other. What goes wrong
// with one of them hides no other.
func runStatuses(ctx context.Context, p *program, verb string) (*statusesResult, error) {
	found := &statusesResult{Accounts: []accountStatus{}}
	var errs []error
	for _, file := range p.flags.configs {
		if ctx.Err() != nil {
			errs = append(errs, context.Cause(ctx))
			break
		}
		p.flags.config = file
		one, err := runStatus(ctx, p)
		one.Schema, one.Exit = "lpexport/"+verb+"/v1", exitCode(err)
		if err != nil {
			one.Error = err.Error()
			errs = append(errs, &outcome{code: one.Exit, fact: file, hint: p.pasteable(hint(err)), err: err})
		}
		found.Accounts = append(found.Accounts, accountStatus{one, file, one.account})
	}
	p.flags.config = "" // what is common to all is about none of them
	return found, errors.Join(errs...)
}

func (r *statusesResult) text(w io.Writer) {
	if len(r.Accounts) == 0 {
		return
	}
	width := len("account")
	for _, a := range r.Accounts {
		width = max(width, utf8.RuneCountInString(a.cell()))
	}
	line := func(cells ...any) {
		fmt.Fprintf(w, fmt.Sprintf("%%-%ds  %%6v  %%7v  %%6v  %%7v  %%11v  %%s\n", width), cells...)
	}
	line("account", "lag", "pending", "oldest", "failing", "quarantined", "verdict")
	for _, a := range r.Accounts {
		line(a.row()...)
	}
	fmt.Fprintln(w)
	waiting := false
	for _, a := range r.Accounts {
		for _, n := range a.needs() {
			fmt.Fprintf(w, "%s: %s\n    %s\n", a.name(), n.what, n.command)
			waiting = true
		}
	}
	if !waiting {
		fmt.Fprintln(w, "nothing needs a person")
	}
}

// name is the account, or its file where that does not tell it.
func (a accountStatus) name() string {
	if a.Account == "" {
		return printable(a.Config)
	}
	return a.Account
}

// widest is how many characters of a name the table shows, so that it fits into
// 80 columns. The end of a name says more than its beginning.
const widest = 18

func (a accountStatus) cell() string {
	runes := []rune(a.name())
	if len(runes) > widest {
		return "…" + string(runes[len(runes)-widest+1:])
	}
	return string(runes)
}

func (a accountStatus) row() []any {
	if a.Error != "" {
		return []any{a.cell(), "-", "-", "-", "-", "-", a.verdict()}
	}
	lag, oldest := "-", "-"
	if a.LagSeconds != nil {
		lag = age(*a.LagSeconds)
	}
	pending, failing, since := 0, 0, int64(0)
	for _, d := range a.Destinations {
		pending += d.Pending
		since = max(since, d.OldestPendingSeconds)
		if d.Halted || d.failing() {
			failing++
		}
	}
	if pending > 0 {
		oldest = age(since)
	}
	return []any{a.cell(), lag, pending, oldest, failing, a.Quarantined, a.verdict()}
}

// verdict is a word on the account: the worst that holds.
func (a accountStatus) verdict() string {
	some := func(holds func(statusDestination) bool) bool { return slices.ContainsFunc(a.Destinations, holds) }
	switch {
	case a.Error != "":
		return "unreadable"
	case a.LastCycle != nil && (a.LastCycle.Result == exporter.CycleRefused || a.LastCycle.Result == exporter.CycleFailed):
		return string(a.LastCycle.Result)
	case some(func(d statusDestination) bool { return d.Halted }):
		return "halted"
	case some(statusDestination.failing):
		return "failing"
	case a.Unavailable != nil:
		return "unavailable"
	case a.Quarantined > 0:
		return "quarantine"
	case a.LagSeconds == nil:
		return "not begun"
	case some(func(d statusDestination) bool { return d.Pending > 0 }):
		return "pending"
	}
	return "good"
}

// needs are those of the account; what cannot be read comes first, and alone.
func (a accountStatus) needs() []need {
	if a.Error == "" {
		return a.statusResult.needs()
	}
	what, _, _ := strings.Cut(a.Error, "\n")
	remedy := "lpexport check"
	if a.Account == "" {
		remedy = "lpexport config validate"
	}
	return []need{{"cannot be read: " + printable(what), a.command(remedy)}}
}
