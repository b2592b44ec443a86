package exporter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/exporter/identity"
)

// worker cuts and delivers for one destination. Destinations do not wait for
// each other: they meet in the checkpoint only.
type worker struct {
	*Exporter
	dest    Destination
	norm    *normaliser
	wake    chan struct{} // a page was stored that made something due
	row     checkpoint.Destination
	refused map[int64]bool // conversations that cannot be cut

	hard    context.Context // of a hand-over that is under way; nil: the run's own
	lasts   bool            // it works as long as the process: not all is looked at in every turn
	again   atomic.Bool     // a cycle has ended: all is looked at once more
	tended  time.Time       // when it worked last
	checked time.Time       // when its place was looked at last

	// Of what is being handed over.
	putOff   map[int64]bool // items that failed for the first time, by a fault of their own
	rounds   bool           // these are being tried again
	pauses   int            // short ones, since something was taken
	faults   int            // of items, likewise
	doubt    *doubt         // not nil: the last item failed, and the next one is to show why
	refusing bool           // items were refused since something was taken

	now       bool           // it was named: its pause does not count
	holding   bool           // some of its conversations wait for a person
	aside     int            // bundles that could not be made again
	sound     map[int64]bool // bundles that were seen whole in the spool
	tidied    bool           // unfinished work of earlier runs is gone
	recovered bool           // some destination was: what its archive held counts as given
	failed    error          // of a delivery: nothing more is handed over in this run
	report    DestinationReport
}

// DestinationReport is what a run did for one destination.
type DestinationReport struct {
	Name       string
	Bundles    int // cut
	Slices     int
	Messages   int
	Amendments int
	Withheld   int // private messages that are newly withheld
	Pending    int // conversations and bundles that it is still to be given
	Waiting    int // of those: not waiting for their conversation to close, nor for a person
	Held       int // conversations that wait for a person: they could not be cut
	Failed     int // items tried in vain
	Err        error

	UnknownAgents []*identity.UnknownAgentError // for whom conversations wait, some of them twice
}

// HaltError is a destination that stands still until a person has looked.
type HaltError struct {
	Destination string
	Err         error
}

func (e *HaltError) Error() string {
	return fmt.Sprintf("destination %s halts: %v", e.Destination, e.Err)
}

func (e *HaltError) Unwrap() error { return e.Err }

// TargetChangedError is a destination that is configured to be elsewhere than
// the state remembers.
type TargetChangedError struct{ Destination, Was, Is string }

func (e *TargetChangedError) Error() string {
	return fmt.Sprintf("destination %s was %s, and is now configured as %s", e.Destination, e.Was, e.Is)
}

// Hint is what to do about it.
func (e *TargetChangedError) Hint() string {
	return "if that is meant, let it go on there with nothing delivered again: lpexport accept place " + e.Destination + " --reason TEXT"
}

// run works until captured is closed and everything that is ready has been cut
// and handed over. Its error is one that ends the process's work, such as a
// state that cannot be written; the destination's own troubles are in the report.
func (w *worker) run(ctx context.Context, captured <-chan struct{}) error {
	err := w.gone(ctx, w.work(ctx, captured))
	w.closeTarget()
	var at *archive.Error
	switch {
	case err == nil || ctx.Err() != nil:
		w.news.is("halt of "+w.dest.Name, "")
		return err
	case errors.Is(err, errLeased):
		w.report.Err = err
		return nil
	case stands(err), errors.As(err, &at) && at.Class == archive.Halt:
		w.report.Err = &HaltError{Destination: w.dest.Name, Err: err}
		if w.news.is("halt of "+w.dest.Name, err.Error()) {
			w.Log.Error("destination halts", "destination", w.dest.Name, "error", err)
		}
		return w.halt(ctx, err.Error(), remedyOf(err))
	case at != nil && at.Class != archive.Abort:
		return w.trouble(ctx, at)
	}
	return err
}

