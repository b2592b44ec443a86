package liveperson

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func search(c *Client) error {
	_, err := c.Search(context.Background(), day, &kept{})
	return err
}

func TestWaits(t *testing.T) {
	date := func(at time.Time) string { return at.Format(http.TimeFormat) }
	for name, test := range map[string]struct {
		bad   http.HandlerFunc
		waits []time.Duration
	}{
		"5xx":                     {status(503), seconds(5, 10, 15)},
		"no answer":               {hangUp, seconds(1, 5, 10, 15)},
		"bad body":                {body("{"), seconds(1, 5, 10, 15)},
		"429":                     {status(429), seconds(1, 2, 4, 8, 16, 30)},
		"429 and seconds":         {status(429, "Retry-After", "7"), seconds(7, 7, 7, 8, 16, 30)},
		"429 and no wait":         {status(429, "Retry-After", "0"), seconds(1, 2, 4, 8, 16, 30)},
		"429 and a date":          {status(429, "Retry-After", date(noon.Add(20*time.Second))), seconds(20, 2, 4, 8, 16, 30)},
		"429 and a past date":     {status(429, "Retry-After", date(noon.Add(-time.Hour))), seconds(1, 2, 4, 8, 16, 30)},
		"429 and nonsense":        {status(429, "Retry-After", "soon"), seconds(1, 2, 4, 8, 16, 30)},
		"429 and a negative wait": {status(429, "Retry-After", "-5"), seconds(1, 2, 4, 8, 16, 30)},
		"503 and seconds":         {status(503, "Retry-After", "12"), seconds(12, 12, 15)},
		"400":                     {status(400), nil},
		"404":                     {status(404), nil},
		"206":                     {status(206), nil},
	} {
		f := newFake(t)
		f.on(searchPath, test.bad)
		c, clk := f.client()
		api := mustAPIError(t, search(c))
		if got := clk.waited(); !slices.Equal(got, test.waits) {
			t.Errorf("%s: waited %v, want %v", name, got, test.waits)
		}
		if n := len(f.asked(searchPath)); n != len(test.waits)+1 {
			t.Errorf("%s: %d attempts", name, n)
		}
		if api.Temporary() != (test.waits != nil) {
			t.Errorf("%s: temporary %v", name, api.Temporary())
		}
	}
}

func TestJitterOnlyAdds(t *testing.T) {
	f := newFake(t)
	f.on(searchPath, status(503))
	c, clk := f.client(func(c *Config) { c.Jitter = func() float64 { return 0.999 } })
	mustAPIError(t, search(c))
	for i, d := range clk.waited() {
		if least := patient.server[i]; d <= least || d >= least*5/4 {
			t.Errorf("wait %d is %v", i, d)
		}
	}
}

func TestErrorIsTyped(t *testing.T) {
	f := newFake(t)
	f.on(searchPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "req-42")
		w.WriteHeader(http.StatusGatewayTimeout)
		io.WriteString(w, `{"error":"slow","token":"t0k.en-1","client":"the-secret"}`)
	})
	c, _ := f.client()
	api := mustAPIError(t, search(c))
	want := `search conversations: status 504 (request req-42): "{\"error\":\"slow\",\"token\":\"[removed]\",\"client\":\"[removed]\"}"`
	if api.Error() != want || !api.Timeout || api.Status != 504 {
		t.Errorf("got %s\nwant %s", api, want)
	}
}

// A 200 that cannot be used may hold messages: nothing of it is repeated.
func TestGoodStatusIsNotQuoted(t *testing.T) {
	for _, h := range []http.HandlerFunc{
		body(`hush {"text":"hush"}`),
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206); io.WriteString(w, "hush") },
	} {
		f := newFake(t)
		f.on(searchPath, h)
		c, _ := f.client()
		if err := search(c); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("got %v", err)
		}
	}
}

