package liveperson

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testAccount = "12345678"
	searchPath  = "/messaging_history/api/account/12345678/conversations/search"
	byIDPath    = "/messaging_history/api/account/12345678/conversations/conversation/search"
	tokenPath   = "/sentinel/api/v2/account/12345678/app/token"
	usersPath   = "/api/account/12345678/configuration/le-users/users"
	skillsPath  = "/api/account/12345678/configuration/le-users/skills"
)

func domainPath(service string) string {
	return "/api/account/12345678/service/" + service + "/baseURI.json"
}

// asked is one request the fake got.
type asked struct {
	path  string
	query string
	auth  string
	match string // If-Match
	body  string
}

// fake is an account on loopback. Each path answers by its script: the n-th
// request (from 0) by script[n], those after the end by the last.
type fake struct {
	*httptest.Server
	t       *testing.T
	mu      sync.Mutex
	scripts map[string][]http.HandlerFunc
	log     []asked
}

func newFake(t *testing.T) *fake {
	f := &fake{t: t, scripts: make(map[string][]http.HandlerFunc)}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	for _, s := range []string{serviceHistory, serviceAccounts, serviceTokens} {
		f.on(domainPath(s), f.domain(s))
	}
	f.on(tokenPath, body(`{"access_token":"t0k.en-1","token_type":"Bearer","expires_in":3600}`))
	f.on(searchPath, body(emptyPage))
	f.on(byIDPath, body(emptyPage))
	f.on(usersPath, body(`[]`))
	f.on(skillsPath, body(`[]`))
	return f
}

const emptyPage = `{"_metadata":{"count":0},"conversationHistoryRecords":[]}`

func (f *fake) on(path string, script ...http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scripts[path] = script
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(b))
	f.mu.Lock()
	n := 0
	for _, a := range f.log {
		if a.path == r.URL.Path {
			n++
		}
	}
	f.log = append(f.log, asked{r.URL.Path, r.URL.RawQuery, r.Header.Get("Authorization"), r.Header.Get("If-Match"), string(b)})
	script := f.scripts[r.URL.Path]
	f.mu.Unlock()
	if len(script) == 0 {
		http.NotFound(w, r)
		return
	}
	script[min(n, len(script)-1)](w, r)
}

// asked is every request for path so far.
func (f *fake) asked(path string) (got []asked) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.log {
		if a.path == path {
			got = append(got, a)
		}
	}
	return got
}

func (f *fake) host() string { return strings.TrimPrefix(f.URL, "http://") }

func (f *fake) domain(service string) http.HandlerFunc { return f.domainAt(service, noon) }

// domainAt answers at a time that need not be the client's; zero: it does not say when.
func (f *fake) domainAt(service string, at time.Time) http.HandlerFunc {
	answer := body(fmt.Sprintf(`{"service":%q,"account":%q,"baseURI":%q}`, service, testAccount, f.host()))
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil // else net/http adds it
		if !at.IsZero() {
			w.Header().Set("Date", at.Format(http.TimeFormat))
		}
		answer(w, r)
	}
}

func body(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s) }
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

// hangUp ends the connection before a word is said.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cut promises the whole of s and ends the connection after n bytes.
func cut(s string, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(s)))
		io.WriteString(w, s[:n])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// clock is a time that only moves by waiting.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	waits []time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	c.waits = append(c.waits, d)
	return ctx.Err()
}

func (c *clock) waited() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Duration{}, c.waits...)
}

var noon = time.Date(2024, 5, 17, 12, 0, 0, 0, time.UTC)

// client is a Client of the fake, logged in with OAuth 2.0, that never sleeps.
func (f *fake) client(change ...func(*Config)) (*Client, *clock) {
	f.t.Helper()
	clk := &clock{at: noon}
	cfg := Config{
		Account: testAccount, DomainAPI: f.URL, Source: "lpexport", Concurrency: 2,
		OAuth2: &OAuth2Credentials{ClientID: "the-client", ClientSecret: "the-secret"},
		Now:    clk.now, Wait: clk.wait, Jitter: func() float64 { return 0 },
	}
	for _, c := range change {
		c(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	return c, clk
}

// kept is a Sink that keeps what the last attempt gave.
type kept struct {
	resets    int
	records   []string
	oversized []string
	fail      error
}

func (k *kept) Reset() { k.resets++; k.records, k.oversized = nil, nil }

func (k *kept) Record(raw []byte) error {
	k.records = append(k.records, string(raw))
	return k.fail
}

func (k *kept) Oversized(info []byte) error {
	k.oversized = append(k.oversized, string(info))
	return k.fail
}

var day = Query{Start: Range{noon.Add(-24 * time.Hour), noon}, Limit: 100}

func mustAPIError(t *testing.T, err error) *APIError {
	t.Helper()
	var api *APIError
	if !errors.As(err, &api) {
		t.Fatalf("got %T %v, want an APIError", err, err)
	}
	return api
}

func mustAuthError(t *testing.T, err error) *AuthError {
	t.Helper()
	var auth *AuthError
	if !errors.As(err, &auth) {
		t.Fatalf("got %T %v, want an AuthError", err, err)
	}
	return auth
}
