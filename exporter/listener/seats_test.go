package listener

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// client is a connection from some address, which notes that it was closed.
type client struct {
	net.Conn
	from   string
	closed bool
}

func (c *client) RemoteAddr() net.Addr {
	at, err := net.ResolveTCPAddr("tcp", c.from)
	if err != nil {
		panic(err)
	}
	return at
}

func (c *client) Close() error { c.closed = true; return nil }

// arrive gives a connection from an address a seat, after a while; nil: there is none.
func (r *rig) arrive(s *seats, from string) *seat {
	r.pass(stalled)
	taken, shed := s.enter(&client{from: from})
	for _, each := range shed {
		_ = each.Close()
	}
	return taken
}

func (c *seat) wasShed() bool { return c.Conn.(*client).closed }

func newTestSeats(t *testing.T, most int) (*rig, *seats) {
	r := newRig(t)
	return r, newSeats(nil, most, r.clock)
}

// Whoever holds the most seats without proof pays for the newcomer, with the oldest.
func TestWhoMakesRoom(t *testing.T) {
	r, s := newTestSeats(t, 4)
	one := r.arrive(s, "127.0.0.1:1")
	flood := []*seat{r.arrive(s, "127.0.0.2:1"), r.arrive(s, "127.0.0.2:2"), r.arrive(s, "127.0.0.2:3")}
	for i := range flood {
		if r.arrive(s, "127.0.0.2:4"); !flood[i].wasShed() || one.wasShed() {
			t.Errorf("newcomer %d: shed %v, and the single one %v", i, flood[i].wasShed(), one.wasShed())
		}
	}
}

// One address holds no more than its share without proof, unless it is this machine.
func TestShareOfAnAddress(t *testing.T) {
	for from, want := range map[string]int{"192.0.2.1:1": 2, "[2001:db8::1]:1": 2, "[::ffff:192.0.2.1]:1": 2, "127.0.0.1:1": 6, "[::1]:1": 6} {
		r, s := newTestSeats(t, 8)
		for range 6 {
			r.arrive(s, from)
		}
		if got := len(s.open); got != want {
			t.Errorf("%s holds %d seats, want %d", from, got, want)
		}
	}
	r, s := newTestSeats(t, 8)
	for i := range 6 { // one host of IPv6 has many addresses
		r.arrive(s, "[2001:db8::"+string("abcdef"[i])+"]:1")
	}
	if got := len(s.open); got != 2 {
		t.Errorf("a network of 64 bits holds %d seats, want 2", got)
	}
}

// Proof keeps a seat, and an address that has proven itself is asked last.
func TestProofKeepsASeat(t *testing.T) {
	r, s := newTestSeats(t, 4)
	proven := r.arrive(s, "192.0.2.1:1")
	proven.judge(http.StatusOK, true)
	sibling := r.arrive(s, "192.0.2.1:2")
	var others []*seat
	for _, from := range []string{"192.0.2.2:1", "192.0.2.3:1", "192.0.2.4:1", "192.0.2.5:1"} {
		others = append(others, r.arrive(s, from))
	}
	if proven.wasShed() || sibling.wasShed() || !others[0].wasShed() || !others[1].wasShed() || others[2].wasShed() {
		t.Error("others than the oldest strangers made room")
	}
	for _, each := range []*seat{sibling, others[2], others[3]} {
		each.judge(http.StatusOK, true)
	}
	if got := r.arrive(s, "192.0.2.6:1"); got != nil {
		t.Error("a request on a proven connection was cut")
	}
	rest(others[2])
	rest(sibling)
	if got := r.arrive(s, "192.0.2.6:1"); got == nil || !others[2].wasShed() || sibling.wasShed() {
		t.Error("not the one that was idle longest made room")
	}
}

// Proven connections are not cut for strangers who come faster than they can be told
// from friends.
func TestProvenOutlastAFlood(t *testing.T) {
	r, s := newTestSeats(t, 4)
	proven := r.arrive(s, "192.0.2.1:1")
	proven.judge(http.StatusOK, true)
	rest(proven)
	r.pass(time.Hour)
	for i := range 10 {
		_, shed := s.enter(&client{from: fmt.Sprintf("192.0.2.%d:1", 2+i)})
		if len(shed) != 0 {
			t.Error("a connection was cut for one that has just come")
		}
	}
}

func rest(c *seat) { rested(c, http.StateIdle) }

