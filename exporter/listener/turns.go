package listener

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

const (
	// turnsOfConnection is how many requests of one unproven connection are served at
	// once: HTTP/2 puts many into one. The others wait.
	turnsOfConnection = 8
	// mostFailed is how many requests in a row may prove nothing before the
	// connection is ended.
	mostFailed = 16
	// mostStreams bounds the requests of one HTTP/2 connection, those that wait
	// included.
	mostStreams = 100
)

// turnsOf is how many requests of unproven connections are served at once: some are
// left for proven ones.
func turnsOf(connections int) int { return max(1, connections-connections/4) }

type seatKey struct{}

// seatOf finds the seat of a connection of the server: over TLS it is below.
func seatOf(c net.Conn) *seat {
	if over, ok := c.(*tls.Conn); ok {
		c = over.NetConn()
	}
	taken, _ := c.(*seat)
	return taken
}

// remember is for http.Server.ConnContext.
func remember(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, seatKey{}, seatOf(c))
}

// rested is for http.Server.ConnState: an idle connection may make room.
func rested(c net.Conn, state http.ConnState) {
	taken := seatOf(c)
	if taken == nil || state != http.StateIdle && state != http.StateActive && state != http.StateHijacked {
		return
	}
	s := taken.of
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateHijacked:
		s.leave(taken)
	case http.StateActive:
		taken.idle = 0
	case http.StateIdle:
		s.count++
		taken.idle = s.count
		s.wake()
	}
}

// counted bounds how many requests of unproven connections are served at once, and
// learns from the answers who is proven.
func counted(h http.Handler, proves func(*http.Request, int) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		taken, _ := r.Context().Value(seatKey{}).(*seat)
		if taken == nil {
			h.ServeHTTP(w, r)
			return
		}
		taken.begin()
		done, ok := taken.turn(r.Context())
		defer done()
		if !ok {
			taken.end()
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		a := &answer{ResponseWriter: w, seen: func(status int) (last bool) { return taken.judge(status, proves(r, status)) }}
		defer taken.end()
		h.ServeHTTP(a, r)
		a.note(http.StatusOK)
	})
}

// begin notes that a request is being served.
func (c *seat) begin() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.busy++; c.busy == 1 {
		c.busySince = c.of.now()
	}
}

// end notes that it no longer is.
func (c *seat) end() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.busy--; c.busy == 0 {
		c.of.wake()
	}
}

// turn waits until a request may be served; done is to be called in any case. On a
// proven connection it may be at once. Elsewhere it has to be its turn within its
// connection, its address, and everybody: who keeps others waiting for long is cut.
func (c *seat) turn(ctx context.Context) (done func(), ok bool) {
	var held []chan struct{}
	done = func() {
		for _, each := range held {
			<-each
		}
	}
	for _, next := range []chan struct{}{c.turns, c.group.turns, c.of.turns} {
		taken, ok := c.wait(ctx, next)
		if taken {
			held = append(held, next)
		}
		if !ok {
			return done, false
		}
	}
	return done, true
}

// wait takes one of the turns, unless the connection needs none any more.
func (c *seat) wait(ctx context.Context, turns chan struct{}) (taken, ok bool) {
	select {
	case <-c.proven:
		return false, true
	case turns <- struct{}{}:
		return true, true
	default:
	}
	patience := time.NewTimer(stalled + stalled/4)
	defer patience.Stop()
	look := time.NewTicker(handshake)
	defer look.Stop()
	for {
		c.of.cutStalled(c)
		select {
		case <-c.proven:
			return false, true
		case turns <- struct{}{}:
			return true, true
		case <-look.C:
		case <-patience.C:
			return false, false
		case <-ctx.Done():
			return false, false
		}
	}
}

// cutStalled ends the unproven connections, but the one that asks, whose requests take
// too long while others wait.
func (s *seats) cutStalled(except *seat) {
	s.mu.Lock()
	now := s.now()
	var cut []*seat
	for each := range s.open {
		if each != except && !each.trusted && each.busy > 0 && now.Sub(each.busySince) >= stalled {
			cut = append(cut, each)
		}
	}
	s.mu.Unlock()
	for _, each := range cut {
		_ = each.Close()
	}
}

// judge counts an answer for or against the connection, and tells whether it is to be
// the last one. What this side failed to do is neither.
func (c *seat) judge(status int, proof bool) (last bool) {
	s := c.of
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case proof:
		c.failed = 0
		s.count++
		c.group.known = s.count
		if !c.trusted && !c.gone {
			c.trusted = true
			c.group.unproven--
			close(c.proven)
		}
	case status >= http.StatusBadRequest && status < http.StatusInternalServerError:
		c.failed++
	}
	return c.failed >= mostFailed
}

// answer sees the status of a response before it is sent.
type answer struct {
	http.ResponseWriter
	seen func(status int) (last bool) // nil: was called
}

func (a *answer) note(status int) {
	if a.seen == nil || status < http.StatusOK {
		return
	}
	if a.seen(status) {
		a.Header().Set("Connection", "close") // HTTP/2 is told to go away by it too
	}
	a.seen = nil
}

func (a *answer) WriteHeader(status int) {
	a.note(status)
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.note(http.StatusOK)
	return a.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
