package exporter

import (
	"context"
	"errors"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// The sweep reads again what no filter reports: engagement attributes that
// come two hours after the end, late surveys and summaries, masks and erasures.
const (
	lateEvery   = time.Hour
	lateBy      = 150 * time.Minute // attributes are searchable after two hours
	endsEvery   = 24 * time.Hour
	endsBack    = 3 * 24 * time.Hour
	startsEvery = 7 * 24 * time.Hour
	startsBack  = 35 * 24 * time.Hour
	startsStep  = 24 * time.Hour
	stepEvery   = 5 * time.Minute // one step of the sweep by start for each of these that has passed
)

// sweep takes the next steps of the sweeps that are due. It is spread over the
// cycles: a cycle does as much as the time since the last one calls for.
func (c *capture) sweep(ctx context.Context, place checkpoint.Place, now time.Time) error {
	if place.Watermark == 0 {
		return nil // the first cycle: nothing has had time to change unnoticed
	}
	next := place
	var failed error
	for _, step := range []func(context.Context, *checkpoint.Place, time.Time) error{c.sweepLate, c.sweepEnds, c.sweepStarts} {
		if err := step(ctx, &next, now); errors.Is(err, errIncomplete) {
			failed = err
		} else if err != nil {
			return err
		}
	}
	if next == place {
		return failed
	}
	return errors.Join(failed, c.swept(ctx, next))
}

func (c *capture) swept(ctx context.Context, p checkpoint.Place) error {
	return c.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.SetSwept(p) })
}

// sweepLate reads what ended a little over two hours ago.
func (c *capture) sweepLate(ctx context.Context, p *checkpoint.Place, now time.Time) error {
	from, to := endsFrom(p.SweptLate, lateBy, now), now.Add(-lateBy)
	if to.Sub(from) < lateEvery {
		return nil
	}
	q := liveperson.Query{Start: liveperson.Range{From: now.Add(-startSpan), To: now}, End: &liveperson.Range{From: from, To: to}}
	if err := c.updatesOf(ctx, q, nil); err != nil {
		return err
	}
	p.SweptLate = now.UnixMilli()
	return nil
}

// sweepEnds reads what ended in the last days, whenever it began.
func (c *capture) sweepEnds(ctx context.Context, p *checkpoint.Place, now time.Time) error {
	if now.Sub(time.UnixMilli(p.SweptEnds)) < endsEvery {
		return nil
	}
	end := &liveperson.Range{From: endsFrom(p.SweptEnds, endsBack, now), To: now}
	for from := now.Add(-retention); from.Before(now); from = from.Add(startSpan) {
		q := liveperson.Query{Start: liveperson.Range{From: from, To: from.Add(startSpan)}, End: end}
		if err := c.updatesOf(ctx, q, nil); err != nil {
			return err
		}
	}
	p.SweptEnds = now.UnixMilli()
	return nil
}

// endsFrom is where a sweep by end begins: some time before the last one, and
// after a long pause no longer ago than one search may reach.
func endsFrom(last int64, back time.Duration, now time.Time) time.Time {
	from := time.UnixMilli(last).Add(-back)
	if oldest := now.Add(-startSpan); from.Before(oldest) {
		return oldest
	}
	return from
}

// sweepStarts reads the last weeks again, a day of starts at a step.
func (c *capture) sweepStarts(ctx context.Context, p *checkpoint.Place, now time.Time) error {
	last := time.UnixMilli(p.Watermark)
	if p.SweepFrom == 0 {
		if now.Sub(time.UnixMilli(p.SweptStarts)) < startsEvery {
			return nil
		}
		p.SweepFrom = now.Add(-startsBack).Truncate(startsStep).UnixMilli()
	}
	for range max(1, int(now.Sub(last)/stepEvery)) {
		from := time.UnixMilli(p.SweepFrom)
		if from.After(now.Add(-lateBy)) {
			p.SweepFrom, p.SweptStarts = 0, now.UnixMilli()
			return nil
		}
		q := liveperson.Query{Start: liveperson.Range{From: from, To: from.Add(startsStep - time.Millisecond)}}
		if err := c.updatesOf(ctx, q, nil); err != nil {
			return err
		}
		p.SweepFrom = from.Add(startsStep).UnixMilli()
	}
	return nil
}
