package exporter

import (
	"context"

	"github.com/klauspost/compress/s2"
	"golang.org/x/sync/semaphore"
)

// largeBytes is what a message, a slice or a stored part may have, unpacked, to be
// worked on beside others. A larger one is held several times over while it is
// read, written and compressed, so that only one of them is worked on at a time,
// by whichever worker; nobody waits for a network or for a far side meanwhile.
const largeBytes = 2 << 20

// dropped is how big a buffer may be to be kept for what comes next.
const dropped = 4 << 20

func newLarge() *semaphore.Weighted { return semaphore.NewWeighted(1) }

// largeTurn is a turn at what is large. It is for one goroutine.
type largeTurn struct {
	*Exporter
	held bool
}

// take waits for the turn if so many bytes are large, unless it is held already.
func (l *largeTurn) take(ctx context.Context, bytes int) error {
	if l.held || bytes <= largeBytes {
		return nil
	}
	if err := l.large.Acquire(ctx, 1); err != nil {
		return context.Cause(ctx)
	}
	l.held = true
	return nil
}

// end lets the next one have its turn.
func (l *largeTurn) end() {
	if l.held {
		l.held = false
		l.large.Release(1)
	}
}

// unpackedLen is how many bytes a frame has unpacked; 0 where it is damaged.
func unpackedLen(frame []byte) int {
	n, err := s2.DecodedLen(frame)
	if err != nil {
		return 0
	}
	return n
}

// keep returns a buffer for what comes next, or nil where it has grown large.
func keep(buffer []byte) []byte {
	if cap(buffer) > dropped {
		return nil
	}
	return buffer[:0]
}
