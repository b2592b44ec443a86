package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// stateError is a failure of our own state in the middle of a hand-over.
type stateError struct{ err error }

func (e *stateError) Error() string { return e.err.Error() }
func (e *stateError) Unwrap() error { return e.err }

// classified is the fault of a hand-over in its class. What a transport has not
// classified is a fault of this program.
func (h *handing) classified(err error) *archive.Error {
	var at *archive.Error
	if !errors.As(err, &at) {
		at = &archive.Error{Class: archive.Abort, Op: "deliver", Path: h.bundle.Path, Err: err}
	}
	return at
}

// fault sorts out an item that was not taken.
func (h *handing) fault(ctx context.Context, i *checkpoint.Item, at *archive.Error, err error) error {
	if own, ok := errors.AsType[*stateError](err); ok {
		return own.err
	}
	h.tally.add(CounterDeliveries, at.Class.String(), h.dest.Name, 1)
	if errors.Is(err, archive.ErrOther) {
		if again, err := h.differs(ctx, i); err != nil || again {
			return err
		}
	}
	switch at.Class {
	case archive.Reject:
		return h.refused(ctx, i, at, err)
	case archive.Halt, archive.Abort:
		return errors.Join(err, h.putBack(ctx, i))
	case archive.Uncertain:
		answer, merr := json.Marshal(archive.Receipt{Answer: at.Error()})
		if merr != nil {
			return merr
		}
		return h.uncertain(ctx, i, at, func(tx *checkpoint.Tx) error { return tx.AddUncertain(i.ID, string(answer), h.millis()) })
	}
	if ctx.Err() != nil {
		return errors.Join(err, h.putBack(ctx, i))
	}
	if h.rounds || at.Item && h.faults+1 < faultsInRow && h.doubt == nil {
		h.faults++
		return h.wait(ctx, i, at)
	}
	return h.failing(ctx, i, at)
}

// differs notes that other bytes lie under the name of an item which the destination
// has taken before: that is a fault of one bundle. again is false when it has not.
func (h *handing) differs(ctx context.Context, i *checkpoint.Item) (again bool, err error) {
	if i.TakenAt == 0 {
		return false, nil
	}
	l := &lying{other: true, faults: []string{h.label(i) + " has other bytes than were delivered"}}
	if source, ok := h.dest.Target.(archive.Source); ok {
		if l, err = h.look(ctx, source, h.bundle.Path, h.bundle.ManifestSHA256); err != nil {
			return true, err
		}
	}
	h.Log.Error("an item that was delivered before is not what was delivered: lpexport verify", "destination", h.dest.Name, "item", h.label(i))
	if err := h.find(ctx, h.bundle.Path, h.bundle.ManifestSHA256, l); err != nil {
		return true, err
	}
	return true, h.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.SetBack(i.ID) })
}

// mostUncertain is how many ends of which nobody knows an item may have: each may
// have made a copy, and one on which a server dies each time would stop all
// others.
const mostUncertain = 3

// uncertain notes an end of which nobody knows. Nothing more is handed over: what
// comes next might end so too.
func (h *handing) uncertain(ctx context.Context, i *checkpoint.Item, at *archive.Error, note func(*checkpoint.Tx) error) error {
	before, err := h.cp.UncertainEnds(ctx, i.ID)
	if err != nil {
		return err
	}
	if before+1 < mostUncertain {
		return h.outage(ctx, i.ID, at, note)
	}
	if err := h.cp.Update(context.WithoutCancel(ctx), note); err != nil {
		return err
	}
	return h.reject(ctx, i, fmt.Sprintf("its delivery ended %d times without an answer, so it may have arrived as often: look for it before you retry it (%s)", before+1, at))
}

// putBack lets an item wait as if it had not been tried.
func (h *handing) putBack(ctx context.Context, i *checkpoint.Item) error {
	return h.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) error { return tx.SetUntried(i.ID) })
}

// wait puts off an item that failed by a fault of its own: the ones after it have
// their turn. In this run it is tried again only if it failed for the first time.
func (h *handing) wait(ctx context.Context, i *checkpoint.Item, at *archive.Error) error {
	if (i.Attempts == 0 || h.rounds) && len(h.putOff) < mostPutOff {
		h.putOff[i.ID] = true
	}
	if h.rounds {
		return h.putBack(ctx, i)
	}
	next := h.Now().Add(pause(i.Attempts+1, at.RetryAfter, h.Random))
	if h.news.is("item "+h.label(i), at.Error()) {
		h.Log.Warn("an item was not taken: tried again later", "destination", h.dest.Name, "item", h.label(i), "error", at, "next", next.UTC())
	}
	return h.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) error { return tx.SetWaiting(i.ID, next.UnixMilli()) })
}

