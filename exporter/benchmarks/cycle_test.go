package benchmarks

import (
	"testing"
	"time"
)

// BenchmarkCycle measures a cycle that finds nothing new on a large account of
// short conversations, one in twenty of them open for ever. Cycles come every
// five minutes. They begin a day after the account was captured, when the open
// conversations wait to be looked at by id and each cycle takes its share.
func BenchmarkCycle(b *testing.B) {
	a := account{Conversations: *large, Messages: 3, Open: 0.05}
	s := start(b, a)
	dir := b.TempDir()
	e, u := run(b, job{URL: s.url, Dir: dir})
	whole(b, e, a)
	b.Logf("%d conversations captured in %.1f s of CPU; state %.1f MB", e.Conversations, u.cpu.Seconds(), mega(e.StateBytes))
	var cpu, wall, searches, peak []float64
	cycle := func(now time.Time) (exported, usage, served) {
		s.at(b, now)
		e, u := run(b, job{URL: s.url, Dir: dir, Cycle: true, Now: now})
		if e.Conversations > 0 || e.Slices > 0 {
			b.Fatalf("found something new: %+v", e)
		}
		return e, u, s.at(b, now)
	}
	cycle(today) // sets the watermark
	now := today.Add(24 * time.Hour)
	_, u, asked := cycle(now) // sweeps what comes once a day
	b.Logf("once a day: %d searches, %.3f s CPU", asked.Searches, u.cpu.Seconds())
	for b.Loop() {
		for range 13 { // an hour: what comes once an hour is among them
			now = now.Add(5 * time.Minute)
			_, u, asked := cycle(now)
			cpu, wall = append(cpu, u.cpu.Seconds()), append(wall, u.wall.Seconds())
			searches, peak = append(searches, float64(asked.Searches)), append(peak, mebi(u.peak))
		}
	}
	show(b, "searches", "searches", searches, "at most 10")
	show(b, "CPU", "cpu-s", cpu, "at most 0.3")
	show(b, "wall time", "wall-s", wall, "")
	show(b, "peak memory, MiB", "peak-MiB", peak, "at most 64")
}
