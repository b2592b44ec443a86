package webhook

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBodySizes(t *testing.T) {
	const most = smallBody + 1000
	for n, want := range map[int]int{0: 200, 1: 200, smallBody - 1: 200, smallBody: 200, smallBody + 1: 200, most: 200, most + 1: 413, 10 * most: 413} {
		for _, announced := range []bool{true, false} {
			g := newRig(t, func(s *Settings) { s.MaxBody = most })
			body := strings.Repeat("é", n/2+1)[:n]
			req := genuine(body)
			req.Body = io.NopCloser(iotest.HalfReader(req.Body))
			if !announced {
				req.ContentLength = -1
			}
			if got := g.send(req); got != want {
				t.Errorf("%d bytes, announced %v: status %d, want %d", n, announced, got, want)
			}
			if want == http.StatusOK {
				g.holds(body)
			} else {
				g.holds()
				g.counted(map[Result]int64{TooLarge: 1})
			}
			if len(g.inFlight)+len(g.large)+len(g.drains) != 0 {
				t.Errorf("%d bytes: a slot is not given back", n)
			}
		}
	}
	// A limit below what is read at first holds too.
	g := newRig(t, func(s *Settings) { s.MaxBody = 10 })
	req := genuine(testBody)
	req.ContentLength = -1
	if got := g.send(req); got != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", got)
	}
}

// stuck is a Store that says that it has begun and waits to be let go.
type stuck struct{ begun, free chan struct{} }

func newStuck() stuck { return stuck{make(chan struct{}), make(chan struct{})} }

func (s stuck) store(context.Context, []byte) error {
	s.begun <- struct{}{}
	<-s.free
	return nil
}

// behind sends n events that the store holds, and returns what waits for their
// answers after the store was let go.
func behind(t *testing.T, r *Receiver, s stuck, n int, body string) func() {
	t.Helper()
	answers := make(chan int, n)
	for range n {
		go func() {
			w := httptest.NewRecorder()
			r.ServeHTTP(w, genuine(body))
			answers <- w.Code
		}()
		<-s.begun
	}
	return func() {
		t.Helper()
		close(s.free)
		for range n {
			if code := <-answers; code != http.StatusOK {
				t.Errorf("status %d for one that waited", code)
			}
		}
	}
}

// More at once than the limit are turned away unread, and taken again after it.
func TestTooManyAtOnce(t *testing.T) {
	s := newStuck()
	g := newRig(t, func(set *Settings) { set.InFlight, set.Store = 3, s.store })
	finish := behind(t, g.Receiver, s, 3, testBody)
	req := genuine(testBody)
	req.Body = io.NopCloser(untouched{t})
	if got := g.send(req); got != http.StatusServiceUnavailable {
		t.Errorf("status %d", got)
	}
	finish()
	go func() { <-s.begun }()
	if got := g.send(genuine(testBody)); got != http.StatusOK {
		t.Errorf("status %d after the others are done", got)
	}
	g.counted(map[Result]int64{Stored: 4, Busy: 1})
}

// Few large bodies are held at once; small ones go past them.
func TestLargeBodiesAtOnce(t *testing.T) {
	large := strings.Repeat("x", smallBody+1)
	s := newStuck()
	g := newRig(t, func(set *Settings) { set.Store = s.store })
	finish := behind(t, g.Receiver, s, largeAtOnce, large)
	if got := g.send(genuine(large)); got != http.StatusServiceUnavailable {
		t.Errorf("status %d for one large body more", got)
	}
	small := make(chan int)
	go func() { small <- g.send(genuine(testBody)) }()
	<-s.begun
	finish()
	if got := <-small; got != http.StatusOK {
		t.Errorf("status %d for a small body", got)
	}
	g.counted(map[Result]int64{Stored: largeAtOnce + 1, Busy: 1})
}

