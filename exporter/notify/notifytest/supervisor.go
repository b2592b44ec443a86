// Package notifytest plays a service manager's part for tests of services: it
// starts a program as systemd starts one of Type=notify, and keeps what the
// program says.
package notifytest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Message is one datagram of a program: its lines, such as READY=1.
type Message []string

// Has says that one of its lines is exactly line.
func (m Message) Has(line string) bool { return slices.Contains(m, line) }

// Status is the text after STATUS=, where there is one.
func (m Message) Status() (text string, ok bool) {
	for _, line := range m {
		if text, ok = strings.CutPrefix(line, "STATUS="); ok {
			return text, true
		}
	}
	return "", false
}

// Supervisor watches one program, from Start until it has ended.
type Supervisor struct {
	process *os.Process
	socket  *net.UnixConn
	name    string // of the socket, in a folder of its own
	ended   chan struct{}
	err     error // of the program; set when ended is closed, and messages is then whole

	mu       sync.Mutex
	messages []Message
	news     chan struct{} // closed, and replaced, with each message
}

// Start starts cmd, which has not been started yet, with NOTIFY_SOCKET and, where
// watchdog is not 0, WATCHDOG_USEC and WATCHDOG_PID. Nothing is killed for being
// silent: a test counts WATCHDOG=1 instead. It needs a POSIX shell. Whoever has
// started a program must Wait for it.
func Start(cmd *exec.Cmd, watchdog time.Duration) (*Supervisor, error) {
	// Not a test's own folder: the name of a socket has at most 108 bytes.
	dir, err := os.MkdirTemp("", "notify")
	if err != nil {
		return nil, fmt.Errorf("supervise: %w", err)
	}
	s := &Supervisor{name: filepath.Join(dir, "socket"), ended: make(chan struct{}), news: make(chan struct{})}
	if err := s.start(cmd, watchdog); err != nil {
		return nil, errors.Join(fmt.Errorf("supervise: %w", err), os.RemoveAll(dir))
	}
	return s, nil
}

func (s *Supervisor) start(cmd *exec.Cmd, watchdog time.Duration) (err error) {
	if s.socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: s.name}); err != nil {
		return err
	}
	if err := prepare(cmd, s.name, watchdog); err != nil {
		return errors.Join(err, s.socket.Close())
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, s.socket.Close())
	}
	s.process = cmd.Process
	heard := make(chan struct{})
	go s.listen(heard)
	go s.wait(cmd, heard)
	return nil
}

// prepare puts into the environment of cmd what systemd puts there. A shell does
// it for the process id, which is known only once there is a process, and then
// becomes the program.
func prepare(cmd *exec.Cmd, socket string, watchdog time.Duration) error {
	if cmd.Err != nil {
		return cmd.Err
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		return err
	}
	script := `unset WATCHDOG_USEC WATCHDOG_PID; exec "$@"`
	if watchdog > 0 {
		script = "export WATCHDOG_USEC=" + strconv.FormatInt(watchdog.Microseconds(), 10) + ` WATCHDOG_PID=$$; exec "$@"`
	}
	cmd.Env = append(cmd.Environ(), "NOTIFY_SOCKET="+socket)
	cmd.Args = append([]string{"sh", "-c", script, "sh", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = shell
	return nil
}

// listen keeps each message until an empty one comes, which wait sends after the
// program's last: datagrams of one socket keep their order.
func (s *Supervisor) listen(heard chan<- struct{}) {
	defer close(heard)
	buffer := make([]byte, 64<<10)
	for {
		n, err := s.socket.Read(buffer)
		if err != nil || n == 0 {
			return
		}
		s.mu.Lock()
		s.messages = append(s.messages, strings.Split(strings.TrimSuffix(string(buffer[:n]), "\n"), "\n"))
		close(s.news)
		s.news = make(chan struct{})
		s.mu.Unlock()
	}
}

// wait clears up after the program, and makes the end known.
func (s *Supervisor) wait(cmd *exec.Cmd, heard <-chan struct{}) {
	defer close(s.ended)
	s.err = cmd.Wait()
	if err := s.hangUp(); err != nil {
		s.err = errors.Join(s.err, err, s.socket.Close())
	}
	<-heard
	_ = s.socket.Close() // it may be closed already
	if err := os.RemoveAll(filepath.Dir(s.name)); err != nil {
		s.err = errors.Join(s.err, err)
	}
}

// hangUp sends listen an empty message.
func (s *Supervisor) hangUp() error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: s.name})
	if err != nil {
		return fmt.Errorf("supervise: %w", err)
	}
	defer conn.Close()
	if _, err := conn.Write(nil); err != nil {
		return fmt.Errorf("supervise: %w", err)
	}
	return nil
}

// Messages are those that have arrived, in that order. All have once Wait has
// returned.
func (s *Supervisor) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Ready waits for READY=1, as Await does.
func (s *Supervisor) Ready(ctx context.Context) error { return s.Await(ctx, "READY=1", 1) }

// Await waits until times messages with that line have arrived since the start.
// The error says that ctx or the program has ended before.
func (s *Supervisor) Await(ctx context.Context, line string, times int) error {
	for {
		// Asked before the count, which is then the last one.
		over := s.over()
		count, news := s.count(line)
		switch {
		case count >= times:
			return nil
		case over:
			return fmt.Errorf("the program has ended after %d of %d %s: %w", count, times, line, s.end())
		}
		select {
		case <-news:
		case <-s.ended:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d %s: %w", count, times, line, context.Cause(ctx))
		}
	}
}

// count gives the messages with that line, and what closes with the next message.
func (s *Supervisor) count(line string) (count int, news <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if m.Has(line) {
			count++
		}
	}
	return count, s.news
}

// over says that the program has ended.
func (s *Supervisor) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// end is why the program has ended, never nil.
func (s *Supervisor) end() error {
	if s.err == nil {
		return errors.New("exit status 0")
	}
	return s.err
}

// Signal sends the program a signal.
func (s *Supervisor) Signal(signal os.Signal) error { return s.process.Signal(signal) }

// Wait waits until the program has ended, and returns what exec.Cmd.Wait says. A
// program that outlives ctx is killed.
func (s *Supervisor) Wait(ctx context.Context) error {
	select {
	case <-s.ended:
		return s.err
	case <-ctx.Done():
		err := s.process.Kill()
		<-s.ended
		return errors.Join(context.Cause(ctx), err, s.err)
	}
}
