package liveperson

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// UnavailableError means that LivePerson answers nothing at the moment, or that it
// asked to be left alone for longer than a run should wait. Every request of the
// Client ends with it, and none is sent before Until.
//
// It does not unwrap: Err is one request's fault, and this is no fault of that
// request alone.
type UnavailableError struct {
	Until time.Time // when to ask again, at most 24 h ahead
	Err   error     // what the last request met
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("LivePerson is unavailable, next try at %s: %v", e.Until.UTC().Format(time.RFC3339), e.Err)
}

// When the circuit is in doubt. A fault weighs 2, a 429 only 1: who answers so is
// there and asks for patience. No single request reaches the first pair of bounds
// by its retries alone; the second is for requests that hang until they time out.
const (
	faultWeight     = 2
	throttledWeight = 1

	doubtWeight = 9
	doubtAfter  = 30 * time.Second // LivePerson's own policy repeats for that long

	slowDoubtWeight = 4
	slowDoubtAfter  = 90 * time.Second
)

const (
	longestWait = 5 * time.Minute // a longer Retry-After opens the circuit at once
	leastRest   = time.Minute     // how long it stays open
	mostRest    = 24 * time.Hour  // whatever a server asks
)

// circuit watches all requests of a Client. Failures in a row, of whatever kind
// and with no good answer in between, put it in doubt. Then something small is
// asked: one query that always fails must not end a run that could do all else. If
// that fails too, the circuit opens.
//
// Requests that were in flight together and fail together count as one failure, or
// a burst of 429s would be many.
type circuit struct {
	now  func() time.Time
	deaf bool          // counts nothing and never opens
	turn chan struct{} // one asks at a time

	mu     sync.Mutex
	failed int64             // failures counted so far
	weight int               // of those in a row
	since  time.Time         // when the first of them was sent
	err    *UnavailableError // nil: it is closed
	ctx    context.Context   // ends when it opens
	cut    context.CancelCauseFunc
}

func newCircuit(now func() time.Time) *circuit {
	c := &circuit{now: now, turn: make(chan struct{}, 1)}
	c.ctx, c.cut = context.WithCancelCause(context.Background())
	return c
}

// newDeafCircuit is for requests whose failure says nothing about the others.
func newDeafCircuit() *circuit { return &circuit{deaf: true} }

// sending is when an attempt was sent: a time, and the failures counted until then.
type sending struct {
	at     time.Time
	failed int64
}

// sending is asked before every attempt. It fails while the circuit is open.
func (c *circuit) sending() (sending, error) {
	if c.deaf {
		return sending{}, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return sending{}, c.err
	}
	return sending{c.now(), c.failed}, nil
}

// answered is told of every good answer.
func (c *circuit) answered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.weight = 0
}

// fault is told of every failed attempt. It opens the circuit when LivePerson asks
// to be left alone for long.
func (c *circuit) fault(sent sending, e *APIError) {
	switch {
	case c.deaf || !e.Temporary():
		return // another 4xx is an answer to that request alone
	case e.RetryAfter > longestWait:
		_ = c.open(e) // the request finds it open
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if sent.failed != c.failed {
		return // sent before another one failed
	}
	c.failed++
	if c.weight == 0 {
		c.since = sent.at
	}
	if e.Status == http.StatusTooManyRequests {
		c.weight += throttledWeight
	} else {
		c.weight += faultWeight
	}
}

func (c *circuit) doubtful() bool {
	if c.deaf {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	lasts := c.now().Sub(c.since)
	return c.weight >= doubtWeight && lasts >= doubtAfter || c.weight >= slowDoubtWeight && lasts >= slowDoubtAfter
}

// settle ends a doubt by asking. It fails when the circuit is open then.
func (c *circuit) settle(ctx context.Context, ask func() error) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if !c.doubtful() {
		return nil // somebody else has asked meanwhile
	}
	err := ask()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if api, ok := err.(*APIError); ok && api.Temporary() {
		return c.open(api)
	}
	c.answered() // a refusal is an answer too
	return nil
}

func (c *circuit) open(e *APIError) *UnavailableError {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		rest := min(max(e.RetryAfter, leastRest), mostRest)
		c.err = &UnavailableError{Until: c.now().Add(rest).UTC(), Err: e}
		c.cut(c.err)
	}
	return c.err
}

// opened is the error with which all requests end now; nil: the circuit is closed.
func (c *circuit) opened() error {
	if _, err := c.sending(); err != nil {
		return err
	}
	return nil
}

// close lets requests be sent again.
func (c *circuit) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed()
}

func (c *circuit) closed() {
	if c.err != nil {
		c.err, c.weight = nil, 0
		c.ctx, c.cut = context.WithCancelCause(context.Background())
	}
}

// join is a context for one request, which also ends when the circuit opens. It
// fails while that is open.
func (c *circuit) join(ctx context.Context) (joined context.Context, leave func(), err error) {
	if c.deaf {
		return ctx, func() {}, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		if c.now().Before(c.err.Until) {
			return nil, nil, c.err
		}
		c.closed()
	}
	opened := c.ctx
	joined, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(opened, func() { cancel(context.Cause(opened)) })
	return joined, func() { stop(); cancel(nil) }, nil
}

// ended is the error of a request that ended with err in joined, its caller's
// context being ctx.
func ended(ctx, joined context.Context, err error) error {
	open, cut := errors.AsType[*UnavailableError](context.Cause(joined))
	if cut && ctx.Err() == nil && errors.Is(err, context.Canceled) {
		return open
	}
	return err
}

// Resume lets requests be sent again before the time that an UnavailableError
// named. It is for a caller who keeps that time itself, or has learnt better.
func (c *Client) Resume() { c.circuit.close() }

// doubt has a doubt about the circuit settled before k is sent, or ended for what it
// needs. Look-ups and log-ins never ask, since what is asked needs them: they end.
func (c *Client) doubt(ctx context.Context, k *call) error {
	if k.files || k.open || !c.circuit.doubtful() {
		return nil
	}
	return c.circuit.settle(ctx, func() error {
		asking := *c
		asking.retries, asking.circuit = retries{}, newDeafCircuit()
		return asking.tryHistory(ctx)
	})
}