// A Store that panics gives its places back.
func TestPanic(t *testing.T) {
	g := newRig(t, func(set *Settings) {
		set.InFlight = 1
		set.Store = func(context.Context, []byte) error { panic("store") }
	})
	for range largeAtOnce + 1 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			g.ServeHTTP(httptest.NewRecorder(), genuine(strings.Repeat("x", smallBody+1)))
		}()
	}
	if len(g.inFlight)+len(g.large) != 0 {
		t.Error("a slot is not given back")
	}
}

// The sender may hang up when all has been read: that is no reason to lose it.
func TestSenderHangsUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var within error
	g := newRig(t, func(set *Settings) {
		set.Store = func(ctx context.Context, _ []byte) error {
			cancel()
			within = ctx.Err()
			return within
		}
	})
	if got := g.send(genuine(testBody).WithContext(ctx)); got != http.StatusOK || within != nil {
		t.Errorf("status %d, %v", got, within)
	}
}

// wire sends bytes over a real connection and returns the status line of the answer.
func wire(t *testing.T, address, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// Through net/http: what is signed is the body's bytes, however they were sent.
func TestOverTheWire(t *testing.T) {
	g := newRig(t, nil)
	server := httptest.NewServer(g)
	defer server.Close()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, testBody)
	_ = z.Close()
	request := func(body, headers, payload string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nx-liveperson-account-id: %s\r\nX-LIVEPERSON-CLIENT-ID: %s\r\nX-Liveperson-Signature: %s \r\n%s\r\n%s",
			testPath, testAccount, testClient, sign(SHA1Base64, testSecret, body), headers, payload)
	}
	length := func(n int) string { return fmt.Sprintf("Content-Length: %d\r\n", n) }
	for name, test := range map[string]struct {
		request string
		want    int
		stored  string // "": nothing is
	}{
		"plain":         {request(testBody, length(len(testBody)), testBody), 200, testBody},
		"no media type": {request(testBody, length(len(testBody))+"Content-Type: image/png\r\n", testBody), 200, testBody},
		"chunked": {request(testBody, "Transfer-Encoding: chunked\r\n",
			fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", 7, testBody[:7], len(testBody)-7, testBody[7:])), 200, testBody},
		// It is verified and kept as it came, and never inflated.
		"compressed":                {request(packed.String(), length(packed.Len())+"Content-Encoding: gzip\r\n", packed.String()), 200, packed.String()},
		"compressed, signed before": {request(testBody, length(packed.Len())+"Content-Encoding: gzip\r\n", packed.String()), 401, ""},
		"cut":                       {request(testBody, length(len(testBody)+1), testBody), 400, ""},
		"cut chunks":                {request(testBody, "Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n", len(testBody), testBody)), 400, ""},
		"wrong chunks":              {request(testBody, "Transfer-Encoding: chunked\r\n", "x\r\n"), 400, ""},
		"negative length":           {request(testBody, length(-1), testBody), 400, ""},
		"two lengths":               {request(testBody, length(1)+length(2), testBody), 400, ""},
		// A sender that looks for an answer only at the end of its body finds one.
		"too large":         {request("", length(9<<20), strings.Repeat("x", 9<<20)), 413, ""},
		"too large, chunks": {request("", "Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", 9<<20, strings.Repeat("x", 9<<20))), 413, ""},
		// Refused before the sender is told to go on.
		"too large, asked": {request(testBody, "Expect: 100-continue\r\n"+length(9<<20), ""), 413, ""},
		"two signatures":   {request(testBody, length(len(testBody))+"x-liveperson-signature: sha1=x\r\n", testBody), 401, ""},
	} {
		g.stored = nil
		if got := wire(t, server.Listener.Addr().String(), test.request); !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", test.want)) {
			t.Errorf("%s: %s, want %d", name, got, test.want)
		}
		if got := strings.Join(g.stored, "|"); got != test.stored {
			t.Errorf("%s: stored %q", name, got)
		}
	}
}
