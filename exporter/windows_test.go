package exporter

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// watched is a source that a test looks on at.
type watched struct {
	Source
	mu      sync.Mutex
	queries []liveperson.Query
	before  func(liveperson.Query) error // asked before each search; nil: no one
}

func (w *watched) Search(ctx context.Context, q liveperson.Query, sink liveperson.Sink) (liveperson.Page, error) {
	w.mu.Lock()
	w.queries = append(w.queries, q)
	before := w.before
	w.mu.Unlock()
	if before != nil {
		if err := before(q); err != nil {
			return liveperson.Page{}, err
		}
	}
	return w.Source.Search(ctx, q, sink)
}

// taken are the queries since the last call.
func (w *watched) taken() []liveperson.Query {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.queries
	w.queries = nil
	return list
}

// watchedTrial is a trial whose searches are looked on at.
func watchedTrial(t *testing.T, set sandbox.Settings, after time.Duration) (*trial, *watched) {
	w := &watched{}
	r := newTrial(t, set, after, func(s *Settings) {
		w.Source = s.Source
		s.Source = w
	})
	return r, w
}

func (r *trial) backfill(from, to time.Duration) (Report, error) {
	return r.Backfill(context.Background(), epoch.Add(from), epoch.Add(to), nil)
}

func (r *trial) mustBackfill(from, to time.Duration) Report {
	r.t.Helper()
	report, err := r.backfill(from, to)
	if err != nil || !report.Complete {
		r.t.Fatalf("backfill: %+v, %v", report, err)
	}
	return report
}

const day = 24 * time.Hour

func TestWindowsAreSplitByTime(t *testing.T) {
	r, w := watchedTrial(t, sandbox.Settings{Seed: 4, Conversations: 300, Period: 3 * day, Messages: 3}, 9*day)
	r.ceiling = 60
	r.mustBackfill(0, 9*day)
	r.mustHoldTruth("local")
	deepest := 0
	for _, q := range w.taken() {
		deepest = max(deepest, q.Offset)
	}
	if deepest >= r.ceiling {
		t.Errorf("a window was read to offset %d, the ceiling is %d", deepest, r.ceiling)
	}
}

func TestWindowsBelowASlotAreSplitBySkillAndStatus(t *testing.T) {
	r, w := watchedTrial(t, sandbox.Settings{Seed: 4, Conversations: 300, Period: 9 * time.Minute, Messages: 3, OpenShare: 0.5}, 9*day)
	r.ceiling = 20
	r.mustBackfill(0, day)
	r.mustHoldTruth("local")
	skills, statuses := false, false
	for _, q := range w.taken() {
		skills, statuses = skills || len(q.Skills) == 1, statuses || len(q.Status) == 1 && len(q.Skills) == 1
	}
	if !skills || !statuses {
		t.Errorf("split by skill: %v, by status: %v", skills, statuses)
	}
}

// A count that is off now and then, and pages that shift, are read again; one
// that stays off leaves its window open.
func TestWindowsThatChangeAreReadAgain(t *testing.T) {
	set := sandbox.Settings{Seed: 4, Conversations: 250, Period: 3 * day, Messages: 3, Faults: []sandbox.Fault{
		{Kind: sandbox.CountOff, Route: sandbox.Search, Nth: []int{1, 3}, By: 1}, {Kind: sandbox.Shift, Route: sandbox.Search, Nth: []int{6, 7}, By: 2}}}
	r, _ := watchedTrial(t, set, 9*day)
	r.mustBackfill(0, 9*day)
	r.mustHoldTruth("local")

	set.Faults = []sandbox.Fault{{Kind: sandbox.CountOff, Route: sandbox.Search, By: 1, Until: epoch.Add(9*day + time.Hour)}}
	r, w := watchedTrial(t, set, 9*day)
	report, err := r.backfill(0, 9*day)
	if !errors.Is(err, ErrIncomplete) || report.Complete || report.Captured.Conversations != 250 {
		t.Errorf("%+v, %v", report, err)
	}
	begun := 0
	for _, q := range w.taken() {
		if q.Offset == 0 && q.Limit == pageLimit {
			begun++
		}
	}
	if begun != maxReads {
		t.Errorf("it was read %d times, not %d", begun, maxReads)
	}
	r.clock.Advance(2 * time.Hour)
	r.mustBackfill(0, 9*day)
	r.mustHoldTruth("local")
}

