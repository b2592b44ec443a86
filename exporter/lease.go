package exporter

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"lpexport/archive"
)

// ErrCycleRunning means that another process is in a cycle of this account.
var ErrCycleRunning = errors.New("another cycle of this account is running")

// leasePoll is how often a lease that another process holds is tried again.
const leasePoll = 50 * time.Millisecond

// A lease is an OS lock on a file of the state directory. It ends with the
// process that holds it, however that ends, and leaves nothing to clean up.

// leaseCycle takes the lease of the cycle, or fails with ErrCycleRunning.
func (e *Exporter) leaseCycle() (release func(), err error) {
	release, free, err := e.tryLease("cycle")
	if err != nil {
		return nil, fmt.Errorf("lease of the cycle: %w", err)
	}
	if !free {
		return nil, ErrCycleRunning
	}
	return release, nil
}

// tryLease takes a lease that nobody holds; free tells whether it was.
func (e *Exporter) tryLease(name string) (release func(), free bool, err error) {
	l := flock.New(e.leasePath(name), flock.SetPermissions(0o600))
	free, err = l.TryLock()
	return func() { l.Close() }, free, err
}

// leasePatience is how long a run waits for a destination to which another
// process is delivering; that one may hang.
const leasePatience = time.Minute

// errLeased is a destination that another process is delivering to.
var errLeased = errors.New("another process has been delivering to it for a while")

// leaseDestination takes the lease of a destination, and waits for it while
// another process delivers.
func (e *Exporter) leaseDestination(ctx context.Context, name string) (release func(), err error) {
	patient, cancel := context.WithTimeout(ctx, leasePatience)
	defer cancel()
	release, err = e.waitForLease(patient, "destination-"+name)
	if err != nil && ctx.Err() == nil && patient.Err() != nil {
		return nil, &archive.Error{Class: archive.Retry, Op: "lease", Path: name, Err: errLeased, Hint: "lpexport status"}
	}
	return release, err
}

// leaseBig takes the lease of the conversations that are captured in sections:
// half of one lies in the checkpoint while it is fetched, where a second process
// would take it for what a dead one left.
func (e *Exporter) leaseBig(ctx context.Context) (release func(), err error) {
	return e.waitForLease(ctx, "big")
}

func (e *Exporter) leasePath(name string) string { return filepath.Join(e.State, name+".lock") }

func (e *Exporter) waitForLease(ctx context.Context, name string) (release func(), err error) {
	l := flock.New(e.leasePath(name), flock.SetPermissions(0o600))
	if _, err := l.TryLockContext(ctx, leasePoll); err != nil {
		l.Close()
		return nil, fmt.Errorf("lease %s: %w", name, err)
	}
	return func() { l.Close() }, nil
}
