package monitor

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"lpexport/exporter/monitor/overviewtest"
)

func hashed(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func as(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

// The page and the metrics are for who knows the password; health is for anybody.
func TestPassword(t *testing.T) {
	s := good()
	s.User, s.PasswordHash = "ops", strings.Replace(hashed(t, "se:cret ü"), "$2a$", "$2y$", 1) // as htpasswd writes it
	now := overviewtest.Now
	s.Now = func() time.Time { now = now.Add(forgottenIn); return now }
	h := handler(t, s)
	// Twice: what was let in once must not let in others.
	for range 2 {
		for _, test := range []struct {
			path   string
			change []func(*http.Request)
			code   int
		}{
			{"/", nil, 401},
			{"/metrics", nil, 401},
			{"/", []func(*http.Request){as("ops", "secret")}, 401},
			{"/", []func(*http.Request){as("", "")}, 401},
			{"/", []func(*http.Request){as("ops", "")}, 401},
			{"/", []func(*http.Request){as("root", "se:cret ü")}, 401},
			{"/", []func(*http.Request){as("opsse:", "cret ü")}, 401},
			{"/", []func(*http.Request){func(r *http.Request) { r.Header.Set("Authorization", "Bearer se:cret") }}, 401},
			{"/", []func(*http.Request){as("ops", "se:cret ü")}, 200},
			{"/metrics", []func(*http.Request){as("ops", "se:cret ü")}, 200},
			{"/healthz", nil, 200},
			{"/readyz", []func(*http.Request){as("ops", "wrong")}, 200},
			{"/nothing", nil, 404},
		} {
			w := ask(h, "GET", test.path, test.change...)
			if w.Code != test.code {
				t.Errorf("%s: %d, want %d", test.path, w.Code, test.code)
			}
			if asked := w.Header().Get("WWW-Authenticate"); (asked == `Basic realm="lpexport", charset="UTF-8"`) != (test.code == 401) {
				t.Errorf("%s: %d asks by %q", test.path, w.Code, asked)
			}
		}
	}
}

// counting returns a door that counts how often it compares.
func counting(t *testing.T) (*door, *atomic.Int64) {
	t.Helper()
	d, err := newDoor("ops", hashed(t, "secret"), func() time.Time { return overviewtest.Now })
	if err != nil {
		t.Fatal(err)
	}
	var times atomic.Int64
	compare := d.compare
	d.compare = func(hash, password []byte) error {
		times.Add(1)
		return compare(hash, password)
	}
	return d, &times
}

func request(user, password string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.SetBasicAuth(user, password)
	return r
}

// A wrong name costs what a wrong password does, so that names cannot be told; who
// has been let in costs nothing again, though others were refused in between.
func TestCostOfHashes(t *testing.T) {
	d, times := counting(t)
	for i, test := range []struct {
		user, password string
		admitted       bool
		hashes         int64
	}{
		{"nobody", "secret", false, 1}, {"ops", "wrong", false, 1}, {"nobody", "wrong", false, 1},
		{"ops", "secret", true, 1}, {"ops", "secret", true, 0},
		{"ops", "wrong", false, 1}, {"nobody", "secret", false, 1}, {"ops", "secret", true, 0},
		{"nobody", "secret", false, 0}, // the same again, as a scraper does
	} {
		before := times.Load()
		if got, _ := d.admits(request(test.user, test.password)); got != test.admitted {
			t.Errorf("%d: %s is admitted: %v", i, test.user, got)
		}
		if hashes := times.Load() - before; hashes != test.hashes {
			t.Errorf("%d: %d hashes", i, hashes)
		}
	}
}

// A flood of passwords costs two cores at most, those who left cost nothing, and
// those who wait with the right one are let in without a hash of their own.
func TestHashesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, times := counting(t)
		compare, going := d.compare, make(chan struct{})
		var running, most atomic.Int64
		d.compare = func(hash, password []byte) error {
			if n := running.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer running.Add(-1)
			<-going
			return compare(hash, password)
		}
		ctx, leave := context.WithCancel(t.Context())
		results := make(chan bool)
		for i := range 20 {
			r := request("ops", "secret")
			if i >= 10 {
				r = request("ops", "wrong").WithContext(ctx)
			}
			go func() { in, _ := d.admits(r); results <- in }()
			synctest.Wait() // in this order
		}
		leave()
		for range 10 {
			if <-results {
				t.Error("a caller who left is admitted")
			}
		}
		close(going)
		for range 10 {
			if !<-results {
				t.Error("the right password is refused")
			}
		}
		if most.Load() != hashesAtOnce || times.Load() != hashesAtOnce {
			t.Errorf("%d hashes at once, %d in all", most.Load(), times.Load())
		}
	})
}