// In the window that reaches into the present only what began before the run
// counts, however much begins while it is read.
func TestWindowIntoThePresent(t *testing.T) {
	r, w := watchedTrial(t, sandbox.Settings{Seed: 4, Rate: 5000, Messages: 3, Growth: time.Minute}, 3*time.Hour)
	w.before = func(liveperson.Query) error {
		r.clock.Advance(20 * time.Second)
		return nil
	}
	r.mustBackfill(0, 30*day)
	if s, err := r.Status(context.Background()); err != nil || len(s.Coverage) != 1 || s.Coverage[0].To.After(r.clock.Now()) {
		t.Errorf("coverage: %+v, %v", s.Coverage, err)
	}
	got := map[string]bool{}
	for _, s := range r.delivered("local") {
		got[s.Conversation] = true
	}
	for c := range r.account.Truth(epoch.Add(3 * time.Hour)) {
		if !got[c.ID] {
			t.Errorf("%s began before the run and is missing", c.ID)
		}
	}
}

// The same command goes on where it stopped: windows that were read whole are
// not read again, and a period that ends in the future still ends where it did.
func TestBackfillGoesOnWhereItStopped(t *testing.T) {
	r, w := watchedTrial(t, sandbox.Settings{Seed: 4, Conversations: 400, Period: 190 * day, Messages: 3}, 200*day)
	ctx, stop := context.WithCancel(context.Background())
	r.Step = func(name string) {
		if name != "page stored" {
			return
		}
		// A window begins when another one is finished, and brings a page.
		if covered, err := r.cp.Coverage(context.Background()); err != nil || len(covered) > 0 {
			stop()
		}
	}
	if _, err := r.Backfill(ctx, epoch, epoch.Add(300*day), nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped: %v", err)
	}
	w.taken()
	covered, err := r.cp.Coverage(context.Background())
	if err != nil || len(covered) == 0 {
		t.Fatalf("no window was finished: %v", err)
	}
	s, err := r.Status(context.Background())
	if err != nil || s.OpenBackfills != 1 {
		t.Errorf("status: %+v, %v", s, err)
	}
	r.reopenWith(nil)
	r.clock.Advance(day)
	r.mustBackfill(0, 300*day)
	for _, q := range w.taken() {
		at := q.Start.From.UnixMilli()
		if slices.ContainsFunc(covered, func(c checkpoint.Coverage) bool { return c.From <= at && at < c.To }) {
			t.Errorf("a finished window was read again: %s", q.Start.From)
		}
	}
	r.mustHoldTruth("local")
	if s, err := r.Status(context.Background()); err != nil || s.OpenBackfills != 0 {
		t.Errorf("status: %+v, %v", s, err)
	}
}

// A page that stays bad leaves its window open; the other pages, of that window
// too, go on. That it is the first one makes no difference. What two pages overlap
// in is captured with either.
func TestPageThatStaysBad(t *testing.T) {
	bad := &liveperson.APIError{Op: "search", Status: 500, Err: errors.New("runtime exception")}
	for offset, want := range map[int]int64{0: 250 - 95, 95: 250 - 90, 190: 250 - 55} {
		r, w := watchedTrial(t, sandbox.Settings{Seed: 4, Conversations: 250, Period: 3 * day, Messages: 3}, 40*day)
		w.before = func(q liveperson.Query) error {
			if q.Offset == offset && q.Limit > 1 {
				return bad
			}
			return nil
		}
		report, err := r.backfill(0, 3*day)
		if !errors.Is(err, ErrIncomplete) || report.Captured.Conversations != want {
			t.Errorf("offset %d: captured %d, want %d: %v", offset, report.Captured.Conversations, want, err)
		}
		w.before = nil
		r.mustBackfill(0, 3*day)
		r.mustHoldTruth("local")
	}
}

