package exporter

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// captured are the ids of all conversations that a destination was given.
func (r *trial) captured(name string) map[string]bool {
	r.t.Helper()
	ids := map[string]bool{}
	for _, s := range r.delivered(name) {
		ids[s.Conversation] = true
	}
	return ids
}

// mustHaveCaptured makes sure that all conversations that are shown now, but those
// that began from until on, were given to local.
func (r *trial) mustHaveCaptured(what string, until time.Time) {
	r.t.Helper()
	ids := r.captured("local")
	for c := range r.account.Truth(r.clock.Now()) {
		if !ids[c.ID] && c.StartedAt < until.UnixMilli() {
			r.t.Errorf("%s: conversation %d (%s) is missing", what, c.Number, c.ID)
		}
	}
}

// removing removes conversations, the first ones, one after each search but the
// first.
func removing(r *trial, w *watched, numbers ...int) {
	var mu sync.Mutex
	searches := 0
	w.before = func(q liveperson.Query) error {
		mu.Lock()
		defer mu.Unlock()
		if searches++; searches > 1 && len(numbers) > 0 && q.Limit > 1 {
			r.account.Apply(sandbox.Change{Kind: sandbox.Remove, Conversation: numbers[0]})
			numbers = numbers[1:]
		}
		return nil
	}
}

// One deletion in front of the reading place moves every conversation behind it,
// and makes the count as small as what was seen.
func TestDeletionsWhileAWindowIsRead(t *testing.T) {
	set := sandbox.Settings{Seed: 4, Conversations: 350, Period: 3 * day, Messages: 3}
	for what, numbers := range map[string][]int{"one": {0}, "one in each page": {0, 120, 240}, "more than the overlap": {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}} {
		r, w := watchedTrial(t, set, 9*day)
		removing(r, w, numbers...)
		if len(numbers) > overlap {
			w.before = func(q liveperson.Query) error {
				if q.Offset > 0 { // all at once
					for _, n := range numbers {
						r.account.Apply(sandbox.Change{Kind: sandbox.Remove, Conversation: n})
					}
				}
				return nil
			}
		}
		r.mustBackfill(0, 3*day)
		r.mustHaveCaptured(what+", backfill", r.clock.Now())

		r, w = watchedTrial(t, set, 9*day)
		removing(r, w, numbers...)
		r.cycle()
		r.mustHaveCaptured(what+", cycle", r.clock.Now())
	}
}

// A count that is too small by one, for ever: the last conversation is read all the same.
func TestCountThatIsTooSmall(t *testing.T) {
	for _, n := range []int{1, 51, 100, 101, 195, 196, 250} {
		set := sandbox.Settings{Seed: 4, Conversations: n, Period: 3 * day, Messages: 2, Faults: []sandbox.Fault{{Kind: sandbox.CountOff, Route: sandbox.Search, By: -1}}}
		r := newTrial(t, set, 9*day, nil)
		r.mustBackfill(0, 9*day)
		r.mustHaveCaptured("backfill", r.clock.Now())
		r = newTrial(t, set, 9*day, nil)
		r.cycle()
		r.mustHaveCaptured("cycle", r.clock.Now())
	}
}

// Answers that list nobody are believed only while LivePerson lists what it is known
// to have; an outage that answers so moves no watermark and ends no window.
func TestOutageThatListsNobody(t *testing.T) {
	down := epoch.Add(3 * day)
	set := sandbox.Settings{Seed: 4, Conversations: 300, Period: 6 * day, Messages: 3, Faults: []sandbox.Fault{
		{Kind: sandbox.Zero, Route: sandbox.Search, From: down, Until: down.Add(time.Hour)}}}
	r := newTrial(t, set, 2*day, nil)
	first := r.cycle()
	r.clock.Advance(day + time.Minute)
	for what, run := range map[string]func() (Report, error){
		"cycle":    func() (Report, error) { return r.Cycle(context.Background(), nil) },
		"backfill": func() (Report, error) { return r.backfill(2*day+time.Hour, 3*day) },
	} {
		report, err := run()
		if !errors.Is(err, ErrIncomplete) || report.Complete || !report.Watermark.Equal(first.Watermark) {
			t.Errorf("%s: %+v, %v", what, report, err)
		}
	}
	r.clock.Advance(4 * day)
	r.cycle()
	r.mustHoldTruth("local")
}

// An outage may end between an answer that lists nobody and the search that doubts it.
func TestOutageThatEndsBeforeItIsDoubted(t *testing.T) {
	ends := epoch.Add(4*day + time.Second)
	set := sandbox.Settings{Seed: 4, Conversations: 300, Period: 6 * day, Messages: 3, Faults: []sandbox.Fault{
		{Kind: sandbox.Zero, Route: sandbox.Search, From: epoch.Add(4 * day), Until: ends}}}
	r, w := watchedTrial(t, set, 2*day)
	r.cycle()
	r.clock.Advance(2 * day)
	var searches atomic.Int64
	w.before = func(liveperson.Query) error {
		if searches.Add(1) == 2 {
			r.clock.Advance(time.Second)
		}
		return nil
	}
	if _, err := r.backfill(2*day, 3*day); errors.Is(err, ErrIncomplete) || searches.Load() < 3 {
		t.Errorf("%d searches, %v", searches.Load(), err)
	}
	ids := r.captured("local")
	for c := range r.account.Truth(r.clock.Now()) {
		if at := epoch.Add(2*day + 10*time.Minute).UnixMilli(); c.StartedAt >= at && c.StartedAt < epoch.Add(3*day).UnixMilli() && !ids[c.ID] {
			t.Errorf("conversation %d (%s) is missing", c.Number, c.ID)
		}
	}
}

