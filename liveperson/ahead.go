package liveperson

import (
	"context"
	"io"
	"sync"
)

// What is read ahead of one answer at most: a page of short conversations.
const (
	aheadChunk  = 32 << 10
	aheadChunks = 24
)

var chunks = sync.Pool{New: func() any { return new([aheadChunk]byte) }}

// ahead reads a body before it is asked for, within bounds. An answer that has
// come whole then no longer counts as in flight while its records are still
// being taken; with an answer time of 100 ms that was a third of the time.
type ahead struct {
	filled chan chunk
	now    chunk
	rest   []byte
	err    error // set before filled is closed
}

type chunk struct {
	buffer *[aheadChunk]byte
	n      int
}

// prefetch begins to read r and calls arrived when its end, or an error, is
// reached. The caller ends ctx and makes r fail before it calls wait.
func prefetch(ctx context.Context, r io.Reader, arrived func()) *ahead {
	a := &ahead{filled: make(chan chunk, aheadChunks)}
	go a.fill(ctx, r, arrived)
	return a
}

func (a *ahead) fill(ctx context.Context, r io.Reader, arrived func()) {
	defer close(a.filled)
	defer arrived()
	for a.err == nil {
		c := chunk{buffer: chunks.Get().(*[aheadChunk]byte)}
		c.n, a.err = r.Read(c.buffer[:])
		select {
		case a.filled <- c:
		case <-ctx.Done():
			chunks.Put(c.buffer)
			if a.err == nil {
				a.err = context.Cause(ctx)
			}
		}
	}
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		a.putBack()
		c, ok := <-a.filled
		if !ok {
			return 0, a.err
		}
		a.now, a.rest = c, c.buffer[:c.n]
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

func (a *ahead) putBack() {
	if a.now.buffer != nil {
		chunks.Put(a.now.buffer)
		a.now.buffer = nil
	}
}

// wait returns when nothing reads any more.
func (a *ahead) wait() {
	a.rest = nil
	a.putBack()
	for c := range a.filled {
		chunks.Put(c.buffer)
	}
}
