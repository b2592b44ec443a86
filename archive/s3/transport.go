package s3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// newTransport returns what speaks HTTP. How long it may take is up to watch.
func newTransport(ca []byte) (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != nil {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(ca) {
			return nil, errors.New("ca: no certificate in PEM")
		}
	}
	return &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		DialContext:     (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig: config,
		// Stores close sooner than that what is not used.
		IdleConnTimeout:        time.Minute,
		MaxIdleConnsPerHost:    4,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // the bytes as they lie there
	}, nil
}

var (
	errHangs = errors.New("the store stopped answering")
	errLong  = errors.New("the store's answer is longer than any should be")
)

// maxAnswer is the longest answer that is read, but of an object's content: a
// page of a listing has at most 1000 keys of at most 1 KiB, escaped.
const maxAnswer = 8 << 20

// exchange is about one request; the transport finds it in its context.
type exchange struct {
	answer     int64    // read at most so many bytes of the answer; set before
	sending    *sending // the body; nil: what the request has
	once       bool     // when the connection ends under it, it is not known whether it may be made again
	retryAfter string   // as the last answer's header says, or ""; set by the transport
	lost       bool     // the connection ended; set by the transport
}

type exchangeKey struct{}

// exchangeOf finds the exchange of a request, which has one unless a test made it.
func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{answer: maxAnswer}
}

// unbounded reports whether the answer may be as long as it is.
func (x *exchange) unbounded() bool { return x.answer == math.MaxInt64 }

// watch gives up a request in which nothing has moved for limit, be it in
// connecting, sending, waiting or reading; a reader of an answer may take its
// time. It bounds answers.
type watch struct {
	next  http.RoundTripper
	limit time.Duration
	tls   atomic.Uint32 // the version of the last answer, 0 without TLS
}

// RoundTrip makes one request.
func (w *watch) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r.Context())
	ctx, cancel := context.WithCancelCause(r.Context())
	sending := &pulse{limit: w.limit}
	sending.timer = time.AfterFunc(w.limit, func() { cancel(errHangs) })
	r = r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &sent{r.Body, sending}
	}
	answer, err := w.next.RoundTrip(r)
	sending.end()
	if err != nil {
		err = hanging(ctx, err)
		cancel(nil)
		return nil, err
	}
	w.note(answer, x)
	reading := time.AfterFunc(math.MaxInt64, func() { cancel(errHangs) })
	answer.Body = &received{answer.Body, ctx, cancel, reading, w.limit, x.answer}
	return answer, nil
}

// note keeps what minio does not hand on, and drops cookies, which it would keep.
func (w *watch) note(answer *http.Response, x *exchange) {
	answer.Header.Del("Set-Cookie")
	x.retryAfter = answer.Header.Get("Retry-After")
	version := uint16(0)
	if answer.TLS != nil {
		version = answer.TLS.Version
	}
	w.tls.Store(uint32(version))
}

// hanging returns errHangs in place of the error it led to.
func hanging(ctx context.Context, err error) error {
	if context.Cause(ctx) == errHangs {
		return errHangs
	}
	return err
}

// pulse is a timer that starts again at each beat until it is ended. The last
// beats can come after the end: a store may answer before it has read all.
type pulse struct {
	mu    sync.Mutex
	timer *time.Timer
	limit time.Duration
	ended bool
}

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.timer.Reset(p.limit)
	}
}

func (p *pulse) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.timer.Stop()
}

// sent is the body of a request.
type sent struct {
	io.ReadCloser
	pulse *pulse
}

func (s *sent) Read(p []byte) (int, error) {
	s.pulse.beat()
	return s.ReadCloser.Read(p)
}

// received is the body of an answer.
type received struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer // runs while a Read does
	limit  time.Duration
	left   int64
}

func (r *received) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errLong
	}
	r.timer.Reset(r.limit)
	n, err := r.ReadCloser.Read(p)
	r.timer.Stop()
	r.left -= int64(n)
	if err != nil && err != io.EOF {
		err = hanging(r.ctx, err)
	}
	return n, err
}

func (r *received) Close() error {
	r.timer.Stop()
	err := r.ReadCloser.Close()
	r.cancel(nil)
	return err
}
