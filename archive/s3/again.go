package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"syscall"
	"time"

	"lpexport/archive/internal/again"
)

// patient makes a request again, after a pause, when the store was too busy for
// it or the connection ended under it. It is the same request each time, so that
// it cannot be made longer than its signature lasts.
type patient struct {
	next  http.RoundTripper
	pause func(context.Context, time.Duration) error
	now   func() time.Time
}

// maxRepeating is less than what stores grant between a signature and its
// arrival, which is a quarter of an hour.
const maxRepeating = 5 * time.Minute

// RoundTrip makes one request, as often as it needs. Of an answer whose length
// is bounded it returns all, or an error.
func (p *patient) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r.Context())
	body, err := x.bodies(r)
	if err != nil {
		return nil, err
	}
	begun := p.now()
	for n := 1; ; n++ {
		answer, err := p.try(r, x, body)
		wait := max(again.Wait(n), waiting(x.retryAfter, p.now()))
		passing := err != nil && lost(err) && !x.once && !x.sending.faulty() || err == nil && busy(answer.StatusCode)
		if !passing || n == again.Tries || wait > again.Longest || p.now().Sub(begun) > maxRepeating {
			x.lost = err != nil && lost(err)
			return answer, err
		}
		if answer != nil {
			answer.Body.Close()
		}
		if err := p.pause(r.Context(), wait); err != nil {
			return nil, err
		}
	}
}

// try makes a request once.
func (p *patient) try(r *http.Request, x *exchange, body func() io.ReadCloser) (*http.Response, error) {
	if body != nil {
		r = r.WithContext(r.Context()) // a copy
		r.Body = body()
		r.GetBody = func() (io.ReadCloser, error) { return body(), nil }
	}
	x.retryAfter = ""
	answer, err := p.next.RoundTrip(r)
	if err != nil || x.unbounded() {
		return answer, err
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(all))
	return answer, nil
}

// bodies returns what gives the request's body anew for each try; nil: it has none.
func (x *exchange) bodies(r *http.Request) (func() io.ReadCloser, error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil, nil
	}
	if x.sending != nil {
		return x.sending.open, nil
	}
	defer r.Body.Close()
	all, err := io.ReadAll(r.Body) // a list of parts
	return func() io.ReadCloser { return io.NopCloser(bytes.NewReader(all)) }, err
}

// busy reports whether a store that answers so may do better soon.
func busy(status int) bool {
	switch status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		http.StatusTooManyRequests, http.StatusRequestTimeout:
		return true
	}
	return false
}

// lostError is an error of a request whose connection ended. minio hands on no
// more of it than its text.
type lostError struct{ error }

func (e *lostError) Unwrap() error { return e.error }

// lost reports whether a connection ended that had been made: the request may
// have been done all the same.
func lost(err error) bool {
	if isType[*lostError](err) {
		return true
	}
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
