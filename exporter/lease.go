package exporter

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrCycleRunning means that another process is in a cycle of this account.
var ErrCycleRunning = errors.New("another cycle of this account is running")

// leasePoll is how often a lease that another process holds is tried again.
const leasePoll = 50 * time.Millisecond

// A lease is an OS lock on a file of the state directory. It ends with the
// process that holds it, however that ends, and leaves nothing to clean up.

// leaseCycle takes the lease of the cycle, or fails with ErrCycleRunning.
func (e *Exporter) leaseCycle() (release func(), err error) {
	l := flock.New(filepath.Join(e.State, "cycle.lock"), flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lease of the cycle: %w", err)
	}
	if !ok {
		return nil, ErrCycleRunning
	}
	return func() { l.Close() }, nil
}

// leaseDestination takes the lease of a destination, and waits for it while
// another process delivers.
func (e *Exporter) leaseDestination(ctx context.Context, name string) (release func(), err error) {
	return e.waitForLease(ctx, "destination-"+name)
}

// leaseBig takes the lease of the conversations that are captured in sections:
// half of one lies in the checkpoint while it is fetched, where a second process
// would take it for what a dead one left.
func (e *Exporter) leaseBig(ctx context.Context) (release func(), err error) {
	return e.waitForLease(ctx, "big")
}

func (e *Exporter) waitForLease(ctx context.Context, name string) (release func(), err error) {
	l := flock.New(filepath.Join(e.State, name+".lock"), flock.SetPermissions(0o600))
	if _, err := l.TryLockContext(ctx, leasePoll); err != nil {
		l.Close()
		return nil, fmt.Errorf("lease %s: %w", name, err)
	}
	return func() { l.Close() }, nil
}
