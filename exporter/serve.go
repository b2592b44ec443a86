package exporter

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"lpexport/exporter/checkpoint"
	"lpexport/exporter/identity"
)

// Service runs until it is stopped: cycles on a schedule, deliveries as things
// become due, and real-time events where they are listened for. What fails is
// tried again; only what a person has to change ends it.
type Service struct {
	*Exporter
	events  *Events
	next    func(time.Time) time.Time
	workers []*worker
	files   *fetcher
	cycles  atomic.Bool // one has been tried
	began   time.Time
}

// ServeSettings is what a Service works with.
type ServeSettings struct {
	Next   func(after time.Time) time.Time // when a cycle begins
	Events *EventSettings                  // nil: there are no events; Due is set by the service
}

// NewService prepares to serve.
func (e *Exporter) NewService(s ServeSettings) *Service {
	v := &Service{Exporter: e, next: s.Next, workers: e.workers(nil), began: e.Now()}
	v.files = e.newFetcher(func() { wake(v.workers) })
	if s.Events != nil {
		settings := *s.Events
		settings.Due = func() { wake(v.workers); v.files.wakeUp() }
		v.events = e.NewEvents(settings)
	}
	return v
}

// Events takes real-time events; nil where there are none.
func (s *Service) Events() *Events { return s.events }

// SetAddresses replaces what gives participants their addresses, for what is cut from
// now on. Conversations that waited for an address are looked at again at once.
func (s *Service) SetAddresses(r *identity.Resolver) {
	s.addresses.Store(r)
	for _, w := range s.workers {
		w.again.Store(true)
	}
	wake(s.workers)
}

// drainTime is how long what is under way may take after the service was stopped.
const drainTime = 20 * time.Second