// A connection is given the time of a handshake, and a request its own, before it is
// cut for another.
func TestNobodyIsCutAtOnce(t *testing.T) {
	r, s := newTestSeats(t, 1)
	first := r.arrive(s, "192.0.2.1:1")
	come := func() *seat { taken, _ := s.enter(&client{from: "192.0.2.2:1"}); return taken }
	if come() != nil {
		t.Error("a connection was cut before it could say anything")
	}
	first.begin()
	r.pass(stalled - 1)
	if come() != nil {
		t.Error("a request was cut at once")
	}
	r.pass(1)
	if come() == nil {
		t.Error("a request that stalls keeps others out")
	}
}

// Those who leave are forgotten, and so are all but the last addresses of proven ones.
func TestSeatsForget(t *testing.T) {
	r, s := newTestSeats(t, 4)
	for i := range 3 * mostKnown {
		c := r.arrive(s, "10."+itoa(i>>16)+"."+itoa(i>>8&255)+"."+itoa(i&255)+":1")
		if i%2 == 0 {
			c.judge(http.StatusOK, true)
		}
		_, _ = c.Close(), c.Close()
	}
	if len(s.open) != 0 || len(s.groups) > mostKnown+s.most+1 {
		t.Errorf("%d open and %d addresses known", len(s.open), len(s.groups))
	}
}

func itoa(n int) string {
	var b []byte
	for ; n > 9; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(append([]byte{byte('0' + n)}, b...))
}

// Clients that say nothing keep nobody out: neither plain, nor over TLS.
func TestSilentConnections(t *testing.T) {
	r := newRig(t)
	r.installBoth(r.issue("first", start))
	set := r.settings(ok)
	set.MaxConnections, set.HeaderTimeout = 8, time.Hour
	set.Now = func() time.Time { r.pass(handshake); return r.clock() }
	for _, secure := range []bool{false, true} {
		if secure {
			set = r.withTLS(set)
		}
		l := r.serve(set)
		for range 50 {
			r.dial(l)
		}
		c := r.dial(l)
		if secure {
			c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		}
		r.ask(c)
	}
}

// Requests of an address that has proven nothing take no more than their share of what
// is served at once, and those of proven connections need none of it.
func TestTurnsOfAnAddress(t *testing.T) {
	r, s := newTestSeats(t, 16) // 12 turns, 3 of an address
	over, cancel := context.WithCancel(t.Context())
	cancel()
	ask := func(from string) bool {
		c := r.arrive(s, from)
		c.begin()
		_, ok := c.turn(over)
		return ok
	}
	for n := range 5 {
		if got := ask("192.0.2.1:1"); got != (n < 3) {
			t.Errorf("request %d of one address is served: %v", n, got)
		}
	}
	if !ask("192.0.2.2:1") {
		t.Error("a request of another address is not served")
	}
	proven := r.arrive(s, "192.0.2.1:1")
	proven.judge(http.StatusOK, true)
	for range 2 * turnsOfConnection {
		if _, ok := proven.turn(over); !ok {
			t.Error("a request of a proven connection is not served")
		}
	}
}

// Of one connection that has proven nothing, few requests are served at once; of a
// proven one all are.
func TestRequestsOfOneConnection(t *testing.T) {
	const many = 40
	r := newRig(t)
	r.installBoth(r.issue("first", start))
	var now, peak atomic.Int32
	begun, free := make(chan struct{}, many), make(chan int, many)
	set := r.withTLS(r.settings(func(w http.ResponseWriter, _ *http.Request) {
		if n := now.Add(1); n > peak.Load() {
			peak.Store(n)
		}
		begun <- struct{}{}
		status := <-free
		now.Add(-1)
		w.WriteHeader(status)
	}))
	l := r.serve(set)
	transport := &http.Transport{ForceAttemptHTTP2: true, MaxConnsPerHost: 1, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	done := make(chan error, many)
	for range many {
		go func() {
			resp, err := (&http.Client{Transport: transport}).Get("https://" + l.Addr().String())
			if err == nil {
				resp.Body.Close()
			}
			done <- err
		}()
	}
	for range turnsOfConnection {
		<-begun
	}
	if len(begun) != 0 || peak.Load() != turnsOfConnection {
		t.Errorf("%d requests at once, want %d", peak.Load(), turnsOfConnection)
	}
	free <- http.StatusOK
	for range many - turnsOfConnection {
		<-begun // without any of the others having ended
	}
	for range many - 1 {
		free <- http.StatusOK
	}
	for range many {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A connection that only brings what is refused is ended.
func TestRefusedAgainAndAgain(t *testing.T) {
	r := newRig(t)
	l := r.serve(r.settings(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	c := r.dial(l)
	answers := bufio.NewReader(c)
	for n := 1; ; n++ {
		r.write(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.Close != (n == mostFailed) {
			t.Fatalf("request %d: last %v", n, resp.Close)
		}
		if resp.Close {
			break
		}
	}
	if _, err := answers.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the connection ends with %v", err)
	}
}
