package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/flock"
)

// Writers of one checkpoint take turns by an OS lock, also those of one process.
// SQLite's own lock is waited for in steps of up to 100 ms and given to whoever
// asks first after it was freed, so that next to a backfill, which writes all the
// time, the sender of an event would wait for seconds. A writer that cannot wait
// says so by a second lock, at which the others stop before they take their turn.
// Both locks end with their holder.

const (
	turnWait  = time.Minute      // for a turn; then the checkpoint counts as locked
	lookEvery = time.Millisecond // at a lock that another holds
)

var errLocked = errors.New("another process has been writing to it for a minute")

// takeTurn waits until it is this writer's turn. Those of one process queue for
// mu, so that only one of them has to look at the OS lock again and again; what is
// held while mu is waited for is held by a writer that goes first.
func (c *Checkpoint) takeTurn(ctx context.Context, soon bool) (release func(), err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, turnWait, errLocked)
	defer cancel()
	c.soon.Lock()
	urgent, err := c.lock(ctx, ".soon")
	if err != nil || !soon {
		urgent.Close()
		c.soon.Unlock()
	}
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	turn, err := c.lock(ctx, ".turn")
	release = func() {
		turn.Close()
		c.mu.Unlock()
		if soon {
			urgent.Close()
			c.soon.Unlock()
		}
	}
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// lock takes a lock. What it returns can be closed, also with an error.
func (c *Checkpoint) lock(ctx context.Context, suffix string) (*flock.Flock, error) {
	l := flock.New(c.path+suffix, flock.SetPermissions(0o600))
	if ok, err := l.TryLock(); ok || err != nil {
		return l, err
	}
	if _, err := l.TryLockContext(ctx, lookEvery); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return l, fmt.Errorf("wait for a turn: %w", err)
	}
	return l, nil
}
