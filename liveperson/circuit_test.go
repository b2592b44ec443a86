package liveperson

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func mustUnavailable(t *testing.T, err error) *UnavailableError {
	t.Helper()
	var open *UnavailableError
	if !errors.As(err, &open) {
		t.Fatalf("got %T %v, want an UnavailableError", err, err)
	}
	return open
}

// realTime is a client in a bubble, whose waits take the bubble's time.
func realTime(t *testing.T, transport roundTrip, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{
		Account: testAccount, DomainAPI: "http://localhost", Source: "lpexport", Concurrency: 4,
		OAuth2: &OAuth2Credentials{"id", "secret"}, Transport: transport, Jitter: func() float64 { return 0.999 },
	}
	for _, c := range change {
		c(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// aRun asks for all that a run asks for: users, skills, then five windows, some at
// once. It goes on after every error but that of the circuit, as a run did.
func aRun(c *Client) (errs []error) {
	ctx := context.Background()
	_, err := c.Users(ctx)
	errs = append(errs, err)
	_, err = c.Skills(ctx)
	errs = append(errs, err)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			err := search(c)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	wg.Wait()
	return errs
}

func refused(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("dial tcp 127.0.0.1:1: %w", syscall.ECONNREFUSED)
}

// Whatever of LivePerson is down, all requests of a run end soon, and nothing is
// sent any more until it is time to ask again.
func TestDownEndsARunSoon(t *testing.T) {
	broken := func(code int) roundTrip {
		return func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: code, Header: http.Header{}, Body: http.NoBody}, nil
		}
	}
	unless := func(paths string, f roundTrip) roundTrip { // everything with these in its path works
		return func(r *http.Request) (*http.Response, error) {
			for _, p := range strings.Fields(paths) {
				if strings.Contains(r.URL.Path, p) {
					if strings.Contains(r.URL.Path, "/configuration/") {
						return answered(strings.NewReader(`[]`)), nil
					}
					return known(f)(r)
				}
			}
			return f(r)
		}
	}
	for name, test := range map[string]struct {
		transport roundTrip
		within    time.Duration
	}{
		"connection refused":       {refused, time.Minute},
		"503":                      {broken(503), time.Minute},
		"429":                      {broken(429), 2 * time.Minute},
		"204":                      {broken(204), time.Minute},
		"web page":                 {func(*http.Request) (*http.Response, error) { return answered(strings.NewReader("<html>")), nil }, time.Minute},
		"login refused connection": {unless("baseURI", refused), time.Minute},
		"history 503":              {unless("baseURI token configuration", broken(503)), time.Minute},
		"never an answer": {func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(time.Minute):
				return nil, errors.New("time-out")
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}, 4 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := realTime(t, test.transport)
				start := time.Now()
				errs := aRun(c)
				if took := time.Since(start); took >= test.within {
					t.Errorf("it took %v", took)
				}
				last := mustUnavailable(t, errs[len(errs)-1])
				if last.Until.Before(time.Now()) || last.Until.After(time.Now().Add(time.Minute)) {
					t.Errorf("until %v, now %v", last.Until, time.Now())
				}
				sent := c.Requests()
				for _, err := range append(aRun(c), fetchFile(c)) {
					if got := mustUnavailable(t, err); got != last {
						t.Errorf("got %v", got)
					}
				}
				if c.Requests() != sent {
					t.Errorf("%d requests were sent through an open circuit", c.Requests()-sent)
				}
			})
		})
	}
}

func fetchFile(c *Client) error {
	_, err := c.ConversationFiles(context.Background(), "a")
	return err
}

// A query that always fails, and what it is halved to, is its own fault as long as
// others are answered.
func TestOneBadQueryOpensNothing(t *testing.T) {
	for _, bad := range []http.HandlerFunc{status(500), status(504), status(204), body("<html>"), hangUp} {
		f := newFake(t)
		f.on(searchPath, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("offset") == "100" {
				bad(w, r)
				return
			}
			body(emptyPage)(w, r)
		})
		c, _ := f.client()
		for limit := range 7 {
			q := day
			q.Offset, q.Limit = 100, 100>>limit
			_, err := c.Search(context.Background(), q, &kept{})
			if api := mustAPIError(t, err); !api.Temporary() {
				t.Errorf("got %v", err)
			}
		}
		if err := search(c); err != nil {
			t.Error(err)
		}
	}
}

// Users that are never answered do not keep history from being read.
func TestUsersAlone(t *testing.T) {
	f := newFake(t)
	f.on(domainPath(serviceAccounts), status(500))
	c, _ := f.client()
	for range 5 {
		_, err := c.Users(context.Background())
		mustAPIError(t, err)
		_, err = c.Skills(context.Background())
		mustAPIError(t, err)
	}
	if err := search(c); err != nil {
		t.Error(err)
	}
}

