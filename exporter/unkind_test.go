package exporter

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

var (
	unkindSeeds = flag.Int("unkind.seeds", max(1, 3/sparsely), "accounts that TestUnkind draws")
	unkindFirst = flag.Uint64("unkind.first", 0, "seed of the first of them")
)

// unkind is a trial on an account that changes between any two requests, and
// whose searches err.
type unkind struct {
	*trial
	*sandbox.Unkind
	mu     sync.Mutex
	random *rand.Rand
	left   int // requests until the run is cut off; 0: it is not
	cut    context.CancelFunc
	log    synced
	faults []string
	steps  []string
}

func newUnkind(t *testing.T, seed uint64) *unkind {
	t.Helper()
	u := &unkind{random: rand.New(rand.NewPCG(seed, 9)), Unkind: sandbox.NewUnkind(seed, epoch.Add(6*time.Hour), epoch.Add(6*day))}
	set := sandbox.Settings{Seed: seed, Conversations: 180 + 240*u.random.IntN(2), Period: 6 * day, Messages: 4, Lively: 0.03, OpenShare: 0.05, LateChanges: u.random.IntN(2) == 0,
		Freshness: 30 * time.Second, Faults: u.Faults(), Observe: u.observe}
	for _, f := range set.Faults {
		u.faults = append(u.faults, fmt.Sprintf("%+v", f))
	}
	u.trial = newTrial(t, set, time.Duration(1+u.random.IntN(60))*time.Hour, func(s *Settings) {
		s.Log = slog.New(slog.NewTextHandler(&u.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	u.Begin(u.account)
	return u
}

// observe comes before each answer: it takes its time, and meanwhile the account
// may change.
func (u *unkind) observe(r sandbox.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.clock.Advance(time.Duration(1+u.random.IntN(15)) * time.Second)
	u.Act()
	if u.left--; u.left == 0 {
		u.cut()
	}
}

func (u *unkind) intN(n int) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.random.IntN(n)
}

func (u *unkind) note(format string, args ...any) {
	u.steps = append(u.steps, u.clock.Now().Format(time.DateTime)+" "+fmt.Sprintf(format, args...))
}

// claim is what a run has said that it read.
type claim struct {
	what       string
	begin, end int64
	complete   bool // the run said so
	covers     func(*sandbox.Ever) bool
}

// run is one run; it may be cut off. It fails where an error is none that an
// account may cause.
func (u *unkind) run(what string, work func(context.Context) (Report, error)) (r Report, stopped bool, begin, end int64) {
	u.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	u.mu.Lock()
	u.cut, u.left = cancel, 0
	if u.random.IntN(8) == 0 && u.clock.Now().Before(u.Calm()) {
		u.left = 1 + u.random.IntN(15)
	}
	u.mu.Unlock()
	begin = u.clock.Now().UnixMilli()
	r, err := work(ctx)
	end = u.clock.Now().UnixMilli()
	u.note("%s: complete %v, read %d, new messages %d, %v", what, r.Complete, r.Captured.Read, r.Captured.Messages, err)
	if err := unexpectedOf(err); err != nil {
		u.t.Errorf("%s: %v", what, err)
	}
	return r, errors.Is(err, context.Canceled), begin, end
}

// unexpectedOf is what remains of a run's error without what an account may cause.
func unexpectedOf(err error) error {
	if joined, several := err.(interface{ Unwrap() []error }); several {
		var rest []error
		for _, e := range joined.Unwrap() {
			rest = append(rest, unexpectedOf(e))
		}
		return errors.Join(rest...)
	}
	var api *liveperson.APIError
	var hole *HoleError
	if err == ErrIncomplete || errors.As(err, &hole) || err == ErrQuarantine || isUnavailable(err) || errors.Is(err, context.Canceled) || errors.As(err, &api) {
		return nil
	}
	return err
}

func (u *unkind) place() checkpoint.Place {
	u.t.Helper()
	p, err := u.cp.Place(context.Background())
	if err != nil {
		u.t.Fatal(err)
	}
	return p
}

// cycleOnce is a cycle. When it has moved the watermark, all that was updated
// since the former one and could be found as long as it ran must be there.
func (u *unkind) cycleOnce() Report {
	u.t.Helper()
	before := u.place()
	r, stopped, begin, end := u.run("cycle", func(ctx context.Context) (Report, error) { return u.Cycle(ctx, nil) })
	after := u.place()
	if after.Watermark == before.Watermark || stopped {
		return r // what a run has captured that was cut off, is delivered by the next one
	}
	since := after.Since
	if before.Watermark != 0 {
		since = time.UnixMilli(before.Watermark).Add(-u.Overlap).UnixMilli()
	}
	u.check(claim{"cycle", begin, end, r.Complete, func(e *sandbox.Ever) bool {
		for _, up := range e.Updates {
			if up.At >= since && sandbox.Throughout(up.Found, begin, end) {
				return true
			}
		}
		return false
	}})
	return r
}

// backfillOf is one of a period. When it says that it is complete, all that began in
// the period and could be found as long as it ran must be there.
func (u *unkind) backfillOf(from, to time.Time) Report {
	u.t.Helper()
	r, _, begin, end := u.run(fmt.Sprintf("backfill %s to %s", from.Format(time.DateTime), to.Format(time.DateTime)),
		func(ctx context.Context) (Report, error) { return u.Backfill(ctx, from, to, nil) })
	if r.Complete {
		u.check(claim{"backfill", begin, end, true, func(e *sandbox.Ever) bool {
			return e.StartedAt >= from.UnixMilli() && e.StartedAt < min(to.UnixMilli(), begin)
		}})
	}
	return r
}

// settled is how long a message has been there before a run: then its status tells
// of it, also where it is withheld.
const settled = 2000 // ms

// check compares what was said with what could be seen. Where a record lacks
// messages that have all been captured before, nobody has to ask for them again.
func (u *unkind) check(c claim) {
	u.t.Helper()
	faults := compareEver(u.account.Ever(time.UnixMilli(c.end)), u.delivered("local"), func(e *sandbox.Ever, m *sandbox.Sighting) demand {
		throughout := func(spans []sandbox.Span) bool { return sandbox.Throughout(spans, c.begin-settled, c.end) }
		another := slices.ContainsFunc(e.Messages, func(o sandbox.Sighting) bool {
			return o.Dialog == m.Dialog && o.Sequence == m.Sequence && o.Text != m.Text && throughout(o.Given)
		})
		switch {
		case !sandbox.Throughout(e.Found, c.begin, c.end) || !c.covers(e):
			return none
		case throughout(m.Found) && another:
			return some // a search shows these words, and a request for the conversation alone others
		case throughout(m.Found):
			return these
		case c.complete && (throughout(m.Owed) || throughout(m.Missed)):
			return some // or the run would have to say that a record was cut short
		}
		return none
	})
	u.mustBeNone(fmt.Sprintf("%s of %s, complete %v", c.what, time.UnixMilli(c.begin).UTC().Format(time.DateTime), c.complete), faults)
}

// mustBeNone ends the test at the first thing that is wrong: more would follow from it.
func (u *unkind) mustBeNone(about string, faults []string) {
	u.t.Helper()
	for _, f := range faults[:min(len(faults), 3)] {
		u.t.Errorf("%s: %s", about, f)
	}
	if len(faults) > 0 {
		u.t.FailNow()
	}
}

// act does one thing, or lets time pass.
func (u *unkind) act() {
	u.t.Helper()
	for range u.intN(4) {
		u.Act()
	}
	switch p := u.intN(100); {
	case p < 50:
		u.cycleOnce()
	case p < 65:
		from := epoch.Add(time.Duration(u.intN(int(u.clock.Now().Sub(epoch)))))
		u.backfillOf(from, from.Add(time.Duration(1+u.intN(int(3*day)))))
	case p < 72:
		u.backfillOf(epoch.Add(-day), u.clock.Now().Add(time.Hour))
	case p < 77:
		u.reopenWith(nil)
		u.note("reopened")
	default:
		u.clock.Advance(time.Duration(1+u.intN(int(6*time.Hour))) + time.Minute)
	}
}

// rest lets all appear and the faults end, and captures it: by a backfill, or, with
// cycles alone, within a month.
func (u *unkind) rest(cyclesOnly bool) {
	u.t.Helper()
	u.clock.Advance(u.Calm().Add(time.Hour).Sub(u.clock.Now()))
	for range 40 {
		if !cyclesOnly {
			break
		}
		u.cycleOnce()
		u.clock.Advance(18 * time.Hour)
	}
	if !cyclesOnly {
		u.mustBeComplete("backfill", u.backfillOf(epoch.Add(-day), u.clock.Now().Add(time.Hour)))
	}
	u.mustBeComplete("cycle", u.cycleOnce())
	now := u.clock.Now().UnixMilli()
	// A month ago it had been visible.
	since := now - 1
	if cyclesOnly {
		since = now - 30*day.Milliseconds()
	}
	faults := compareEver(u.account.Ever(time.UnixMilli(now)), u.delivered("local"), func(e *sandbox.Ever, m *sandbox.Sighting) demand {
		if sandbox.Throughout(m.Owed, since, now-1) {
			return these
		}
		return none
	})
	u.mustBeNone("in the end", faults)
	u.sound()
}

// mustBeComplete wants a run of a calm account to be complete, but where the count
// is never reached, or a conversation is gone whose record was cut.
func (u *unkind) mustBeComplete(what string, r Report) {
	u.t.Helper()
	if !r.Complete && !u.Overcounts() && !u.lacksOnlyGone() {
		u.t.Errorf("the %s of a calm account is not complete", what)
	}
}

// warnings are the last of the log's.
func (u *unkind) warnings() (list []string) {
	for line := range strings.Lines(u.log.b.String()) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "read again") {
			list = append(list, strings.TrimSpace(line))
		}
	}
	return list[max(len(list)-12, 0):]
}

// tell tells what has happened before something went wrong.
func (u *unkind) tell() {
	if u.t.Failed() && testing.Verbose() {
		u.t.Logf("faults:\n%s\nruns:\n%s\nwarnings:\n%s\nchanges:\n%s", strings.Join(u.faults, "\n"), strings.Join(u.steps, "\n"), strings.Join(u.warnings(), "\n"), strings.Join(u.Told(), "\n"))
	}
}

// TestUnkind draws accounts that change between any two requests and err in what
// they answer, and what is run on them. Whenever a run says that it has read all of
// a period, all that could be seen as long as it ran must be in the archive; in the
// end everything must; nothing may be there that was never seen. For many more:
//
//	go test ./exporter -run Unkind -unkind.seeds 300 -timeout 3h
func TestUnkind(t *testing.T) {
	for n := range uint64(*unkindSeeds) {
		seed := *unkindFirst + n
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			u := newUnkind(t, seed)
			defer u.tell()
			for u.cycleOnce().Captured.Read == 0 {
				// Who has never found anything cannot know that there is something.
				u.clock.Advance(time.Minute)
			}
			for range 25 {
				u.act()
			}
			u.rest(seed%3 == 2)
		})
	}
}
