package exporter

import (
	"context"
	"errors"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// A cycle reads what was updated since the one before. What becomes visible later
// than that, or changes without an update, is found by sweeps.
//
// A sweep by update time reads, round after round, what was updated not long before
// its last round: whatever becomes visible up to back after its update, is read in
// the round that follows. So back and every of the three below are the promise of
// how late a conversation may become visible, and how soon it is captured then.
// A sweep by end time finds what moves no update time: engagement attributes, late
// surveys, masks and erasures of the last days.
type sweep struct {
	name  string
	every time.Duration // from the beginning of one round to that of the next
	pace  time.Duration // in which a round goes over all starts
	back  time.Duration // how long after its update a conversation may become visible; 0: for as long as it is kept
	step  time.Duration // of starts that are read at once
}

// A round begins some hours before it must, since it waits for a cycle.
var sweeps = []sweep{
	{name: "days", every: 20 * time.Hour, pace: 2 * time.Hour, back: 3 * 24 * time.Hour, step: startSpan},
	{name: "weeks", every: 6 * 24 * time.Hour, pace: 132 * time.Hour, back: 35 * 24 * time.Hour, step: 10 * 24 * time.Hour},
	{name: "months", every: 28 * 24 * time.Hour, pace: 27 * 24 * time.Hour, step: 4 * 24 * time.Hour},
}

const (
	lateName  = "late"
	lateEvery = time.Hour
	lateBy    = 150 * time.Minute // engagement attributes are searchable after two hours
	endsName  = "ends"
	endsEvery = 24 * time.Hour
	endsBack  = 3 * 24 * time.Hour

	stepEvery = 5 * time.Minute    // the usual time between two cycles
	sweepMost = 7 * 24 * time.Hour // of pace that one cycle takes at most, after a pause of weeks
)

// beginSweeps lets the first rounds count from the first watermark, or from where
// a recovered state begins to read.
func beginSweeps(tx *checkpoint.Tx, at time.Time) error {
	names := []string{lateName, endsName}
	for _, s := range sweeps {
		names = append(names, s.name)
	}
	for _, name := range names {
		if err := tx.BeginSweep(name, at.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

// sweep takes the next steps of the sweeps. They are spread over the cycles: a
// cycle does as much as the time since the last one calls for.
func (c *capture) sweep(ctx context.Context, place checkpoint.Place, now time.Time) error {
	if place.Watermark == 0 {
		return nil // the first cycle: nothing has had time to change unnoticed
	}
	rows, err := c.cp.Sweeps(ctx)
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { return c.sweepLate(ctx, rows[lateName], now) },
		func() error { return c.sweepEnds(ctx, rows[endsName], now) },
	}
	for _, s := range sweeps {
		r := &round{capture: c, sweep: s, row: rows[s.name], since: time.UnixMilli(place.Since), gap: min(now.Sub(time.UnixMilli(place.Watermark)), sweepMost)}
		steps = append(steps, func() error { return r.next(ctx, now) })
	}
	var failed error
	for _, step := range steps {
		err := step()
		if err != nil && !errors.Is(err, errIncomplete) {
			return err
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// sweepLate reads what ended a little over two hours ago.
func (c *capture) sweepLate(ctx context.Context, row checkpoint.Sweep, now time.Time) error {
	from, to := endsFrom(row.BeganAt, lateBy, now), now.Add(-lateBy)
	if to.Sub(from) < lateEvery {
		return nil
	}
	err := c.readAgain(ctx, liveperson.Query{Start: liveperson.Range{From: now.Add(-startSpan), To: now}, End: &liveperson.Range{From: from, To: to}})
	if err != nil {
		return err
	}
	return c.swept(ctx, checkpoint.Sweep{Name: lateName, BeganAt: now.UnixMilli()})
}

// sweepEnds reads what ended in the last days, whenever it began.
func (c *capture) sweepEnds(ctx context.Context, row checkpoint.Sweep, now time.Time) error {
	if now.Sub(time.UnixMilli(row.BeganAt)) < endsEvery {
		return nil
	}
	end := &liveperson.Range{From: endsFrom(row.BeganAt, endsBack, now), To: now}
	for _, span := range startSpans(now.Add(-retention), now, startSpan) {
		if err := c.readAgain(ctx, liveperson.Query{Start: span, End: end}); err != nil {
			return err
		}
	}
	return c.swept(ctx, checkpoint.Sweep{Name: endsName, BeganAt: now.UnixMilli()})
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

func (c *capture) swept(ctx context.Context, row checkpoint.Sweep) error {
	return c.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.PutSweep(row) })
}

// readAgain reads a span of starts; that it lists nobody is made sure of.
func (c *capture) readAgain(ctx context.Context, q liveperson.Query) error {
	nobody, err := c.readSpan(ctx, q, nil)
	if err != nil || !nobody {
		return err
	}
	if err := c.believeNobody(ctx, q.Start); err != nil {
		return err
	}
	_, err = c.readSpan(ctx, q, nil) // an outage may have ended in between
	return err
}

// round is one round of a sweep by update time, from the oldest starts that are
// kept to those at its beginning.
type round struct {
	*capture
	sweep
	row   checkpoint.Sweep
	since time.Time     // of the first cycle: what was not updated since was not asked for, but by backfills
	gap   time.Duration // between two cycles, as the last ones were
}

// next takes as many steps as the time calls for, so that a cycle at the usual time
// finds the round where it should be.
func (r *round) next(ctx context.Context, now time.Time) error {
	last := time.UnixMilli(r.row.BeganAt)
	if r.row.ReachedAt == 0 {
		if now.Sub(last) < r.every {
			return nil
		}
		r.row.BeganAt, r.row.ReachedAt, r.row.SinceAt = now.UnixMilli(), now.Add(-retention).UnixMilli(), 0
		if r.back != 0 {
			r.row.SinceAt = last.Add(-r.back - r.Overlap).UnixMilli()
		}
	}
	readings, err := r.readings(ctx)
	if err != nil {
		return err
	}
	backfilled := spansOf(readings.counted, isReading(checkpoint.ByBackfill))
	goal, end := r.goal(now), time.UnixMilli(r.row.BeganAt)
	for at := time.UnixMilli(r.row.ReachedAt); at.Before(goal); {
		starts := liveperson.Range{From: at, To: at.Add(r.step)}
		err := r.readAgain(ctx, liveperson.Query{Start: liveperson.Range{From: at, To: starts.To.Add(-time.Millisecond)}, UpdatedSince: r.updated(starts, backfilled)})
		if err != nil && !(errors.Is(err, errIncomplete) && r.overdue(starts, now)) {
			return err
		}
		at = starts.To
		if r.row.ReachedAt = at.UnixMilli(); !at.Before(end) {
			r.row.ReachedAt = 0
		}
		if err := errors.Join(err, r.swept(ctx, r.row)); err != nil {
			return err
		}
	}
	return nil
}

// goal is how far the round is to come by now.
func (r *round) goal(now time.Time) time.Time {
	began := time.UnixMilli(r.row.BeganAt)
	begin := began.Add(-retention)
	share := func(d time.Duration) time.Duration {
		return time.Duration(float64(retention) * min(float64(d)/float64(r.pace), 1))
	}
	goal := begin.Add(share(now.Sub(began) + r.gap))
	most := time.UnixMilli(r.row.ReachedAt).Add(max(share(max(r.gap, 24*time.Hour)), r.step))
	return minTime(minTime(goal, most), began)
}

// overdue reports whether a span that cannot be read has held up the round for so
// long that it is left to the next one.
func (r *round) overdue(starts liveperson.Range, now time.Time) bool {
	began := time.UnixMilli(r.row.BeganAt)
	turn := time.Duration(float64(r.pace) * float64(starts.From.Sub(began.Add(-retention))) / float64(retention))
	return now.Sub(began.Add(turn)) > r.every/4
}

// updated is the update time from which a span of starts is read. What was updated
// before the first cycle's since is asked for only where a backfill has asked.
func (r *round) updated(starts liveperson.Range, backfilled spans) time.Time {
	since := time.Time{}
	if r.row.SinceAt != 0 {
		since = time.UnixMilli(r.row.SinceAt)
	}
	if since.Before(r.since) && !backfilled.hold(span{starts.From.UnixMilli(), starts.To.UnixMilli()}) {
		return r.since
	}
	return since
}
