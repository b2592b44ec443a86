package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lpexport/exporter"
)

func newQuarantine(p *program) *cobra.Command {
	return group(&cobra.Command{Use: "quarantine", Short: "Review items that need you"},
		newQuarantineList(p), newQuarantineShow(p), newQuarantineRetry(p), newQuarantineDismiss(p))
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

// what names the item, without its reason.
func (q quarantined) what() string {
	what := q.Kind
	if name := printable(cmp.Or(q.Item, q.Conversation)); name != "" {
		what += " " + name
	}
	if q.Destination != "" {
		what += " for " + q.Destination
	}
	return what
}

func (q quarantined) String() string {
	return fmt.Sprintf("%d  %s  %s: %s", q.ID, q.Since.Format(time.RFC3339), q.what(), printable(q.Reason))
}

// waitingGroup is all that waits for one reason.
type waitingGroup struct {
	Kind        string    `json:"kind"`
	Destination string    `json:"destination"` // "" for a record
	Reason      string    `json:"reason"`
	Count       int       `json:"count"`
	First       int64     `json:"first"` // number of the one that waits longest
	Since       time.Time `json:"since"` // when that began to wait
}

func newWaitingGroup(g exporter.WaitingGroup) waitingGroup {
	return waitingGroup{g.Kind, g.Destination, g.Reason, g.Count, g.First, g.Since}
}

func (g waitingGroup) String() string {
	what, which := count(g.Count, g.Kind), "the first is"
	if g.Destination != "" {
		what += " for " + g.Destination
	}
	if g.Count == 1 {
		which = "number"
	}
	return fmt.Sprintf("%s since %s, %s %d: %s", what, g.Since.Format(time.RFC3339), which, g.First, printable(g.Reason))
}

type quarantineListResult struct {
	header
	Items  []quarantined  `json:"items"`
	Groups []waitingGroup `json:"groups"` // the items by what is wrong, the most frequent first

	each bool
}

func (r *quarantineListResult) text(w io.Writer) {
	if r.each {
		for _, item := range r.Items {
			fmt.Fprintln(w, item)
		}
	} else {
		writeGroups(w, r.Groups, r.Items)
	}
	fmt.Fprintf(w, "%s\n", count(len(r.Items), "item"))
}

// writeGroups has a line for each group, which names the item where there is but one.
func writeGroups(w io.Writer, groups []waitingGroup, items []quarantined) {
	byID := map[int64]quarantined{}
	for _, item := range items {
		byID[item.ID] = item
	}
	for _, g := range groups {
		if g.Count == 1 {
			fmt.Fprintln(w, byID[g.First])
		} else {
			fmt.Fprintln(w, g)
		}
	}
}

func newQuarantineList(p *program) *cobra.Command {
	empty := func() *quarantineListResult {
		return &quarantineListResult{Items: []quarantined{}, Groups: []waitingGroup{}}
	}
	each := false
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what needs you, and why",
		Long: `List what could not be parsed, named, rendered or delivered. What waits for one
reason is one line with its number, the most frequent first; --each lists every
item, the oldest first.`,
		Args: arguments(0, 0),
	}
	cmd.Flags().BoolVar(&each, "each", false, "a line for each item")
	return p.command(cmd, func() result { return empty() }, func(ctx context.Context, _ []string) (result, error) {
		found := empty()
		found.each = each
		return found, p.withState(ctx, func(e *exporter.Exporter) error {
			items, err := e.QuarantineList(ctx)
			for _, item := range items {
				found.Items = append(found.Items, fromQuarantine(item))
			}
			for _, g := range exporter.Groups(items) {
				found.Groups = append(found.Groups, newWaitingGroup(g))
			}
			return err
		})
	})
}

// quarantineShowResult is one item with its content; bytes that are no UTF-8 are
// replaced, the hash is of the true ones.
type quarantineShowResult struct {
	header
	quarantined
	Conversations     []string `json:"conversations"`      // in an item, at most 100
	MoreConversations int      `json:"more_conversations"` // that are not named
	Subject           string   `json:"subject"`            // of a mail
	Record            string   `json:"record"`
	Truncated         bool     `json:"truncated"` // record is only the beginning
	Missing           string   `json:"missing"`   // why there is no record; "" there is
	Saved             string   `json:"saved"`     // path

	next func(string) string
}

func (r *quarantineShowResult) text(w io.Writer) {
	if r.ID == 0 {
		return
	}
	fmt.Fprintln(w, r.quarantined)
	if len(r.Conversations) > 0 {
		more := ""
		if r.MoreConversations > 0 {
			more = fmt.Sprintf(" and %d more", r.MoreConversations)
		}
		fmt.Fprintf(w, "conversations: %s%s\n", printable(strings.Join(r.Conversations, " ")), more)
	}
	if r.Subject != "" {
		fmt.Fprintf(w, "subject: %s\n", printable(strings.ReplaceAll(r.Subject, "\n", " ")))
	}
	if r.Bytes > 0 {
		fmt.Fprint(w, count(r.Bytes, "byte"))
		if r.SHA256 != "" {
			fmt.Fprintf(w, ", sha256 %s", r.SHA256)
		}
		fmt.Fprintln(w)
	}
	switch {
	case r.Saved != "":
		fmt.Fprintf(w, "saved: %s\n", printable(r.Saved))
	case r.Missing != "":
		fmt.Fprintf(w, "no content: %s\n", printable(r.Missing))
	case r.Kind == "item":
		fmt.Fprintf(w, "to save it: %s\n", r.next(fmt.Sprintf("lpexport quarantine show %d --save FILE", r.ID)))
	default:
		fmt.Fprintf(w, "%s\n", printable(r.Record))
		if r.Truncated {
			fmt.Fprintf(w, "the rest: %s\n", r.next(fmt.Sprintf("lpexport quarantine show %d --save FILE", r.ID)))
		}
	}
}

