package liveperson

import (
	"context"
	"net/http"
	"time"
)

// retries is how often and how long to wait before the same request is sent
// again. The numbers of 5xx and the least wait of 429 are LivePerson's (Retry
// Policy Recommendations); the slower outer loop is the caller's next cycle.
type retries struct {
	throttled []time.Duration // 429
	server    []time.Duration // 5xx
	broken    []time.Duration // no answer, or one that cannot be used
}

var (
	// patient is for work, hasty for a person who waits for `lpexport check`.
	patient = retries{
		throttled: seconds(1, 2, 4, 8, 16, 30),
		server:    seconds(5, 10, 15),
		broken:    seconds(1, 5, 10, 15),
	}
	hasty = retries{throttled: seconds(1, 2), server: seconds(1), broken: seconds(1)}
)

func seconds(n ...int) []time.Duration {
	d := make([]time.Duration, len(n))
	for i := range n {
		d[i] = time.Duration(n[i]) * time.Second
	}
	return d
}

// waits is the schedule for an error; none: it is final.
func (r retries) waits(e *APIError) []time.Duration {
	switch {
	case e.Status == http.StatusTooManyRequests:
		return r.throttled
	case e.Status >= 500:
		return r.server
	case e.Status == 0, e.Status == http.StatusOK, e.Status == http.StatusNoContent:
		if permanent(e.Err) {
			return nil
		}
		return r.broken
	}
	return nil
}

// after is the wait before attempt n+1, when n attempts have failed, the last
// with e; false: give up. Jitter only adds, so that no wait is shorter than
// asked for.
func (r retries) after(e *APIError, n int, jitter float64) (time.Duration, bool) {
	waits := r.waits(e)
	if n > len(waits) {
		return 0, false
	}
	d := max(waits[n-1], e.RetryAfter)
	return d + time.Duration(jitter*float64(d)/4), true
}

// sleep is the default Config.Wait.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
