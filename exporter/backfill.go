package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

const (
	widest         = 28 * 24 * time.Hour // of a window before it is counted; the API takes three months
	windowsAtATime = 4                   // so that the ends of windows do not leave the line idle
)

// backfill captures the conversations that started in a period. Each of its
// windows is a row in the checkpoint; what an earlier run has finished is not
// read again. complete is false when a window stays open.
func (c *capture) backfill(ctx context.Context, from, askedTo time.Time) (complete bool, err error) {
	c.drafting = c.anyAtOnce()
	b, err := c.openBackfill(ctx, from, askedTo)
	if err != nil {
		return false, err
	}
	for first := true; ; first = false {
		windows, err := c.cp.OpenWindows(ctx, b.ID)
		if err != nil {
			return false, err
		}
		if first {
			c.foresee(ctx, together(windows))
		}
		split, err := c.readWindows(ctx, b, windows)
		if err != nil {
			return false, err
		}
		if !split {
			break
		}
	}
	err = c.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		complete, err = tx.FinishBackfill(b.ID, c.millis())
		return err
	})
	if err != nil {
		return false, err
	}
	lacks, err := c.lacks(ctx)
	return complete && !lacks, err
}

// together are the queries that select what windows do, in as few as there can be:
// neighbours are one.
func together(windows []checkpoint.Window) (queries []liveperson.Query) {
	var from, to int64
	flush := func() {
		if to > from {
			queries = append(queries, window(from, to))
		}
		from, to = 0, 0
	}
	for _, w := range windows { // in order of their starts
		if f, err := parseFilter(w.Filter); err != nil || w.Filter != "" {
			queries = append(queries, f.apply(window(w.From, w.To)))
			continue
		}
		if w.From != to || w.To-from > startSpan.Milliseconds() {
			flush()
			from = w.From
		}
		to = w.To
	}
	flush()
	return queries
}

// openBackfill takes up an unfinished backfill of that period, under the same
// selection, or begins one.
// A period that reaches into the future ends now, also when it is taken up later.
func (c *capture) openBackfill(ctx context.Context, from, askedTo time.Time) (b checkpoint.Backfill, err error) {
	b, found, err := c.cp.OpenBackfill(ctx, from.UnixMilli(), askedTo.UnixMilli(), c.chosen.key())
	if c.warnGone(from); err != nil || found {
		return b, err
	}
	to := askedTo
	if now := c.Now(); to.After(now) {
		to = now
	}
	var windows []checkpoint.Window
	start, end := from.Truncate(border), to.Add(border-1).Truncate(border)
	for start.Before(end) {
		next := start.Add(widest)
		if next.After(end) {
			next = end
		}
		windows = append(windows, checkpoint.Window{From: start.UnixMilli(), To: next.UnixMilli()})
		start = next
	}
	err = c.cp.Update(ctx, func(tx *checkpoint.Tx) (err error) {
		b, err = tx.AddBackfill(from.UnixMilli(), askedTo.UnixMilli(), to.UnixMilli(), c.chosen.key(), windows, c.millis())
		return err
	})
	return b, err
}

// AbandonBackfill ends the unfinished backfill of a period, as it was asked for, on
// record: what it has read stays captured and covered, and the rest is not asked for.
// It fails with a NothingToAcceptError when there is none.
func (e *Exporter) AbandonBackfill(ctx context.Context, by Acceptance, from, askedTo time.Time) (Accepted, error) {
	subject := from.UTC().Format(time.RFC3339Nano) + "/" + askedTo.UTC().Format(time.RFC3339Nano)
	done, err := e.decide(ctx, by, checkpoint.Decision{Kind: checkpoint.DecidedBackfill, Subject: subject}, struct{}{}, func(tx *checkpoint.Tx, decision int64) error {
		n, err := tx.EndBackfills(from.UnixMilli(), askedTo.UnixMilli(), decision, e.millis())
		if err == nil && n == 0 { // with it the decision is undone
			err = &NothingToAcceptError{checkpoint.DecidedBackfill, subject, "no backfill of that period is unfinished", "lpexport status"}
		}
		return err
	})
	done.Done = "it is ended: what it had read stays, the rest is not asked for"
	return done, err
}