func newQuarantineShow(p *program) *cobra.Command {
	empty := func() *quarantineShowResult { return &quarantineShowResult{Conversations: []string{}} }
	save := ""
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one item: what it is, and why it waits",
		Long: `Show one item: which conversations are in it, a mail's subject, why it waits, and
its size; of what could not be read, the record as it was received.

With --save it is written to a new file that only you can read: what could not be
read as it was received, of a conversation that could not be cut its newest record,
of what a destination did not take the very bytes that it was sent (a whole bundle
becomes a new folder).

It contains message content: mind who can see your screen.`,
		Args: arguments(1, 1),
	}
	cmd.Flags().StringVar(&save, "save", "", "write the content to the new `FILE`")
	return p.command(cmd, func() result { return empty() }, func(ctx context.Context, args []string) (result, error) {
		found := empty()
		found.next = p.pasteable
		id, err := quarantineID(args[0])
		if err != nil {
			return found, err
		}
		return found, p.withQuarantine(ctx, id, func(e *exporter.Exporter) error {
			item, err := e.QuarantineShow(ctx, id)
			if err != nil {
				return err
			}
			found.quarantined = fromQuarantine(item.Quarantined)
			found.Conversations = append(found.Conversations, item.Conversations...)
			found.MoreConversations, found.Subject, found.Truncated, found.Missing = item.More, item.Subject, item.Cut, item.Why
			found.Record = strings.ToValidUTF8(string(item.Record), "\uFFFD")
			if save == "" {
				return nil
			}
			found.Record = ""
			return found.save(ctx, e, save)
		})
	})
}

// save writes the item's content to a path where nothing is yet.
func (r *quarantineShowResult) save(ctx context.Context, e *exporter.Exporter, path string) error {
	err := e.QuarantineSave(ctx, r.ID, path)
	switch {
	case errors.Is(err, fs.ErrExist):
		return usage(path+" exists already: give a new file", "")
	case err == nil:
		r.Saved = filepath.Clean(path)
	}
	return err
}

func quarantineID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, usage(fmt.Sprintf("%q is not the number of an item", text), "lpexport quarantine list")
	}
	return id, nil
}

type quarantineDismissResult struct {
	header
	quarantined
	Dismissed bool  `json:"dismissed"`
	Decision  int64 `json:"decision"` // its number on record
}

func (r *quarantineDismissResult) text(w io.Writer) {
	if r.Dismissed {
		fmt.Fprintf(w, "dismissed %d, on record as decision %d: %s\n", r.ID, r.Decision, r.what())
	}
}

func newQuarantineDismiss(p *program) *cobra.Command {
	reason := ""
	cmd := &cobra.Command{
		Use:   "dismiss ID --reason TEXT",
		Short: "Give up one item, on record",
		Long: `Give up one item: it waits no more. Who did so, when and why is put on record for
good, and lpexport status goes on counting it as dismissed.

What a destination did not take is not sent to it again, by a replay neither.
A conversation that could not be cut is no longer due; should more come of it, all
that was not delivered is due again. A record that could not be read does not wait
again as long as LivePerson gives the same bytes.`,
		Args: arguments(1, 1),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, as `TEXT`; required")
	return p.command(cmd, func() result { return new(quarantineDismissResult) }, func(ctx context.Context, args []string) (result, error) {
		found := new(quarantineDismissResult)
		id, err := quarantineID(args[0])
		if err != nil {
			return found, err
		}
		by, err := acceptance(reason, fmt.Sprintf("lpexport quarantine dismiss %d --reason TEXT", id))
		if err != nil {
			return found, err
		}
		return found, p.withQuarantine(ctx, id, func(e *exporter.Exporter) error {
			item, err := e.QuarantineEntry(ctx, id)
			if err != nil {
				return err
			}
			done, err := e.AcceptItem(ctx, by, id)
			if err == nil {
				found.quarantined, found.Dismissed, found.Decision = fromQuarantine(item), true, done.Decision
			}
			return err
		})
	})
}

// withQuarantine is withState for an item, which does not wait where there is no state.
func (p *program) withQuarantine(ctx context.Context, id int64, do func(*exporter.Exporter) error) error {
	opened := false
	err := p.withState(ctx, func(e *exporter.Exporter) error {
		opened = true
		return do(e)
	})
	if err == nil && !opened {
		err = &exporter.NotWaitingError{ID: id}
	}
	return err
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
