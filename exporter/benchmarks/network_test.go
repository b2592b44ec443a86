package benchmarks

import (
	"math"
	"testing"
	"time"
)

// BenchmarkNetwork exports from a server that takes 100 ms for each answer. Its
// conversations are short, so that the network and not a processor is what is
// waited for.
func BenchmarkNetwork(b *testing.B) {
	const inFlight = 4 // the default of liveperson.concurrency
	a := account{Conversations: 50_000, Messages: 3, Answer: 100 * time.Millisecond}
	s := start(b, a)
	var wall, cpu, searches, most []float64
	var asked served
	for b.Loop() {
		for range min(*pairs, 3) {
			s.at(b, today)
			e, u := run(b, job{URL: s.url, Dir: b.TempDir()})
			whole(b, e, a)
			asked = s.at(b, today)
			wall, cpu, searches = append(wall, u.wall.Seconds()), append(cpu, u.cpu.Seconds()), append(searches, float64(asked.Searches))
			most = append(most, 1.15*float64(asked.Searches)*a.Answer.Seconds()/inFlight+1)
		}
	}
	pages := math.Ceil(float64(a.Conversations) / 100)
	allowed := 1.1*pages + 2*float64(asked.Windows)
	b.Logf("%d conversations of %d messages, %d windows, %v an answer, %d in flight", a.Conversations, a.Messages, asked.Windows, a.Answer, inFlight)
	show(b, "searches", "searches", searches, "")
	show(b, "searches / (1.1 x pages + 2 x windows)", "searches/allowed", []float64{middle(searches) / allowed}, "at most 1")
	show(b, "wall time", "wall-s", wall, "")
	show(b, "wall time / (1.15 x searches x 100 ms / 4 + 1 s)", "wall/allowed", []float64{middle(wall) / middle(most)}, "at most 1")
	show(b, "CPU", "cpu-s", cpu, "")
}
