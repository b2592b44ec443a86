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
	ctx, release := stoppable(context.Background())
	program := &program{
		stdout:   os.Stdout,
		stderr:   os.Stderr,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
		now:      time.Now,
	}
	code := program.execute(ctx, os.Args[1:])
	release()
	os.Exit(code)
}

// stoppable gives a context that the first signal cancels, with stopped as its
// cause. The second signal ends the process: everything durable is a
// transaction or a rename, so nothing is lost.
func stoppable(parent context.Context) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		cancel(stopped{<-signals})
		<-signals
		os.Exit(exitStopped)
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
