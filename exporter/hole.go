package exporter

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lpexport/exporter/checkpoint"
)

// Hole is a period of start times, between the earliest and the latest that was
// ever read, of which nothing proves that it is captured as it is selected now.
type Hole struct {
	Period
	Fetchable    bool     // LivePerson still keeps it
	Destinations []string // for which nothing proves it; none: for all
	Resumes      *Period  // the unfinished backfill that it is part of, as it was asked for
}

// String says which period it is, for operators.
func (h Hole) String() string {
	text := periodText(floor(h.From), ceil(h.To)) + " is not known to be captured"
	if len(h.Destinations) > 0 {
		text += " for " + strings.Join(h.Destinations, ", ")
	}
	if !h.Fetchable {
		text += ", and LivePerson no longer keeps it"
	}
	return text
}

// Command fills the hole; "" where nothing can.
func (h Hole) Command() string {
	switch {
	case !h.Fetchable:
		return ""
	case h.Resumes != nil:
		return backfillCommand(h.Resumes.From, h.Resumes.To)
	}
	return backfillCommand(floor(h.From), ceil(h.To))
}

// ID is what a person types for the hole: FROM/TO, each a day where it is the
// beginning of one.
func (h Hole) ID() string { return holeID(h.From, h.To) }

func floor(t time.Time) time.Time { return t.Truncate(time.Second) }
func ceil(t time.Time) time.Time  { return floor(t.Add(time.Second - 1)) }

// HoleError is a run that leaves holes which a backfill can fill.
type HoleError struct{ Holes []Hole }

func (e *HoleError) Error() string {
	text := "coverage gap: " + e.Holes[len(e.Holes)-1].String()
	if n := len(e.Holes) - 1; n > 0 {
		text += fmt.Sprintf("; %d more before it", n)
	}
	return text
}

// Hint is what fills the last of them, or lets it be.
func (e *HoleError) Hint() string {
	last := e.Holes[len(e.Holes)-1]
	return "if it is meant to stay a gap: `lpexport accept hole " + last.ID() + " --reason TEXT`; to fill it: " + last.Command()
}

// Covered is a period of which every part was read.
type Covered struct {
	Period
	ReadAt time.Time // the last time that some of it was read
}

// Doubt is a period of which something can no longer be told.
type Doubt struct {
	Period
	ReadAt time.Time // when it was read, or asked for in vain
	Reason DoubtReason
}

// DoubtReason says what cannot be told.
type DoubtReason string

const (
	ReadLate    DoubtReason = "read_late"     // it was read at once long after: what LivePerson deleted before that
	ReadByStart DoubtReason = "read_by_start" // a backfill has read it, from ReadAt on: the same
	NotKept     DoubtReason = "not_kept"      // LivePerson kept none of it when it was asked for
)

// String says what cannot be told, for operators.
func (d Doubt) String() string {
	period, day := periodText(floor(d.From), ceil(d.To)), d.ReadAt.UTC().Format(time.DateOnly)
	switch d.Reason {
	case ReadLate:
		return period + " was read on " + day + ": what LivePerson deleted before then is not known"
	case ReadByStart:
		return period + " was read from " + day + " on: what LivePerson deleted before it was read is not known"
	}
	return "LivePerson keeps 13 months: of " + period + ", asked for on " + day + ", nothing more can be told"
}

// coverage is what status says of what was read.
func (e *Exporter) coverage(ctx context.Context, s *Status) error {
	r, err := e.readings(ctx)
	if err != nil {
		return err
	}
	s.SelectedSkills = r.selection
	covered := r.covered()
	for _, one := range covered {
		c := Covered{Period: one.period()}
		for _, v := range r.counted {
			if v.From < one.to && v.To > one.from && v.ReadAt > c.ReadAt.UnixMilli() {
				c.ReadAt = timeOf(v.ReadAt)
			}
		}
		s.Coverage = append(s.Coverage, c)
	}
	s.Holes = r.holes(r.coveredOr(r.givenUp), e.Now())
	s.GivenUp = r.givenUp
	s.Doubts = r.doubts(covered, s.Holes)
	return nil
}

