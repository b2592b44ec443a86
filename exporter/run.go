package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// Report is what a run did and what is left.
type Report struct {
	Run          int64
	Captured     Counts
	Files        FilesReport
	Destinations []DestinationReport
	Events       EventStatus
	Quarantined  int            // entries that wait for a person, also from earlier runs
	Waiting      []WaitingGroup // those, by what is wrong: the most frequent first, at most 20
	Cut          int64          // conversations now cut short by LivePerson and asked for again
	FailedLooks  int64          // conversations that could not be read by their id when that was tried last
	Complete     bool           // everything asked for was captured and, where ready, delivered
	Why          string         // why not all was captured, in one line; "" all was, or the error of the run says it
	Watermark    time.Time
	StateBytes   int64  // size of the checkpoint
	Holes        []Hole // that a backfill can fill
	Searches     int64
}

// Errors of a run that ended by itself. A run may end with several, joined.
var (
	ErrIncomplete = errors.New("something is not captured or not delivered yet: the next run tries again")
	ErrQuarantine = errors.New("something waits for a person")
)

// FromRequiredError is a destination that is added later and does not say what
// it is to be given of what was captured before.
type FromRequiredError struct{ Destination string }

func (e *FromRequiredError) Error() string {
	return fmt.Sprintf("destination %s is new to this state: its key `from` must say what it is given: all, new or a date", e.Destination)
}

// Cycle captures what is new or changed, cuts, renders and delivers it, once.
// It fails with ErrCycleRunning when another process is capturing. Delivery is
// no part of that: a destination that hangs must not keep the next cycle, and
// with it the other destinations, from what is new.
func (e *Exporter) Cycle(ctx context.Context, only []string) (Report, error) {
	release, err := e.leaseCycle()
	if err != nil {
		return Report{}, err
	}
	release = sync.OnceFunc(release)
	defer release()
	r, err := e.run(ctx, "cycle", only, func(ctx context.Context, c *capture) (bool, error) {
		defer release()
		return c.cycle(ctx)
	})
	e.Count(CounterCycles, runResult(r.Complete, err), "", 1)
	return r, errors.Join(err, e.flushCounts(context.WithoutCancel(ctx)))
}

// cycleBusy is how a cycle is counted that another process was in.
const cycleBusy = "busy"

// runResult is how a run is counted and put on record.
func runResult(complete bool, err error) string {
	var auth *liveperson.AuthError
	switch {
	case complete:
		return checkpoint.RunComplete
	case errors.As(err, &auth):
		return checkpoint.RunRefused
	case isUnavailable(err):
		return checkpoint.RunIncomplete
	case errors.Is(err, ErrCycleRunning):
		return cycleBusy
	case err != nil && !errors.Is(err, ErrIncomplete):
		return checkpoint.RunFailed
	}
	return checkpoint.RunIncomplete
}

// Backfill captures the conversations that started in a period, from inclusive
// and to exclusive, and delivers what is due. It may run beside a cycle.
func (e *Exporter) Backfill(ctx context.Context, from, to time.Time, only []string) (Report, error) {
	return e.run(ctx, "backfill", only, func(ctx context.Context, c *capture) (bool, error) { return c.backfill(ctx, from, to) })
}

// run captures while the destinations' workers cut and deliver. only names the
// destinations that are delivered to; none: all.
func (e *Exporter) run(ctx context.Context, kind string, only []string, captureAll func(context.Context, *capture) (bool, error)) (r Report, err error) {
	if err := e.register(ctx); err != nil {
		return r, err
	}
	if err := e.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		r.Run, err = tx.BeginRun(kind, e.millis())
		return err
	}); err != nil {
		return r, err
	}
	if err := e.digestLeft(ctx, func() {}); err != nil {
		return r, err
	}
	workers := e.workers(only)
	files := e.newFetcher(func() { wake(workers) })
	if kind == "cycle" {
		files.atMost = cycleFetches
	}
	complete, c, captureErr := false, (*capture)(nil), error(nil)
	if c, captureErr = e.begin(ctx, func() { wake(workers); files.wakeUp() }); c == nil {
		c = &capture{counts: Counts{Excluded: map[string]int64{}}}
	}
	var unknown *UnknownSkillError
	if errors.As(captureErr, &unknown) {
		return r, errors.Join(captureErr, e.endRun(ctx, r.Run, false, captureErr, ""))
	}
	captured := make(chan struct{})
	g, gctx := errgroup.WithContext(ctx)
	for _, w := range workers {
		if w.norm, err = e.names(ctx, w.dest); err != nil {
			return r, err
		}
	}
	for _, w := range workers {
		g.Go(func() error { return w.run(gctx, captured) })
	}
	named, filesErr := make(chan struct{}), error(nil)
	g.Go(func() error {
		defer close(captured) // what waits for its files can be cut
		filesErr = files.run(gctx, named)
		return nil // texts go on without files
	})
	if captureErr == nil {
		complete, captureErr = captureAll(gctx, c)
		captureErr = errors.Join(captureErr, e.digestLeft(gctx, func() { wake(workers) })) // history may have told what they wait for
	}
	close(named)
	workErr := g.Wait()
	if workErr != nil && errors.Is(captureErr, context.Canceled) && ctx.Err() == nil {
		captureErr = nil // it was stopped because a worker could not go on
	}
	if workErr == nil {
		workErr = filesErr
	}
	r.Captured, r.Why = c.counts, c.lacking()
	if r.Files, err = files.sum(context.WithoutCancel(ctx)); err != nil {
		return r, err
	}
	return r, e.finish(ctx, &r, workers, complete, captureErr, workErr)
}