// stands reports whether an error is about a place that a person has to look at.
func stands(err error) bool {
	var fork *ForkError
	var moved *TargetChangedError
	var gone *GoneError
	var changed *ChangedError
	return errors.As(err, &fork) || errors.As(err, &moved) || errors.As(err, &gone) || errors.As(err, &changed)
}

// closeTarget ends what is held open. What was taken is taken, however that ends.
func (w *worker) closeTarget() {
	if err := w.dest.Target.Close(); err != nil {
		w.Log.Debug("connection did not end well", "destination", w.dest.Name, "error", err)
	}
}

// lasting is how long a destination may fail until that is an error and no
// warning any more.
const lasting = time.Hour

// trouble notes that the destination failed. It is left alone for a while,
// longer each time, and stops nobody else.
func (w *worker) trouble(ctx context.Context, at *archive.Error) error {
	t := w.row.Trouble
	t.Attempts++
	if t.Since == 0 {
		t.Since = w.millis()
	}
	wait := pause(t.Attempts, at.RetryAfter, w.Random)
	t.NextAt = w.millis() + wait.Milliseconds()
	about := []any{"destination", w.dest.Name, "error", at, "next", time.UnixMilli(t.NextAt).UTC()}
	switch failing := time.Duration(w.millis()-t.Since) * time.Millisecond; {
	case failing >= lasting:
		w.Log.Error("destination has been failing for "+failing.Round(time.Minute).String(), about...)
	case sameTrouble(t.Error) != sameTrouble(at.Error()):
		w.Log.Warn("destination cannot be used now: tried again later", about...)
	}
	t.Error = at.Error()
	w.failed, w.report.Err, w.row.Trouble = at, at, t
	return w.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) error { return tx.SetTrouble(w.row.ID, t) })
}

// lookEvery is how often a worker looks whether something has been due for so long
// that it is worth a bundle, when nothing new wakes it.
const lookEvery = 10 * time.Second

func (w *worker) work(ctx context.Context, captured <-chan struct{}) error {
	if err := w.readRow(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(lookEvery) // what is due may have waited long enough with nothing new
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-captured:
			done = true
		case <-w.wake:
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if full, err := w.full(ctx); err != nil {
			return err
		} else if !full && !done {
			continue
		}
		if err := w.turn(ctx, done); err != nil {
			return err
		}
	}
	return nil
}

// full tells whether it is worth a bundle to cut now, while more is coming.
func (w *worker) full(ctx context.Context) (bool, error) {
	n, since, err := w.cp.CountReady(ctx, w.cutting())
	if err != nil || n == 0 {
		return false, err
	}
	waited := time.Duration(w.millis()-since) * time.Millisecond
	return n >= w.dest.Bounds.Conversations || waited >= w.dest.Bounds.Wait, nil
}

// turn holds the destination's lease while it cuts and delivers what is ready:
// one bundle, or with all everything.
func (w *worker) turn(ctx context.Context, all bool) error {
	if w.failed != nil {
		return nil
	}
	release, err := w.leaseDestination(ctx, w.dest.Name)
	if err != nil {
		return err
	}
	defer release()
	if err := w.readRow(ctx); err != nil {
		return err
	}
	if t := w.row.Trouble; t.NextAt > w.millis() && !w.now {
		w.failed = fmt.Errorf("%s; not tried again before %s", t.Error, time.UnixMilli(t.NextAt).UTC().Format(time.RFC3339))
		w.report.Err = &archive.Error{Class: archive.Retry, Op: "wait", Err: w.failed, Hint: "to try now: lpexport export --destination " + w.dest.Name}
		return nil
	}
	if err := w.prepareTurn(ctx); err != nil {
		return err
	}
	for w.failed == nil {
		if err := w.deliver(ctx); err != nil {
			return err
		}
		cut, err := w.cut(ctx)
		if err != nil {
			return err
		}
		if err := w.deliver(ctx); err != nil {
			return err
		}
		if !cut || !all {
			break
		}
		if more, err := w.goesOn(ctx); err != nil || !more {
			return errors.Join(err, w.watch(ctx))
		}
	}
	return w.watch(ctx)
}

