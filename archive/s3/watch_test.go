package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// far is a store for watch.
type far func(*http.Request) (*http.Response, error)

func (f far) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// readFunc is a body.
type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

const limit = time.Minute

// ask sends a request of a kilobyte through a watch, and returns the answer's
// body.
func ask(ctx context.Context, x *exchange, f far) (io.ReadCloser, error) {
	ctx = context.WithValue(ctx, exchangeKey{}, x)
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "https://store.test/", bytes.NewReader(make([]byte, 1000)))
	if err != nil {
		return nil, err
	}
	answer, err := (&watch{next: f, limit: limit}).RoundTrip(r)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

func answering(body io.Reader) *http.Response {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body)}
}

// untilDone waits as a dead line does.
func untilDone(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestWatchEndsWhatDoesNotMove(t *testing.T) {
	for name, f := range map[string]far{
		"connecting": func(r *http.Request) (*http.Response, error) { return nil, untilDone(r.Context()) },
		"sending": func(r *http.Request) (*http.Response, error) {
			time.Sleep(limit / 2)
			_, _ = r.Body.Read(make([]byte, 10))
			return nil, untilDone(r.Context())
		},
		"reading": func(r *http.Request) (*http.Response, error) {
			return answering(io.MultiReader(strings.NewReader("begin"), readFunc(func([]byte) (int, error) {
				return 0, untilDone(r.Context())
			}))), nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			body, err := ask(t.Context(), &exchange{answer: 1000}, f)
			if err == nil {
				_, err = io.ReadAll(body)
				body.Close()
			}
			if took := time.Since(begin); !errors.Is(err, errHangs) || took < limit || took > 2*limit {
				t.Errorf("%s: %v after %s", name, err, took)
			}
		})
	}
}

func TestWatchLetsTheSlowGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := limit - time.Second
		body, err := ask(t.Context(), &exchange{answer: 1000}, func(r *http.Request) (*http.Response, error) {
			for range 10 {
				time.Sleep(slow)
				if _, err := r.Body.Read(make([]byte, 10)); err != nil {
					return nil, err
				}
			}
			// The answer comes first, and the rest of the body is read after it.
			go func() {
				time.Sleep(slow)
				_, _ = r.Body.Read(make([]byte, 10))
			}()
			return answering(readFunc(func(p []byte) (int, error) {
				time.Sleep(slow)
				return copy(p, "x"), r.Context().Err()
			})), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		for range 10 {
			time.Sleep(10 * limit) // the reader is at something else
			if _, err := body.Read(make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestWatchTellsACancelFromAHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(limit/2, cancel)
		_, err := ask(ctx, &exchange{answer: 1000}, func(r *http.Request) (*http.Response, error) {
			return nil, untilDone(r.Context())
		})
		if !errors.Is(err, context.Canceled) || errors.Is(err, errHangs) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWatchBoundsAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, err := ask(t.Context(), &exchange{answer: 1000}, func(*http.Request) (*http.Response, error) {
			return answering(readFunc(func(p []byte) (int, error) { return len(p), nil })), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		if _, err := io.Copy(io.Discard, body); !errors.Is(err, errLong) {
			t.Errorf("got %v", err)
		}
	})
}
