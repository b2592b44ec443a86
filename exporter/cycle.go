package exporter

import (
	"context"
	"errors"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

const (
	retention    = 400 * 24 * time.Hour // 13 months, and some days more
	startSpan    = 80 * 24 * time.Hour  // of one search over starts; the API takes three months
	rereadsBatch = liveperson.MaxLimit
	rereadsMost  = 3 // batches in one cycle
)

// cycle captures what is new or changed: what was updated since the last one,
// over all starts that LivePerson keeps; open conversations by id; and a part
// of the slow sweep for what no filter reports.
func (c *capture) cycle(ctx context.Context) (complete bool, err error) {
	place, err := c.cp.Place(ctx)
	if err != nil {
		return false, err
	}
	c.drafting = place.Watermark == 0 && c.anyAtOnce()
	whole, began, err := c.updates(ctx, place)
	if err != nil {
		return false, err
	}
	rest := true
	for _, step := range []func() error{
		func() error { return c.rereads(ctx) },
		func() error { return c.sweep(ctx, place, began) },
	} {
		if err := step(); errors.Is(err, errIncomplete) {
			rest = false
			if c.news.is("rest of a cycle", textOf(err)) {
				c.Log.Warn("not all could be read: the next cycle tries again", "error", err)
			}
		} else if err != nil {
			return false, err
		}
	}
	if rest {
		c.news.is("rest of a cycle", "")
	}
	return whole && rest, nil
}

// updates captures what was updated since the watermark, and moves the
// watermark when every window was read whole. began is the moment up to which
// that counts, by the earlier of our clock and LivePerson's.
func (c *capture) updates(ctx context.Context, place checkpoint.Place) (whole bool, began time.Time, err error) {
	began = c.Now()
	since, err := c.since(ctx, place, began)
	if err != nil {
		return false, began, err
	}
	seen := &clock{}
	whole = true
	for from := began.Add(-retention); from.Before(began); from = from.Add(startSpan) {
		q := liveperson.Query{Start: liveperson.Range{From: from, To: from.Add(startSpan)}, UpdatedSince: since}
		err := c.updatesOf(ctx, q, seen)
		switch {
		case errors.Is(err, errIncomplete):
			whole = false
			if c.news.is("updates", textOf(err)) {
				c.Log.Warn("updates could not be read whole: the watermark stays", "error", err)
			}
		case err != nil:
			return false, began, err
		}
	}
	if d := seen.date; !d.IsZero() && d.Before(began) {
		began = d
	}
	c.warnSkew(seen)
	if !whole {
		return false, began, nil
	}
	c.news.is("updates", "")
	return true, began, c.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		at := began.UnixMilli()
		if place.Watermark == 0 {
			// With the first watermark, or a run that ends here leaves sweeps
			// that begin in 1970.
			if err := tx.BeginSweeps(at); err != nil {
				return err
			}
		}
		if err := c.coverCycle(tx, began); err != nil {
			return err
		}
		return tx.SetWatermark(at)
	})
}

// since is the update time from which a cycle reads.
func (c *capture) since(ctx context.Context, place checkpoint.Place, now time.Time) (time.Time, error) {
	if place.Watermark != 0 {
		return time.UnixMilli(place.Watermark).Add(-c.Overlap), nil
	}
	if place.Since != 0 {
		return time.UnixMilli(place.Since), nil
	}
	return c.firstSince(ctx, now)
}

// clock is the first Date header of a cycle, and our time when it came.
type clock struct{ date, ours time.Time }

func (c *capture) warnSkew(k *clock) {
	skew, about := k.date.Sub(k.ours).Round(time.Minute), ""
	if !k.date.IsZero() && skew != 0 {
		about = skew.String()
	}
	if c.news.is("clock", about) && about != "" {
		c.Log.Warn("this machine's clock and LivePerson's differ", "by", about)
	}
}

// updatesOf reads one span of starts, in halves when it holds too much.
func (c *capture) updatesOf(ctx context.Context, q liveperson.Query, k *clock) error {
	r := &reading{c: c, query: q, clock: k}
	span := q.Start.To.Sub(q.Start.From)
	err := r.run(ctx, span > 2*border)
	var many *errTooMany
	if !errors.As(err, &many) {
		return err
	}
	middle := q.Start.From.Add(span / 2).Truncate(border)
	early, late := q, q
	early.Start.To, late.Start.From = middle.Add(-time.Millisecond), middle
	first := c.updatesOf(ctx, early, k)
	if first != nil && !errors.Is(first, errIncomplete) {
		return first
	}
	return errors.Join(first, c.updatesOf(ctx, late, k))
}

// rereads looks by id at open conversations whose time has come, the longest
// waiting first: nothing else tells that one was closed without a word.
func (c *capture) rereads(ctx context.Context) error {
	batches := rereadsMost
	if c.Reread == 0 {
		batches = int(^uint(0) >> 1)
	}
	began := c.millis()
	var last checkpoint.OpenConversation
	for range batches {
		due, err := c.cp.Reread(ctx, began, last, rereadsBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		if err := c.reread(ctx, due); err != nil {
			return err
		}
		last = due[len(due)-1]
	}
	return nil
}

// reread captures conversations by id. One that LivePerson does not answer is
// asked for again in a day, until its retention is over.
func (c *capture) reread(ctx context.Context, due []checkpoint.OpenConversation) error {
	r := &reading{c: c, ids: map[string]struct{}{}}
	p, err := c.page(ctx)
	if err != nil {
		return err
	}
	ids := make([]string, len(due))
	for i, o := range due {
		ids[i] = o.SourceID
	}
	if _, err := c.Source.Conversations(ctx, ids, p); err != nil {
		return r.stop(ctx, err)
	}
	r.noted = func(tx *checkpoint.Tx, _ int) error {
		now := c.millis()
		for _, o := range due {
			next := now + longestReread.Milliseconds()
			if o.StartedAt < now-retention.Milliseconds() {
				next = 0
			}
			if _, answered := r.ids[o.SourceID]; answered {
				continue
			}
			if err := tx.SetReread(o.ID, next); err != nil {
				return err
			}
		}
		return nil
	}
	return r.stop(ctx, r.keep(ctx, p))
}
