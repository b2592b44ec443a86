// Command lpexport archives LivePerson conversations into compliance archives.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"

	"lpexport/exporter"
)

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(exporter.MemoryLimit)
	}
	program := &program{
		stdout:   os.Stdout,
		stderr:   os.Stderr,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
		now:      time.Now,
		hangups:  make(chan struct{}, 1),
	}
	ctx, release := stoppable(context.Background(), program.hangUp)
	code := program.execute(ctx, os.Args[1:])
	release()
	os.Exit(code)
}

// stoppable gives a context that the first signal cancels, with stopped as its
// cause. The second signal ends the process: everything durable is a
// transaction or a rename, so nothing is lost. A hangup is a signal like the others
// unless hangUp takes it, and never cuts: a terminal that is closed may send several.
func stoppable(parent context.Context, hangUp func() (taken bool)) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup wants it
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		for stopping := false; ; {
			switch s := <-signals; {
			case s == syscall.SIGHUP && (hangUp() || stopping):
			case stopping:
				os.Exit(exitStopped)
			default:
				stopping = true
				cancel(stopped{s})
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// stopped is the cause of a context that a signal has cancelled.
type stopped struct{ signal os.Signal }

func (s stopped) Error() string {
	return fmt.Sprintf("stopped by a signal (%s): nothing is lost", s.signal)
}
