package exporter

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// roomBytes is what all pages in memory together may take. With conversations
// of 200 messages a page of 100 takes 5 MB, and eight of them waited for the one
// writer (peak of the process 121 MiB). Each 2 MiB more or less here are 3 MiB of
// that peak, since the collector needs room of its own.
const roomBytes = 8 << 20

// room bounds the pages that are in memory, from their request until they are
// stored: by number, and by the size that pages turn out to have.
type room struct {
	semaphore *semaphore.Weighted
	least     int64 // of a page: so that there is a bound to their number too
	last      atomic.Int64
}

func newRoom(pages int) *room {
	return &room{semaphore: semaphore.NewWeighted(roomBytes), least: roomBytes / int64(max(1, pages))}
}

// enter waits for room for one more page, which is taken to be as big as the
// last one. leave is told what the page came to.
func (r *room) enter(ctx context.Context) (leave func(bytes int), err error) {
	weight := min(max(r.last.Load(), r.least), roomBytes)
	if err := r.semaphore.Acquire(ctx, weight); err != nil {
		return nil, context.Cause(ctx)
	}
	return func(bytes int) {
		r.last.Store(int64(bytes))
		r.semaphore.Release(weight)
	}, nil
}
