package benchmarks

import (
	"bytes"
	"encoding/json"
	"runtime"
	"testing"
	"time"
)

// live is how many conversations are going on while events are measured.
const live = 2000

// BenchmarkEvents sends 2,000 events a second to a service while a backfill of
// the same account runs beside it, and again runs the backfill beside a service
// that gets none. The sender does not wait for answers: an event that could not
// be sent in time counts from when it should have been.
func BenchmarkEvents(b *testing.B) {
	program, epoch := build(b), dawn()
	s := startAt(b, account{Epoch: epoch, Conversations: 400_000, Messages: 20, Answer: 100 * time.Millisecond}, time.Now())
	b.Logf("%d processors for the service, the backfill, the simulated account and the sender", runtime.NumCPU())
	for b.Loop() {
		alone := measureMinute(b, newPlace(b, program, accountID, s.url), s, epoch, nil)
		f := &flow{Rate: 2000, For: *eventsFor, Live: live}
		with := measureMinute(b, newPlace(b, program, accountID, s.url), s, epoch, f)
		r := with.flowed
		b.Logf("%d events of %.1f MB in %v, %d of them messages; answers: %v", r.Events, mega(r.Bytes), *eventsFor, r.Messages, r.Answers)
		show(b, "answer, median, ms", "answer-ms", []float64{r.Answer.Median}, "")
		show(b, "answer, 99th percentile, ms", "answer-p99-ms", []float64{r.Answer.P99}, "below 50")
		show(b, "answer, longest, ms", "answer-max-ms", []float64{r.Answer.Max}, "")
		show(b, "of that the sender's own lag, 99th percentile, ms", "lag-p99-ms", []float64{r.Lag.P99}, "")
		r.show(b)
		show(b, "until the last one was in the archive, s", "drained-s", []float64{with.drained.Seconds()}, "")
		show(b, "service: peak memory, MiB", "peak-MiB", []float64{mebi(with.after.peak)}, "at most 96")
		show(b, "service: CPU, % of a core", "cpu-%", []float64{with.cpu}, "")
		show(b, "simulated account: CPU, % of a core", "simulator-cpu-%", []float64{with.simulator}, "")
		show(b, "backfill beside it, conversations", "backfilled", []float64{float64(with.backfilled)}, "")
		show(b, "backfill beside no events, conversations", "backfilled-alone", []float64{float64(alone.backfilled)}, "")
		show(b, "service without events: peak memory, MiB", "alone-peak-MiB", []float64{mebi(alone.after.peak)}, "")
	}
}

// minute is what happened while events and a backfill came together.
type minute struct {
	flowed         flowed
	after          cost // of the service, at the end
	cpu, simulator float64
	backfilled     int64
	drained        time.Duration // from the last answer until all had arrived
}

// measureMinute runs a backfill beside a service for as long as events are sent
// to it; with no flow none are.
func measureMinute(b *testing.B, p *place, s *server, epoch time.Time, f *flow) (m minute) {
	service := p.serve(b)
	var sender *partner
	if f != nil {
		sender = startFlow(b, p, service, f)
	}
	export := p.backfill(epoch)
	export.Stdout = new(bytes.Buffer)
	before, simulated, began := look(b, service.cmd.Process.Pid), look(b, s.process.Pid), time.Now()
	if err := export.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = export.Process.Kill() }) // when the benchmark fails; otherwise it has ended
	if f != nil {
		sender.ask(b, struct{}{}, &m.flowed)
	} else {
		time.Sleep(*eventsFor)
	}
	ended := time.Now()
	took := ended.Sub(began)
	m.cpu = cores(before, look(b, service.cmd.Process.Pid), took)
	m.simulator = cores(simulated, look(b, s.process.Pid), took)
	whole := false
	if m.backfilled, whole = interrupt(b, export); whole {
		b.Log("the backfill was done before the events: its figure is too low")
	}
	if f != nil {
		sender.ask(b, struct{}{}, &m.flowed)
		m.drained = time.Since(ended)
		m.flowed.Lost += p.forgotten(b, m.flowed.History)
	}
	m.after = look(b, service.cmd.Process.Pid)
	service.stop(b)
	return m
}

// startFlow prepares a flow of events into a service.
func startFlow(b *testing.B, p *place, service *service, f *flow) *partner {
	b.Helper()
	f.URL, f.Archive = service.events, p.archive()
	sender := newPartner(b, "events")
	sender.ask(b, f, new(flowed))
	return sender
}

// forgotten is how many events are neither delivered nor waiting, of so many that
// have to wait for history.
func (p *place) forgotten(b *testing.B, history int) int {
	b.Helper()
	out, err := p.command("status", "--json").Output()
	if err != nil {
		b.Fatalf("status: %v", err)
	}
	var status struct{ Events struct{ Waiting int } }
	if err := json.Unmarshal(out, &status); err != nil {
		b.Fatalf("status: %v", err)
	}
	return max(0, history-status.Events.Waiting)
}

// show shows whether all that was taken has arrived.
func (r *flowed) show(b *testing.B) {
	b.Helper()
	b.Logf("%d of the messages are of kinds that only history tells: not in the archive yet", r.History)
	show(b, "other messages that were taken and lost", "lost", []float64{float64(r.Lost)}, "0")
	show(b, "messages twice in the archive", "twice", []float64{float64(r.Twice)}, "0")
	show(b, "amendments", "amendments", []float64{float64(r.Amendments)}, "0")
}

// BenchmarkEventToFile sends fewer events and looks when each is in a bundle
// that is finished.
func BenchmarkEventToFile(b *testing.B) {
	program, epoch := build(b), dawn()
	s := startAt(b, account{Epoch: epoch, Conversations: 1000, Messages: 20}, time.Now())
	for b.Loop() {
		p := newPlace(b, program, accountID, s.url)
		service := p.serve(b)
		f := &flow{Rate: 50, For: 20 * time.Second, Live: 100, Watch: true}
		sender := startFlow(b, p, service, f)
		var r flowed
		sender.ask(b, struct{}{}, &r)
		sender.ask(b, struct{}{}, &r)
		r.Lost += p.forgotten(b, r.History)
		service.stop(b)
		b.Logf("%d events, %d of them messages; answers: %v", r.Events, r.Messages, r.Answers)
		show(b, "from the answer to the file, median, ms", "file-ms", []float64{r.Late.Median}, "")
		show(b, "from the answer to the file, 99th percentile, ms", "file-p99-ms", []float64{r.Late.P99}, "at most 2000")
		show(b, "from the answer to the file, longest, ms", "file-max-ms", []float64{r.Late.Max}, "")
		show(b, "bundles a second", "bundles/s", []float64{float64(r.Bundles) / f.For.Seconds()}, "about 1, as the destination waits that long")
		show(b, "answer, 99th percentile, ms", "answer-p99-ms", []float64{r.Answer.P99}, "below 50")
		r.show(b)
	}
}
