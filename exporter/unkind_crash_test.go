//go:build unix

package exporter

import (
	"context"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// unkindCrash is a crash test on an account that changes between any two requests,
// and whose searches err. It begins on the account's third day and is unkind for
// four more.
type unkindCrash struct {
	*crash
	*sandbox.Unkind
}

func newUnkindCrash(t *testing.T, salt uint64) *unkindCrash {
	t.Helper()
	u := sandbox.NewUnkind(*crashSeed<<8|salt, epoch.Add(2*day), epoch.Add(6*day))
	set := sandbox.Settings{Conversations: 200, Period: 6 * day, Messages: 6, Lively: 0.05, LateChanges: true, Freshness: 30 * time.Second,
		Files: sandbox.Files{Life: time.Hour}, Faults: u.Faults(), Observe: func(sandbox.Request) { u.Act() }}
	c := &unkindCrash{newCrash(t, salt, set), u}
	u.Begin(c.faulty, c.calm)
	return c
}

// TestKilledOnAnUnkindAccount kills cycles and backfills at random instants while
// the account changes. A backfill that says in the end that it is complete has all
// that could be seen since it began.
func TestKilledOnAnUnkindAccount(t *testing.T) {
	t.Parallel()
	c := newUnkindCrash(t, 6)
	period, began := c.period(), time.Time{}
	for c.goesOn(0.2) && c.clock.Now().Before(epoch.Add(6*day)) {
		m, requests := c.instant()
		backfill := c.rng.IntN(2) == 0
		if backfill {
			m.From, m.To = period.From, period.To
			if began.IsZero() {
				began = c.clock.Now()
			}
		}
		killed := c.run(c.cycles, m, requests)
		if backfill && !killed && c.complete {
			c.mustHaveRead(period, began)
			period, began = c.period(), time.Time{}
		}
		if !killed {
			c.clock.Advance(time.Duration(c.rng.IntN(120)) * time.Minute)
		}
	}
	c.finishCalm()
}

// mustHaveRead checks that the archive has all that began in a period and could be
// seen from a moment until now.
func (c *unkindCrash) mustHaveRead(p Period, began time.Time) {
	c.t.Helper()
	from, until := began.UnixMilli(), c.clock.Now().UnixMilli()
	to := min(p.To.UnixMilli(), from)
	c.compare(func(e *sandbox.Ever, m *sandbox.Sighting) demand {
		if e.StartedAt >= p.From.UnixMilli() && e.StartedAt < to && sandbox.Throughout(m.Owed, from-settled, until) {
			return some
		}
		return none
	})
}

func (c *unkindCrash) compare(demanded func(*sandbox.Ever, *sandbox.Sighting) demand) {
	c.t.Helper()
	delivered := (&trial{t: c.t, root: c.root}).delivered("local")
	for _, f := range compareEver(c.calm.Ever(c.clock.Now()), delivered, demanded) {
		c.t.Error(f)
	}
}

// finishCalm lets all appear, captures it, and compares the archive with all that
// was ever shown.
func (c *unkindCrash) finishCalm() {
	c.t.Helper()
	c.clock.Advance(c.Calm().Add(time.Hour).Sub(c.clock.Now()))
	r := c.trial()
	whole := func(run func() (Report, error)) (report Report) {
		for n := range 20 {
			var err error
			if report, err = run(); report.Complete {
				return report
			}
			if err := unexpectedOf(err); err != nil {
				c.t.Fatal(err)
			}
			if n > 8 && (c.Overcounts() || r.lacksOnlyGone()) {
				return report
			}
			c.clock.Advance(6 * time.Hour) // files of what is gone are given up
		}
		c.t.Fatalf("no run of a calm account is complete: %+v", report)
		return report
	}
	cycle := func() (Report, error) { return r.Cycle(context.Background(), nil) }
	all := func() (Report, error) {
		return r.Backfill(context.Background(), epoch, epoch.Add(400*day), nil)
	}
	whole(cycle)
	whole(all)
	now := c.clock.Now().UnixMilli()
	c.compare(func(e *sandbox.Ever, m *sandbox.Sighting) demand {
		if sandbox.Throughout(m.Owed, now-1, now-1) {
			return these
		}
		return none
	})
	for _, run := range []func() (Report, error){cycle, all} {
		if report := whole(run); report.Captured.Revisions != 0 || report.Destinations[0].Bundles != 0 {
			c.t.Errorf("a run at rest wrote something: %+v", report)
		}
	}
	c.inspect()
	c.mustBeTidy()
	c.t.Logf("%d kills, %d bundles; killed at %v", c.kills, len(c.bundles), c.diedAt)
}
