package exporter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

func TestSpans(t *testing.T) {
	list := joined([]span{{30, 40}, {10, 20}, {20, 25}, {5, 5}, {50, 60}, {35, 38}})
	if diff := cmp.Diff("[{10 25} {30 40} {50 60}]", fmt.Sprint(list)); diff != "" {
		t.Error(diff)
	}
	for _, test := range []struct {
		others spans
		left   string
		common string
	}{
		{nil, "[{10 25} {30 40} {50 60}]", "[]"},
		{spans{{0, 100}}, "[]", "[{10 25} {30 40} {50 60}]"},
		{spans{{10, 12}, {14, 16}, {24, 31}, {60, 70}}, "[{12 14} {16 24} {31 40} {50 60}]", "[{10 12} {14 16} {24 25} {30 31}]"},
	} {
		if got := fmt.Sprint(list.without(test.others)); got != test.left {
			t.Errorf("without %v: %s, want %s", test.others, got, test.left)
		}
		if got := fmt.Sprint(list.within(test.others)); got != test.common {
			t.Errorf("within %v: %s, want %s", test.others, got, test.common)
		}
	}
	if !list.hold(span{31, 40}) || list.hold(span{24, 31}) {
		t.Error("hold is wrong")
	}
}

func TestWhatASelectionProves(t *testing.T) {
	for _, test := range []struct {
		read, wanted string
		want         bool
	}{
		{"", "", true}, {"", "1,2", true}, {"1", "", false}, {"1,2", "2", true}, {"1,2", "1,2", true}, {"1,2", "2,3", false},
		{"12", "1", false}, {checkpoint.UnknownSelection, "1", false}, {checkpoint.NoSelection, "1", false}, {checkpoint.NoSelection, "", false},
	} {
		if got := selects(test.read, test.wanted); got != test.want {
			t.Errorf("selects(%q, %q) = %v", test.read, test.wanted, got)
		}
	}
}

func (r *trial) status() Status {
	r.t.Helper()
	s, err := r.Status(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// cycleWithGap is a cycle that is whole but for a hole that a backfill can fill.
func (r *trial) cycleWithGap() *HoleError {
	r.t.Helper()
	var gap *HoleError
	report, err := r.Cycle(context.Background(), nil)
	if !errors.As(err, &gap) || errors.Is(err, ErrIncomplete) || len(report.Holes) == 0 || !report.Complete {
		r.t.Fatalf("a cycle that leaves a hole: %+v, %v", report, err)
	}
	return gap
}

// fill runs the backfills that holes name, the last first, until none is left.
func (r *trial) fill() {
	r.t.Helper()
	for range 20 {
		holes := Fetchable(r.status().Holes)
		if len(holes) == 0 {
			return
		}
		var from, to string
		if _, err := fmt.Sscanf(holes[len(holes)-1].Command(), "lpexport export --from %s --to %s", &from, &to); err != nil {
			r.t.Fatal(err)
		}
		var times [2]time.Time
		for i, text := range []string{from, to} {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				r.t.Fatal(err)
			}
			times[i] = at
		}
		var gap *HoleError
		if _, err := r.Backfill(context.Background(), times[0], times[1], nil); err != nil && !errors.As(err, &gap) {
			r.t.Fatalf("backfill: %v", err)
		}
	}
	r.t.Fatalf("holes are left: %v", r.status().Holes)
}

// told is what status says of coverage, a line each, times after epoch.
func (r *trial) told() (lines []string) {
	r.t.Helper()
	after := func(t time.Time) string { return t.Sub(epoch).Round(time.Hour).String() }
	s := r.status()
	for _, c := range s.Coverage {
		lines = append(lines, "covered "+after(c.From)+" "+after(c.To)+" read "+after(c.ReadAt))
	}
	for _, h := range s.Holes {
		word := "hole "
		if !h.Fetchable {
			word = "lost "
		}
		lines = append(lines, fmt.Sprintf("%s%s %s %v", word, after(h.From), after(h.To), h.Destinations))
	}
	for _, d := range s.Doubts {
		lines = append(lines, string(d.Reason)+" "+after(d.From)+" "+after(d.To)+" read "+after(d.ReadAt))
	}
	return lines
}

func (r *trial) mustTell(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.told()); diff != "" {
		r.t.Errorf("(-want +got)\n%s", diff)
	}
}

