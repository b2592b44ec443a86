package notifytest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/exporter/notify"
)

// partVariable holds, in a child of a test, what that child does.
const partVariable = "LPEXPORT_NOTIFY_PART"

// TestMain makes of this test binary the programs that are supervised.
func TestMain(m *testing.M) {
	switch os.Getenv(partVariable) {
	case "":
		os.Exit(m.Run())
	case "service":
		service()
	case "stillborn":
		_ = notify.New(os.Getenv).Status("no configuration")
		os.Exit(2)
	}
}

// service tells all that a service tells, and what it was told.
func service() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	n := notify.New(os.Getenv)
	interval, watched := n.Watchdog()
	err := n.Ready(fmt.Sprintf("beat %s %v", interval, watched))
	for range 3 {
		err = errors.Join(err, n.Alive())
	}
	<-signals
	err = errors.Join(err, n.Stopping(), n.Status(fmt.Sprint(len(os.Args), " words")))
	if err != nil {
		panic(err)
	}
}

func child(t *testing.T, part string, args ...string) *exec.Cmd {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no datagrams between processes here")
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), partVariable+"="+part)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestServiceFromStartToStop(t *testing.T) {
	s, err := Start(child(t, "service", "two words", "$1"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Ready(t.Context()), s.Await(t.Context(), "WATCHDOG=1", 3), s.Signal(syscall.SIGTERM)); err != nil {
		t.Error(err)
	}
	if err := s.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	want := []Message{
		{"READY=1", "STATUS=beat 30s true"}, {"WATCHDOG=1"}, {"WATCHDOG=1"}, {"WATCHDOG=1"}, {"STOPPING=1"}, {"STATUS=3 words"},
	}
	if diff := cmp.Diff(want, s.Messages()); diff != "" {
		t.Error(diff)
	}
	if text, ok := want[0].Status(); text != "beat 30s true" || !ok {
		t.Errorf("status %q, %v", text, ok)
	}
	if _, ok := want[1].Status(); ok {
		t.Error("WATCHDOG=1 has a status")
	}
}

func TestNobodyWatchesWithoutWatchdog(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "1000000")
	s, err := Start(child(t, "service"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Await(t.Context(), "STATUS=beat 0s false", 1), s.Signal(syscall.SIGTERM), s.Wait(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestProgramThatEndsBeforeItIsReady(t *testing.T) {
	s, err := Start(child(t, "stillborn"), 0)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Ready(t.Context())
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 {
		t.Errorf("ready: %v", err)
	}
	if err := s.Await(t.Context(), "STATUS=no configuration", 1); err != nil {
		t.Error(err)
	}
	if err := s.Wait(t.Context()); err == nil {
		t.Error("a good end")
	}
}

func TestPatienceEnds(t *testing.T) {
	s, err := Start(child(t, "service"), 0)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Await(ended, "RELOADING=1", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("await: %v", err)
	}
	if err := s.Wait(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("wait: %v", err)
	}
	if _, err := os.Stat(s.name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestProgramThatDoesNotExist(t *testing.T) {
	if _, err := Start(exec.Command("lpexport-that-does-not-exist"), 0); !errors.Is(err, exec.ErrNotFound) {
		t.Error(err)
	}
}
