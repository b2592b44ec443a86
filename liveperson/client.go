// Package liveperson is LivePerson's side of the export: the client of the
// Messaging Interactions history, users and skills, with both logins, and the
// wire's values, read in place.
//
// It keeps to what the API allows and repeats what may pass: one limiter and one
// circuit for all requests, the inner retries of LivePerson's policy, answers
// streamed record by record within bounds. The login goes to hosts of LivePerson
// only. It follows no link but those to files, and these to hosts of LivePerson
// only. It knows nothing of archives: what was received is handed over as it is.
package liveperson

import (
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Client asks the APIs of one account. It is safe for concurrent use; all
// requests of a Client share one bound, one login, one pause after a 429 and one
// circuit: when nothing is answered any more, all of them end with an
// UnavailableError.
type Client struct {
	cfg       Config
	transport http.RoundTripper // not http.Client, which follows redirects and quotes them
	base      *url.URL          // of the domain API
	limiter   *limiter
	circuit   *circuit
	domains   *domains
	login     login
	retries   retries
	lists     *lists
	seen      *seen
}

// seen is what a Client counts and notes.
type seen struct {
	requests, searches atomic.Int64
	skew               atomic.Int64 // nanoseconds
	dated              atomic.Bool

	mu       sync.Mutex
	repeated map[int]time.Time // when it was logged that a request is repeated, by its status
}

// repeatAfter is the shortest time between two lines of the log, above its debug level,
// about requests that are repeated for the same status: an outage is told by whoever
// asks, when it begins and when it ends.
const repeatAfter = time.Hour

// tellRepeat is the level at which it is logged that a request is repeated.
func (s *seen) tellRepeat(status int, now time.Time) slog.Level {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, told := s.repeated[status]; told && now.Sub(last) < repeatAfter {
		return slog.LevelDebug
	}
	if s.repeated == nil {
		s.repeated = map[int]time.Time{}
	}
	s.repeated[status] = now
	return slog.LevelInfo
}

// New checks cfg; it sends nothing.
func New(cfg Config) (*Client, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	base, err := parseBase(cfg.DomainAPI)
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg:       cfg,
		base:      base,
		transport: cfg.Transport,
		limiter:   newLimiter(cfg.Concurrency, cfg.Now, cfg.Wait),
		circuit:   newCircuit(cfg.Now),
		domains:   newDomains(),
		retries:   patient,
		lists:     new(lists),
		seen:      new(seen),
	}
	if cfg.OAuth2 != nil {
		c.login = newOAuth2(*cfg.OAuth2)
	} else {
		c.login = newOAuth1(*cfg.OAuth1, cfg.Now)
	}
	return c, nil
}

// Requests is how many requests were sent so far, of every kind.
func (c *Client) Requests() int64 { return c.seen.requests.Load() }

// Searches is how many of them asked for conversations.
func (c *Client) Searches() int64 { return c.seen.searches.Load() }

// ClockSkew is the last Date header minus our clock, to a second; false when
// none was seen yet.
func (c *Client) ClockSkew() (time.Duration, bool) {
	return time.Duration(c.seen.skew.Load()), c.seen.dated.Load()
}