func coverageTrial(t *testing.T, edit func(*Settings)) *trial {
	return newTrial(t, sandbox.Settings{Seed: 3, Conversations: 30, Period: 10 * day, Messages: 3}, 5*day,
		also(edit, func(s *Settings) { s.Since = lastDay }))
}

// After 40 days without a run the time since the last one was read, but at once:
// what was deleted meanwhile is not known. Daily runs are no such pause.
func TestCoverageAfterAPause(t *testing.T) {
	r := coverageTrial(t, nil)
	r.cycle()
	for range 3 {
		r.clock.Advance(day + time.Hour)
		r.cycle()
	}
	r.mustTell("covered 96h0m0s 195h0m0s read 195h0m0s")
	r.clock.Advance(40 * day)
	r.cycle()
	r.clock.Advance(time.Hour)
	r.cycle()
	r.mustTell("covered 96h0m0s 1156h0m0s read 1156h0m0s", "read_late 195h0m0s 1155h0m0s read 1155h0m0s")
	text := r.status().Doubts[0].String()
	if want := "2026-03-09T03:00:00Z to 2026-04-18T03:00:00Z was read on 2026-04-18: what LivePerson deleted before then is not known"; text != want {
		t.Errorf("%s, want %s", text, want)
	}
}

// After 450 days a part of that time had left LivePerson's retention: no run can
// read it any more, and none is asked to.
func TestCoverageAfterAPauseBeyondTheRetention(t *testing.T) {
	r := coverageTrial(t, nil)
	r.cycle()
	r.clock.Advance(450 * day)
	now := r.clock.Now()
	kept := now.AddDate(0, -13, 0).Sub(epoch).String()
	r.cycle()
	r.mustTell("covered 96h0m0s 120h0m0s read 120h0m0s", "covered "+kept+" 10920h0m0s read 10920h0m0s",
		"lost 120h0m0s "+kept+" []", "read_late "+kept+" 10920h0m0s read 10920h0m0s")
}

// A backfill covers nothing of what LivePerson keeps no longer.
func TestBackfillBeyondTheRetention(t *testing.T) {
	r := coverageTrial(t, nil)
	now := r.clock.Now()
	r.backfills(now.AddDate(-3, 0, 0), now)
	kept := now.AddDate(0, -13, 0).Sub(epoch).String()
	r.mustTell("covered "+kept+" 120h0m0s read 120h0m0s", "not_kept "+now.AddDate(-3, 0, 0).Sub(epoch).String()+" "+kept+" read 120h0m0s",
		"read_by_start "+kept+" 120h0m0s read 120h0m0s")
	if text, want := r.status().Doubts[0].String(), "LivePerson keeps 13 months: of 2023-03-06T00:00:00Z to 2025-02-06T00:00:00Z, asked for on 2026-03-06, nothing more can be told"; text != want {
		t.Errorf("%s, want %s", text, want)
	}
	r.clock.Advance(time.Hour)
	r.cycle()
}

// A hole between two backfills ends every run with its command, until it is
// filled; before the first covered time there is none.
func TestHoleBetweenBackfills(t *testing.T) {
	r := coverageTrial(t, nil)
	r.backfills(epoch.Add(day), epoch.Add(2*day))
	var gap *HoleError
	if _, err := r.Backfill(context.Background(), epoch.Add(3*day+time.Millisecond), epoch.Add(4*day), nil); !errors.As(err, &gap) {
		t.Fatalf("a hole is left: %v", err)
	}
	want := "if it is meant to stay a gap: `lpexport accept hole 2026-03-03/2026-03-04T00:00:01Z --reason TEXT`; " +
		"to fill it: lpexport export --from 2026-03-03T00:00:00Z --to 2026-03-04T00:00:01Z"
	if gap.Hint() != want {
		t.Errorf("%s, want %s", gap.Hint(), want)
	}
	if want := "coverage gap: 2026-03-03T00:00:00Z to 2026-03-04T00:00:01Z is not known to be captured"; gap.Error() != want {
		t.Errorf("%s, want %s", gap.Error(), want)
	}
	if got := r.cycleWithGap(); got.Hint() != gap.Hint() {
		t.Errorf("%s, want %s", got.Hint(), gap.Hint())
	}
	r.mustTell("covered 24h0m0s 48h0m0s read 120h0m0s", "covered 72h0m0s 120h0m0s read 120h0m0s", "hole 48h0m0s 72h0m0s []",
		"read_by_start 24h0m0s 48h0m0s read 120h0m0s", "read_by_start 72h0m0s 96h0m0s read 120h0m0s")
	r.fill()
	r.clock.Advance(time.Hour)
	r.cycle()
}

