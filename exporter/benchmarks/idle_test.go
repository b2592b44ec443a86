package benchmarks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// settle is how long a service is left alone after its first cycle.
const settle = 20 * time.Second

// BenchmarkIdle watches a service to which nothing happens. Its account was
// captured before; one in twenty of the conversations stays open, and is looked
// at now and then.
func BenchmarkIdle(b *testing.B) {
	program, epoch := build(b), dawn()
	a := account{Epoch: epoch, Conversations: 10_000, Messages: 20, Open: 0.05}
	s := startAt(b, a, time.Now())
	for b.Loop() {
		p := newPlace(b, program, accountID, s.url)
		p.capture(b, a)
		r := rest(b, []*service{p.serve(b)}, s)
		show(b, "CPU, cycle included, % of a core", "cpu-%", []float64{r.cpu}, "at most 1")
		show(b, "CPU in the quietest minute, % of a core", "quiet-cpu-%", []float64{slices.Min(r.minutes)}, "")
		show(b, "CPU in the busiest minute, % of a core", "busy-cpu-%", []float64{slices.Max(r.minutes)}, "")
		show(b, "memory at the end, MiB", "resident-MiB", []float64{mebi(r.end.resident)}, "at most 40")
		show(b, "of that not of files, MiB", "own-MiB", []float64{mebi(r.end.own)}, "")
		show(b, "peak memory, MiB", "peak-MiB", []float64{mebi(r.end.peak)}, "")
	}
}

// BenchmarkForty watches forty services of small accounts that nothing happens to.
func BenchmarkForty(b *testing.B) {
	program, epoch := build(b), dawn()
	a := account{Epoch: epoch, Several: 40, Conversations: 500, Messages: 20, Open: 0.05}
	s := startAt(b, a, time.Now())
	for b.Loop() {
		var all []*service
		for _, id := range a.ids() {
			p := newPlace(b, program, id, s.url)
			p.capture(b, a)
			all = append(all, p.serve(b))
		}
		r := rest(b, all, s)
		show(b, "CPU of all, cycles included, % of a core", "cpu-%", []float64{r.cpu}, "at most 20")
		show(b, "memory of all, shared parts once, GiB", "share-GiB", []float64{mebi(r.end.share) / 1024}, "at most 1.5")
		show(b, "memory of all, added up, GiB", "resident-GiB", []float64{mebi(r.end.resident) / 1024}, "")
		show(b, "of that not of files, GiB", "own-GiB", []float64{mebi(r.end.own) / 1024}, "")
		show(b, "peaks added up, GiB", "peak-GiB", []float64{mebi(r.end.peak) / 1024}, "")
	}
}

// capture captures the account by a backfill, as it was before the service.
func (p *place) capture(b *testing.B, a account) {
	b.Helper()
	cmd := p.backfill(a.Epoch)
	var out bytes.Buffer
	cmd.Stdout = &out
	measure(b, cmd)
	var found struct{ Captured struct{ Conversations int } }
	if err := json.Unmarshal(out.Bytes(), &found); err != nil || found.Captured.Conversations != a.Conversations {
		b.Fatalf("captured %+v, %v", found, err)
	}
}

// rested is what services did at rest, added up.
type rested struct {
	cpu     float64   // % of a core
	minutes []float64 // the same, minute by minute
	end     cost
}

// rest watches services and stops them.
func rest(b *testing.B, all []*service, s *server) (r rested) {
	b.Helper()
	time.Sleep(settle)
	s.at(b, time.Now()) // what was asked until now is none of it
	first := sum(b, all)
	last, began := first, time.Now()
	for at := began; time.Since(began) < *idleFor; {
		time.Sleep(min(time.Minute, *idleFor-time.Since(began)))
		r.end = sum(b, all)
		r.minutes = append(r.minutes, cores(last, r.end, time.Since(at)))
		last, at = r.end, time.Now()
	}
	r.cpu = cores(first, r.end, time.Since(began))
	b.Logf("%d services, %v of rest, %d searches; %% of a core by minute: %s",
		len(all), *idleFor, s.at(b, time.Now()).Searches, fmt.Sprintf("%.2f", r.minutes))
	for _, each := range all {
		each.stop(b)
	}
	return r
}

// sum adds up what services have cost.
func sum(b *testing.B, all []*service) (total cost) {
	b.Helper()
	for _, s := range all {
		c := look(b, s.cmd.Process.Pid)
		total.cpu += c.cpu
		total.resident += c.resident
		total.own += c.own
		total.share += c.share
		total.peak += c.peak
	}
	return total
}