// An answer that asks to be left alone for longer than a run waits ends all at once.
func TestLongRetryAfter(t *testing.T) {
	date := noon.Add(3 * time.Hour).Format(http.TimeFormat)
	for name, test := range map[string]struct {
		path  string
		bad   http.HandlerFunc
		until time.Duration
	}{
		"429 and a day":       {searchPath, status(429, "Retry-After", "86400"), 24 * time.Hour},
		"503 and a day":       {searchPath, status(503, "Retry-After", "86400"), 24 * time.Hour},
		"six minutes":         {searchPath, status(429, "Retry-After", "360"), 6 * time.Minute},
		"a date":              {searchPath, status(503, "Retry-After", date), 3 * time.Hour},
		"for ever":            {searchPath, status(429, "Retry-After", "9223372036854775807"), 24 * time.Hour},
		"a hundred years":     {searchPath, status(429, "Retry-After", noon.AddDate(100, 0, 0).Format(http.TimeFormat)), 24 * time.Hour},
		"log-in":              {tokenPath, status(429, "Retry-After", "7200"), 2 * time.Hour},
		"look-up":             {domainPath(serviceHistory), status(429, "Retry-After", "7200"), 2 * time.Hour},
		"look-up of sentinel": {domainPath(serviceTokens), status(503, "Retry-After", "7200"), 2 * time.Hour},
	} {
		f := newFake(t)
		f.on(test.path, test.bad)
		c, clk := f.client()
		open := mustUnavailable(t, search(c))
		if want := noon.Add(test.until); !open.Until.Equal(want) || len(clk.waited()) != 0 {
			t.Errorf("%s: until %v, want %v; waited %v", name, open.Until, want, clk.waited())
		}
		_, err := c.Users(context.Background())
		if mustUnavailable(t, err) != open || len(f.asked(usersPath)) != 0 {
			t.Errorf("%s: users: %v", name, err)
		}
		var api *APIError
		if errors.As(error(open), &api) {
			t.Errorf("%s: it looks like the fault of one request", name)
		}
	}
}

// What can be waited for in a run is waited for.
func TestShortRetryAfter(t *testing.T) {
	f := newFake(t)
	f.on(searchPath, status(429, "Retry-After", "300"), status(503, "Retry-After", "300"), body(emptyPage))
	c, clk := f.client()
	if err := search(c); err != nil || clk.now().Sub(noon) != 10*time.Minute {
		t.Errorf("%v after %v", err, clk.now().Sub(noon))
	}
}

// A refusal is an answer: it opens nothing, whatever it bears.
func TestRefusalsOpenNothing(t *testing.T) {
	for _, code := range []int{400, 401, 403, 404} {
		f := newFake(t)
		f.on(byIDPath, status(code, "Retry-After", "86400"))
		c, clk := f.client()
		for range 20 {
			if _, err := c.Conversations(context.Background(), []string{"a"}, &kept{}); err == nil {
				t.Errorf("%d: no error", code)
			}
			clk.wait(context.Background(), time.Minute)
		}
		if err := search(c); err != nil {
			t.Errorf("%d: %v", code, err)
		}
	}
}

// When the circuit opens, everything ends at once: what is in flight, what waits to
// be repeated, and what waits for a slot.
func TestOpeningEndsAllThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := realTime(t, known(func(r *http.Request) (*http.Response, error) {
			switch offset := r.URL.Query().Get("offset"); {
			case offset == "1": // hangs
				<-r.Context().Done()
				return nil, r.Context().Err()
			case offset == "2": // is to be repeated
				return &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"200"}}, Body: http.NoBody}, nil
			case r.URL.Query().Get("include_deleted") != "":
				time.Sleep(time.Second)
				return &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"86400"}}, Body: http.NoBody}, nil
			}
			t.Error("what waited for a slot was sent")
			return answered(strings.NewReader(emptyPage)), nil
		}), func(c *Config) { c.Concurrency = 2 })
		if _, err := c.login.ready(context.Background(), c); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		ask := func(offset int) error {
			q := day
			q.Offset = offset
			_, err := c.Search(context.Background(), q, &kept{})
			return err
		}
		var wg sync.WaitGroup
		ends := func(f func() error) {
			wg.Go(func() {
				mustUnavailable(t, f())
				if took := time.Since(start); took != time.Second {
					t.Errorf("ended after %v", took)
				}
			})
		}
		ends(func() error { return ask(2) })
		synctest.Wait()
		ends(func() error { return ask(1) })
		synctest.Wait()
		ends(func() error { _, err := c.Users(context.Background()); return err })
		synctest.Wait()
		ends(func() error { return ask(3) })
		wg.Wait()
	})
}

