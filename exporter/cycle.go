package exporter

import (
	"context"
	"errors"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

const (
	retention = 400 * 24 * time.Hour // 13 months, and some days more
	startSpan = 80 * 24 * time.Hour  // of one search over starts; the API takes three months
)

// cycle captures what is new or changed: what was updated since the last one,
// over all starts that LivePerson keeps; open conversations by id; and a part
// of the slow sweep for what no filter reports.
func (c *capture) cycle(ctx context.Context) (complete bool, err error) {
	place, err := c.cp.Place(ctx)
	if err != nil {
		return false, err
	}
	c.drafting, c.timely = place.Watermark == 0 && c.anyAtOnce(), place.Watermark != 0
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
			c.lack(err)
			if c.news.is("rest of a cycle", newsOf(err)) {
				c.Log.Warn("not all could be read: the next cycle tries again", "error", err)
			}
		} else if err != nil {
			return false, err
		}
	}
	if rest {
		c.news.is("rest of a cycle", "")
	}
	lacks, err := c.lacks(ctx)
	return whole && rest && !lacks, err
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
	err = c.updatesSince(ctx, since, began, seen)
	if d := seen.date; !d.IsZero() && d.Before(began) {
		began = d
	}
	c.warnSkew(seen)
	if err != nil && !errors.Is(err, errIncomplete) {
		return false, began, err
	}
	if c.news.is("updates", newsOf(err)) && err != nil {
		c.Log.Warn("updates could not be read whole: the watermark stays", "error", err)
	}
	if err != nil {
		c.lack(err)
		return false, began, nil
	}
	return true, began, c.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		if place.Watermark == 0 {
			// With the first watermark: a round of a sweep counts from the one before.
			if err := beginSweeps(tx, began); err != nil {
				return err
			}
		}
		if err := c.coverCycle(tx, began); err != nil {
			return err
		}
		return tx.SetWatermark(began.UnixMilli())
	})
}

// updatesSince reads every span of starts, also when one stays open. Most of them
// list nobody in most cycles. That is made sure of for one span a cycle, in turn,
// which costs one search instead of one for each: the daily sweep makes sure of all.
func (c *capture) updatesSince(ctx context.Context, since, now time.Time, k *clock) error {
	var failed error
	var nobody []liveperson.Range
	spans := startSpans(now.Add(-retention), now, startSpan)
	if !c.timely { // the first cycle may have much to read
		queries := make([]liveperson.Query, len(spans))
		for i, span := range spans {
			queries[i] = liveperson.Query{Start: span, UpdatedSince: since}
		}
		c.foresee(ctx, queries)
	}
	for _, span := range spans {
		none, err := c.readSpan(ctx, liveperson.Query{Start: span, UpdatedSince: since}, k)
		if err != nil && !errors.Is(err, errIncomplete) {
			return err
		}
		failed = errors.Join(failed, err)
		if none {
			nobody = append(nobody, span)
		}
	}
	if failed != nil || len(nobody) == 0 {
		return failed
	}
	turn := now.Unix() / int64(stepEvery/time.Second) % int64(len(nobody))
	return c.believeNobody(ctx, nobody[turn])
}

// startSpans are the parts of a period, none longer than step.
func startSpans(from, to time.Time, step time.Duration) (list []liveperson.Range) {
	for ; from.Before(to); from = from.Add(step) {
		list = append(list, liveperson.Range{From: from, To: from.Add(step)})
	}
	return list
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

// readSpan reads one span of starts, in halves when it holds too much. nobody
// reports that it listed no conversation.
func (c *capture) readSpan(ctx context.Context, q liveperson.Query, k *clock) (nobody bool, err error) {
	r := &reading{c: c, query: q, clock: k}
	span := q.Start.To.Sub(q.Start.From)
	err = r.run(ctx, span > 2*border)
	var many *errTooMany
	if !errors.As(err, &many) {
		return err == nil && r.nobody(), err
	}
	middle := q.Start.From.Add(span / 2).Truncate(border)
	early, late := q, q
	early.Start.To, late.Start.From = middle.Add(-time.Millisecond), middle
	_, first := c.readSpan(ctx, early, k)
	if first != nil && !errors.Is(first, errIncomplete) {
		return false, first
	}
	_, second := c.readSpan(ctx, late, k)
	return false, errors.Join(first, second)
}