// readWindows reads windows and marks those that were read whole; others stay
// open. split tells that smaller windows took the place of some.
func (c *capture) readWindows(ctx context.Context, b checkpoint.Backfill, windows []checkpoint.Window) (split bool, err error) {
	var anySplit atomic.Bool
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(windowsAtATime)
	for _, w := range windows {
		g.Go(func() error {
			err := c.readWindow(ctx, b, w)
			var many *errTooMany
			switch {
			case errors.As(err, &many):
				anySplit.Store(true)
				return c.split(ctx, b, w, many.count)
			case errors.Is(err, errIncomplete):
				c.lack(err)
				c.Log.Warn("window stays open for the next run", "from", time.UnixMilli(w.From).UTC(), "to", time.UnixMilli(w.To).UTC(), "error", err)
				return nil
			}
			return err
		})
	}
	err = g.Wait()
	return anySplit.Load(), err
}

func (c *capture) readWindow(ctx context.Context, b checkpoint.Backfill, w checkpoint.Window) error {
	began := c.millis()
	f, err := parseFilter(w.Filter)
	if err != nil {
		return err
	}
	r := &reading{c: c, fixed: true, query: f.apply(window(w.From, w.To))}
	if w.To > b.To {
		r.before = b.To
	}
	r.noted = func(tx *checkpoint.Tx, n int) error { return tx.CountWindow(w.ID, n) }
	if err := r.runSurely(ctx, c.canSplit(w, f)); err != nil {
		return err
	}
	return c.cp.Update(ctx, func(tx *checkpoint.Tx) error { return c.coverWindow(tx, b, w, began) })
}

// window selects by start time; to is exclusive, though the API widens it to
// the border and counts what began right on it.
func window(from, to int64) liveperson.Query {
	return liveperson.Query{Start: liveperson.Range{From: time.UnixMilli(from), To: time.UnixMilli(to - 1)}}
}

// filter is a split below one slot of ten minutes.
type filter struct {
	Status []string `json:"status,omitempty"`
	Skills []string `json:"skills,omitempty"`
}

func parseFilter(s string) (f filter, err error) {
	if s == "" {
		return f, nil
	}
	if err := json.Unmarshal([]byte(s), &f); err != nil {
		return f, fmt.Errorf("filter of a window: %w", err)
	}
	return f, nil
}

func (f filter) apply(q liveperson.Query) liveperson.Query {
	q.Status, q.Skills = f.Status, f.Skills
	return q
}

func (f filter) encode() string {
	b, err := json.Marshal(f)
	if err != nil {
		panic(err) // lists of strings
	}
	return string(b)
}

// canSplit tells whether there is anything left to split a window by.
func (c *capture) canSplit(w checkpoint.Window, f filter) bool {
	return w.To-w.From > border.Milliseconds() || f.Skills == nil && len(c.norm.skills) > 0 || f.Status == nil
}

// split puts windows well below the ceiling in the place of one: by
// time, and below one slot by skill, which a conversation keeps for good, and
// last by status.
func (c *capture) split(ctx context.Context, b checkpoint.Backfill, w checkpoint.Window, count int) error {
	f, err := parseFilter(w.Filter)
	if err != nil {
		return err
	}
	var into []checkpoint.Window
	switch slots := (w.To - w.From) / border.Milliseconds(); {
	case slots > 1:
		aim := max(c.ceiling*7/10, 1)
		parts := min(int64((count+aim-1)/aim), slots)
		for i := range parts {
			from, to := w.From+slots*i/parts*border.Milliseconds(), w.From+slots*(i+1)/parts*border.Milliseconds()
			into = append(into, checkpoint.Window{From: from, To: to, Filter: w.Filter})
		}
	case f.Skills == nil && len(c.norm.skills) > 0:
		for _, id := range append(sortedKeys(c.norm.skills), "-1") {
			into = append(into, checkpoint.Window{From: w.From, To: w.To, Filter: filter{Status: f.Status, Skills: []string{id}}.encode()})
		}
	default:
		for _, status := range []string{"OPEN", closedStatus} {
			into = append(into, checkpoint.Window{From: w.From, To: w.To, Filter: filter{Status: []string{status}, Skills: f.Skills}.encode()})
		}
	}
	return c.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.SplitWindow(b.ID, w.ID, into) })
}