// A caller who stops is told that he stopped.
func TestStoppedBeforeOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := realTime(t, refused)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if _, err := c.Users(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// After the time that it named, or when it is told to, the client asks again.
func TestCircuitCloses(t *testing.T) {
	f := newFake(t)
	busy := status(503, "Retry-After", "7200")
	f.on(searchPath, busy, body(emptyPage), busy, busy, body(emptyPage))
	c, clk := f.client()
	mustUnavailable(t, search(c))
	clk.wait(context.Background(), 2*time.Hour-time.Second)
	mustUnavailable(t, search(c))
	clk.wait(context.Background(), time.Second)
	if err := search(c); err != nil {
		t.Error(err)
	}
	mustUnavailable(t, search(c))
	c.Resume()
	if open := mustUnavailable(t, search(c)); !open.Until.Equal(clk.now().Add(2 * time.Hour)) {
		t.Errorf("until %v", open.Until)
	}
	c.Resume()
	if err := search(c); err != nil {
		t.Error(err)
	}
}

// A burst of 429s with waits that a run can take is no outage, however many
// requests it meets.
func TestBurstsPass(t *testing.T) {
	for _, test := range []struct {
		after  string
		rounds time.Duration // for how long 429s come
	}{{"", 20 * time.Second}, {"2", 20 * time.Second}, {"60", 2 * time.Minute}, {"290", 10 * time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			var sent atomic.Int64
			c := realTime(t, known(func(r *http.Request) (*http.Response, error) {
				sent.Add(1)
				time.Sleep(100 * time.Millisecond)
				if time.Since(start) < test.rounds {
					return &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {test.after}}, Body: http.NoBody}, nil
				}
				return answered(strings.NewReader(emptyPage)), nil
			}))
			var wg sync.WaitGroup
			for range 12 {
				wg.Go(func() {
					if err := search(c); err != nil {
						t.Errorf("%q: %v", test.after, err)
					}
				})
			}
			wg.Wait()
		})
	}
}

// Files have a service and a storage of their own: their faults are not LivePerson's,
// and what they ask to wait for, nobody waits for.
func TestFilesOpenNothing(t *testing.T) {
	for name, bad := range map[string]http.HandlerFunc{
		"503": status(503), "429": status(429), "no answer": hangUp, "a day": status(429, "Retry-After", "86400"), "503 and a day": status(503, "Retry-After", "86400"),
	} {
		f := newFilesFake(t)
		f.on(filesPath, bad)
		f.on(picturePath, bad)
		c, clk := f.client()
		for range 5 {
			mustAPIError(t, fetchFile(c))
			_, _, err := get(c, f.sealed(picturePath))
			mustAPIError(t, err)
		}
		if strings.HasSuffix(name, "a day") && len(clk.waited()) > 0 {
			t.Errorf("%s: waited %v", name, clk.waited())
		}
		if err := search(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		f.on(domainPath(serviceFiles), bad)
		c, _ = f.client()
		for range 5 {
			mustAPIError(t, fetchFile(c))
		}
		if err := search(c); err != nil {
			t.Errorf("%s, look-up: %v", name, err)
		}
	}
}

// A look-up that fails while the host is known is no reason to stop asking that host.
func TestKnownHostOutlivesTheLookUp(t *testing.T) {
	f := newFake(t)
	c, clk := f.client()
	if err := search(c); err != nil {
		t.Fatal(err)
	}
	f.on(domainPath(serviceHistory), status(503, "Retry-After", "86400"))
	clk.wait(context.Background(), 2*time.Hour)
	if err := search(c); err != nil {
		t.Error(err)
	}
}

// A person who asks is answered, also while the circuit is open.
func TestCheckAlwaysAsks(t *testing.T) {
	f := newFake(t)
	f.on(searchPath, status(503, "Retry-After", "86400"), status(503, "Retry-After", "86400"), body(emptyPage))
	c, clk := f.client()
	mustUnavailable(t, search(c))
	for want := range 2 {
		for _, p := range c.Check(context.Background()) {
			var api *APIError
			if failed := p.Name == "conversations" && want == 0; p.Name != "clock" && (failed != (p.Err != nil) || failed && !errors.As(p.Err, &api)) {
				t.Errorf("check %d: %s: %v", want, p.Name, p.Err)
			}
		}
	}
	if len(clk.waited()) != 0 {
		t.Errorf("waited %v", clk.waited())
	}
	mustUnavailable(t, search(c)) // it is for a caller to say that it is over
}

// Requests that are repeated are logged once an hour for each status; the rest is there
// for who looks for it.
func TestRepeatsAreToldOnce(t *testing.T) {
	f := newFake(t)
	var log strings.Builder
	f.on(searchPath, status(503), status(503), status(429), body(emptyPage), status(503), body(emptyPage))
	c, _ := f.client(func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for range 2 {
		if _, err := c.Search(t.Context(), day, &kept{}); err != nil {
			t.Fatal(err)
		}
	}
	if info, all := strings.Count(log.String(), "level=INFO"), strings.Count(log.String(), "will repeat"); info != 2 || all != 4 {
		t.Errorf("%d of %d repeats are told, want 2 of 4: %s", info, all, log.String())
	}
}
