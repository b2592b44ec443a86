package liveperson

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// What can be wrong with an answer. Each is found under an APIError.
var (
	ErrPartialResult = errors.New("some index shards did not answer: the page is incomplete")
	ErrCutBody       = errors.New("the answer ended before its end")
	ErrNotJSON       = errors.New("the answer is not valid JSON")
	ErrUnexpected    = errors.New("the answer is JSON of another shape than documented")
	ErrNoContent     = errors.New("the answer is empty where there should be something")
	ErrNoRecord      = errors.New("the answer does not hold the conversation asked for")
	ErrTooLarge      = errors.New("the answer holds more than the limit")
	ErrIdle          = errors.New("the answer stopped coming")
	ErrRedirect      = errors.New("redirects are not followed")
	ErrNotAFile      = errors.New("the answer is a page or a document where there should be a file")
	ErrCompressed    = errors.New("the file comes compressed, which was not asked for")
)

// APIError is a request that was not answered as documented. It holds nothing
// of a record and no secret.
type APIError struct {
	Op         string        // what was asked for
	Status     int           // 0: no answer
	RequestID  string        // what the server calls the request, "" when it did not say
	RetryAfter time.Duration // asked for by the server, at most maxRetryAfter
	Timeout    bool          // ours, or 408 and 504: asking for less may help
	Detail     string        // of an error's body, at most 200 bytes, tokens removed
	Err        error         // nil when the status says it all
}

func (e *APIError) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Status != 0 && e.Status != http.StatusOK {
		fmt.Fprintf(&b, ": status %d", e.Status)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, ": %q", e.Detail)
	}
	return b.String()
}

func (e *APIError) Unwrap() error { return e.Err }

// permanent tells faults that the same request meets again.
func permanent(err error) bool {
	_, elsewhere := errors.AsType[*ServiceHostError](err)
	return elsewhere || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrCompressed) || errors.Is(err, errNoService)
}

// Temporary tells whether the same request may well succeed later.
func (e *APIError) Temporary() bool { return len(patient.waits(e)) > 0 }

// AuthError is a login or a privilege that LivePerson refused. Repeating does
// not help; a person has to look at what Hint names.
type AuthError struct {
	Op     string
	Status int // 0: it was not worth asking
	Hint   string
	Err    error // the APIError, nil when nothing was asked

	kind error // ErrFilesRefused, or nil
}

// Error returns the fact with its remedy: wherever it is told, a person has to see both.
func (e *AuthError) Error() string { return e.Fact() + ": " + e.Hint }

// Fact is what happened, without the remedy.
func (e *AuthError) Fact() string {
	if e.Status == 0 {
		return e.Op + ": not possible"
	}
	return fmt.Sprintf("%s: refused with status %d", e.Op, e.Status)
}

func (e *AuthError) Unwrap() error { return e.Err }

func (e *AuthError) Is(target error) bool { return e.kind != nil && e.kind == target }

// sinkError is an error of whoever takes the records: no reason to ask again.
type sinkError struct{ err error }

func (e *sinkError) Error() string { return e.err.Error() }
func (e *sinkError) Unwrap() error { return e.err }

const (
	maxRetryAfter = mostRest
	maxErrorBody  = 2 << 10
	maxDetail     = 200
)

// statusError describes an answer that is an error, from its head and a
// bounded part of its body. secrets are removed wherever they are echoed.
func statusError(op string, resp *http.Response, now time.Time, secrets []string) *APIError {
	e := &APIError{
		Op:         op,
		Status:     resp.StatusCode,
		RequestID:  requestID(resp.Header),
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), now),
		Timeout:    resp.StatusCode == http.StatusGatewayTimeout || resp.StatusCode == http.StatusRequestTimeout,
	}
	if resp.StatusCode/100 == 3 {
		e.Err = ErrRedirect
		return e
	}
	if resp.StatusCode/100 == 2 {
		e.Err = ErrUnexpected // a body under a 2xx may hold messages: not quoted
		return e
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	e.Detail = sanitise(string(body), secrets)
	return e
}

// unanswered describes a request that got no answer. The address, which
// url.Error repeats, is left out.
func unanswered(op string, err error) *APIError {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var n net.Error
	return &APIError{Op: op, Timeout: errors.As(err, &n) && n.Timeout(), Err: err}
}

// unreadable describes an answer that could not be used.
func unreadable(op string, resp *http.Response, err error) error {
	var sink *sinkError
	if errors.As(err, &sink) {
		return err
	}
	return &APIError{
		Op: op, Status: resp.StatusCode, RequestID: requestID(resp.Header),
		Timeout: errors.Is(err, ErrIdle), Err: err,
	}
}

// retryAfter reads both forms of RFC 9110, 10.2.3, bounded to what is sane.
func retryAfter(v string, now time.Time) time.Duration {
	var d time.Duration
	if at, err := http.ParseTime(v); err == nil {
		d = at.Sub(now)
	} else if s, ok := Value(strings.TrimSpace(v)).Int(); ok {
		d = time.Duration(min(s, int64(maxRetryAfter/time.Second))) * time.Second
	}
	return max(0, min(d, maxRetryAfter))
}

var plainID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

func requestID(h http.Header) string {
	for _, name := range []string{"X-Request-Id", "X-Lp-Request-Id", "Request-Id", "X-Correlation-Id"} {
		if id := h.Get(name); plainID.MatchString(id) {
			return id
		}
	}
	return ""
}

var (
	namedSecret = regexp.MustCompile(`(?i)((?:secret|token|password|signature|nonce|authorization)\w*["']?\s*[:=]\s*["']?)[^"'\s&,}]+`)
	bearer      = regexp.MustCompile(`(?i)\b((?:bearer|basic)\s+)[^"'\s&,}]+`)
	longWord    = regexp.MustCompile(`[A-Za-z0-9+/_=.-]{24,}`)
)

// sanitise makes the start of an error's body fit for a log: one line of
// printable text, without anything that looks like a token.
func sanitise(body string, secrets []string) string {
	if len(body) == maxErrorBody { // the last word may be half a token
		body = body[:strings.LastIndexAny(body, " \n\"&,")+1]
	}
	for _, s := range secrets {
		if s != "" {
			body = strings.ReplaceAll(body, s, "[removed]")
		}
	}
	body = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError || (r >= 0x80 && r < 0xa0) {
			return ' '
		}
		return r
	}, body)
	body = longWord.ReplaceAllString(body, "[removed]")
	body = bearer.ReplaceAllString(body, "${1}[removed]")
	body = namedSecret.ReplaceAllString(body, "${1}[removed]")
	body = strings.Join(strings.Fields(body), " ")
	for len(body) > maxDetail {
		_, n := utf8.DecodeLastRuneInString(body)
		body = body[:len(body)-n]
	}
	return body
}
