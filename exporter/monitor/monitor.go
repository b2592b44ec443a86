// Package monitor shows operators how an account's archiving is: Prometheus
// metrics, health for those who restart services, and a status page for people.
// All of it is drawn from one exporter.Overview, which holds nothing that people
// wrote.
package monitor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"lpexport/exporter"
	"lpexport/exporter/monitor/page"
)

// Settings of what is shown. Overview, Alive and Ready are needed; they may be
// called by several goroutines at once, Overview by one at a time.
type Settings struct {
	Overview     func(context.Context) (exporter.Overview, error)
	Alive        func() error        // nil: the loop of serve turns
	Ready        func() error        // nil: it works
	Commands     func(string) string // completes a command that is shown, so that it can be pasted; nil: as it is
	Behind       time.Duration       // the lag of capture that is called wrong; 0: an hour
	User         string              // with PasswordHash
	PasswordHash string              // bcrypt; "": nobody is asked
	Hosts        []string            // names in lower case, besides loopback ones, that it answers to where nobody is asked
	Log          *slog.Logger        // nil: nothing is logged
	Now          func() time.Time    // nil: time.Now
}

// New returns what answers on the address of serve:
//
//	/         the status page
//	/metrics  Prometheus' text format
//	/healthz  200 while Alive; asks for no password, and answers to any name
//	/readyz   200 while Ready; the same
func New(s Settings) (http.Handler, error) {
	if s.Overview == nil || s.Alive == nil || s.Ready == nil {
		return nil, errors.New("monitor needs Overview, Alive and Ready")
	}
	if s.Commands == nil {
		s.Commands = func(command string) string { return command }
	}
	if s.Behind == 0 {
		s.Behind = time.Hour
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	door, err := newDoor(s.User, s.PasswordHash, s.Now)
	if err != nil {
		return nil, err
	}
	return &monitor{
		Settings: s, door: door, latest: newLatest(s.Overview, s.Now),
		page: page.Settings{Commands: s.Commands, Behind: s.Behind},
	}, nil
}

type monitor struct {
	Settings
	door    *door // nil: open
	latest  *latest
	page    page.Settings
	failing atomic.Bool  // the state cannot be read: logged once
	guessed atomic.Int64 // when it was logged that passwords are guessed
}

// ServeHTTP answers GET and HEAD of four paths, and nothing else.
func (m *monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	answer, open := m.route(r.URL.Path)
	switch {
	case answer == nil:
		refuse(w, http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed)
	case !open && !m.admits(w, r):
	default:
		answer(w, r)
	}
}

// admits reports whether a request is answered, and refuses it otherwise.
func (m *monitor) admits(w http.ResponseWriter, r *http.Request) bool {
	if m.door == nil {
		if local(r, m.Hosts) {
			return true
		}
		plain(w, http.StatusMisdirectedRequest, "Ask for localhost, or add this name to serve.hosts")
		return false
	}
	in, wait := m.door.admits(r)
	switch {
	case in:
	case wait > 0:
		w.Header().Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
		plain(w, http.StatusTooManyRequests, "Too many wrong passwords: try again later")
		m.tellGuesses()
	default:
		w.Header().Set("WWW-Authenticate", `Basic realm="lpexport", charset="UTF-8"`)
		refuse(w, http.StatusUnauthorized)
	}
	return in
}

// tellGuesses logs once an hour that passwords are being guessed.
func (m *monitor) tellGuesses() {
	now := m.Now().UnixNano()
	if last := m.guessed.Load(); (last == 0 || now-last >= int64(time.Hour)) && m.guessed.CompareAndSwap(last, now) {
		m.Log.Warn("wrong passwords are tried at the status page: further ones have to wait")
	}
}

// Proves reports whether an answer of New's handler shows that its client belongs here.
func Proves(r *http.Request, status int) bool {
	return status == http.StatusOK && (r.URL.Path == "/" || r.URL.Path == "/metrics")
}

// route finds what answers a path, and whether it does so for anybody.
func (m *monitor) route(path string) (answer http.HandlerFunc, open bool) {
	switch path {
	case "/":
		return m.status, false
	case "/metrics":
		return m.metrics, false
	case "/healthz":
		return health(m.Alive), true
	case "/readyz":
		return health(m.Ready), true
	}
	return nil, false
}

// guard lets a browser do nothing with an answer but show it.
func guard(h http.Header) {
	h.Set("Content-Security-Policy", page.Policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

func refuse(w http.ResponseWriter, status int) { plain(w, status, http.StatusText(status)) }

func plain(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(line)+1))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, line+"\n") // the caller may be gone
}

// health tells anybody whether, and in one line why not.
func health(probe func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if err := probe(); err != nil {
			const limit = 200
			plain(w, http.StatusServiceUnavailable, page.Line(err.Error(), limit))
			return
		}
		plain(w, http.StatusOK, "ok")
	}
}

func (m *monitor) status(w http.ResponseWriter, r *http.Request) {
	var drawn bytes.Buffer
	code := http.StatusOK
	o, err := m.overview(r.Context())
	if err != nil {
		code, err = http.StatusServiceUnavailable, m.page.WriteFault(&drawn, m.Now())
	} else {
		err = m.page.Write(&drawn, o)
	}
	if err != nil {
		m.Log.Error("draw the status page", "error", err)
		refuse(w, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(drawn.Len()))
	w.WriteHeader(code)
	_, _ = w.Write(drawn.Bytes()) // the caller may be gone
}

// overview reads the state, and logs when that begins or ceases to fail.
func (m *monitor) overview(ctx context.Context) (*exporter.Overview, error) {
	o, err := m.latest.get(ctx)
	switch {
	case err == nil && m.failing.CompareAndSwap(true, false):
		m.Log.Info("the state can be read again for operators")
	case err != nil && ctx.Err() == nil && m.failing.CompareAndSwap(false, true):
		m.Log.Error("read the state for operators", "error", err)
	}
	return o, err
}
