package alert

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMain is also the command that is run by the tests: as it inherits next to
// nothing, its arguments say what it does.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "play" {
		os.Exit(play(os.Args[2], os.Args[3]))
	}
	os.Exit(m.Run())
}

// heard is what the command "write" puts into its file.
type heard struct {
	Env   []string
	Stdin string
}

func play(part, at string) int {
	switch part {
	case "write": // to the file at
		stdin, err := io.ReadAll(os.Stdin)
		if err != nil {
			return 1
		}
		said, _ := json.Marshal(heard{os.Environ(), string(stdin)})
		if os.WriteFile(at, said, 0o600) != nil {
			return 1
		}
	case "babble":
		fmt.Fprintf(os.Stderr, "\n \x1b[2Jcannot %s\nsecond line\n", at)
		for range 1 << 12 {
			fmt.Println(strings.Repeat("x", 1<<10))
		}
		return 3
	case "hang": // with a child that is connected to at and holds the output
		child := exec.Command(os.Args[0], "play", "hold", at)
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if child.Start() != nil {
			return 1
		}
		_ = child.Wait()
	case "leave": // behind such a child
		child := exec.Command(os.Args[0], "play", "hold", at)
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		lines, err := child.StdinPipe() // ends with us, and the child does not mind
		if err != nil || child.Start() != nil {
			return 1
		}
		defer lines.Close()
	case "hold": // until the other end of the connection closes
		conn, err := net.Dial("tcp", at)
		if err != nil {
			return 1
		}
		_, _ = conn.Write([]byte("here\n"))
		_, _ = conn.Read(make([]byte, 1))
	}
	return 0
}

func testNotification() notification {
	return notification{schema, "12345678", "2026-03-02T12:00:00Z", []change{
		{Quarantine, "", firing, "2026-03-02T12:00:00Z", "1 item waits", "lpexport quarantine list"},
		{Failing, "local", resolved, "2026-03-02T12:00:00Z", "failing", ""},
		{Failing, "vault", resolved, "2026-03-02T12:00:00Z", "failing", ""},
	}}
}

func commandWatch(t *testing.T, part, at string) *Watch {
	t.Helper()
	w, err := New(Settings{Command: []string{os.Args[0], "play", part, at}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestCommandGetsTheAlertAndNoSecrets(t *testing.T) {
	t.Setenv("LPEXPORT_CLIENT_SECRET", "secret")
	t.Setenv("PATH", "/some/path")
	t.Setenv("HOME", "/some/home")
	t.Setenv("LANG", "C.UTF-8")
	at := t.TempDir() + "/heard"
	w := commandWatch(t, "write", at)
	if err := w.run(t.Context(), testNotification()); err != nil {
		t.Fatal(err)
	}
	said, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	var got heard
	if err := json.Unmarshal(said, &got); err != nil {
		t.Fatal(err)
	}
	body, err := testNotification().json()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got.Env)
	got.Env = slices.DeleteFunc(got.Env, func(v string) bool {
		return runtime.GOOS == "windows" && strings.HasPrefix(strings.ToUpper(v), "SYSTEMROOT=")
	})
	want := heard{[]string{"HOME=/some/home", "LANG=C.UTF-8", "LPEXPORT_ACCOUNT=12345678", "LPEXPORT_ALERT_NAMES=quarantine failing",
		"LPEXPORT_ALERT_STATE=firing", "PATH=/some/path"}, string(body)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestCommandThatFailsIsQuotedInShort(t *testing.T) {
	err := commandWatch(t, "babble", "reach the pager").run(t.Context(), testNotification())
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 3 {
		t.Fatalf("error is %v", err)
	}
	if want := "alert command: exit status 3: \uFFFD[2Jcannot reach the pager"; err.Error() != want {
		t.Errorf("error is %q, want %q", err, want)
	}
}

func TestOutputIsKeptInPart(t *testing.T) {
	var out head
	for range 100 {
		if n, err := out.Write([]byte(strings.Repeat("x", 999))); n != 999 || err != nil {
			t.Fatalf("took %d bytes, %v", n, err)
		}
	}
	if len(out.kept) != outputKept || cap(out.kept) > 2*outputKept || len([]rune(out.line())) != longest+1 {
		t.Errorf("kept %d bytes of %d, line %q", len(out.kept), cap(out.kept), out.line())
	}
}

func TestCommandThatIsNotThere(t *testing.T) {
	w, err := New(Settings{Command: []string{"/nowhere/to/be/found"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.run(t.Context(), testNotification()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}

// accept waits for the child that the command has started.
func accept(t *testing.T, listener net.Listener) net.Conn {
	t.Helper()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if line, err := bufio.NewReader(conn).ReadString('\n'); line != "here\n" {
		t.Errorf("the child said %q, %v", line, err)
	}
	return conn
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// TestCommandOutOfTimeIsKilledWithItsChildren: the child's end of the connection
// closes only with the child.
func TestCommandOutOfTimeIsKilledWithItsChildren(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no process groups here")
	}
	listener := listen(t)
	ctx, outOfTime := context.WithCancel(t.Context())
	defer outOfTime()
	ended := make(chan error, 1)
	go func() { ended <- commandWatch(t, "hang", listener.Addr().String()).run(ctx, testNotification()) }()
	conn := accept(t, listener)
	outOfTime()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the child lives: %d, %v", n, err)
	}
}

func TestCommandThatLeavesAChildBehindHasEndedWell(t *testing.T) {
	listener := listen(t)
	ended := make(chan error, 1)
	go func() {
		ended <- commandWatch(t, "leave", listener.Addr().String()).run(t.Context(), testNotification())
	}()
	accept(t, listener)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestCommandHasThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := New(Settings{Command: []string{"tell"}, Run: func(ctx context.Context, _ string, _, _ []string, _ []byte) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := w.run(t.Context(), testNotification()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 30*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
