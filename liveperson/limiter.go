package liveperson

import (
	"context"
	"sync"
	"time"
)

// limiter bounds the requests in flight. LivePerson publishes no rate; its
// limits are described as caps on concurrent requests, and its policy asks to
// avoid bursts after a 429. So a 429 stops everybody for the wait it asks for
// and halves the allowance, which good answers win back slowly.
type limiter struct {
	now  func() time.Time
	wait func(context.Context, time.Duration) error
	max  int

	mu      sync.Mutex
	allowed float64 // 1..max
	flying  int
	until   time.Time
	queue   []chan struct{}
}

// recovery is the part of a slot that one good answer wins back.
const recovery = 0.1

func newLimiter(n int, now func() time.Time, wait func(context.Context, time.Duration) error) *limiter {
	return &limiter{now: now, wait: wait, max: n, allowed: float64(n)}
}

// acquire takes a slot, in the order of asking, when no pause is on.
func (l *limiter) acquire(ctx context.Context) error {
	if err := l.slot(ctx); err != nil {
		return err
	}
	var waited time.Time
	for {
		l.mu.Lock()
		until, d := l.until, l.until.Sub(l.now())
		l.mu.Unlock()
		// Each pause is waited for once: the clock need not have moved with it.
		if d <= 0 || !until.After(waited) {
			return nil
		}
		if err := l.wait(ctx, d); err != nil {
			l.release()
			return err
		}
		waited = until
	}
}

func (l *limiter) slot(ctx context.Context) error {
	l.mu.Lock()
	if err := ctx.Err(); err != nil {
		l.mu.Unlock()
		return err
	}
	if len(l.queue) == 0 && l.flying < int(l.allowed) {
		l.flying++
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.queue = append(l.queue, turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		l.abandon(turn)
		return ctx.Err()
	}
}

// abandon leaves the queue, or hands on a slot that was given meanwhile.
func (l *limiter) abandon(turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, t := range l.queue {
		if t == turn {
			l.queue = append(l.queue[:i], l.queue[i+1:]...)
			return
		}
	}
	l.flying--
	l.grant()
}

func (l *limiter) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flying--
	l.grant()
}

func (l *limiter) grant() {
	for len(l.queue) > 0 && l.flying < int(l.allowed) {
		close(l.queue[0])
		l.queue = l.queue[1:]
		l.flying++
	}
}

// answered is told of every good answer.
func (l *limiter) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.allowed = min(float64(l.max), l.allowed+recovery)
	l.grant()
}

// throttled is told of every 429. Those that come in while a pause is on
// belong to the same burst and do not halve again.
func (l *limiter) throttled(pause time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if !now.Before(l.until) {
		l.allowed = max(1, l.allowed/2)
	}
	if until := now.Add(pause); until.After(l.until) {
		l.until = until
	}
}
