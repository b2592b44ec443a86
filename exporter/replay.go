package exporter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// Replayed is what a replay came to.
type Replayed struct {
	Bundles int // handed over again, or about to be
	Absent  int // of which only the manifest is known: another state delivered them
	Pending int // bundles that still wait, of whatever kind
}

// Replay hands over again, with the same bytes, names and Message-IDs, what a
// destination was given in bundles that were cut from from on and before to
// (zero: no bound). It may run beside everything else. A destination that can
// tell finds nothing new; a mail server gets each mail once more.
func (e *Exporter) Replay(ctx context.Context, name string, from, to time.Time) (r Replayed, err error) {
	d, row, err := e.known(ctx, name)
	if err != nil {
		return r, err
	}
	release, err := e.leaseDestination(ctx, d.Name)
	if err != nil {
		return r, err
	}
	defer release()
	since, until := int64(0), int64(0)
	if !from.IsZero() {
		since = from.UnixMilli()
	}
	if !to.IsZero() {
		until = to.UnixMilli()
	}
	bundles, err := e.cp.Delivered(ctx, row.ID, since, until)
	if err != nil {
		return r, err
	}
	err = e.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		for _, b := range bundles {
			if len(b.Head) == 0 {
				r.Absent++
				continue
			}
			r.Bundles++
			if err := tx.Replay(b.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	return r, e.deliverNow(ctx, d, &r)
}

// known is a configured destination and its row.
func (e *Exporter) known(ctx context.Context, name string) (d Destination, row checkpoint.Destination, err error) {
	for _, d := range e.Destinations {
		if d.Name != name {
			continue
		}
		row, found, err := e.cp.Destination(ctx, name)
		if err == nil && !found {
			err = &UnknownDestinationError{Name: name}
		}
		return d, row, err
	}
	return d, row, &UnknownDestinationError{Name: name}
}

// deliverNow hands over what is cut for a destination whose lease is held.
func (e *Exporter) deliverNow(ctx context.Context, d Destination, r *Replayed) error {
	w := &worker{Exporter: e, dest: d, now: true}
	err := w.readRow(ctx)
	if err == nil {
		err = w.prepareTurn(ctx)
	}
	if err == nil {
		err = w.deliver(ctx)
	}
	var at *archive.Error
	if errors.As(err, &at) && at.Class != archive.Abort && at.Class != archive.Halt && ctx.Err() == nil {
		err = w.trouble(ctx, at)
	}
	w.closeTarget()
	err = errors.Join(err, w.failed)
	waiting, werr := e.cp.Waiting(ctx, w.row.ID)
	r.Pending = waiting.Bundles
	r.Bundles -= w.aside
	if err == nil && w.aside > 0 {
		err = ErrQuarantine
	}
	if err == nil && werr == nil && waiting.Bundles > 0 {
		err = ErrIncomplete
	}
	return errors.Join(err, werr)
}

// Retire ends a destination that is no longer configured: nothing is due for it
// any more. What was cut for it, and its receipts, stay in the state. While
// something is still to be delivered it fails with a StillPendingError, unless
// anyway is set.
func (e *Exporter) Retire(ctx context.Context, name string, anyway bool) error {
	for _, d := range e.Destinations {
		if d.Name == name {
			return &StillConfiguredError{Destination: name}
		}
	}
	row, found, err := e.cp.Destination(ctx, name)
	if err != nil {
		return err
	}
	if !found {
		return &UnknownDestinationError{Name: name}
	}
	waiting, err := e.cp.Waiting(ctx, row.ID)
	if err != nil {
		return err
	}
	if pending := waiting.Due + waiting.Bundles + waiting.Rejected; pending > 0 && !anyway {
		return &StillPendingError{Destination: name, Pending: pending}
	}
	return e.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.Retire(row.ID, e.millis()) })
}

// StillPendingError is a destination that is to be retired and has not been
// given everything.
type StillPendingError struct {
	Destination string
	Pending     int // conversations, bundles and rejected items
}

func (e *StillPendingError) Error() string {
	return fmt.Sprintf("destination %s has not been given everything: %d conversations, bundles or rejected items are pending", e.Destination, e.Pending)
}

// Hint is what to do about it.
func (e *StillPendingError) Hint() string {
	return "configure it again and deliver what waits, or give it up: lpexport retire --anyway " + e.Destination
}

// StillConfiguredError is a destination that is to be retired and is in the
// configuration.
type StillConfiguredError struct{ Destination string }

func (e *StillConfiguredError) Error() string {
	return fmt.Sprintf("destination %s is still configured: take it out of the configuration first", e.Destination)
}

// RetiredError is a configured destination that was retired.
type RetiredError struct{ Destination string }

func (e *RetiredError) Error() string {
	return fmt.Sprintf("destination %s was retired: give the new one another name", e.Destination)
}

// Accept makes the place where a destination is configured to be the one that
// the state expects.
func (e *Exporter) Accept(ctx context.Context, name string) error {
	d, row, err := e.known(ctx, name)
	if err != nil {
		return err
	}
	return e.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.SetTarget(row.ID, d.Where) })
}