// A hole that LivePerson keeps no longer is told, and ends no run.
func TestHoleThatNothingFills(t *testing.T) {
	r := coverageTrial(t, nil)
	r.backfills(epoch.Add(day), epoch.Add(2*day))
	r.cycleWithGap()
	for range 14 {
		r.clock.Advance(30 * day)
		_, err := r.Cycle(context.Background(), nil)
		var gap *HoleError
		if err != nil && !errors.As(err, &gap) {
			t.Fatal(err)
		}
	}
	r.cycle()
	s := r.status()
	if len(s.Holes) != 1 || s.Holes[0].Fetchable || s.Holes[0].Command() != "" {
		t.Errorf("holes: %+v", s.Holes)
	}
	if want := "2026-03-03T00:00:00Z to 2026-03-05T00:00:00Z is not known to be captured, and LivePerson no longer keeps it"; s.Holes[0].String() != want {
		t.Errorf("%s, want %s", s.Holes[0], want)
	}
}

// What was read under a selection is a hole once that is gone; a smaller one
// leaves none.
func TestCoverageOfASelection(t *testing.T) {
	var skills []string
	set := sandbox.Settings{Seed: 3, Conversations: 60, Period: 10 * day, Messages: 3}
	r := newTrial(t, set, 5*day, func(s *Settings) { s.Skills, s.Since = skills, lastDay })
	known, err := r.Source.Skills(context.Background())
	if err != nil || len(known) < 2 {
		t.Fatal(known, err)
	}
	slices.SortFunc(known, func(a, b liveperson.Skill) int { return len(a.ID) - len(b.ID) })
	choose := func(names ...string) {
		skills = names
		r.reopenWith(nil)
	}
	choose(known[0].Name, known[1].Name)
	r.backfills(epoch, r.clock.Now())
	r.cycle()
	r.mustTell("covered 0s 120h0m0s read 120h0m0s", "read_by_start 0s 96h0m0s read 120h0m0s")
	choose(known[0].Name)
	r.clock.Advance(time.Hour)
	r.cycle()
	if s := r.status(); len(s.Holes) != 0 || s.SelectedSkills != known[0].ID {
		t.Errorf("a smaller selection: %q, %v", s.SelectedSkills, s.Holes)
	}
	choose()
	r.clock.Advance(time.Hour)
	r.cycleWithGap()
	r.mustTell("covered 121h0m0s 122h0m0s read 122h0m0s", "hole 0s 121h0m0s []")
	if got := r.holdsTruth("local"); len(got) == 0 {
		t.Error("all was captured before the hole was filled")
	}
	r.fill()
	r.mustHoldTruth("local")
	r.clock.Advance(time.Hour)
	r.cycle()
}

