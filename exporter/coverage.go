package exporter

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"lpexport/exporter/checkpoint"
)

// soon is the longest time between two cycles after which the second still counts
// as reading all along: a daily one may be half a day late.
const soon = 36 * time.Hour

// keptSince is the start time before which LivePerson keeps nothing at a given
// moment: it keeps 13 months.
func keptSince(at time.Time) int64 { return at.UTC().AddDate(0, -13, 0).UnixMilli() }

// key names a selection by the ids of its skills; "" is everything.
func (s selection) key() string { return strings.Join(sortedKeys(s), ",") }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// selects reports whether what was read under one selection has all that another
// one selects.
func selects(read, wanted string) bool {
	switch {
	case read == "":
		return true
	case wanted == "" || read == checkpoint.UnknownSelection || read == checkpoint.NoSelection:
		return false
	}
	has := strings.Split(read, ",")
	return !slices.ContainsFunc(strings.Split(wanted, ","), func(id string) bool { return !slices.Contains(has, id) })
}

// coverCycle records what a cycle has read that moves the watermark to began. It
// comes before the watermark moves.
func (c *capture) coverCycle(tx *checkpoint.Tx, began time.Time) error {
	from, err := tx.ReadUpTo()
	if err != nil {
		return err
	}
	v := checkpoint.Coverage{Reading: checkpoint.ByCycles, From: from, To: began.UnixMilli(), Selection: c.chosen.key(), ReadAt: began.UnixMilli()}
	switch pause := v.To - v.From; {
	case pause <= 0:
		return nil
	case pause <= soon.Milliseconds():
		return tx.GoOnCovering(v)
	}
	v.Reading = checkpoint.ByCatchUp
	return cover(tx, v)
}

// firstSince is the update time from which the first cycle reads, and stores it:
// in a recovered state, at the latest where the proven coverage ends. From there
// on its sweeps read, too, what no filter reports.
func (c *capture) firstSince(ctx context.Context, now time.Time) (time.Time, error) {
	r, err := c.readings(ctx)
	if err != nil {
		return now, err
	}
	ends := int64(0)
	for _, d := range r.served {
		if !slices.ContainsFunc(r.counted, func(v checkpoint.Coverage) bool { return v.Destination == d.id }) {
			continue // not recovered: what it lacks is a hole
		}
		if at := readOn(r.of(d.id), now); at != 0 && (ends == 0 || at < ends) {
			ends = at
		}
	}
	since := c.Since(now)
	if ends != 0 {
		since = minTime(since, time.UnixMilli(ends).Add(-c.Overlap))
	}
	return since, c.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		if ends != 0 {
			if err := beginSweeps(tx, time.UnixMilli(ends)); err != nil {
				return err
			}
		}
		return tx.SetSince(since.UnixMilli())
	})
}

// coverWindow marks a window of a backfill as read whole, by a reading that began
// at the given time, and records what that covers.
func (c *capture) coverWindow(tx *checkpoint.Tx, b checkpoint.Backfill, w checkpoint.Window, readAt int64) error {
	began, err := tx.FinishWindow(w.ID, readAt, c.millis())
	if err != nil || began == 0 {
		return err
	}
	return cover(tx, checkpoint.Coverage{Reading: checkpoint.ByBackfill, From: max(w.From, b.From), To: min(w.To, b.To), Selection: b.Selection, ReadAt: began})
}

// cover records what was read at once. What LivePerson kept no longer when it was
// read is recorded as gone: that it was not there proves nothing.
func cover(tx *checkpoint.Tx, v checkpoint.Coverage) error {
	tolerance := soon.Milliseconds()
	if v.Reading == checkpoint.ByCatchUp {
		tolerance = 0
	}
	if kept := keptSince(time.UnixMilli(v.ReadAt)); v.From < kept {
		gone := v
		gone.Reading, gone.To = checkpoint.Gone, min(v.To, kept)
		if err := tx.JoinCoverage(gone, soon.Milliseconds()); err != nil {
			return err
		}
		v.From = kept
	}
	if v.From >= v.To {
		return nil
	}
	return tx.JoinCoverage(v, tolerance)
}

