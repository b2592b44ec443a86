package liveperson

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func bubbleLimiter(n int) *limiter { return newLimiter(n, time.Now, sleep) }

// hold takes n slots for d each and tells when each was taken.
func hold(t *testing.T, l *limiter, n int, d time.Duration) []time.Duration {
	start := time.Now()
	var mu sync.Mutex
	var at []time.Duration
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := l.acquire(context.Background()); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			at = append(at, time.Since(start))
			mu.Unlock()
			time.Sleep(d)
			l.release()
		})
	}
	wg.Wait()
	return at
}

func TestThrottlePausesAndHalves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := bubbleLimiter(4)
		l.throttled(3 * time.Second)
		l.throttled(2 * time.Second) // of the same burst: neither shorter nor a quarter
		if got := hold(t, l, 4, time.Second); !slices.Equal(got, seconds(3, 3, 4, 4)) {
			t.Errorf("slots taken at %v", got)
		}
		l.throttled(time.Second)
		l.throttled(time.Second)
		if got := hold(t, l, 2, time.Second); !slices.Equal(got, seconds(1, 2)) {
			t.Errorf("after the second burst: %v", got)
		}
		time.Sleep(time.Minute)
		l.throttled(time.Second)
		if got := hold(t, l, 2, time.Second); !slices.Equal(got, seconds(1, 2)) {
			t.Errorf("below one: %v", got)
		}
	})
}

func TestAllowanceRecoversSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := bubbleLimiter(2)
		l.throttled(time.Second)
		for range 9 {
			l.answered()
		}
		if got := hold(t, l, 2, time.Second); !slices.Equal(got, seconds(1, 2)) {
			t.Errorf("too early: %v", got)
		}
		for range 100 {
			l.answered()
		}
		if got := hold(t, l, 3, time.Second); !slices.Equal(got, seconds(0, 0, 1)) {
			t.Errorf("not back to the bound: %v", got)
		}
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := bubbleLimiter(1)
		if err := l.acquire(context.Background()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := l.acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("in the queue: %v", err)
		}
		l.release()
		l.throttled(time.Minute)
		ctx, cancel = context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := l.acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("in a pause: %v", err)
		}
		// Neither may have kept the slot.
		if got := hold(t, l, 1, time.Second); !slices.Equal(got, seconds(59)) {
			t.Errorf("slot taken at %v", got)
		}
	})
}

// A slot given to one who just left goes to the next.
func TestAbandonHandsOn(t *testing.T) {
	l := bubbleLimiter(1)
	if err := l.acquire(context.Background()); err != nil {
		t.Fatal(err)
	}
	gone, next := make(chan struct{}), make(chan struct{})
	l.queue = []chan struct{}{gone, next}
	l.release()
	<-gone
	l.abandon(gone)
	<-next
	if l.flying != 1 || len(l.queue) != 0 {
		t.Errorf("%d flying, %d waiting", l.flying, len(l.queue))
	}
}

// A pause is for every request of the client, not only for the refused one.
func TestThrottleIsShared(t *testing.T) {
	f := newFake(t)
	c, clk := f.client()
	if err := search(c); err != nil { // look-up and login are done
		t.Fatal(err)
	}
	c.limiter.throttled(40 * time.Second)
	if _, err := c.Users(context.Background()); err != nil {
		t.Fatal(err)
	}
	if want := noon.Add(40 * time.Second); !clk.now().Equal(want) {
		t.Errorf("users were asked at %v, want %v", clk.now(), want)
	}
}
