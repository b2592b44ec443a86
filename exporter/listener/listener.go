// Package listener opens the addresses that lpexport listens on, and serves HTTP
// there for months: over TLS with a certificate that is renewed while it runs, or
// plain on loopback. Slow and hostile clients cost a bounded part of memory,
// connections and time.
package listener

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Settings say where to listen and what answers.
type Settings struct {
	Address          string // host:port
	Certificate, Key string // PEM files, read again when they change; both "": plain HTTP, for loopback addresses only
	Handler          http.Handler
	MaxConnections   int // 0: 512

	// Proves tells whether an answer shows that its client belongs here, as by a
	// signature or a password. Connections without such an answer make room for others
	// when there are too many. nil: any status below 300.
	Proves func(r *http.Request, status int) bool

	HeaderTimeout time.Duration // for a TLS handshake, and for a request's head; 0: 5 s
	ReadTimeout   time.Duration // for a whole request, head included; 0: 10 s
	WriteTimeout  time.Duration // from a request's head to the end of its answer; 0: 30 s
	IdleTimeout   time.Duration // between two requests; 0: 6 min

	Log *slog.Logger     // nil: silent
	Now func() time.Time // nil: time.Now
}

// The default for idle connections is longer than that of any common HTTP client,
// so that it is the client who ends them: one that the server ends may be just what
// a client sends its next request on, and that one fails.
const (
	defaultConnections = 512
	defaultHeader      = 5 * time.Second
	defaultRead        = 10 * time.Second
	defaultWrite       = 30 * time.Second
	defaultIdle        = 6 * time.Minute
)

// maxHeader is for the head of a request. LivePerson sends less than 1 KiB.
const maxHeader = 16 << 10

func (s *Settings) fill() {
	s.MaxConnections = cmp.Or(s.MaxConnections, defaultConnections)
	s.HeaderTimeout = cmp.Or(s.HeaderTimeout, defaultHeader)
	s.ReadTimeout = cmp.Or(s.ReadTimeout, defaultRead)
	s.WriteTimeout = cmp.Or(s.WriteTimeout, defaultWrite)
	s.IdleTimeout = cmp.Or(s.IdleTimeout, defaultIdle)
	if s.Proves == nil {
		s.Proves = func(_ *http.Request, status int) bool { return status < http.StatusMultipleChoices }
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
}

// Listener is an open address. Connections wait in the system's queue until
// Serve is called.
type Listener struct {
	tcp    net.Listener
	pair   *pair // nil: plain HTTP
	max    int
	log    *slog.Logger
	now    func() time.Time
	server *http.Server
	done   chan struct{} // closed when Shutdown has ended
	ended  func()        // closes done
}

// Listen opens the address. ctx is for the look-up of a host name only. What a
// person can put right is an *Error.
func Listen(ctx context.Context, set Settings) (*Listener, error) {
	set.fill()
	if set.Handler == nil {
		return nil, errors.New("listener without a handler")
	}
	p, err := set.pair()
	if err != nil {
		return nil, err
	}
	tcp, err := open(ctx, set.Address, p == nil)
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	return &Listener{
		tcp: tcp, pair: p, max: set.MaxConnections, log: set.Log, now: set.Now, server: set.newServer(p),
		done: done, ended: sync.OnceFunc(func() { close(done) }),
	}, nil
}

// pair loads the certificate; nil: there is none to be used.
func (s *Settings) pair() (*pair, error) {
	if s.Certificate == "" && s.Key == "" {
		return nil, nil
	}
	p, err := newPair(s.Certificate, s.Key, s.Log, s.Now)
	if err != nil {
		return nil, certificateError(s.Address, s.Certificate, s.Key, err)
	}
	return p, nil
}

func (s *Settings) newServer(p *pair) *http.Server {
	server := &http.Server{
		Handler:                      counted(guarded(s.Handler, s.Log), s.Proves),
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            s.HeaderTimeout,
		ReadTimeout:                  s.ReadTimeout,
		WriteTimeout:                 s.WriteTimeout,
		IdleTimeout:                  s.IdleTimeout,
		MaxHeaderBytes:               maxHeader,
		ConnContext:                  remember,
		ConnState:                    rested,
		// What is left for net/http to log is what clients do wrong.
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
		// What a connection may send before it is read; its default is 1 MiB.
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: mostStreams, MaxReceiveBufferPerConnection: 64 << 10, MaxReceiveBufferPerStream: 64 << 10},
	}
	if p != nil {
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: p.get}
	}
	return server
}

// Addr is where it listens, with the port that was chosen for port 0.
func (l *Listener) Addr() net.Addr { return l.tcp.Addr() }

// CertificateExpiry is when the certificate in use ends; zero without TLS.
func (l *Listener) CertificateExpiry() time.Time {
	if l.pair == nil {
		return time.Time{}
	}
	return l.pair.inUse().Leaf.NotAfter
}

// Reload looks at the certificate's files now. They are looked at by themselves too.
func (l *Listener) Reload() {
	if l.pair != nil {
		l.pair.again()
	}
}

// Serve answers until Shutdown has ended, and then returns nil.
func (l *Listener) Serve() error {
	limited := newSeats(&door{Listener: l.tcp, log: l.log, now: l.now}, l.max, l.now)
	var err error
	if l.pair == nil {
		err = l.server.Serve(limited)
	} else {
		err = l.server.ServeTLS(limited, "", "") // its configuration has the certificate
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	<-l.done
	return nil
}

// Shutdown takes no more connections, and waits for the requests in flight until
// ctx ends; then it cuts them, and returns an error that says so.
func (l *Listener) Shutdown(ctx context.Context) error {
	defer l.ended()
	err := l.server.Shutdown(ctx)
	_ = l.tcp.Close() // the server does not know it before Serve
	switch {
	case err == nil:
		return nil
	case ctx.Err() == nil:
		return fmt.Errorf("close %s: %w", l.Addr(), err)
	}
	_ = l.server.Close()
	return fmt.Errorf("requests in flight on %s were cut: %w", l.Addr(), err)
}