// A backfill is taken up under the selection that it was begun under, and begun
// anew under another one, which leaves none open.
func TestBackfillUnderAnotherSelection(t *testing.T) {
	var skills []string
	set := sandbox.Settings{Seed: 3, Conversations: 60, Period: 100 * day, Messages: 3}
	r := newTrial(t, set, 110*day, func(s *Settings) { s.Skills, s.Since = skills, lastDay })
	known, err := r.Source.Skills(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	skills = []string{known[0].ID}
	r.reopenWith(nil)
	ctx, stop := context.WithCancel(context.Background())
	var pages atomic.Int64
	r.Step = func(name string) {
		if name == "page stored" && pages.Add(1) == 2 {
			stop()
		}
	}
	if _, err := r.Backfill(ctx, epoch, r.clock.Now(), nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	skills = nil
	r.reopenWith(nil)
	r.backfills(epoch, r.clock.Now())
	if s := r.status(); s.OpenBackfills != 0 || len(s.Holes) != 0 {
		t.Errorf("%d backfills are open, holes: %v", s.OpenBackfills, s.Holes)
	}
	r.mustHoldTruth("local")
}

// A hole inside an unfinished backfill ends by that one's own command.
func TestHoleOfAnUnfinishedBackfill(t *testing.T) {
	r := newTrial(t, sandbox.Settings{Seed: 4, Conversations: 200, Period: 190 * day, Messages: 3}, 200*day, func(s *Settings) { s.Since = lastDay })
	ctx, stop := context.WithCancel(context.Background())
	r.Step = func(name string) {
		if name == "page stored" {
			stop()
		}
	}
	if _, err := r.Backfill(ctx, epoch, epoch.Add(200*day), nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	r.reopenWith(nil)
	r.cycle() // nothing of the backfill was read whole: before the first covered time there is no hole
	r.reopenWith(nil)
	if err := r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error {
		return tx.AddCoverage(checkpoint.Coverage{Reading: checkpoint.ByBackfill, From: epoch.UnixMilli(), To: epoch.Add(28 * day).UnixMilli(), ReadAt: r.millis()})
	}); err != nil {
		t.Fatal(err)
	}
	if gap, want := r.cycleWithGap(), ": lpexport export --from 2026-03-01T00:00:00Z --to 2026-09-17T00:00:00Z"; !strings.HasSuffix(gap.Hint(), want) {
		t.Errorf("%s, want %s", gap.Hint(), want)
	}
	r.fill()
	if s := r.status(); s.OpenBackfills != 0 || len(s.Holes) != 0 {
		t.Errorf("%d backfills are open, holes: %v", s.OpenBackfills, s.Holes)
	}
}

// What a manifest proves leaves out what its destination lacks.
func TestWhatAManifestProves(t *testing.T) {
	const hour = int64(time.Hour / time.Millisecond)
	now := int64(20_000) * 24 * hour
	ago := func(hours int64) int64 { return now - hours*hour }
	cycles := checkpoint.Coverage{Reading: checkpoint.ByCycles, From: ago(1000), To: now, ReadAt: now}
	backfill := checkpoint.Coverage{Reading: checkpoint.ByBackfill, From: ago(2000), To: ago(900), ReadAt: ago(990)}
	gone := checkpoint.Coverage{Reading: checkpoint.Gone, From: ago(9000), To: ago(8000), ReadAt: ago(990)}
	for name, test := range map[string]struct {
		owings    []checkpoint.Owing
		givenFrom int64
		want      []int64 // from and to of each, in hours ago
	}{
		"nothing is due":               {nil, 0, []int64{2000, 900, 1000, 0}},
		"what is young is due":         {[]checkpoint.Owing{{StartedAt: ago(500), From: ago(10), To: ago(9)}, {StartedAt: ago(20), From: ago(20), To: ago(1)}}, 0, []int64{2000, 900, 1000, 20}},
		"an old one waits":             {[]checkpoint.Owing{{StartedAt: ago(950), From: ago(940), To: ago(800)}}, 0, []int64{2000, 950, 1000, 950, 950, 940, 950, 940, 800, 0}},
		"a destination that came late": {nil, ago(100), []int64{100, 0}},
		"the start is not known":       {[]checkpoint.Owing{{From: ago(5), To: ago(4)}}, 0, []int64{2000, 900, 1000, 5}},
		"no time is known":             {[]checkpoint.Owing{{}}, 0, []int64{2000, 900, 1000, 0}},
	} {
		var got []int64
		for _, c := range provable([]checkpoint.Coverage{gone, backfill, cycles}, lacking(test.owings, test.givenFrom, now)) {
			got = append(got, (now-c.From+hour/2)/hour, (now-c.To+hour/2)/hour)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	var many []archive.Coverage
	for i := range int64(300) {
		many = append(many, archive.Coverage{From: i * 1000, To: i*1000 + i%7 + 1})
	}
	kept := bounded(many)
	if len(kept) != archive.MaxCoverage || kept[len(kept)-1] != (archive.Coverage{From: 299_000, To: 299_006}) ||
		slices.ContainsFunc(kept[:len(kept)-1], func(c archive.Coverage) bool { return c.To-c.From < 5 }) || !slices.IsSortedFunc(kept, func(a, b archive.Coverage) int { return int(a.From - b.From) }) {
		t.Errorf("bounded: %v", kept)
	}
}

// The first cycle of a recovered state reads from where nothing can be left out.
func TestWhereARecoveredStateReadsOn(t *testing.T) {
	now := epoch.Add(300 * day)
	at := func(days int) int64 { return epoch.Add(time.Duration(days) * day).UnixMilli() }
	row := func(reading string, from, to, readAt int) checkpoint.Coverage {
		return checkpoint.Coverage{Reading: reading, From: at(from), To: at(to), ReadAt: at(readAt)}
	}
	for name, test := range map[string]struct {
		list []checkpoint.Coverage
		want int
	}{
		"cycles":                           {[]checkpoint.Coverage{row(checkpoint.ByCycles, 10, 200, 200)}, 200},
		"a backfill":                       {[]checkpoint.Coverage{row(checkpoint.ByBackfill, 10, 200, 200)}, 200},
		"a backfill of long ago":           {[]checkpoint.Coverage{row(checkpoint.ByBackfill, 10, 100, 250)}, 100},
		"two backfills":                    {[]checkpoint.Coverage{row(checkpoint.ByBackfill, 10, 100, 100), row(checkpoint.ByBackfill, 100, 200, 200)}, 100},
		"cycles after a backfill":          {[]checkpoint.Coverage{row(checkpoint.ByBackfill, 10, 100, 100), row(checkpoint.ByCycles, 99, 150, 150), row(checkpoint.ByCatchUp, 150, 220, 220)}, 220},
		"cycles long after a backfill":     {[]checkpoint.Coverage{row(checkpoint.ByBackfill, 10, 100, 100), row(checkpoint.ByCycles, 110, 220, 220)}, 100},
		"a backfill beside cycles":         {[]checkpoint.Coverage{row(checkpoint.ByBackfill, 10, 100, 180), row(checkpoint.ByCycles, 110, 220, 220)}, 220},
		"a backfill beyond the retention":  {[]checkpoint.Coverage{row(checkpoint.ByBackfill, -300, -150, -150), row(checkpoint.ByCycles, 110, 220, 220)}, 220},
		"a late backfill after the cycles": {[]checkpoint.Coverage{row(checkpoint.ByCycles, 110, 220, 220), row(checkpoint.ByBackfill, 10, 260, 260)}, 220},
	} {
		if got := readOn(test.list, now); got != at(test.want) {
			t.Errorf("%s: %v, want %v", name, time.UnixMilli(got).UTC(), time.UnixMilli(at(test.want)).UTC())
		}
	}
	if got := readOn(nil, now); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
}

// What was read before selections were recorded counts for the present one only if
// nothing that this one names was left out.
func TestCoverageWithoutARecordOfItsSelection(t *testing.T) {
	var skills []string
	r := newTrial(t, sandbox.Settings{Seed: 3, Conversations: 60, Period: 10 * day, Messages: 3}, 5*day,
		func(s *Settings) { s.Skills, s.Since = skills, lastDay })
	known, err := r.Source.Skills(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	skills = []string{known[0].ID}
	r.reopenWith(nil)
	r.cycle() // leaves out what has other skills
	older := func(from, to int) {
		if err := r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error {
			return tx.AddCoverage(checkpoint.Coverage{Reading: checkpoint.ByCycles, From: epoch.Add(time.Duration(from) * day).UnixMilli(),
				To: epoch.Add(time.Duration(to) * day).UnixMilli(), Selection: checkpoint.UnknownSelection, ReadAt: r.millis()})
		}); err != nil {
			t.Fatal(err)
		}
	}
	older(0, 2)
	r.mustTell("covered 0s 48h0m0s read 120h0m0s", "covered 96h0m0s 120h0m0s read 120h0m0s", "hole 48h0m0s 96h0m0s []")
	r.clock.Advance(time.Hour)
	r.cycleWithGap() // settles it
	older(2, 4)
	skills = nil
	r.reopenWith(nil)
	r.mustTell("hole 0s 121h0m0s []")
	r.clock.Advance(time.Hour)
	r.cycleWithGap()
	skills = []string{known[0].ID}
	r.reopenWith(nil)
	r.mustTell("covered 0s 48h0m0s read 120h0m0s", "covered 96h0m0s 122h0m0s read 122h0m0s", "hole 48h0m0s 96h0m0s []")
}
