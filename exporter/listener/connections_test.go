package listener

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// short is a time-out that a test waits for.
const short = 200 * time.Millisecond

// ends waits until the server has closed the connection, and returns what it said.
func ends(c net.Conn) string {
	said, _ := io.ReadAll(c) // a reset ends it as well
	return string(said)
}

func never(t *testing.T) http.HandlerFunc {
	return func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }
}

// Whoever does not finish a head or a handshake in time, or says too much, is cut
// off before the handler knows of it.
func TestSlowAndLargeHeads(t *testing.T) {
	r := newRig(t)
	r.installBoth(r.issue("first", start))
	set := r.settings(never(t))
	set.HeaderTimeout = short
	l := r.serve(set)
	for _, text := range []string{"", "POST / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nHost: x\r\nX-Slow: "} {
		c := r.dial(l)
		r.write(c, text)
		if said := ends(c); strings.HasPrefix(said, "HTTP/1.1 2") {
			t.Errorf("%q was answered %q", text, said)
		}
	}
	secure := r.serve(r.withTLS(set))
	ends(r.dial(secure)) // no handshake

	set.HeaderTimeout = 0
	c := r.dial(r.serve(set))
	go func() { // more than the server wants to read
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Large: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
	}()
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 431 ") {
		t.Errorf("answered %q, %v", line, err)
	}
}

// A body that does not come in time is an error for the handler.
func TestSlowBody(t *testing.T) {
	r := newRig(t)
	read := make(chan error, 1)
	set := r.settings(func(w http.ResponseWriter, req *http.Request) {
		_, err := io.ReadAll(req.Body)
		read <- err
		w.WriteHeader(http.StatusBadRequest)
	})
	set.ReadTimeout = short
	c := r.dial(r.serve(set))
	r.write(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	if said := ends(c); !strings.HasPrefix(said, "HTTP/1.1 400 ") {
		t.Errorf("answered %q", said)
	}
}

// A connection that asks for nothing more is ended.
func TestIdle(t *testing.T) {
	r := newRig(t)
	set := r.settings(ok)
	set.IdleTimeout, set.ReadTimeout = short, time.Hour
	c := r.dial(r.serve(set))
	r.write(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if said := ends(c); !strings.HasPrefix(said, "HTTP/1.1 200 ") {
		t.Errorf("answered %q", said)
	}
}

// ask sends a request and reads its answer, leaving the connection open.
func (r *rig) ask(c net.Conn) {
	r.Helper()
	r.write(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		r.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		r.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	resp.Body.Close()
}

// Never are more served at once than the limit, and in the end all are, though
// none of them hangs up by itself.
func TestTooManyConnections(t *testing.T) {
	const most, clients = 2, 12
	r := newRig(t)
	var now, peak atomic.Int32
	begun, free := make(chan struct{}, clients), make(chan struct{})
	set := r.settings(func(http.ResponseWriter, *http.Request) {
		if n := now.Add(1); n > peak.Load() {
			peak.Store(n)
		}
		begun <- struct{}{}
		<-free
		now.Add(-1)
	})
	set.MaxConnections = most
	l := r.serve(set)
	for range clients {
		r.write(r.dial(l), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	for range most {
		<-begun
	}
	for range clients - most {
		free <- struct{}{}
		<-begun
	}
	close(free)
	if got := peak.Load(); got != most {
		t.Errorf("%d requests at once, want %d", got, most)
	}
}

// Idle connections make room for new ones, and no more of them than is needed.
func TestIdleMakesRoom(t *testing.T) {
	const most, clients = 3, 20
	r := newRig(t)
	r.installBoth(r.issue("first", start))
	set := r.settings(ok)
	set.MaxConnections = most
	l := r.serve(set)
	open := map[net.Conn]bool{}
	type heard struct {
		from net.Conn
		n    int
	}
	said := make(chan heard, clients)
	for range clients {
		c := r.dial(l)
		r.ask(c)
		open[c] = true
		go func() {
			n, _ := c.Read(make([]byte, 1))
			said <- heard{c, n}
		}()
	}
	for range clients - most {
		h := <-said
		if h.n != 0 {
			t.Error("an idle connection is told something")
		}
		delete(open, h.from)
	}
	for c := range open {
		r.write(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if h := <-said; h.n != 1 {
			t.Error("more connections were closed than had to be")
		}
	}

	secure := r.serve(r.withTLS(set))
	for range clients {
		c, err := tls.Dial("tcp", secure.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		r.ask(c)
	}
}

// failing accepts nothing, and then is closed.
type failing struct {
	net.Listener
	errs []error
}

func (f *failing) Accept() (net.Conn, error) {
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}

// That connections cannot be accepted is logged once an hour; a closed listener
// is no trouble.
func TestDoor(t *testing.T) {
	r := newRig(t)
	l, err := Listen(t.Context(), r.settings(ok))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Shutdown(t.Context())
	full := errors.New("too many open files")
	d := &door{Listener: &failing{l.tcp, []error{full, full, full, net.ErrClosed}}, log: l.log, now: r.clock}
	for _, pass := range []time.Duration{time.Minute, time.Hour, 2 * time.Hour, 0} {
		if _, err := d.Accept(); err == nil {
			t.Error("accepted")
		}
		r.pass(pass)
	}
	r.logged("ERROR", 2)
}
