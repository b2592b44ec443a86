package liveperson

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// call is one request, as often as it takes to have it answered.
type call struct {
	op          string // for errors and the log
	service     string // "": the domain API itself
	method      string // "": GET
	path        string // escaped
	query       url.Values
	link        string // a file's address in place of service, path and query; a secret
	body        []byte
	contentType string
	limit       int64                       // bytes of the answer; 0: Config.BodyLimit
	open        bool                        // sent without a login
	search      bool                        // asks for conversations
	files       bool                        // asks for files: its faults are not those of the other APIs
	revision    string                      // of what is held already, "" for nothing; with it a 304 may answer
	refusals    []int                       // the statuses that mean a refused login or privilege
	refused     error                       // the kind of the AuthError that they are; nil: none
	hint        string                      // what to look for then
	reset       func()                      // before every attempt; may be nil
	read        func(a *answer) (err error) // takes a 200, 204, 304 or a link's redirect
}

// answer is a good answer's head and its body as it comes.
type answer struct {
	status   int
	date     time.Time // zero when absent
	revision string    // "" when absent
	head     http.Header
	length   int64 // of the body as announced, -1 when it was not
	body     *stream
}

// do sends k until it is answered, its retries are used up or the circuit opens.
func (c *Client) do(ctx context.Context, k *call) error {
	joined, leave, err := c.circuit.join(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return ended(ctx, joined, c.repeat(joined, k))
}

func (c *Client) repeat(ctx context.Context, k *call) error {
	renewed := false
	for failed := 0; ; {
		if err := c.doubt(ctx, k); err != nil {
			return err
		}
		if k.reset != nil {
			k.reset()
		}
		// The look-up and the login are calls with retries of their own, made
		// before this one takes a slot: with one slot it would wait for itself.
		base, token, err := c.prepare(ctx, k)
		if err != nil {
			return cmp.Or(c.doubt(ctx, k), err)
		}
		err = c.attempt(ctx, k, base, token)
		c.cfg.Observe(resultOf(ctx, err))
		if err == nil {
			return nil
		}
		api, answered := err.(*APIError) // not errors.As: a sink's error may hold one
		if ctx.Err() != nil || !answered {
			return stopped(ctx, k.op, err)
		}
		if api.Status == http.StatusUnauthorized && !k.open && !renewed && c.login.discard(token) {
			renewed = true
			continue
		}
		if slices.Contains(k.refusals, api.Status) {
			return &AuthError{Op: k.op, Status: api.Status, Hint: k.hint, Err: api, kind: k.refused}
		}
		if open := c.circuit.opened(); open != nil {
			return open
		}
		failed++
		if err := c.pause(ctx, k, api, failed); err != nil {
			return err
		}
	}
}

// pause waits before attempt failed+1, or returns the error that k ends with.
func (c *Client) pause(ctx context.Context, k *call, api *APIError, failed int) error {
	wait, again := c.retries.after(api, failed, c.cfg.Jitter())
	if !again || api.RetryAfter > longestWait || k.open && c.circuit.doubtful() {
		return api
	}
	c.cfg.Log.LogAttrs(ctx, c.seen.tellRepeat(api.Status, c.cfg.Now()), "request failed, will repeat",
		slog.String("error", api.Error()), slog.Int("attempt", failed), slog.Duration("wait", wait))
	if api.Status == http.StatusTooManyRequests {
		c.limiter.throttled(wait) // everybody waits for a slot, k too
		return nil
	}
	if err := c.cfg.Wait(ctx, wait); err != nil {
		return stopped(ctx, k.op, err)
	}
	return nil
}

// stopped is the error of a call that ends without being the API's fault.
func stopped(ctx context.Context, op string, err error) error {
	var sink *sinkError
	var open *UnavailableError
	switch {
	case errors.As(err, &sink):
		return sink.err
	case errors.As(err, &open):
		return open
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	return fmt.Errorf("%s: %w", op, err)
}

// prepare finds the host and the token that one attempt needs.
func (c *Client) prepare(ctx context.Context, k *call) (base, token string, err error) {
	base = c.base.Scheme + "://" + c.base.Host
	if k.service != "" {
		if base, err = c.resolve(ctx, k.service); err != nil {
			return "", "", err
		}
	}
	if !k.open {
		token, err = c.login.ready(ctx, c)
	}
	return base, token, err
}

// attempt sends k once and reads the answer. It holds a slot until the answer
// has arrived.
func (c *Client) attempt(ctx context.Context, k *call, base, token string) error {
	if err := c.limiter.acquire(ctx); err != nil {
		return err
	}
	release := sync.OnceFunc(c.limiter.release)
	defer release()
	sent, err := c.circuit.sending()
	if err != nil {
		return err
	}
	caller := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := c.request(ctx, k, base, token)
	if err != nil {
		return err
	}
	c.seen.requests.Add(1)
	if k.search {
		c.seen.searches.Add(1)
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		c.domains.distrust(k.service)
		return c.failed(caller, k, sent, unanswered(k.op, err))
	}
	arrived := sync.OnceFunc(func() {
		resp.Body.Close()
		release()
	})
	defer arrived()
	date := c.note(resp)
	if !k.answeredBy(resp.StatusCode) {
		return c.failed(caller, k, sent, k.failure(resp, c.cfg.Now(), c.secrets(token)))
	}
	arriving := prefetch(ctx, resp.Body, arrived)
	defer arriving.wait()
	defer cancel(nil)
	body := &meter{r: arriving, max: cmp.Or(k.limit, c.cfg.BodyLimit), ctx: ctx, cancel: cancel, idle: c.cfg.Timeouts.Idle}
	s := newStream(body)
	defer s.close()
	if err := k.read(&answer{
		status: resp.StatusCode, date: date, revision: revisionOf(resp.Header), head: resp.Header, length: resp.ContentLength, body: s,
	}); err != nil {
		return c.failed(caller, k, sent, unreadable(k.op, resp, err))
	}
	c.limiter.answered()
	if !k.files {
		c.circuit.answered()
	}
	return nil
}

// failed tells the circuit of a failed attempt, before its slot is another's, and
// returns its error.
func (c *Client) failed(ctx context.Context, k *call, sent sending, err error) error {
	if api, ok := err.(*APIError); ok && !k.files && ctx.Err() == nil {
		c.circuit.fault(sent, api)
	}
	return err
}

// answeredBy tells whether an answer of that status is one to read. A 304 is
// none to who holds nothing that could be unchanged.
func (k *call) answeredBy(status int) bool {
	switch status {
	case http.StatusOK, http.StatusNoContent:
		return true
	case http.StatusNotModified:
		return k.revision != ""
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return k.link != ""
	}
	return false
}

func (c *Client) request(ctx context.Context, k *call, base, token string) (*http.Request, error) {
	address := base + k.path
	if k.link != "" {
		address = k.link
	}
	if len(k.query) > 0 {
		// %20 is the one encoding of a space that servers and signatures agree on.
		address += "?" + strings.ReplaceAll(k.query.Encode(), "+", "%20")
	}
	method := http.MethodGet
	if k.method != "" {
		method = k.method
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(k.body))
	if err != nil {
		return nil, errors.New("the request's address cannot be built")
	}
	req.Header.Set("Accept", "application/json")
	if k.link != "" {
		req.Header.Set("Accept", "*/*")
		req.Header.Set("Accept-Encoding", "identity") // else a body is unpacked unasked, and its length forgotten
	}
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	if k.contentType != "" {
		req.Header.Set("Content-Type", k.contentType)
	}
	if k.revision != "" {
		req.Header.Set("If-Match", k.revision) // not If-None-Match: so the Users and Skills APIs document it
	}
	if !k.open {
		req.Header.Set("Authorization", c.login.header(req, token))
	}
	return req, nil
}

// note takes the Date header.
func (c *Client) note(resp *http.Response) time.Time {
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	c.seen.skew.Store(int64(date.Sub(c.cfg.Now())))
	c.seen.dated.Store(true)
	return date.UTC()
}

func (c *Client) secrets(token string) []string {
	return append(c.login.secrets(), token)
}