func TestRefusals(t *testing.T) {
	f := newFake(t)
	f.on(searchPath, status(403))
	f.on(usersPath, status(403))
	c, _ := f.client()
	auth := mustAuthError(t, search(c))
	if auth.Status != 403 || !strings.Contains(auth.Hint, "Messaging Interactions") || len(f.asked(searchPath)) != 1 {
		t.Errorf("got %+v", auth)
	}
	_, err := c.Users(context.Background())
	if auth := mustAuthError(t, err); !strings.Contains(auth.Hint, "Users") {
		t.Errorf("got %+v", auth)
	}
	if mustAPIError(t, err).Status != 403 {
		t.Error("the answer is not under the error")
	}
}

func TestRedirectsAreRefused(t *testing.T) {
	var followed atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	defer other.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		f := newFake(t)
		f.on(searchPath, status(code, "Location", other.URL+searchPath))
		c, _ := f.client()
		if err := search(c); !errors.Is(err, ErrRedirect) || followed.Load() {
			t.Errorf("%d: %v, followed %v", code, err, followed.Load())
		}
		f.on(domainPath(serviceHistory), status(code, "Location", other.URL))
		c, _ = f.client()
		if err := search(c); !errors.Is(err, ErrRedirect) || followed.Load() {
			t.Errorf("look-up %d: %v, followed %v", code, err, followed.Load())
		}
	}
}