// Run serves until ctx ends, and returns nil then. It ends by itself only with
// what is wrong with the configuration.
func (s *Service) Run(ctx context.Context) error {
	if err := s.register(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	g, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(drainTime, cut) })
	defer stop()
	g.Go(func() error { return s.keepCycles(ctx) })
	g.Go(func() error { s.keepMinutes(ctx); return nil })
	g.Go(func() error { s.keepFetching(ctx); return nil })
	for _, w := range s.workers {
		w.hard, w.lasts = hard, true
		g.Go(func() error { s.tend(ctx, w); return nil })
	}
	if s.events != nil {
		g.Go(func() error { s.events.Keep(ctx); return nil })
		g.Go(func() error { s.keepDigesting(ctx); return nil })
	}
	err := g.Wait()
	if err := s.flushCounts(context.WithoutCancel(ctx)); err != nil {
		s.Log.Warn("what was counted last could not be stored", "error", err)
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// keepCycles begins a cycle at each of its times; one that was missed, also
// before the service was started, is made up for at once.
func (s *Service) keepCycles(ctx context.Context) error {
	place, err := s.cp.Place(ctx)
	if err != nil {
		return err
	}
	began := time.UnixMilli(place.Watermark)
	due := began
	known, err := s.lookedUp(ctx)
	if err != nil {
		return err
	}
	if place.Watermark != 0 && known {
		due = s.next(due)
	}
	for first := true; ; first = false {
		if err := s.until(ctx, began, due); err != nil {
			return nil
		}
		began = s.Now()
		err := s.cycle(ctx)
		s.cycles.Store(true)
		if ctx.Err() != nil {
			return nil
		}
		if fatal := s.cycleEnded(err, first); fatal != nil {
			return fatal
		}
		due = s.nextCycle(ctx, began)
	}
}

// nextCycle is when the cycle after one that began then is due: by the schedule, or
// earlier when LivePerson is unavailable and to be asked again before that.
func (s *Service) nextCycle(ctx context.Context, began time.Time) time.Time {
	due := s.next(began)
	o, err := s.cp.Outage(ctx)
	if until := time.UnixMilli(o.Until).UTC(); err == nil && holds(o, s.millis()) && until.Before(due) {
		return until
	}
	return due
}

// until waits until a time. Clocks jump and machines sleep, so that it looks at
// the clock again now and then; one that was set back to before the last cycle
// is no reason to wait for that long.
func (s *Service) until(ctx context.Context, last, due time.Time) error {
	for wait := due.Sub(s.Now()); wait > 0 && !s.Now().Before(last); wait = due.Sub(s.Now()) {
		if err := pauseFor(ctx, min(wait, time.Minute)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func pauseFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// cycle captures what is new or changed. The destinations' workers are at work
// all the time and are told of it.
func (s *Service) cycle(ctx context.Context) error {
	release, err := s.leaseCycle()
	if err != nil {
		return err
	}
	defer release()
	if err := s.resume(ctx); err != nil {
		return err
	}
	var r Report
	if err := s.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		r.Run, err = tx.BeginRun("cycle", s.millis())
		return err
	}); err != nil {
		return err
	}
	why := ""
	if r.Complete, why, err = s.capture(ctx); ctx.Err() != nil {
		return err // it was cut short
	}
	err = errors.Join(err, s.endRun(ctx, r.Run, r.Complete, err, why), s.note(ctx, &r))
	if err != nil {
		return err
	}
	if err := s.warnHoles(ctx); err != nil {
		return err
	}
	if !r.Complete {
		return ErrIncomplete
	}
	return nil
}

// capture captures once, and tells why that is not complete.
func (s *Service) capture(ctx context.Context) (complete bool, why string, err error) {
	c, err := s.begin(ctx, func() { wake(s.workers); s.files.wakeUp() })
	if err != nil {
		return false, "", err
	}
	if s.events != nil {
		s.events.Learned()
	}
	complete, err = c.cycle(ctx)
	return complete, c.lacking(), err
}

// cycleEnded counts a cycle and says what was wrong, when that is another thing
// than before. It returns what only a person can change, if the first cycle of the
// service finds it: later than that events are being received.
func (s *Service) cycleEnded(err error, first bool) (fatal error) {
	var unknown *UnknownSkillError
	if first && errors.As(err, &unknown) {
		return err
	}
	result := runResult(err == nil, err)
	s.Count(CounterCycles, result, "", 1)
	switch told := s.news.is("cycles", newsOf(err)); {
	case !told:
	case err == nil:
		s.Log.Info("cycles are whole again")
	case isUnavailable(err):
		s.Log.Warn("nothing is captured by cycles for now", "error", err)
	case errors.Is(err, ErrIncomplete), errors.Is(err, ErrCycleRunning):
		s.Log.Warn("a cycle was not whole: the next one tries again", "error", err)
	case result == checkpoint.RunRefused:
		s.Log.Error("LivePerson refuses the login: nothing is captured by cycles", "error", err)
	default:
		s.Log.Error("a cycle failed: the next one tries again", "error", err)
	}
	for _, w := range s.workers {
		w.again.Store(true)
	}
	wake(s.workers)
	if s.events != nil {
		s.events.Learned()
	}
	return nil
}

// keepDigesting digests events. When the state cannot be written, or the selection is
// not known, they wait: that is said once, and again when it comes back.
func (s *Service) keepDigesting(ctx context.Context) {
	var failed time.Time
	for ctx.Err() == nil {
		err := s.events.Digest(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		now := s.Now()
		if s.news.is("digesting events", newsOf(err)) || now.Sub(failed) > 2*lookAgain+time.Minute {
			s.Log.Error("events could not be digested: they wait in the checkpoint", "error", err)
		}
		failed = now
		if pauseFor(ctx, lookAgain) != nil {
			return
		}
	}
}

// keepFetching fetches the files that messages name, soon after these were captured.
func (s *Service) keepFetching(ctx context.Context) {
	for s.Files.Fetch {
		if err := s.files.all(ctx); s.news.is("fetching files", newsOf(err)) && err != nil && ctx.Err() == nil {
			s.Log.Error("files could not be fetched: tried again", "error", err)
		}
		if s.files.sleep(ctx) != nil {
			return
		}
	}
}

// keepMinutes does what is to be done about once a minute.
func (s *Service) keepMinutes(ctx context.Context) {
	for {
		if err := s.sample(ctx); s.news.is("counting", newsOf(err)) && err != nil && ctx.Err() == nil {
			s.Log.Error("what was counted could not be stored: tried again every minute", "error", err)
		}
		if pauseFor(ctx, time.Minute) != nil {
			return
		}
	}
}

// Alive tells whether the service can still write to its state. Another process
// that writes for long, such as recover, is no reason to end it.
func (s *Service) Alive(ctx context.Context) error {
	err := s.cp.UpdateSoon(ctx, func(*checkpoint.Tx) error { return nil })
	if errors.Is(err, checkpoint.ErrLocked) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// Ready reports whether the service does its work: a first cycle was tried, and the last
// thing that was to be stored could be. Once a minute there is one.
func (s *Service) Ready() error {
	if !s.cycles.Load() {
		return errors.New("the first cycle has not ended yet")
	}
	return s.cp.Fault()
}