// A refused login ends the capture; what is pending is delivered all the same.
func TestRefusedLoginDeliversWhatIsPending(t *testing.T) {
	r, w := watchedTrial(t, sandbox.Settings{Seed: 4, Conversations: 250, Period: 3 * day, Messages: 3}, 9*day)
	refused := &liveperson.AuthError{Op: "search", Status: 401, Hint: "hint", Err: &liveperson.APIError{Op: "search", Status: 401}}
	w.before = func(q liveperson.Query) error {
		if q.Offset == 95 {
			return refused
		}
		return nil
	}
	report, err := r.backfill(0, 9*day)
	var auth *liveperson.AuthError
	if !errors.As(err, &auth) || report.Destinations[0].Slices < 100 || report.Destinations[0].Pending != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	w.before = nil
	r.mustBackfill(0, 9*day)
	r.mustHoldTruth("local")
}

// second opens another exporter on the same state and the same source, as
// another process would.
func (r *trial) second() *Exporter {
	r.t.Helper()
	s := r.Settings
	s.Destinations = []Destination{r.destination("local")}
	e, err := Open(context.Background(), s)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { e.Close() })
	return e
}

func TestBackfillsAndACycleAtOnce(t *testing.T) {
	r, _ := watchedTrial(t, sandbox.Settings{Seed: 4, Conversations: 300, Period: 60 * day, Messages: 4}, 70*day)
	r.ceiling = 40
	other, third := r.second(), r.second()
	other.ceiling = 40
	// One that ends first says rightly that the others have not yet delivered all.
	ends := func(_ Report, err error) error {
		if errors.Is(err, ErrIncomplete) {
			return nil
		}
		return err
	}
	var g errgroup.Group
	g.Go(func() error { return ends(r.backfill(0, 70*day)) })
	g.Go(func() error { return ends(other.Backfill(context.Background(), epoch, epoch.Add(70*day), nil)) })
	g.Go(func() error { return ends(third.Cycle(context.Background(), nil)) })
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	r.cycle()
	r.mustHoldTruth("local")
}

func TestSecondCycleIsRefused(t *testing.T) {
	r, _ := handTrial(t, nil)
	release, err := r.leaseCycle()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.second().Cycle(context.Background(), nil); !errors.Is(err, ErrCycleRunning) {
		t.Errorf("a second cycle: %v", err)
	}
	release()
	r.cycle()
}

func TestTheSamePeriodAskedTwiceDeliversOnce(t *testing.T) {
	r, _ := watchedTrial(t, sandbox.Settings{Seed: 4, Conversations: 50, Period: 3 * day, Messages: 3}, 9*day)
	r.mustBackfill(0, 2*day)
	r.mustBackfill(day, 9*day)
	if report := r.mustBackfill(0, 9*day); report.Captured.Revisions != 0 || report.Destinations[0].Bundles != 0 {
		t.Errorf("again: %+v", report)
	}
	r.mustHoldTruth("local")
}

// The total is known before the first of it is told, and is never another one.
func TestProgressKnowsItsTotal(t *testing.T) {
	var told []Progress
	r := newTrial(t, sandbox.Settings{Seed: 3, Conversations: 900, Period: 100 * day, Messages: 2}, 110*day, func(s *Settings) {
		s.Since, s.Concurrency = lastDay, 4
		s.Progress = func(p Progress) { told = append(told, p) }
	})
	if _, err := r.Backfill(context.Background(), epoch, r.clock.Now(), nil); err != nil {
		t.Fatal(err)
	}
	for i, p := range told {
		if p.Expected != 900 || p.Conversations > 900+20 || i > 0 && p.Conversations < told[i-1].Conversations {
			t.Fatalf("step %d of %d: %+v", i, len(told), p)
		}
	}
	if last := told[len(told)-1].Conversations; last < 900 {
		t.Errorf("it ends with %d of 900", last)
	}
}