// reject puts an item before a person; the next ones go on.
func (h *handing) reject(ctx context.Context, i *checkpoint.Item, reason string) error {
	if err := h.store(ctx); err != nil {
		return err
	}
	return h.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) error { return h.rejectIn(tx, i, reason) })
}

// rejectIn is reject in a transaction.
func (h *handing) rejectIn(tx *checkpoint.Tx, i *checkpoint.Item, reason string) error {
	h.Log.Error("an item was rejected: lpexport quarantine list", "destination", h.dest.Name, "item", h.label(i), "reason", reason)
	return tx.Reject(i.ID, checkpoint.Quarantined{Destination: h.row.ID, SourceID: h.label(i), Reason: reason, Bytes: i.Bytes}, h.millis())
}

// shortPauses are those within a run: a server that restarts or sheds load is back
// within seconds. What lasts longer is for the next run.
var shortPauses = [...]time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}

// aStumble is how long a try may take that is made again at once: one that timed
// out would hold up the run by minutes.
const aStumble = 10 * time.Second

// mostPutOff is how many items are remembered to be tried again in the run in which
// they failed.
const mostPutOff = 10_000

// faultsInRow is how many items one after the other may fail, each by its own fault,
// until it is taken for one of the destination.
const faultsInRow = 5

// shortPause waits before another try in this run. Each time without anything taken
// in between it is longer.
func (w *worker) shortPause(ctx context.Context) error {
	wait := shortPauses[w.pauses]
	w.pauses++
	return w.Sleep(ctx, wait+time.Duration((w.Random()-0.5)/2*float64(wait)))
}

// stumbled tells whether a fault is one of the destination's that a short pause may
// be enough for.
func (w *worker) stumbled(at *archive.Error, took time.Duration) bool {
	return at.Class == archive.Retry && !at.Item && !w.rounds && took < aStumble && w.pauses < len(shortPauses) && w.doubt == nil &&
		at.RetryAfter <= shortPauses[len(shortPauses)-1]
}

// doubt is an item that failed by what may be a fault of the destination, or only of
// the item: what comes next tells.
type doubt struct {
	item     int64
	attempts int
	label    string
	at       *archive.Error
}

// failing is a fault that is not known to be of the item alone. The next item has its
// turn: when that fails too, or when there is none, it is an outage.
func (h *handing) failing(ctx context.Context, i *checkpoint.Item, at *archive.Error) error {
	switch {
	case h.doubt != nil:
		return errors.Join(h.putBack(ctx, i), h.settleDoubt(ctx))
	case at.Item, at.RetryAfter > shortPauses[len(shortPauses)-1]:
		return h.outage(ctx, i.ID, at, nil)
	}
	h.doubt = &doubt{i.ID, i.Attempts, h.label(i), at}
	return h.putBack(ctx, i)
}

// settleDoubt makes an outage of a fault after which nothing was taken.
func (w *worker) settleDoubt(ctx context.Context) error {
	if w.doubt == nil {
		return nil
	}
	d := w.doubt
	w.doubt = nil
	return w.outage(ctx, d.item, d.at, nil)
}

// clearDoubt puts off the item that failed before one that was taken: it was not the
// destination.
func (w *worker) clearDoubt(ctx context.Context) error {
	if w.doubt == nil {
		return nil
	}
	d := w.doubt
	w.doubt = nil
	if d.attempts == 0 && len(w.putOff) < mostPutOff {
		w.putOff[d.item] = true
	}
	next := w.Now().Add(pause(d.attempts+1, d.at.RetryAfter, w.Random))
	w.Log.Warn("an item was not taken, but the next one was: tried again later", "destination", w.dest.Name, "item", d.label, "error", d.at, "next", next.UTC())
	return w.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) error { return tx.SetWaiting(d.item, next.UnixMilli()) })
}

// outage is a fault of the destination: nothing more is handed over until its
// pause has passed.
func (w *worker) outage(ctx context.Context, item int64, at *archive.Error, also func(*checkpoint.Tx) error) error {
	w.doubt = nil
	err := w.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		return tx.SetWaiting(item, 0)
	})
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return at
	}
	return w.trouble(ctx, at)
}
