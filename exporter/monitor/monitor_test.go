package monitor

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/exporter"
	"lpexport/exporter/monitor/overviewtest"
)

// good are settings of a service that is well.
func good() Settings {
	return Settings{
		Overview: func(context.Context) (exporter.Overview, error) { return overviewtest.Well(), nil },
		Alive:    func() error { return nil },
		Ready:    func() error { return nil },
		Now:      func() time.Time { return overviewtest.Now },
	}
}

func handler(t *testing.T, s Settings) http.Handler {
	t.Helper()
	h, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func ask(h http.Handler, method, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host = "localhost:9464"
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPathsAndMethods(t *testing.T) {
	h := handler(t, good())
	for _, test := range []struct {
		method, path string
		code         int
		kind, body   string // body: what it begins with
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "<!doctype html>"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", ""},
		{"GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", "# HELP "},
		{"HEAD", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", ""},
		{"GET", "/healthz", 200, "text/plain; charset=utf-8", "ok\n"},
		{"HEAD", "/readyz", 200, "text/plain; charset=utf-8", ""},
		{"GET", "/readyz", 200, "text/plain; charset=utf-8", "ok\n"},
		{"POST", "/", 405, "text/plain; charset=utf-8", "Method Not Allowed\n"},
		{"PUT", "/metrics", 405, "text/plain; charset=utf-8", "Method Not Allowed\n"},
		{"OPTIONS", "/healthz", 405, "text/plain; charset=utf-8", "Method Not Allowed\n"},
		{"GET", "/index.html", 404, "text/plain; charset=utf-8", "Not Found\n"},
		{"GET", "//", 404, "text/plain; charset=utf-8", "Not Found\n"},
		{"GET", "/metrics/", 404, "text/plain; charset=utf-8", "Not Found\n"},
		{"POST", "/nothing", 404, "text/plain; charset=utf-8", "Not Found\n"},
	} {
		w := ask(h, test.method, test.path)
		if w.Code != test.code || w.Header().Get("Content-Type") != test.kind || !strings.HasPrefix(w.Body.String(), test.body) {
			t.Errorf("%s %s: %d %s %.40q", test.method, test.path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
		if allow := w.Header().Get("Allow"); (allow == "GET, HEAD") != (test.code == 405) {
			t.Errorf("%s %s allows %q", test.method, test.path, allow)
		}
	}
}

// Every answer, a refusal too, tells the browser to do nothing but show it.
func TestHeaders(t *testing.T) {
	s := good()
	s.User, s.PasswordHash = "ops", hashed(t, "secret")
	h := handler(t, s)
	want := map[string]string{
		"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
	}
	for _, w := range []*httptest.ResponseRecorder{
		ask(h, "GET", "/", as("ops", "secret")), ask(h, "GET", "/metrics", as("ops", "secret")), ask(h, "GET", "/"), ask(h, "GET", "/healthz"),
		ask(h, "GET", "/x"), ask(h, "DELETE", "/"),
	} {
		for name, value := range want {
			if got := w.Header().Get(name); got != value {
				t.Errorf("%d: %s: %q", w.Code, name, got)
			}
		}
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "script") {
			t.Errorf("%d: policy %s", w.Code, policy)
		}
	}
}

// A failing probe is told in one line that fits a terminal, to anybody.
func TestHealth(t *testing.T) {
	s := good()
	s.User, s.PasswordHash = "ops", hashed(t, "secret")
	s.Alive = func() error {
		return errors.New("the loop stands still\nfor \x1b[31mten minutes" + strings.Repeat("!", 500))
	}
	s.Ready = func() error { return errors.New("no cycle has begun yet") }
	h := handler(t, s)
	w := ask(h, "GET", "/healthz")
	if want := "the loop stands still for \uFFFD[31mten minutes" + strings.Repeat("!", 158) + "…\n"; w.Code != 503 || w.Body.String() != want {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if w = ask(h, "GET", "/readyz"); w.Code != 503 || w.Body.String() != "no cycle has begun yet\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

// Where the state cannot be read, people are told so without details, scrapers by
// the status, and the log once for as long as it lasts.
func TestStateThatCannotBeRead(t *testing.T) {
	var logged bytes.Buffer
	broken, now := true, overviewtest.Now
	s := good()
	s.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	s.Now = func() time.Time { now = now.Add(time.Minute); return now }
	s.Overview = func(context.Context) (exporter.Overview, error) {
		if broken {
			return exporter.Overview{}, errors.New("disk I/O error")
		}
		return overviewtest.Well(), nil
	}
	h := handler(t, s)
	for range 3 {
		if w := ask(h, "GET", "/"); w.Code != 503 || !strings.Contains(w.Body.String(), "The state cannot be read.") || strings.Contains(w.Body.String(), "disk") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w := ask(h, "GET", "/metrics"); w.Code != 503 || strings.Contains(w.Body.String(), "lpexport_") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	broken = false
	for range 2 {
		if w := ask(h, "GET", "/"); w.Code != 200 {
			t.Errorf("%d", w.Code)
		}
	}
	want := "level=ERROR msg=\"read the state for operators\" error=\"disk I/O error\"\n" +
		"level=INFO msg=\"the state can be read again for operators\"\n"
	if diff := cmp.Diff(want, logged.String()); diff != "" {
		t.Error(diff)
	}
}

func TestNewWantsWhatItNeeds(t *testing.T) {
	hash := hashed(t, "secret")
	for name, change := range map[string]func(*Settings){
		"no overview":       func(s *Settings) { s.Overview = nil },
		"no probe of life":  func(s *Settings) { s.Alive = nil },
		"no probe of work":  func(s *Settings) { s.Ready = nil },
		"user alone":        func(s *Settings) { s.User = "ops" },
		"hash alone":        func(s *Settings) { s.PasswordHash = hash },
		"no hash of bcrypt": func(s *Settings) { s.User, s.PasswordHash = "ops", "secret" },
		"a hash of minutes": func(s *Settings) { s.User, s.PasswordHash = "ops", strings.Replace(hash, "$04$", "$20$", 1) },
	} {
		s := good()
		change(&s)
		h, err := New(s)
		if err == nil || h != nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), hash) {
			t.Errorf("%s: %v tells what is secret", name, err)
		}
	}
}

// Without a password, a page answers to names of this machine only: a name of somebody
// else's may be made to lead here. Health has nothing to hide.
func TestHosts(t *testing.T) {
	s := good()
	s.Hosts = []string{"archive.firm.example"}
	open := handler(t, s)
	s.User, s.PasswordHash = "ops", hashed(t, "secret")
	closed := handler(t, s)
	for host, want := range map[string]int{
		"localhost": 200, "LocalHost:1": 200, "localhost.": 200, "127.0.0.1": 200, "127.8.9.1:9464": 200, "[::1]": 200, "[::1]:80": 200, "": 200,
		"[::ffff:127.0.0.1]:1": 200, "archive.firm.example": 200, "Archive.Firm.Example:443": 200,
		"evil.example": 421, "evil.example:9464": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "0.0.0.0:9464": 421,
		"192.0.2.1": 421, "[::]:9464": 421, "x.archive.firm.example": 421,
	} {
		named := func(r *http.Request) { r.Host = host }
		for _, path := range []string{"/", "/metrics"} {
			w := ask(open, "GET", path, named)
			if w.Code != want || want != 200 && strings.Contains(w.Body.String(), overviewtest.Well().Account) {
				t.Errorf("%s at %q: %d %.40q", path, host, w.Code, w.Body)
			}
			if w := ask(closed, "GET", path, named, as("ops", "secret")); w.Code != 200 {
				t.Errorf("%s at %q, with a password: %d", path, host, w.Code)
			}
		}
		if w := ask(open, "GET", "/healthz", named); w.Code != 200 {
			t.Errorf("/healthz at %q: %d", host, w.Code)
		}
	}
}