// warnGone says that a backfill asks for what LivePerson keeps no longer.
func (c *capture) warnGone(from time.Time) {
	if kept := keptSince(c.Now()); from.UnixMilli() < kept {
		c.Log.Warn("LivePerson keeps 13 months: nothing can be told of what started before", "asked_from", from, "kept_from", time.UnixMilli(kept).UTC())
	}
}

// settleSelection records under which selection was read what is older than the
// record of that: the present one, if nothing that was left out is part of it.
func (c *capture) settleSelection(ctx context.Context) error {
	unknown, err := c.cp.SelectionUnknown(ctx)
	if err != nil || !unknown {
		return err
	}
	settled := c.chosen.key()
	if proven, err := c.leftNothingOut(ctx, c.chosen); err != nil {
		return err
	} else if !proven {
		settled = checkpoint.NoSelection
	}
	return c.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.SettleSelection(settled) })
}

// errOneLeftOut ends a look through what was left out.
var errOneLeftOut = errors.New("a conversation of this selection was left out")

// leftNothingOut reports whether no conversation that a selection names is among
// those that were left out.
func (e *Exporter) leftNothingOut(ctx context.Context, s selection) (bool, error) {
	err := e.cp.EachLeftOut(ctx, func(skills string) error {
		var ids []string
		if err := json.Unmarshal([]byte(skills), &ids); err != nil {
			return err
		}
		if s.all() || s.has(ids) {
			return errOneLeftOut
		}
		return nil
	})
	if errors.Is(err, errOneLeftOut) {
		return false, nil
	}
	return err == nil, err
}

// readings are what was read, and what of it counts for the present selection.
type readings struct {
	selection string                // "" where the ids of its skills are not known: then only what was read under none counts
	all       []checkpoint.Coverage // also what does not count
	counted   []checkpoint.Coverage
	asked     []checkpoint.Backfill // unfinished, as they were asked for
	served    []served
	givenUp   []GivenUp
}

// served is a configured destination.
type served struct {
	name string
	id   int64
	from int64 // it is given what was captured from then on; 0: all
}

// readings reads what was read.
func (e *Exporter) readings(ctx context.Context) (r readings, err error) {
	if r.all, err = e.cp.Coverage(ctx); err != nil {
		return r, err
	}
	chosen, err := e.presentSelection(ctx)
	var unknown *UnknownSkillError
	if err != nil && !errors.As(err, &unknown) {
		return r, err
	}
	known, settled := err == nil, false
	if r.selection = chosen.key(); known {
		if settled, err = e.settles(ctx, chosen); err != nil {
			return r, err
		}
	}
	for _, v := range r.all {
		if v.Selection == checkpoint.UnknownSelection && settled {
			v.Selection = r.selection
		}
		if v.Covers() && (v.Selection == "" || known && selects(v.Selection, r.selection)) {
			r.counted = append(r.counted, v)
		}
	}
	if r.asked, err = e.cp.AskedBackfills(ctx, r.selection); err != nil {
		return r, err
	}
	if r.givenUp, err = e.givenUp(ctx, r.selection, known); err != nil {
		return r, err
	}
	for _, d := range e.Destinations {
		one, err := e.serves(ctx, d)
		if err != nil {
			return r, err
		}
		r.served = append(r.served, one)
	}
	return r, nil
}

// serves says from when on a destination is given what was captured.
func (e *Exporter) serves(ctx context.Context, d Destination) (served, error) {
	s := served{name: d.Name}
	row, found, err := e.cp.Destination(ctx, d.Name)
	if err != nil {
		return s, err
	}
	if found {
		s.id = row.ID
		s.from, err = e.cp.GivenFrom(ctx, row.ID)
		return s, err
	}
	if s.id = -1; d.From != nil && d.From.New { // it is registered by the next run
		s.from = e.millis()
	} else if d.From != nil && !d.From.All {
		s.from = d.From.Date.UnixMilli()
	}
	return s, nil
}

