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
// says so by a second lock: whoever gets the turn while that is held gives it
// back, so that such a writer waits for one transaction at most. Both locks end
// with their holder.
const (
	turnLock = ".turn"
	soonLock = ".soon"
)

// turnWait is for a turn; then the checkpoint counts as locked.
const turnWait = time.Minute

// ErrLocked is the cause when another process has kept the turn for too long.
var ErrLocked = errors.New("another process has been writing to it for a minute")

// takeTurn waits until it is this writer's turn.
func (c *Checkpoint) takeTurn(ctx context.Context, soon bool) (release func(), err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, turnWait, ErrLocked)
	defer cancel()
	if soon {
		return c.takeTurnSoon(ctx)
	}
	c.queue.Lock()
	for {
		turn, err := c.lock(ctx, turnLock)
		if err != nil {
			c.queue.Unlock()
			return nil, err
		}
		urgent := flock.New(c.path+soonLock, flock.SetPermissions(0o600))
		free, err := urgent.TryLock()
		urgent.Close()
		if free && err == nil {
			return func() { turn.Close(); c.queue.Unlock() }, nil
		}
		turn.Close()
		if err == nil {
			if urgent, err = c.lock(ctx, soonLock); err == nil {
				urgent.Close()
			}
		}
		if err != nil {
			c.queue.Unlock()
			return nil, err
		}
	}
}

// takeTurnSoon does not queue with the others of this process.
func (c *Checkpoint) takeTurnSoon(ctx context.Context) (release func(), err error) {
	c.soon.Lock()
	urgent, err := c.poll(ctx, soonLock)
	if err != nil {
		c.soon.Unlock()
		return nil, err
	}
	turn, err := c.poll(ctx, turnLock)
	if err != nil {
		urgent.Close()
		c.soon.Unlock()
		return nil, err
	}
	return func() {
		turn.Close()
		urgent.Close()
		c.soon.Unlock()
	}, nil
}

// poll takes an OS lock by looking at it again and again, so that nothing is left
// of a wait that ctx ends. Nobody comes before it, so that it is not long.
func (c *Checkpoint) poll(ctx context.Context, suffix string) (*flock.Flock, error) {
	l := flock.New(c.path+suffix, flock.SetPermissions(0o600))
	if _, err := l.TryLockContext(ctx, time.Millisecond); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("wait for a turn: %w", err)
	}
	return l, nil
}

// lock takes an OS lock. The system wakes the waiting, so that no time is lost
// with looking again; a wait that ctx ends goes on by itself until it has the
// lock, and gives it back. One writer of a process waits at a time.
func (c *Checkpoint) lock(ctx context.Context, suffix string) (*flock.Flock, error) {
	l := flock.New(c.path+suffix, flock.SetPermissions(0o600))
	if ok, err := l.TryLock(); ok || err != nil {
		return l, err
	}
	got := make(chan error, 1)
	go func() { got <- l.Lock() }()
	select {
	case err := <-got:
		return l, err
	case <-ctx.Done():
		go func() {
			if <-got == nil {
				l.Close()
			}
		}()
		return nil, fmt.Errorf("wait for a turn: %w", context.Cause(ctx))
	}
}
