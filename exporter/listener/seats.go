package listener

import (
	"cmp"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// handshake is how long a connection may be silent before it makes room for
	// another: a TLS handshake and a request across an ocean.
	handshake = 250 * time.Millisecond
	// stalled is how long an unproven connection may be busy before it makes room.
	stalled = 2 * time.Second
)

// seats bounds the connections that are open at once, so that clients who only hold
// them open shut nobody out. A connection is unproven until one of its requests has
// shown that its client belongs here. When all seats are taken, a new connection gets
// that of an unproven one: of the address that holds the most, and there the oldest;
// addresses that have proven themselves before come last. Where all are proven, the one
// that has been idle longest goes; half of the seats are theirs. A request that arrives on it in that very moment is
// lost to its sender, as with every server that ends idle connections.
type seats struct {
	net.Listener
	most int
	now  func() time.Time

	closed func() // by Close
	done   chan struct{}
	left   chan struct{} // somebody left, or may be asked to
	turns  chan struct{} // of requests on unproven connections

	mu     sync.Mutex
	count  uint64 // numbers arrivals and rests, in their order
	open   map[*seat]struct{}
	groups map[netip.Prefix]*group
}

// seat is an open connection.
type seat struct {
	net.Conn
	of     *seats
	group  *group
	turns  chan struct{}
	proven chan struct{} // closed once it is

	// Under the lock of seats.
	gone      bool
	trusted   bool // proven is closed
	arrived   uint64
	since     time.Time // of its arrival
	idle      uint64    // when its last request ended; 0: one is being served, or none came yet
	busy      int       // requests
	busySince time.Time
	failed    int // requests in a row that proved nothing
}

func newSeats(from net.Listener, most int, now func() time.Time) *seats {
	s := &seats{Listener: from, most: most, now: now, done: make(chan struct{}), left: make(chan struct{}, 1),
		turns: make(chan struct{}, turnsOf(most)), open: map[*seat]struct{}{}, groups: map[netip.Prefix]*group{}}
	s.closed = sync.OnceFunc(func() { close(s.done) })
	return s
}

// Accept waits until there is room for the connection that it returns.
func (s *seats) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	for {
		taken, shed := s.enter(c)
		for _, each := range shed {
			_ = each.Close()
		}
		if taken != nil {
			return taken, nil
		}
		wait := time.NewTimer(handshake / 5)
		select {
		case <-s.left:
		case <-wait.C:
		case <-s.done:
			_ = c.Close()
			return nil, net.ErrClosed
		}
		wait.Stop()
	}
}

// Close ends Accept.
func (s *seats) Close() error {
	s.closed()
	return s.Listener.Close()
}

// enter gives a connection a seat, and returns whom it takes the place of. Without
// room there is no seat.
func (s *seats) enter(c net.Conn) (taken *seat, shed []*seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groupOf(c.RemoteAddr())
	if !g.local && g.known == 0 && g.unproven >= max(1, s.most/4) {
		if first := s.pick(func(each *seat) bool { return each.group == g && !each.trusted }); first != nil {
			shed = append(shed, first)
			s.leave(first)
		}
	}
	if len(s.open) >= s.most {
		out := s.sheddable()
		if out == nil {
			s.forget(g)
			return nil, shed
		}
		shed = append(shed, out)
		s.leave(out)
	}
	s.count++
	taken = &seat{Conn: c, of: s, group: g, turns: make(chan struct{}, turnsOfConnection), proven: make(chan struct{}),
		arrived: s.count, since: s.now()}
	s.open[taken] = struct{}{}
	g.open++
	g.unproven++
	s.groups[g.key] = g
	return taken, shed
}

// sheddable is whose seat a newcomer gets; nil: nobody's for now.
func (s *seats) sheddable() *seat {
	now := s.now()
	ripe := func(each *seat) bool {
		if each.busy > 0 {
			return now.Sub(each.busySince) >= stalled
		}
		return each.idle != 0 || now.Sub(each.since) >= handshake
	}
	for _, known := range []bool{false, true} {
		if out := s.pick(func(each *seat) bool { return !each.trusted && (each.group.known != 0) == known && ripe(each) }); out != nil {
			return out
		}
	}
	unproven := 0
	for _, each := range s.groups {
		unproven += each.unproven
	}
	if unproven > s.most/2 {
		return nil // one of them soon will be
	}
	var longest *seat
	for each := range s.open {
		if each.busy == 0 && each.idle != 0 && (longest == nil || each.idle < longest.idle) {
			longest = each
		}
	}
	return longest
}

// pick is the oldest of those who qualify, from the group that has the most unproven
// connections.
func (s *seats) pick(qualifies func(*seat) bool) (out *seat) {
	for each := range s.open {
		if !qualifies(each) {
			continue
		}
		if out == nil || cmp.Or(-cmp.Compare(each.group.unproven, out.group.unproven), cmp.Compare(each.arrived, out.arrived)) < 0 {
			out = each
		}
	}
	return out
}

// leave frees a seat, once.
func (s *seats) leave(each *seat) {
	if each.gone {
		return
	}
	each.gone = true
	delete(s.open, each)
	each.group.open--
	if !each.trusted {
		each.group.unproven--
	}
	s.forget(each.group)
	s.wake()
}

func (s *seats) wake() {
	select {
	case s.left <- struct{}{}:
	default:
	}
}

// Close leaves the seat and hangs up.
func (c *seat) Close() error {
	c.of.mu.Lock()
	c.of.leave(c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

var _ interface{ CloseWrite() error } = (*seat)(nil) // net/http looks for it

// CloseWrite lets the server end an answer before the client has sent all: without
// it, the client may see a reset in the place of the answer.
func (c *seat) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
