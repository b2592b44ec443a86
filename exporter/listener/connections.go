package listener

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// seats keeps one connection free for whoever comes next, as long as some are
// idle: when the last is taken, the one that has been idle longest is closed. So
// clients that only hold connections open shut nobody out. A request that arrives
// on it in that very moment is lost to its sender, as with every server that ends
// idle connections; it happens at the limit only.
type seats struct {
	max int

	mu   sync.Mutex
	open map[net.Conn]struct{} // without those that are being closed
	idle []net.Conn            // of the open, the longest first
}

func newSeats(most int) *seats { return &seats{max: most, open: make(map[net.Conn]struct{})} }

// changed is for http.Server.ConnState.
func (s *seats) changed(c net.Conn, state http.ConnState) {
	if idlest := s.note(c, state); idlest != nil {
		hangUp(idlest)
	}
}

// note returns the connection that is to be closed, or nil.
func (s *seats) note(c net.Conn, state http.ConnState) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = slices.DeleteFunc(s.idle, func(i net.Conn) bool { return i == c })
	switch state {
	case http.StateNew:
		s.open[c] = struct{}{}
	case http.StateIdle:
		if _, open := s.open[c]; open {
			s.idle = append(s.idle, c)
		}
	case http.StateClosed, http.StateHijacked:
		delete(s.open, c)
	}
	if len(s.open) < s.max || len(s.idle) == 0 {
		return nil
	}
	idlest := s.idle[0]
	s.idle = s.idle[1:]
	delete(s.open, idlest)
	return idlest
}

// hangUp closes a connection at once: TLS would first say good-bye, and wait for
// a client that reads nothing.
func hangUp(c net.Conn) {
	if over, ok := c.(*tls.Conn); ok {
		c = over.NetConn()
	}
	_ = c.Close()
}

// repeatAfter is the shortest time between two log lines about the same trouble.
const repeatAfter = time.Hour

// door logs that connections cannot be accepted, as when the process has too many
// files open. The server tries again by itself.
type door struct {
	net.Listener
	log    *slog.Logger
	now    func() time.Time
	logged time.Time // zero: never
}

// Accept is called by one goroutine at a time.
func (d *door) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err == nil || errors.Is(err, net.ErrClosed) {
		return c, err
	}
	if now := d.now(); d.logged.IsZero() || now.Sub(d.logged) >= repeatAfter {
		d.logged = now
		d.log.Error("connections cannot be accepted", "address", d.Addr().String(), "error", err)
	}
	return nil, err
}
