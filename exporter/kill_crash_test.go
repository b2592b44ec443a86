//go:build unix

// The crash test: processes that export a living, faulty account are killed
// (SIGKILL, which no process can catch) at every numbered step and at random
// instants. Whatever is left behind, the next run goes on from it at once, and
// in the end every entry is in the archive exactly once.
//
//	go test ./exporter -run Killed -crash.kills 5000 -crash.seed 7
//
// The flags belong to this package alone: give them with it, not with ./... . It
// needs SIGKILL as unix has it.
package exporter

import (
	"flag"
	"sync"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

var (
	crashKills = flag.Int("crash.kills", 200/sparsely, "how many processes the crash test kills")
	crashSeed  = flag.Uint64("crash.seed", 1, "seed of the crash test's accounts and instants")
)

// namedSteps are those at which an ordinary run can be killed.
var namedSteps = []string{
	"page received", "page in transaction", "page stored", "file stored", "files stored",
	"bundle prepared", "slices prepared", "bundle cut", "bundle spooled", "bundle rendered",
	"item handed over", "item taken", "receipt stored",
}

// TestKilledAtEveryStep kills a cycle at its first step, the next one at its
// second, and so on until one comes to its end before. In every other round a
// run to the end comes between two kills.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	c := newCrash(t, 1, living(30))
	for round := 0; c.goesOn(0.4); round++ {
		for n := 1; ; n += sparsely {
			if !c.run(c.cycles, mission{Step: n}, 0) {
				break // all steps of that run have had their turn
			}
			if round%2 == 1 {
				c.run(c.cycles, mission{}, 0)
			}
		}
		c.mustLackNothing()
		c.clock.Advance(time.Duration(c.rng.IntN(120)) * time.Minute)
	}
	for _, step := range namedSteps {
		for c.diedAt[step] == 0 && !t.Failed() {
			c.clock.Advance(30 * time.Minute)
			c.run(c.cycles, mission{Named: step, Step: 1}, 0)
		}
	}
	c.finish()
}

// TestKilledLongAfterTheLastCycle kills cycles before a page is stored, with much
// more to read than two cycles overlap by: the next one reads all of it.
func TestKilledLongAfterTheLastCycle(t *testing.T) {
	t.Parallel()
	c := newCrash(t, 5, living(60))
	for _, step := range []string{"page received", "page in transaction", "page received"} {
		c.mustLackNothing()
		c.clock.Advance(3 * time.Hour)
		c.run(c.cycles, mission{Named: step, Step: 1}, 0)
	}
	c.finish()
	if c.kills != 3 {
		t.Errorf("killed %d times, want 3", c.kills)
	}
}

// TestKilledAtAnyInstant kills cycles and backfills from outside after a random
// number of requests, and some microseconds after a random step or the start.
func TestKilledAtAnyInstant(t *testing.T) {
	t.Parallel()
	c := newCrash(t, 2, living(30))
	period := c.period()
	for c.goesOn(0.2) {
		m, requests := c.instant()
		if c.rng.IntN(3) == 0 {
			m.From, m.To = period.From, period.To
		}
		if !c.run(c.cycles, m, requests) {
			period = c.period()
			c.clock.Advance(time.Duration(c.rng.IntN(60)) * time.Minute)
		}
	}
	c.finish()
}

// TestBackfillKilledBesideACycle kills two processes on one state, each at its
// own instants.
func TestBackfillKilledBesideACycle(t *testing.T) {
	t.Parallel()
	c := newCrash(t, 3, living(30))
	// The destination is now one's, now the other's.
	cycles, backfills := c.newLine("cycle.lock"), c.newLine()
	var both sync.WaitGroup
	both.Go(func() {
		for c.goesOn(0.3) {
			m, requests := c.instant()
			c.run(cycles, m, requests)
		}
	})
	both.Go(func() {
		period := c.period()
		for c.goesOn(0.3) {
			m, requests := c.instant()
			m.From, m.To = period.From, period.To
			if !c.run(backfills, m, requests) {
				period = c.period()
			}
		}
	})
	both.Wait()
	c.finish()
}

// TestBackfillKilledUntilItIsDone kills backfills with no cycle that could make
// up for what they leave out: once one says that it is complete, all is there.
func TestBackfillKilledUntilItIsDone(t *testing.T) {
	t.Parallel()
	kills := 0
	for salt := uint64(10); float64(kills) < 0.08*float64(*crashKills) && !t.Failed(); salt++ {
		c := newCrash(t, salt, living(60))
		began := c.clock.Now()
		for !c.complete && !t.Failed() {
			m, requests := c.instant()
			m.From, m.To = epoch.Add(-40*24*time.Hour), began
			c.run(c.cycles, m, requests)
		}
		c.mustHoldMessages(began)
		kills += c.kills
	}
}

// TestKilledWhileAHugeRecordIsStored kills a run between the parts of a record
// that is fetched section by section.
func TestKilledWhileAHugeRecordIsStored(t *testing.T) {
	t.Parallel()
	c := newCrash(t, 4, sandbox.Settings{Conversations: 3, Period: 24 * time.Hour, Huge: 9000})
	for n := 1; c.run(c.cycles, mission{Named: "part stored", Step: n}, 0); n += sparsely {
	}
	if c.diedAt["part stored"] < 2 {
		t.Errorf("killed %d times between two parts, want several", c.diedAt["part stored"])
	}
	c.finish()
}

// instant chooses when a process is to die, if at all: requests is the number
// of requests after which it is killed from outside, if not 0.
func (c *crash) instant() (m mission, requests int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	some := time.Duration(c.rng.IntN(3_000)) * time.Microsecond
	switch c.rng.IntN(10) {
	case 0: // not
	case 1:
		m.After = 20 * some
	case 2, 3:
		m.Step, m.After = 1+c.rng.IntN(80), some
	case 4, 5, 6:
		m.Named, m.Step, m.After = namedSteps[c.rng.IntN(len(namedSteps))], 1+c.rng.IntN(2), some
	default:
		requests = 1 + c.rng.IntN(32)
	}
	return m, requests
}

// period is what the next backfill is asked for: some of the last days, or all
// there is and more.
func (c *crash) period() Period {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	if c.rng.IntN(3) == 0 {
		return Period{From: beforeAll, To: now.Add(time.Hour)}
	}
	from := now.Add(-time.Duration(c.rng.IntN(72)+1) * time.Hour)
	return Period{From: from, To: from.Add(time.Duration(c.rng.IntN(48)+1) * time.Hour)}
}