// Passwords that are tried out cost few hashes: of one address the next ones have to
// wait, longer each time, and of all together there are only so many in a time.
func TestGuesses(t *testing.T) {
	d, times := counting(t)
	now := overviewtest.Now
	d.guesses.now = func() time.Time { return now }
	n := 0
	guess := func(from string) time.Duration {
		n++
		r := request("ops", fmt.Sprint(n))
		r.RemoteAddr = from
		in, wait := d.admits(r)
		if in {
			t.Error("admitted")
		}
		return wait
	}
	const home = "192.0.2.1:1"
	for range 58 {
		guess(home)
	}
	if got := times.Load(); got != freeGuesses {
		t.Errorf("58 passwords at once cost %d hashes, want %d", got, freeGuesses)
	}
	for want := firstWait; want < longestWait; want *= 2 {
		if got := guess(home); got != want {
			t.Errorf("told to wait %v, want %v", got, want)
		}
		now = now.Add(want)
		if got := guess(home); got != 0 {
			t.Errorf("after %v told to wait %v", want, got)
		}
	}
	if got := guess(home); got != longestWait {
		t.Errorf("told to wait %v, want %v", got, longestWait)
	}
	// Somebody else need not wait, and nobody does who was let in.
	other := request("ops", "secret")
	other.RemoteAddr = "192.0.2.2:1"
	if in, _ := d.admits(other); !in {
		t.Error("another address is kept out")
	}
	other.RemoteAddr = home
	if in, _ := d.admits(other); !in {
		t.Error("a known password is kept out")
	}
	// A firm's worth of addresses, of which none gives up.
	now = now.Add(forgottenIn)
	before := times.Load()
	for i := range 10 * mostGuessers {
		guess(fmt.Sprintf("[2001:db8:%x:%x::1]:1", i>>8, i&255))
	}
	if got := times.Load() - before; got != allGuesses {
		t.Errorf("a flood costs %d hashes, want %d", got, allGuesses)
	}
	if len(d.guesses.of) > mostGuessers {
		t.Errorf("%d addresses are remembered", len(d.guesses.of))
	}
	now = now.Add(everyGuess)
	if got := guess("192.0.2.9:1"); got != 0 {
		t.Errorf("after a while still told to wait %v", got)
	}
}

// Whoever has to wait is told for how long, and the log that it is so.
func TestGuessesAreAnswered(t *testing.T) {
	var logged strings.Builder
	s := good()
	s.User, s.PasswordHash = "ops", hashed(t, "secret")
	s.Log = slog.New(slog.NewTextHandler(&logged, nil))
	h := handler(t, s)
	for i := range freeGuesses + 3 {
		w := ask(h, "GET", "/", as("ops", fmt.Sprint(i)))
		want, after := 401, ""
		if i >= freeGuesses {
			want, after = 429, "1"
		}
		if w.Code != want || w.Header().Get("Retry-After") != after {
			t.Errorf("guess %d: %d, retry after %q", i, w.Code, w.Header().Get("Retry-After"))
		}
	}
	if got := strings.Count(logged.String(), "wrong passwords"); got != 1 {
		t.Errorf("logged %d times: %s", got, logged.String())
	}
}
