package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"lpexport/liveperson/sandbox"
)

// stubborn is a program that goes on after the first signal.
func stubborn() {
	ctx, _ := stoppable(context.Background(), func() bool { return false })
	fmt.Println("running")
	<-ctx.Done()
	fmt.Println("stopping")
	select {}
}

func needSignals(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no process can be sent a signal here")
	}
}

func exitOf(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return 0
}

func TestSecondSignalCuts(t *testing.T) {
	needSignals(t)
	cmd := exec.CommandContext(t.Context(), "stubborn")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	if got := exitOf(cmd.Wait()); got != exitStopped {
		t.Errorf("exit code %d", got)
	}
}

// TestFirstSignalStopsAndTheNextRunGoesOn stops an export that waits for an
// answer.
func TestFirstSignalStopsAndTheNextRunGoesOn(t *testing.T) {
	needSignals(t)
	account := sandbox.New(atRest())
	searching, hang := make(chan struct{}, 100), atomic.Bool{}
	hang.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hang.Load() && strings.HasSuffix(r.URL.Path, "/conversations/search") {
			// The server sees a client go only once it has read the request.
			_, _ = io.Copy(io.Discard, r.Body)
			searching <- struct{}{}
			<-r.Context().Done()
			return
		}
		account.ServeHTTP(w, r)
	}))
	defer server.Close()
	dir := t.TempDir()
	text := strings.Replace(sandboxConfig(server.URL), "state:", "poll: {since: 60d}\nstate:", 1)
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(whileRunning func(*os.Process)) (code int, stdout, stderr string) {
		var out, errs strings.Builder
		cmd := exec.CommandContext(t.Context(), "lpexport", "export", "--json")
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		whileRunning(cmd.Process)
		return exitOf(cmd.Wait()), out.String(), errs.String()
	}

	code, stdout, stderr := run(func(p *os.Process) {
		<-searching
		if err := p.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
	})
	var report exportResult
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || report.Exit != exitStopped || report.Complete {
		t.Errorf("stdout is %s, %v", stdout, err)
	}
	if code != exitStopped || !strings.Contains(stderr, "stopped by a signal") || !strings.Contains(stderr, "lpexport: hint: the same command again") {
		t.Errorf("exit code %d, stderr %s", code, stderr)
	}

	hang.Store(false)
	code, stdout, stderr = run(func(*os.Process) {})
	report = exportResult{}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || report.Captured.Conversations != 20 || !report.Complete {
		t.Errorf("stdout is %s, %v", stdout, err)
	}
	if code != exitDone {
		t.Errorf("exit code %d, stderr %s", code, stderr)
	}
}
