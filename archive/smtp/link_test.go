package smtp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// wire is a connection that breaks after so many bytes in a direction; a
// negative number is never. It remembers what it was given.
type wire struct {
	net.Conn
	sends, receives int
	sent, received  bytes.Buffer
}

var errCut = errors.New("cut by the test")

func (w *wire) Write(p []byte) (int, error) {
	if w.sends < 0 || len(p) <= w.sends-w.sent.Len() {
		n, err := w.Conn.Write(p)
		w.sent.Write(p[:n])
		return n, err
	}
	n, _ := w.Conn.Write(p[:w.sends-w.sent.Len()])
	w.sent.Write(p[:n])
	_ = w.Conn.Close()
	return n, &net.OpError{Op: "write", Err: errCut}
}

func (w *wire) Read(p []byte) (int, error) {
	if w.receives >= 0 {
		p = p[:min(len(p), w.receives-w.received.Len())]
		if len(p) == 0 {
			_ = w.Conn.Close()
			return 0, &net.OpError{Op: "read", Err: errCut}
		}
	}
	n, err := w.Conn.Read(p)
	w.received.Write(p[:n])
	return n, err
}

// over lets each connection of a configuration go over the wire.
func over(c Config, w *wire) Config {
	dial := c.Dial
	c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		w.Conn = conn
		w.sent.Reset()
		w.received.Reset()
		return w, err
	}
	return c
}

// TestCutAtEveryByteThatIsSent holds the rule of which uncertainty is counted:
// from the first byte of the final dot's line on, and not before.
func TestCutAtEveryByteThatIsSent(t *testing.T) {
	items := small(t)
	for _, offer := range []string{"", "PIPELINING"} {
		whole := &wire{sends: -1, receives: -1}
		server := &scripted{offers: []string{offer}}
		if _, err := deliver(open(t, over(server.plain(), whole)), items[0]); err != nil {
			t.Fatal(err)
		}
		dot := bytes.LastIndex(whole.sent.Bytes(), []byte("\r\n.\r\n")) + 2
		end := dot + len(".\r\n")
		if whole.sent.Len() != end {
			t.Fatalf("%d bytes were sent, the dot ends at %d", whole.sent.Len(), end)
		}
		for n := 0; n <= end; n++ {
			want := "retry"
			switch {
			case n == end:
				want = "ok"
			case n > dot:
				want = "uncertain"
			}
			testCut(t, &wire{sends: n, receives: -1}, offer, items, want)
		}
	}
}

// TestCutAtEveryByteThatIsAnswered: without the last byte of the answer to the
// mail, nobody knows; without one of an answer before, the mail was not sent.
func TestCutAtEveryByteThatIsAnswered(t *testing.T) {
	items := small(t)
	for _, offer := range []string{"", "PIPELINING"} {
		whole := &wire{sends: -1, receives: -1}
		server := &scripted{offers: []string{offer}}
		if _, err := deliver(open(t, over(server.plain(), whole)), items[0]); err != nil {
			t.Fatal(err)
		}
		end := whole.received.Len()
		sent := bytes.LastIndex(whole.received.Bytes()[:end-2], []byte("\r\n")) + 2
		for n := 0; n <= end; n++ {
			want := "retry"
			switch {
			case n == end:
				want = "ok"
			case n >= sent:
				want = "uncertain"
			}
			testCut(t, &wire{sends: -1, receives: n}, offer, items, want)
		}
	}
}

// small returns two short mails.
func small(t *testing.T) []archive.Item {
	return []archive.Item{
		spooled(t, "Message-ID: <1@bank.example>\r\n\r\n.\r\none\r\n"),
		spooled(t, "Message-ID: <2@bank.example>\r\n\r\ntwo\r\n"),
	}
}

// testCut delivers over a wire that breaks, and then again over one that does
// not: every mail is there, and twice only after an uncertain end.
func testCut(t *testing.T, w *wire, offer string, items []archive.Item, want string) {
	t.Helper()
	server := &scripted{offers: []string{offer}}
	d := open(t, over(server.plain(), w))
	at := [2]int{w.sends, w.receives}
	_, err := deliver(d, items[0])
	got, _, _ := strings.Cut(strings.TrimSuffix(verdictOf(t, err), "+"), " ")
	if got != want {
		t.Errorf("cut after %d: %s, want %s: %v", at, got, want, err)
	}
	w.sends, w.receives = -1, -1
	first := err
	for i, item := range items {
		if i == 0 && first == nil {
			continue
		}
		if _, err := deliver(d, item); err != nil {
			t.Errorf("after a cut at %d: %v", at, err)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	server.done.Wait()
	if n := len(server.mails); n != len(items) && (n != len(items)+1 || got != "uncertain") {
		t.Errorf("cut after %d: %s, and the server has %d mails", at, got, n)
	}
}

// Over TLS a server may never have a mail that we call not sent.
func TestCutOverTLS(t *testing.T) {
	items := small(t)
	ca := newAuthority(t)
	secure := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "localhost", time.Now().Add(time.Hour))}}
	seen := map[string]int{}
	for n := 0; seen["ok"] == 0; n += 13 {
		server := &scripted{offers: []string{"STARTTLS"}, tls: secure}
		w := &wire{sends: n, receives: -1}
		c := over(server.plain(), w)
		c.TLS, c.CA = StartTLS, ca.pool
		d := open(t, c)
		_, err := deliver(d, items[0])
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		server.done.Wait()
		got, _, _ := strings.Cut(strings.TrimSuffix(verdictOf(t, err), "+"), " ")
		seen[got]++
		if len(server.mails) > 0 && got != "uncertain" && got != "ok" {
			t.Errorf("cut after %d bytes: the server has the mail, and we say %s: %v", n, got, err)
		}
	}
	if seen["retry"] == 0 || seen["halt"] != 0 {
		t.Errorf("verdicts %v", seen)
	}
}

