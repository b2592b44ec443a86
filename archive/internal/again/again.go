// Package again says how a transport repeats what a far side failed to do for
// now: soon, a few times, with growing pauses. Who delivers has longer ones.
package again

import (
	"context"
	"time"
)

// Tries is how often the same thing is tried in a row.
const Tries = 6

// Longest is the longest pause: a far side that asks for more is left alone.
const Longest = 30 * time.Second

// Wait returns the pause after so many tries in vain, counted from 1: half a
// second, doubled each time.
func Wait(tries int) time.Duration { return min(time.Second/2<<min(tries-1, 10), Longest) }

// Pause waits, unless ctx is done before.
func Pause(ctx context.Context, wait time.Duration) error {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