// anyRecovered reports whether some of it is from manifests: that proves it for
// their destination only, as what others had is not known.
func (r *readings) anyRecovered() bool {
	return slices.ContainsFunc(r.all, func(v checkpoint.Coverage) bool { return v.Destination != 0 })
}

// of is what counts for one destination.
func (r *readings) of(destination int64) []checkpoint.Coverage {
	return slices.DeleteFunc(slices.Clone(r.counted), func(v checkpoint.Coverage) bool {
		return v.Destination != 0 && v.Destination != destination
	})
}

// coveredFor is what a destination has or is given, were it never asked for, and
// what of the rest was given up for it.
func (r *readings) coveredFor(d served, givenUp []GivenUp) spans {
	list := []span{{farPast, d.from}}
	for _, v := range r.of(d.id) {
		list = append(list, span{v.From, v.To})
	}
	for _, g := range givenUp {
		if len(g.Destinations) == 0 || slices.Contains(g.Destinations, d.name) {
			list = append(list, g.span())
		}
	}
	return joined(list)
}

// covered is what was read for every destination.
func (r *readings) covered() spans { return r.coveredOr(nil) }

// coveredOr is what was read for every destination, or given up.
func (r *readings) coveredOr(givenUp []GivenUp) spans {
	all := spansOf(r.counted, (*checkpoint.Coverage).Covers)
	for _, g := range givenUp {
		if len(g.Destinations) == 0 || r.anyRecovered() {
			all = append(all, g.span())
		}
	}
	all = joined(all)
	if !r.anyRecovered() {
		return all
	}
	for _, d := range r.served {
		all = all.within(r.coveredFor(d, givenUp))
	}
	return all
}

// settles reports whether what is older than the record of selections was read
// under this one; false when there is no such thing.
func (e *Exporter) settles(ctx context.Context, chosen selection) (bool, error) {
	unknown, err := e.cp.SelectionUnknown(ctx)
	if err != nil || !unknown {
		return false, err
	}
	return e.leftNothingOut(ctx, chosen)
}

// spansOf joins the periods of some coverage.
func spansOf(list []checkpoint.Coverage, which func(*checkpoint.Coverage) bool) spans {
	var found []span
	for i := range list {
		if which(&list[i]) {
			found = append(found, span{list[i].From, list[i].To})
		}
	}
	return joined(found)
}

func isReading(reading string) func(*checkpoint.Coverage) bool {
	return func(v *checkpoint.Coverage) bool { return v.Reading == reading }
}

// byUpdate reports whether it was read by the times of updates: then also what
// began before it, and was updated in it, was read.
func byUpdate(v *checkpoint.Coverage) bool {
	return v.Reading == checkpoint.ByCycles || v.Reading == checkpoint.ByCatchUp
}

// readOn is the time of updates from which the first cycle has to read after
// these coverages, so that nothing is left out that came after them. It is 0
// where there are none.
func readOn(list []checkpoint.Coverage, now time.Time) (at int64) {
	updates := spansOf(list, byUpdate)
	starts := slices.DeleteFunc(slices.Clone(list), func(v checkpoint.Coverage) bool {
		return v.Reading != checkpoint.ByBackfill || v.To <= keptSince(now)
	})
	at = updates.bounds().to
	if len(updates) == 0 {
		for _, v := range starts {
			at = max(at, v.To)
		}
	}
	// A conversation that was read by its start may have gone on since.
	slices.SortFunc(starts, func(a, b checkpoint.Coverage) int { return cmp.Compare(b.ReadAt, a.ReadAt) })
	for _, v := range starts {
		if v.ReadAt < at && !updates.hold(span{v.ReadAt, at}) {
			at = v.ReadAt
		}
	}
	return at
}