// closing is a connection to a server that has said something and closed.
type closing struct {
	net.Conn
	takes int // bytes, before it is known
	said  io.Reader
}

func (c *closing) Write(p []byte) (int, error) {
	n := min(len(p), c.takes)
	c.takes -= n
	if n < len(p) {
		return n, &net.OpError{Op: "write", Err: syscall.EPIPE}
	}
	return n, nil
}

func (c *closing) Read(p []byte) (int, error)       { return c.said.Read(p) }
func (c *closing) Close() error                     { return nil }
func (c *closing) SetReadDeadline(time.Time) error  { return nil }
func (c *closing) SetWriteDeadline(time.Time) error { return nil }
func (c *closing) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }

// Some servers refuse a mail before its end and close. What they say is heard.
func TestRefusalBeforeTheEndIsHeard(t *testing.T) {
	item := archivetest.FileItems(t, 1)[0]
	const begin = "220 mx\r\n250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n"
	for said, want := range map[string]string{
		"":                         "retry item",
		"552 5.3.4 too big\r\n":    "reject+",
		"451 4.3.0 not now\r\n":    "retry item",
		"421 4.3.2 going down\r\n": "retry item+",
		"250 taken\r\n":            "retry item",
	} {
		for _, takes := range []int{200, int(item.File.Bytes)} {
			server := &scripted{}
			c := server.plain()
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				return &closing{takes: takes, said: strings.NewReader(begin + said)}, nil
			}
			_, err := deliver(open(t, c), item)
			if got := verdictOf(t, err); got != want {
				t.Errorf("%q after %d bytes: %s, want %s: %v", said, takes, got, want, err)
			}
		}
	}
}

// Deliver waits for its turn no longer than its context lasts.
func TestCancelledWhileAnotherIsDelivered(t *testing.T) {
	items := archivetest.FileItems(t, 2)
	synctest.Test(t, func(t *testing.T) {
		server := &scripted{answers: map[string]string{"end": hangs}}
		d := open(t, server.plain())
		first, stopFirst := context.WithCancel(context.Background())
		second, stopSecond := context.WithCancel(context.Background())
		errs := make([]error, 2)
		var one, two sync.WaitGroup
		begin := time.Now()
		one.Go(func() { _, errs[0] = d.Deliver(first, items[0]) })
		synctest.Wait()
		two.Go(func() { _, errs[1] = d.Deliver(second, items[1]) })
		synctest.Wait()
		stopSecond()
		two.Wait()
		if got := verdictOf(t, errs[1]); got != "retry" || !errors.Is(errs[1], context.Canceled) || time.Since(begin) > 0 {
			t.Errorf("the second, after %s: %s: %v", time.Since(begin), got, errs[1])
		}
		stopFirst()
		one.Wait()
		if got := verdictOf(t, errs[0]); got != "uncertain+" {
			t.Errorf("the first: %s: %v", got, errs[0])
		}
		server.done.Wait()
	})
}

// hooked is a connection that tells what it reads.
type hooked struct {
	net.Conn
	heard func(string)
}

func (h *hooked) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.heard(string(p[:n]))
	return n, err
}

// An answer that came before the context ended counts, whatever it is.
func TestAnswerBeforeCancelCounts(t *testing.T) {
	items := archivetest.FileItems(t, 2)
	for answer, want := range map[string]string{"250 2.0.0 queued as 7": "ok", "554 5.6.0 no": "reject", "451 4.3.0 later": "retry item"} {
		ctx, cancel := context.WithCancel(context.Background())
		server := &scripted{answers: map[string]string{"end": answer}}
		c := server.plain()
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := server.dial(ctx, network, address)
			return &hooked{conn, func(heard string) {
				if strings.HasPrefix(heard, answer) {
					cancel()
				}
			}}, err
		}
		d := open(t, c)
		_, err := d.Deliver(ctx, items[0])
		if got := verdictOf(t, err); got != want || ctx.Err() == nil {
			t.Errorf("%q: %s: %v", answer, got, err)
		}
		if _, err := deliver(d, items[1]); verdictOf(t, err) != want {
			t.Errorf("%q, the next: %v", answer, err)
		}
	}
}

// The name in EHLO is our address where none is configured.
func TestHello(t *testing.T) {
	for local, want := range map[net.Addr]string{
		&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}:               "[192.0.2.1]",
		&net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 1}:           "[IPv6:2001:db8::1]",
		&net.TCPAddr{IP: net.ParseIP("fe80::1"), Port: 1, Zone: "eth0"}: "[IPv6:fe80::1]",
		&net.UnixAddr{Name: "@", Net: "unix"}:                           "localhost",
	} {
		if got := literal(local); got != want || want != "localhost" && !isDomain(got) {
			t.Errorf("%v: %q, want %q", local, got, want)
		}
	}
	server := &scripted{}
	c := server.plain()
	c.Hello = "export.bank.example"
	if _, err := deliver(open(t, c), archivetest.FileItems(t, 1)[0]); err != nil || !slices.Contains(server.lines, "EHLO export.bank.example") {
		t.Errorf("the server was told %q: %v", server.lines, err)
	}
}