// names is the normaliser of a destination: with the directories as they are now.
func (e *Exporter) names(ctx context.Context, d Destination) (*normaliser, error) {
	n, err := e.plainNames(ctx)
	if err == nil && d.Addresses != nil {
		n.resolveWith(cmp.Or(e.addresses.Load(), d.Addresses))
	}
	return n, err
}

// plainNames is a normaliser that gives nobody an address.
func (e *Exporter) plainNames(ctx context.Context) (*normaliser, error) {
	users, err := e.cp.Users(ctx)
	if err != nil {
		return nil, err
	}
	skills, err := e.cp.Skills(ctx)
	return newNormaliser(users, skills), err
}

func (e *Exporter) workers(only []string) []*worker {
	var list []*worker
	for _, d := range e.Destinations {
		if len(only) == 0 || slices.Contains(only, d.Name) {
			list = append(list, &worker{Exporter: e, dest: d, wake: make(chan struct{}, 1), refused: map[int64]bool{},
				now: len(only) > 0, report: DestinationReport{Name: d.Name}})
		}
	}
	return list
}

func wake(workers []*worker) {
	for _, w := range workers {
		wakeOne(w.wake)
	}
}

// register makes every configured destination known. A checkpoint that has
// finished a run has given others something: then `from` is needed.
func (e *Exporter) register(ctx context.Context) error {
	place, err := e.cp.Place(ctx)
	if err != nil {
		return err
	}
	for _, d := range e.Destinations {
		row, found, err := e.cp.Destination(ctx, d.Name)
		if err != nil {
			return err
		}
		if found && row.Retired {
			return &RetiredError{Destination: d.Name}
		}
		if found {
			continue
		}
		if err := e.askRenamed(ctx, d, place.Finished > 0); err != nil {
			return err
		}
		if d.From == nil && place.Finished > 0 {
			return &FromRequiredError{Destination: d.Name}
		}
		if err := e.registerOne(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (e *Exporter) registerOne(ctx context.Context, d Destination) error {
	from, at := checkpoint.FromAll, int64(0)
	if d.From != nil {
		switch {
		case d.From.New:
			from = checkpoint.FromNew
		case !d.From.All:
			from, at = checkpoint.FromDate, d.From.Date.UnixMilli()
		}
	}
	return e.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.Register(d.Name, d.Archive, from, at, e.millis()) })
}

// finish counts what is left and says how the run ended.
func (e *Exporter) finish(ctx context.Context, r *Report, workers []*worker, complete bool, captureErr, workErr error) error {
	stopped := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	problems := []error{}
	if stopped {
		problems = append(problems, context.Canceled)
	} else {
		problems = append(problems, captureErr, workErr)
	}
	waiting, held := !complete || r.Files.Lacking(), 0
	for _, w := range workers {
		if err := w.sum(ctx); err != nil {
			return errors.Join(append(problems, err)...)
		}
		r.Destinations = append(r.Destinations, w.report)
		held += w.report.Held
		if halt, ok := errors.AsType[*HaltError](w.report.Err); ok {
			problems, held = append(problems, halt), held+w.report.Waiting // the next run does not help
			continue
		}
		waiting = waiting || w.report.Waiting > 0 || w.report.Err != nil
	}
	var err error
	if r.Quarantined, r.Waiting, err = e.quarantineGroups(ctx); err != nil {
		return errors.Join(append(problems, err)...)
	}
	if r.Cut, r.FailedLooks, err = e.cp.Lacking(ctx); err != nil {
		return errors.Join(append(problems, err)...)
	}
	if r.Events, err = e.eventStatus(ctx); err != nil {
		return errors.Join(append(problems, err)...)
	}
	if waiting = waiting || r.Events.Lasting(); waiting {
		problems = append(problems, ErrIncomplete)
	}
	if r.Quarantined > 0 {
		problems = append(problems, ErrQuarantine)
	}
	if r.Holes, err = e.holes(ctx); err != nil {
		return errors.Join(append(problems, err)...)
	}
	if len(r.Holes) > 0 {
		problems = append(problems, &HoleError{Holes: r.Holes})
	}
	r.Complete = complete && !waiting && held == 0 && !stopped && captureErr == nil && workErr == nil
	if e.Source != nil {
		r.Searches = e.Source.Searches()
	}
	if !stopped { // else it was cut short
		why := r.Why
		switch {
		case why != "" || r.Complete:
		case waiting:
			why = "something is not fetched or delivered yet"
		default:
			why = "something waits for a person"
		}
		problems = append(problems, e.endRun(ctx, r.Run, r.Complete, errors.Join(captureErr, workErr), why))
	}
	problems = append(problems, e.note(ctx, r))
	return errors.Join(problems...)
}

// endRun stores how a run ended. What failed it says why; else why does, which may be "".
func (e *Exporter) endRun(ctx context.Context, id int64, complete bool, failed error, why string) error {
	end := checkpoint.RunEnd{Result: runResult(complete, failed), Error: oneLine(cmp.Or(textOf(failed), why), causeLimit)}
	return e.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) error { return tx.EndRun(id, end, e.millis()) })
}

// note tells where the state is after a run.
func (e *Exporter) note(ctx context.Context, r *Report) (err error) {
	place, err := e.cp.Place(ctx)
	if err != nil {
		return err
	}
	if place.Watermark != 0 {
		r.Watermark = time.UnixMilli(place.Watermark).UTC()
	}
	if r.StateBytes, err = e.cp.Size(ctx); err != nil {
		return err
	}
	return e.flushCounts(ctx)
}

var (
	_ Source     = (*liveperson.Client)(nil)
	_ FileSource = (*liveperson.Client)(nil)
)
