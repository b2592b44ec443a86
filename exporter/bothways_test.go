package exporter

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson/sandbox"
)

// live are a trial's events, without the goroutines of a service.
type liveTrial struct {
	*trial
	events *Events
	random *rand.Rand
	told   time.Time // up to when events have been sent
	held   [][]byte  // events that come late
}

func newLiveTrial(t *testing.T, seed uint64, set sandbox.Settings, edit func(*Settings)) *liveTrial {
	t.Helper()
	set.Seed = seed
	r := &liveTrial{trial: newTrial(t, set, time.Hour, edit), random: rand.New(rand.NewPCG(seed, 1)), told: epoch}
	r.listen()
	return r
}

func (r *liveTrial) listen() {
	r.events = r.NewEvents(EventSettings{ResolveWithin: 2 * time.Minute, Due: func() {}})
}

// receive stores events as a service does, and digests them.
func (r *liveTrial) receive(bodies ...[]byte) {
	r.t.Helper()
	for batch := range slices.Chunk(bodies, 50) {
		var arrivals []arrival
		done := make(chan error, len(batch))
		for _, b := range batch {
			if !r.events.passing(b) {
				arrivals = append(arrivals, arrival{checkpoint.Event{ReceivedAt: r.millis(), Bytes: int64(len(b)), Frame: r.packer.pack(b)}, done})
			}
		}
		if len(arrivals) == 0 {
			continue
		}
		r.events.keep(arrivals)
		for range arrivals {
			if err := <-done; err != nil {
				r.t.Fatal(err)
			}
		}
	}
	r.digestAll()
}

func (r *liveTrial) digestAll() {
	r.t.Helper()
	ctx := context.Background()
	if err := r.events.digestNew(ctx); err != nil {
		r.t.Fatal(err)
	}
	r.events.tasks.Wait()
	if _, err := r.events.digestWaiting(ctx, 0); err != nil {
		r.t.Fatal(err)
	}
}

// happen lets time pass and sends what the account tells of it: some of it twice,
// some of it late, some never.
func (r *liveTrial) happen(d time.Duration, lost float64) {
	r.t.Helper()
	r.clock.Advance(d)
	var now, late [][]byte
	for e := range r.account.Events(r.told, r.clock.Now()) {
		switch p := r.random.Float64(); {
		case p < lost:
		case p < lost+0.1:
			late = append(late, e.Body)
		case p < lost+0.2:
			now = append(now, e.Body, e.Body)
		default:
			now = append(now, e.Body)
		}
	}
	r.told = r.clock.Now()
	r.receive(slices.Concat(now, r.held)...)
	r.held = late
}

func (r *liveTrial) deliver() {
	r.t.Helper()
	for _, w := range r.workers(nil) {
		if err := w.once(context.Background()); err != nil {
			r.t.Fatal(err)
		}
		if w.report.Err != nil {
			r.t.Fatal(w.report.Err)
		}
	}
}

// fetch looks for files as a service does.
func (r *liveTrial) fetch() {
	r.t.Helper()
	if err := r.newFetcher(func() {}).all(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *liveTrial) waiting() int64 {
	r.t.Helper()
	s, err := r.Status(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return s.Events.Waiting
}

// TestBothWays captures conversations by events and by history at once, in turns
// that are drawn: each message is delivered once, nothing is amended, and once
// history has told all, no event is left.
func TestBothWays(t *testing.T) {
	for seed := range uint64(6) {
		set := sandbox.Settings{Conversations: 170, Period: 36 * time.Hour, Messages: 12}
		r := newLiveTrial(t, seed, set, func(s *Settings) { s.Reread, s.Files = 0, fetching(s.Source.(FileSource)) })
		if err := r.register(context.Background()); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			r.happen(time.Duration(1+r.random.IntN(60))*time.Minute, 0.05)
			if r.random.IntN(4) == 0 {
				r.cycle()
			}
			if r.random.IntN(3) == 0 {
				r.fetch()
			}
			if r.random.IntN(2) == 0 {
				r.deliver()
			}
		}
		r.clock.Advance(14 * 24 * time.Hour)
		r.receive(r.held...)
		for range 3 {
			r.cycle()
			r.clock.Advance(8 * 24 * time.Hour)
		}
		r.digestAll()
		r.deliver()
		r.mustHoldTruth("local")
		webhook, history := 0, 0
		for _, s := range r.delivered("local") {
			for _, m := range s.Messages {
				if m.Amends != 0 {
					t.Errorf("seed %d: %s %s/%d amends %d: %s %q", seed, s.Conversation, m.Dialog, m.Sequence, m.Amends, m.Type, m.Text)
				}
				if m.Source == sourceWebhook {
					webhook++
				} else {
					history++
				}
			}
		}
		if webhook < 500 || history < 100 {
			t.Errorf("seed %d: %d messages came by events and %d by history", seed, webhook, history)
		}
		if n := r.waiting(); n != 0 {
			t.Errorf("seed %d: %d events are left", seed, n)
		}
		if q, err := r.QuarantineList(context.Background()); err != nil || len(q) > 0 {
			t.Errorf("seed %d: in quarantine: %+v, %v", seed, q, err)
		}
		if t.Failed() {
			break
		}
	}
}

var _ = archive.Joined