func TestCancel(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancel(context.Background())
	f.on(searchPath, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, twoRecords[:80])
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	c, clk := f.client()
	if _, err := c.Search(ctx, day, &kept{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(clk.waited()) != 0 || len(f.asked(searchPath)) != 1 {
		t.Error("repeated after the end")
	}
	if _, err := c.Search(ctx, day, &kept{}); !errors.Is(err, context.Canceled) || len(f.asked(searchPath)) != 1 {
		t.Errorf("after the end: %v", err)
	}
}

func TestCancelWhileWaiting(t *testing.T) {
	for name, bad := range map[string]http.HandlerFunc{"429": status(429), "500": status(500)} {
		f := newFake(t)
		f.on(searchPath, bad)
		ctx, cancel := context.WithCancel(context.Background())
		c, _ := f.client(func(c *Config) {
			c.Wait = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
		})
		if _, err := c.Search(ctx, day, &kept{}); !errors.Is(err, context.Canceled) || len(f.asked(searchPath)) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// roundTrip is a Transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answered is an answer with that body.
func answered(r io.Reader) *http.Response {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(r), ContentLength: -1}
}

// known answers look-ups and logins, and everything else with f.
func known(f roundTrip) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		switch {
		case strings.Contains(r.URL.Path, "/baseURI.json"):
			return answered(strings.NewReader(`{"baseURI":"localhost"}`)), nil
		case r.URL.Path == tokenPath:
			return answered(strings.NewReader(`{"access_token":"t"}`)), nil
		}
		return f(r)
	}
}

// stalling gives its text and then nothing until the request ends.
type stalling struct {
	ctx  context.Context
	text io.Reader
}

func (s stalling) Read(p []byte) (int, error) {
	if n, err := s.text.Read(p); err == nil {
		return n, nil
	}
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func inBubble(t *testing.T, transport roundTrip, concurrency int) *Client {
	c, err := New(Config{
		Account: testAccount, DomainAPI: "http://localhost", Source: "lpexport", Concurrency: concurrency,
		OAuth2: &OAuth2Credentials{"id", "secret"}, Transport: known(transport), Jitter: func() float64 { return 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSilenceEndsAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inBubble(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Get("limit") == "1" { // it is this page that stalls, not LivePerson
				return answered(strings.NewReader(emptyPage)), nil
			}
			return answered(stalling{r.Context(), strings.NewReader(twoRecords[:80])}), nil
		}, 1)
		start := time.Now()
		api := mustAPIError(t, search(c))
		if !errors.Is(api, ErrIdle) || !api.Timeout {
			t.Errorf("got %v", api)
		}
		if took := time.Since(start); took != 5*time.Minute+31*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// slowly is a Sink that takes two minutes for a record.
type slowly struct{ kept }

func (s *slowly) Record(raw []byte) error {
	time.Sleep(2 * time.Minute)
	return s.kept.Record(raw)
}

func TestASlowSinkIsNotSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inBubble(t, func(*http.Request) (*http.Response, error) {
			return answered(strings.NewReader(twoRecords)), nil
		}, 1)
		var got slowly
		if _, err := c.Search(context.Background(), day, &got); err != nil || len(got.records) != 2 {
			t.Errorf("got %v, %v", got.records, err)
		}
	})
}

// The bound holds for requests of every kind, until their bodies are read.
func TestConcurrency(t *testing.T) {
	const most = 3
	var flying, peak atomic.Int64
	enter := func() {
		n := flying.Add(1)
		for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
		}
		time.Sleep(time.Second)
	}
	synctest.Test(t, func(t *testing.T) {
		c := inBubble(t, nil, most)
		c.transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			enter()
			resp, err := known(func(r *http.Request) (*http.Response, error) {
				return answered(strings.NewReader(emptyPage)), nil
			})(r)
			resp.Body = &leaving{resp.Body, &flying}
			return resp, err
		})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := search(c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
	if p := peak.Load(); p != most {
		t.Errorf("%d requests at once, want %d", p, most)
	}
}

// leaving tells when a body is closed.
type leaving struct {
	io.ReadCloser
	flying *atomic.Int64
}

func (l *leaving) Close() error {
	time.Sleep(time.Second)
	l.flying.Add(-1)
	return l.ReadCloser.Close()
}

// With one slot the look-up and the login must not wait for the search that
// waits for them.
func TestOneSlotIsEnough(t *testing.T) {
	f := newFake(t)
	f.on(searchPath, status(401), status(204), body(emptyPage))
	c, _ := f.client(func(c *Config) { c.Concurrency = 1 })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := c.Search(ctx, day, &kept{}); err != nil {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	good := Config{Account: "a_1-B", Source: "x", OAuth2: &OAuth2Credentials{"i", "s"}}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Config){
		"no account":   func(c *Config) { c.Account = "" },
		"path account": func(c *Config) { c.Account = "a/../b" },
		"long account": func(c *Config) { c.Account = strings.Repeat("a", 65) },
		"no source":    func(c *Config) { c.Source = "" },
		"long source":  func(c *Config) { c.Source = strings.Repeat("a", 21) },
		"bad source":   func(c *Config) { c.Source = "a\nb" },
		"concurrency":  func(c *Config) { c.Concurrency = -1 },
		"no login":     func(c *Config) { c.OAuth2 = nil },
		"two logins":   func(c *Config) { c.OAuth1 = &OAuth1Credentials{"a", "b", "c", "d"} },
		"half a login": func(c *Config) { c.OAuth2 = &OAuth2Credentials{ClientID: "i"} },
		"half a key":   func(c *Config) { c.OAuth2, c.OAuth1 = nil, &OAuth1Credentials{AppKey: "a"} },
		"plain http":   func(c *Config) { c.DomainAPI = "http://api.liveperson.net" },
		"looks local":  func(c *Config) { c.DomainAPI = "http://127.0.0.1.example.com" },
		"user info":    func(c *Config) { c.DomainAPI = "https://a:b@api.liveperson.net" },
		"with path":    func(c *Config) { c.DomainAPI = "https://api.liveperson.net/x" },
		"with query":   func(c *Config) { c.DomainAPI = "https://api.liveperson.net?x" },
		"other scheme": func(c *Config) { c.DomainAPI = "ftp://localhost" },
		"no scheme":    func(c *Config) { c.DomainAPI = "api.liveperson.net" },
		"not a URL":    func(c *Config) { c.DomainAPI = "https://%zz" },
	} {
		cfg := good
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, local := range []string{"http://127.0.0.1:80", "http://localhost:8080", "http://[::1]:1", "http://x.localhost", "https://api.liveperson.net/"} {
		cfg := good
		cfg.DomainAPI = local
		if _, err := New(cfg); err != nil {
			t.Errorf("%s: %v", local, err)
		}
	}
}
