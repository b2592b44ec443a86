package listener

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func ok(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }

// Over TLS both versions of HTTP are served, from TLS 1.2 up; elsewhere plain HTTP.
func TestProtocols(t *testing.T) {
	r := newRig(t)
	r.installBoth(r.issue("first", start))
	plain, secure := r.serve(r.settings(ok)), r.serve(r.withTLS(r.settings(ok)))
	if !plain.CertificateExpiry().IsZero() {
		t.Errorf("a certificate without TLS: %v", plain.CertificateExpiry())
	}
	for name, test := range map[string]struct {
		url, want string
		version   uint16 // at most
		http2     bool
	}{
		"plain":    {"http://" + plain.Addr().String(), "HTTP/1.1", 0, false},
		"HTTP/1.1": {"https://" + secure.Addr().String(), "HTTP/1.1", tls.VersionTLS12, false},
		"HTTP/2":   {"https://" + secure.Addr().String(), "HTTP/2.0", tls.VersionTLS13, true},
		"TLS 1.1":  {"https://" + secure.Addr().String(), "", tls.VersionTLS11, false},
	} {
		transport := &http.Transport{ForceAttemptHTTP2: test.http2, TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: test.version}}
		resp, err := (&http.Client{Transport: transport}).Get(test.url)
		if err != nil {
			if test.want != "" {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		transport.CloseIdleConnections()
		if err != nil || string(body) != test.want {
			t.Errorf("%s: served %s, %v; want %q", name, body, err, test.want)
		}
	}
}

// A panic ends its request, is logged with its place, and tells nothing else.
func TestPanic(t *testing.T) {
	r := newRig(t)
	l := r.serve(r.settings(func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/content":
			panic("a message's text")
		case "/runtime":
			var none []int
			_ = none[len(req.URL.Path)]
		case "/abort":
			panic(http.ErrAbortHandler)
		}
		ok(w, req)
	}))
	for _, path := range []string{"/content", "/runtime", "/abort"} {
		if resp, err := http.Get("http://" + l.Addr().String() + path); err == nil {
			t.Errorf("%s: status %d", path, resp.StatusCode)
			resp.Body.Close()
		}
	}
	resp, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	log := r.log.String()
	if strings.Count(log, "level=ERROR") != 2 || strings.Count(log, "listener_test.go") < 2 || !strings.Contains(log, "index out of range") {
		t.Errorf("logged: %s", log)
	}
	if strings.Contains(log, "message's text") || !strings.Contains(log, "panic=string") {
		t.Errorf("the log tells what the panic says: %s", log)
	}
}

// held is a listener with one request in flight, which the test lets go.
type held struct {
	*Listener
	free   chan struct{}
	ended  chan error // what the request's context ended with
	served chan error // what Serve returned
	answer *bufio.Reader
}

func hold(r *rig) *held {
	r.Helper()
	h := &held{free: make(chan struct{}), ended: make(chan error, 1), served: make(chan error, 1)}
	begun := make(chan struct{})
	l, err := Listen(r.Context(), r.settings(func(w http.ResponseWriter, req *http.Request) {
		close(begun)
		select {
		case <-h.free:
			_, _ = io.WriteString(w, "done")
		case <-req.Context().Done():
			h.ended <- req.Context().Err()
		}
	}))
	if err != nil {
		r.Fatal(err)
	}
	h.Listener = l
	go func() { h.served <- l.Serve() }()
	c := r.dial(l)
	r.write(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	h.answer = bufio.NewReader(c)
	<-begun
	return h
}

func TestShutdownWaits(t *testing.T) {
	r := newRig(t)
	h := hold(r)
	stopped := make(chan error, 1)
	go func() { stopped <- h.Shutdown(t.Context()) }()
	// Nobody new is let in, while the one in flight goes on.
	for {
		c, err := net.Dial("tcp", h.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	select {
	case err := <-stopped:
		t.Fatalf("shutdown did not wait: %v", err)
	case err := <-h.served:
		t.Fatalf("serve did not wait: %v", err)
	default:
	}
	close(h.free)
	resp, err := http.ReadResponse(h.answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "done" {
		t.Errorf("answered %q, %v", body, err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if err := <-h.served; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestShutdownCuts(t *testing.T) {
	r := newRig(t)
	h := hold(r)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Shutdown(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "cut") {
		t.Errorf("shutdown: %v", err)
	}
	if _, err := http.ReadResponse(h.answer, nil); err == nil {
		t.Error("the request was answered")
	}
	if err := <-h.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the request ended with %v", err)
	}
	if err := <-h.served; err != nil {
		t.Errorf("serve: %v", err)
	}
}

// One that was never served is closed too, and again is no error.
func TestShutdownBeforeServe(t *testing.T) {
	r := newRig(t)
	l, err := Listen(t.Context(), r.settings(ok))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Shutdown(t.Context()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	}
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		c.Close()
		t.Error("it is still open")
	}
	if err := l.Serve(); err != nil {
		t.Errorf("serve: %v", err)
	}
}
