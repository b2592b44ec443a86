package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"lpexport/exporter"
)

// listOptions are the flags of a list.
type listOptions struct {
	kind         string
	destinations []string
	after        string
	limit        int
}

// mostListed is how many items one answer has at most, as it is held in memory.
const mostListed = 10_000

// statusListResult is what one of the status's numbers counts, item by item.
type statusListResult struct {
	header
	Kind  string       `json:"kind"`
	Items []listedItem `json:"items"`
	Next  string       `json:"next"` // for --after; "" when the list is at its end

	command func(string) string // completes a command
	more    string              // to type for what follows
}

type listedItem struct {
	ID           string     `json:"id"`
	Conversation string     `json:"conversation"` // "" where it is not known, or its id is the conversation's
	Destination  string     `json:"destination"`  // "" where the kind is of none
	Since        *time.Time `json:"since"`        // null: not known
	NextTry      *time.Time `json:"next_try"`     // when it is tried or looked at again; null: with the next run, or never
	Why          string     `json:"why"`
	Command      string     `json:"command"` // what to type; "" nothing
}

func (*statusListResult) schema() string { return "lpexport/status-list/v1" }

func newStatusListResult(kind string) *statusListResult {
	return &statusListResult{Kind: kind, Items: []listedItem{}}
}

// check refuses what cannot be a list, before anything is opened.
func (o listOptions) check(p *program, given func(flag string) bool) error {
	if !given("list") {
		for _, flag := range []string{"destination", "after", "limit"} {
			if given(flag) {
				return usage("--"+flag+" goes with --list", "lpexport status --list help")
			}
		}
		return nil
	}
	known := slices.ContainsFunc(exporter.ListKinds(), func(k exporter.ListKind) bool { return k.Name == o.kind })
	switch {
	case !known && o.kind == "help":
		return usage("--list takes one of these:"+kindsOfLists(), "")
	case !known:
		return usage(fmt.Sprintf("--list %q is none of these:%s", o.kind, kindsOfLists()), "")
	case len(p.flags.configs) > 1:
		return usage("--list takes one --config", "lpexport status --help")
	case o.limit < 1 || o.limit > mostListed:
		return usage(fmt.Sprintf("--limit must be from 1 to %d: the end of a list says how to go on", mostListed), "")
	}
	return nil
}

// kindsOfLists has a line for each.
func kindsOfLists() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, k := range exporter.ListKinds() {
		fmt.Fprintf(w, "\n  %s\t%s", k.Name, k.About)
	}
	_ = w.Flush() // into memory
	return b.String()
}

// runStatusList lists, unless the flags were refused.
func runStatusList(ctx context.Context, p *program, o listOptions, refused error) (_ *statusListResult, err error) {
	found := newStatusListResult(o.kind)
	if refused != nil {
		return found, refused
	}
	c, err := p.loadConfig()
	if err != nil {
		return found, err
	}
	q := exporter.ListQuery{Kind: o.kind, After: o.after, Limit: o.limit, Called: func(name string) string { return called(c, name) }}
	if q.Destinations, err = knownDestinations(c, o.destinations); err != nil {
		return found, err
	}
	found.command = (&statusResult{config: p.flags.config}).command
	if !hasCheckpoint(c) {
		return found, nil
	}
	e, err := p.openExporter(ctx, c, exporter.Settings{})
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	items, next, err := e.List(ctx, q)
	if err != nil {
		return found, err
	}
	for _, i := range items {
		found.Items = append(found.Items, found.item(i))
	}
	if found.Next = next; next != "" {
		found.more = found.command(o.goOn(next))
	}
	return found, nil
}

// defaultListed is how many items are listed where nobody says.
const defaultListed = 100

// goOn is the command that lists what follows.
func (o listOptions) goOn(after string) string {
	command := "lpexport status --list " + o.kind
	for _, name := range o.destinations {
		command += " --destination " + name
	}
	if o.limit != defaultListed {
		command += fmt.Sprintf(" --limit %d", o.limit)
	}
	return command + " --after " + after
}

func (r *statusListResult) item(i exporter.Item) listedItem {
	one := listedItem{ID: i.ID, Conversation: i.Conversation, Destination: i.Destination, Why: i.Why, Command: i.Command}
	if !i.Since.IsZero() {
		one.Since = &i.Since
	}
	if !i.Next.IsZero() {
		one.NextTry = &i.Next
	}
	if one.Command != "" {
		one.Command = r.command(one.Command)
	}
	return one
}

func (r *statusListResult) text(w io.Writer) {
	if r.command == nil && len(r.Items) == 0 {
		return
	}
	lines := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(r.Items) > 0 {
		fmt.Fprintln(lines, "ID\tSINCE\tNEXT\tWHY\tTYPE")
	}
	for _, i := range r.Items {
		id := i.ID
		if i.Conversation != "" {
			id += " of " + i.Conversation
		}
		if i.Destination != "" && i.Destination != i.ID {
			id += " for " + i.Destination
		}
		fmt.Fprintf(lines, "%s\t%s\t%s\t%s\t%s\n", cell(id), when(i.Since), when(i.NextTry), cell(i.Why), cell(i.Command))
	}
	_ = lines.Flush() // what is wrong with w shows when the rest is written
	if r.Next == "" {
		fmt.Fprintln(w, count(len(r.Items), "item"))
		return
	}
	fmt.Fprintf(w, "%s, and more: %s\n", count(len(r.Items), "item"), r.more)
}

// cell is text that fits into one cell of a line.
func cell(text string) string {
	text = strings.NewReplacer("\n", " ", "\t", " ").Replace(text)
	return cmp.Or(printable(text), "-")
}

func when(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.RFC3339)
}

// leftOut is the line on what select.skills leaves out.
func (r *statusResult) leftOut() string {
	line := "left out by select.skills: " + count(r.Excluded, "conversation")
	if r.Namesakes > 0 {
		line += fmt.Sprintf("; %s not captured, though it has the name", count(r.Namesakes, "skill"))
	}
	return line
}
