package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"lpexport/archive"
)

// session is one login with SFTP running in it. It is used by one call at a time.
type session struct {
	*sftp.Client
	ssh   *ssh.Client
	host  *hostCheck
	watch watch
}

// newSession connects, logs in and starts SFTP.
func newSession(ctx context.Context, s server) (*session, error) {
	client, host, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	n := &session{ssh: client, host: host}
	n.watch = watch{timeout: s.timeout, end: func() { client.Close() }}
	if err := n.run(ctx, n.start); err != nil {
		client.Close()
		return nil, err
	}
	return n, nil
}

func (s *session) start() error {
	channel, err := s.ssh.NewSession()
	if err != nil {
		return err
	}
	in, err := channel.StdinPipe()
	if err != nil {
		return err
	}
	out, err := channel.StdoutPipe()
	if err != nil {
		return err
	}
	if err := channel.RequestSubsystem("sftp"); err != nil {
		return &noSFTPError{err}
	}
	// Writes out of order are no danger: a file that was not written whole is
	// never gone on with.
	s.Client, err = sftp.NewClientPipe(&meter{out, &s.watch}, in, sftp.UseConcurrentWrites(true))
	if err != nil {
		return &noSFTPError{err}
	}
	return nil
}

// run lets f use the session. It ends the session when ctx is done, and when
// the server answers nothing for too long: f then fails at once.
func (s *session) run(ctx context.Context, f func() error) error {
	s.watch.begin()
	stop := context.AfterFunc(ctx, func() { s.watch.stop(ctx.Err()) })
	err := f()
	if !stop() {
		s.watch.stop(ctx.Err()) // it is on its way: not when the next call has begun
	}
	if cause := s.watch.finish(); cause != nil && err != nil {
		return errors.Join(cause, err)
	}
	return err
}

// close ends the session.
func (s *session) close() error { return s.ssh.Close() }

// alive tells whether the session can still be used.
func (s *session) alive(ctx context.Context) bool {
	err := s.run(ctx, func() error {
		_, err := s.RealPath(".")
		return err
	})
	return err == nil
}

// watch ends a session whose server is silent while something is asked of it.
// What counts are answers of SFTP: a server may well keep the connection alive
// while its disk hangs.
type watch struct {
	timeout time.Duration
	end     func() // of the session; what is under way then fails

	mu    sync.Mutex
	timer *time.Timer // runs while something is asked, else nil
	left  int64       // bytes that may still come, if limited
	limit bool
	cause error // why the session was ended, or nil
}

// begin starts to wait for answers.
func (w *watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(w.timeout, func() { w.stop(&silentError{w.timeout}) })
}

// ended tells whether the session was ended.
func (w *watch) ended() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cause != nil
}

// finish ends the waiting and returns why the session was ended, nil if it was not.
func (w *watch) finish() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.timer = nil
	return w.cause
}

// stop ends the session.
func (w *watch) stop(cause error) {
	w.mu.Lock()
	if w.cause == nil {
		w.cause = cause
	}
	w.mu.Unlock()
	w.end()
}

// arrived notes that n bytes of answers came.
func (w *watch) arrived(n int) {
	w.mu.Lock()
	if w.timer != nil {
		w.timer.Reset(w.timeout)
	}
	w.left -= int64(n)
	flood := w.limit && w.left < 0
	w.mu.Unlock()
	if flood {
		w.stop(errFlood)
	}
}

// allow lets at most n more bytes come until the function it returns is called.
func (w *watch) allow(n int64) (done func()) {
	set := func(limit bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.left, w.limit = n, limit
	}
	set(true)
	return func() { set(false) }
}

var errFlood = errors.New("the server's list of a folder does not end")

// meter tells a watch what comes.
type meter struct {
	in    io.Reader
	watch *watch
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.in.Read(p)
	if n > 0 {
		m.watch.arrived(n)
	}
	return n, err
}

// silentError says that the server hangs.
type silentError struct{ timeout time.Duration }

func (e *silentError) Error() string {
	return fmt.Sprintf("no answer from the server for %s", e.timeout)
}

func (e *silentError) judge() (archive.Class, string) {
	return archive.Retry, "look whether the server, its disk and the network are well; delivery then goes on by itself"
}

// noSFTPError says that the login works, but nothing else.
type noSFTPError struct{ err error }

func (e *noSFTPError) Error() string { return "logged in, but got no SFTP: " + e.err.Error() }
func (e *noSFTPError) Unwrap() error { return e.err }

func (e *noSFTPError) judge() (archive.Class, string) {
	return archive.Retry, "have the server's operator look why this user gets no SFTP; the log of its sshd says it"
}
