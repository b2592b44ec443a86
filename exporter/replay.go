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
	Bundles int // handed over again or compared
	Absent  int // of which only the manifest is known, and that are not whole: another state delivered them
	Pending int // bundles that still wait, of whatever kind

	Compared                             bool             // with what lies there; else handed over again
	Same, Repaired, Overwritten, Differs int              // of those that were compared
	Each                                 []ReplayedBundle // that were not the same
}

// ReplayedBundle is a bundle that was not what was delivered.
type ReplayedBundle struct {
	Bundle string
	Result ReplayResult
	Detail string
}

// ReplayResult says what became of a bundle.
type ReplayResult string

const (
	ReplayRepaired    ReplayResult = "repaired"    // what was missing is there
	ReplayOverwritten ReplayResult = "overwritten" // what was changed is what was delivered
	ReplayDiffers     ReplayResult = "differs"     // it was left as it is
	ReplayAbsent      ReplayResult = "absent"      // it was left as it is: this state cannot make it
)

// Replaying says which bundles are replayed, and what may be done to them.
type Replaying struct {
	From, To  time.Time   // when they were cut: from inclusive, to exclusive; zero: no bound
	Overwrite *Acceptance // who wants what was changed to be overwritten; nil: nobody
}

// DiffersError is a replay that has left bundles as they were found.
type DiffersError struct {
	Destination string
	Bundles     int
	Overwrite   bool // it was allowed to
}

func (e *DiffersError) Error() string {
	return fmt.Sprintf("destination %s: %s not what was delivered, left as found", e.Destination, plural(int64(e.Bundles), "bundle"))
}

// Hint is what to do about it.
func (e *DiffersError) Hint() string {
	if e.Overwrite {
		return "put them back from a copy, or let each stand as it is: lpexport accept bundle NAME --reason TEXT"
	}
	return "find out who changed them. To let one stand as it is: `lpexport accept bundle NAME --reason TEXT`. To write over all of them: lpexport replay --destination " +
		e.Destination + " --overwrite --reason TEXT"
}

// Replay gives a destination again, with the same bytes, names and Message-IDs, what
// it was given. Bundles that can be read back are compared: what is missing is put
// back, and what was changed is written over only where a person wants that. Single
// files and mails are handed over again. It may run beside everything else, and one
// bundle's fault stops no other.
func (e *Exporter) Replay(ctx context.Context, name string, which Replaying) (r Replayed, err error) {
	if which.Overwrite != nil {
		if err := which.Overwrite.check(); err != nil {
			return r, err
		}
	}
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
	if !which.From.IsZero() {
		since = which.From.UnixMilli()
	}
	if !which.To.IsZero() {
		until = which.To.UnixMilli()
	}
	bundles, err := e.cp.Delivered(ctx, row.ID, since, until)
	if err != nil {
		return r, err
	}
	if source, ok := d.Target.(archive.Source); ok && !d.Files {
		r.Compared = true
		c := &comparing{worker: &worker{Exporter: e, dest: d, row: row, now: true}, source: source, overwrite: which.Overwrite, replayed: &r}
		return r, c.run(ctx, bundles)
	}
	if which.Overwrite != nil {
		return r, &NotReadableError{Destination: name} // nothing can be compared
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