// holes are what covered leaves of the time between the first and the last that
// was read or is known to be lacking.
func (r *readings) holes(covered spans, now time.Time) (holes []Hole) {
	all := spansOf(r.all, func(v *checkpoint.Coverage) bool { return v.Reading != checkpoint.Gone })
	kept := keptSince(now)
	for _, gap := range (spans{all.bounds()}).without(covered) {
		if gone := (span{gap.from, min(gap.to, kept)}); gone.from < gone.to {
			holes = append(holes, r.hole(gone, false))
		}
		if left := (span{max(gap.from, kept), gap.to}); left.from < left.to {
			holes = append(holes, r.hole(left, true))
		}
	}
	return holes
}

func (r *readings) hole(gap span, fetchable bool) Hole {
	h := Hole{Period: gap.period(), Fetchable: fetchable}
	for _, d := range r.served {
		if r.anyRecovered() && !r.coveredFor(d, r.givenUp).hold(gap) {
			h.Destinations = append(h.Destinations, d.name)
		}
	}
	if len(h.Destinations) == len(r.served) {
		h.Destinations = nil
	}
	for _, b := range r.asked {
		if b.From <= gap.from && gap.to <= b.To {
			h.Resumes = &Period{timeOf(b.From), timeOf(b.To)}
		}
	}
	return h
}

// doubts are what was read too late to be sure of it, the earliest reading of
// each part, and what was asked for too late.
func (r *readings) doubts(covered spans, holes []Hole) (list []Doubt) {
	sure := spansOf(r.counted, isReading(checkpoint.ByCycles))
	late := slices.DeleteFunc(slices.Clone(r.counted), func(v checkpoint.Coverage) bool {
		return v.Reading == checkpoint.ByCycles || v.ReadAt-v.From <= soon.Milliseconds()
	})
	slices.SortStableFunc(late, func(a, b checkpoint.Coverage) int { return cmp.Compare(a.ReadAt, b.ReadAt) })
	for _, v := range late {
		reason := ReadLate
		if v.Reading == checkpoint.ByBackfill {
			reason = ReadByStart
		}
		for _, part := range (spans{{v.From, v.To}}).without(sure) {
			list = append(list, Doubt{part.period(), timeOf(v.ReadAt), reason})
		}
		sure = joined(append(sure, span{v.From, v.To}))
	}
	told := slices.Clone(covered)
	for _, h := range holes {
		told = append(told, span{h.From.UnixMilli(), h.To.UnixMilli()})
	}
	told = joined(told)
	for _, v := range r.all {
		if v.Reading != checkpoint.Gone {
			continue
		}
		for _, part := range (spans{{v.From, v.To}}).without(told) {
			list = append(list, Doubt{part.period(), timeOf(v.ReadAt), NotKept})
		}
		told = joined(append(told, span{v.From, v.To}))
	}
	slices.SortStableFunc(list, func(a, b Doubt) int { return a.From.Compare(b.From) })
	return list
}

// holes are those that a backfill can fill.
func (e *Exporter) holes(ctx context.Context) ([]Hole, error) {
	var s Status
	err := e.coverage(ctx, &s)
	return Fetchable(s.Holes), err
}

// warnHoles warns of holes that a backfill can fill, when they are other ones than
// before.
func (e *Exporter) warnHoles(ctx context.Context) error {
	holes, err := e.holes(ctx)
	if err != nil {
		return err
	}
	text, command := "", ""
	if len(holes) > 0 {
		gap := HoleError{Holes: holes}
		text, command = gap.Error(), holes[len(holes)-1].Command()
	}
	switch changed := e.news.is("holes", command); {
	case !changed:
	case command == "":
		e.Log.Info("no coverage gap is left")
	default:
		e.Log.Warn(text, "command", command)
	}
	return nil
}

// Fetchable are the holes that a backfill can fill.
func Fetchable(holes []Hole) []Hole {
	return slices.DeleteFunc(slices.Clone(holes), func(h Hole) bool { return !h.Fetchable })
}