// goesOn tells whether another bundle is to be cut at once. What has come since
// the last one waits for others where there is a next turn for it.
func (w *worker) goesOn(ctx context.Context) (bool, error) {
	if !w.lasts {
		return true, nil
	}
	wait, err := w.fullIn(ctx)
	return wait <= 0, err
}

// prepareTurn reads the destination's row, which another process may have
// moved on, and makes sure that it is the place it was and nobody else writes there.
func (w *worker) prepareTurn(ctx context.Context) (err error) {
	if err := w.mend(); err != nil {
		return err
	}
	if err := w.sameTarget(ctx); err != nil {
		return err
	}
	if w.recovered, err = w.cp.AnyHeld(ctx); err != nil {
		return err
	}
	if w.holding, err = w.cp.Holding(ctx, w.row.ID); err != nil {
		return err
	}
	if now := w.Now(); !w.lasts || now.Sub(w.checked) >= checkEvery || w.row.Halted != "" {
		if err := w.checkPlace(ctx); err != nil {
			return err
		}
		w.checked = now
	}
	if w.row.Halted != "" {
		if err := w.halt(ctx, "", ""); err != nil {
			return err
		}
	}
	if w.tidied {
		return nil
	}
	w.tidied = true
	if err := w.releaseWithheld(ctx); err != nil {
		return err
	}
	if err := w.tidySpool(ctx); err != nil {
		return err
	}
	return w.clean(ctx)
}

// sameTarget makes sure that the destination is where it was: another place
// would get the rest of a chain, and no word of what came before.
func (w *worker) sameTarget(ctx context.Context) error {
	if w.row.Target == "" {
		return w.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.SetTarget(w.row.ID, w.dest.Where) })
	}
	return w.dest.moved(w.row)
}

// moved returns a *TargetChangedError if a destination is configured to be elsewhere
// than the state remembers.
func (d Destination) moved(row checkpoint.Destination) error {
	if row.Target == "" || row.Target == d.Where {
		return nil
	}
	return &TargetChangedError{Destination: d.Name, Was: row.Target, Is: d.Where}
}

func (w *worker) readRow(ctx context.Context) error {
	row, found, err := w.cp.Destination(ctx, w.dest.Name)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("destination %s is not registered", w.dest.Name)
	}
	w.row = row
	return nil
}

func (w *worker) halt(ctx context.Context, why, remedy string) error {
	return w.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.Halt(w.row.ID, why, remedy) })
}

// remedyOf is what an error says to do about it; "" where it does not.
func remedyOf(err error) string {
	var hints interface{ Hint() string }
	if errors.As(err, &hints) {
		return hints.Hint()
	}
	if at, ok := errors.AsType[*archive.Error](err); ok {
		return at.Hint
	}
	return ""
}

// sum counts what is left when the worker is done.
func (w *worker) sum(ctx context.Context) error {
	waiting, err := w.cp.Waiting(ctx, w.row.ID)
	if err != nil {
		return err
	}
	ready, _, err := w.cp.CountReady(ctx, w.cutting())
	if err != nil {
		return err
	}
	q := w.cutting()
	q.Unheld = true
	free, _, err := w.cp.CountReady(ctx, q)
	w.report.Pending = waiting.Due + waiting.Bundles
	w.report.Waiting, w.report.Held = free+waiting.Bundles, ready-free
	w.report.Failed = waiting.Failed
	return err
}

// anyAtOnce tells whether a destination cuts at once, so that drafts are of use.
func (e *Exporter) anyAtOnce() bool {
	return slices.ContainsFunc(e.Destinations, func(d Destination) bool { return d.Cut.Immediately })
}