// An account in which nobody has written yet is complete.
func TestAccountWithoutConversations(t *testing.T) {
	r := newTrial(t, sandbox.Settings{Seed: 4, Conversations: 3, Period: time.Hour}, -24*time.Hour, nil)
	r.edit = nil
	if report := r.cycle(); !report.Complete || report.Captured.Read != 0 {
		t.Errorf("%+v", report)
	}
	r.mustBackfill(-10*day, 0)
	r.clock.Advance(3 * day)
	r.cycle()
	r.mustHoldTruth("local")
}

// A conversation may become visible long after its update time has passed. How soon
// it is captured then is bounded for all ages and states.
func TestConversationsThatBecomeVisibleLate(t *testing.T) {
	for _, c := range []struct {
		what             string
		hidden, soon     time.Duration
		between, sharply time.Duration // of cycles, before they become visible and after
		open             float64
	}{
		{"an hour", time.Hour, 23 * time.Hour, time.Hour, time.Hour, 0},
		{"three days", 3 * day, 23 * time.Hour, 12 * time.Hour, time.Hour, 0},
		{"three days, open", 3 * day, 23 * time.Hour, 12 * time.Hour, time.Hour, 1},
		{"a month", 35 * day, 7*day - 12*time.Hour, 2 * day, 12 * time.Hour, 0.5},
		{"ten months", 300 * day, 28 * day, 6 * day, 2 * day, 0.5},
	} {
		c.soon += c.sharply // a cycle comes when it comes
		set := sandbox.Settings{Seed: 9, Conversations: 30, Period: 2 * day, Messages: 4, OpenShare: c.open}
		all := sandbox.New(set)
		r := newTrial(t, set, 0, nil)
		until := map[int]time.Time{}
		for conversation := range r.account.Truth(epoch.Add(300 * day)) {
			if n := conversation.Number; n%3 == 0 {
				last := conversation.Messages[len(conversation.Messages)-1].SentAt
				until[n] = time.UnixMilli(max(last, conversation.EndedAt)).Add(c.hidden)
				r.account.Apply(sandbox.Change{At: epoch, Until: until[n], Kind: sandbox.Hide, Conversation: n})
			}
		}
		end := epoch.Add(4*day + c.hidden + c.soon)
		for r.cycle(); r.clock.Now().Before(end); r.cycle() {
			if r.clock.Now().Before(epoch.Add(c.hidden)) {
				r.clock.Advance(c.between)
				continue
			}
			ids := map[string]bool(nil)
			for n, at := range until {
				if r.clock.Now().Before(at.Add(c.soon)) {
					continue
				}
				delete(until, n)
				if ids == nil {
					ids = r.captured("local")
				}
				if !ids[all.ID(n)] {
					t.Errorf("%s: conversation %d is not captured %v after it became visible", c.what, n, c.soon)
				}
			}
			r.clock.Advance(c.sharply)
		}
		if len(until) > 0 {
			t.Errorf("%s: %d conversations were not looked for", c.what, len(until))
		}
	}
}

// What the first cycle was not asked for is not swept up later.
func TestSweepsStayWithinWhatWasAskedFor(t *testing.T) {
	r := newTrial(t, sandbox.Settings{Seed: 5, Conversations: 60, Period: 20 * day, Messages: 3}, 30*day, func(s *Settings) {
		s.Since = func(now time.Time) time.Time { return now.Add(-day) }
	})
	r.cycle()
	var gap *HoleError
	if _, err := r.backfill(4*day, 6*day); !errors.As(err, &gap) {
		t.Fatal(err)
	}
	for range 70 {
		r.clock.Advance(12 * time.Hour)
		r.cycleWithGap()
	}
	for c := range r.account.Truth(r.clock.Now()) {
		asked := c.StartedAt >= epoch.Add(4*day).UnixMilli() && c.StartedAt < epoch.Add(6*day).UnixMilli()
		if got := r.captured("local")[c.ID]; got != asked {
			t.Errorf("conversation %d, started %v: captured %v", c.Number, time.UnixMilli(c.StartedAt).UTC(), got)
		}
	}
}

// Of a conversation that comes late, the lateness is counted; of a backfill and a
// first cycle nothing is.
func TestLatenessIsCounted(t *testing.T) {
	r := newTrial(t, sandbox.Settings{Seed: 9, Conversations: 1, Period: time.Hour, Messages: 3}, 2*day, nil)
	r.cycle()
	r.mustBackfill(0, day)
	late := func() (buckets []string) {
		o, err := r.Overview(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range o.Counters {
			if c.Name == CounterLateness {
				buckets = append(buckets, c.Labels)
			}
		}
		return buckets
	}
	if got := late(); got != nil {
		t.Errorf("counted %q of a first cycle and a backfill", got)
	}
	r = newTrial(t, sandbox.Settings{Seed: 9, Conversations: 1, Period: time.Hour, Messages: 3, Changes: []sandbox.Change{
		{At: epoch, Until: epoch.Add(2*day + time.Hour), Kind: sandbox.Hide}}}, 2*day, nil)
	r.cycle()
	for range 3 {
		r.clock.Advance(12 * time.Hour)
		r.cycle()
	}
	r.mustHoldTruth("local")
	if got := late(); len(got) != 1 || got[0] != LatenessLabel(4*24*time.Hour) {
		t.Errorf("counted %q, want what is up to four days late", got)
	}
}
