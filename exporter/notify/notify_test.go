package notify

import (
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// manager binds a socket, as the service manager does.
func manager(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no datagrams between processes here")
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// environment is a getenv of pairs.
func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func read(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	buffer := make([]byte, 4096)
	n, err := conn.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:n])
}

func TestManagerIsTold(t *testing.T) {
	sockets := []string{filepath.Join(t.TempDir(), "notify")}
	if runtime.GOOS == "linux" {
		sockets = append(sockets, fmt.Sprintf("@lpexport-notify-%d", os.Getpid()))
	}
	for _, socket := range sockets {
		t.Run(socket[:1], func(t *testing.T) {
			conn := manager(t, socket)
			n := New(environment("NOTIFY_SOCKET", socket))
			var got []string
			for _, tell := range []func() error{
				func() error { return n.Ready("serving") },
				func() error { return n.Status("2 destinations, nothing waits") },
				n.Alive,
				n.Stopping,
			} {
				if err := tell(); err != nil {
					t.Fatal(err)
				}
				got = append(got, read(t, conn))
			}
			want := []string{"READY=1\nSTATUS=serving", "STATUS=2 destinations, nothing waits", "WATCHDOG=1", "STOPPING=1"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestStatusIsOneLine: what gets into a status must not become a word of the
// protocol, which has one a line.
func TestStatusIsOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "STATUS=",
		"a\nSTOPPING=1":          "STATUS=a\uFFFDSTOPPING=1",
		"a\r\x1b[31m\u2028b\x00": "STATUS=a\uFFFD\uFFFD[31m\uFFFDb\uFFFD",
		"ünïcode \xff":           "STATUS=ünïcode \uFFFD",
		strings.Repeat("ü", 200): "STATUS=" + strings.Repeat("ü", 200),
		strings.Repeat("ü", 201): "STATUS=" + strings.Repeat("ü", 199) + "…",
	} {
		if got := statusLine(text); got != want {
			t.Errorf("%q is sent as %q, want %q", text, got, want)
		}
	}
}

func TestWithoutManagerNothingHappens(t *testing.T) {
	n := New(environment("WATCHDOG_USEC", "1000000"))
	for _, err := range []error{n.Ready("serving"), n.Status("here"), n.Alive(), n.Stopping()} {
		if err != nil {
			t.Error(err)
		}
	}
	if _, ok := n.Watchdog(); ok {
		t.Error("a watchdog without a manager")
	}
}

func TestManagerThatIsGoneIsAnError(t *testing.T) {
	n := New(environment("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "absent")))
	for name, err := range map[string]error{"ready": n.Ready(""), "status": n.Status(""), "alive": n.Alive(), "stopping": n.Stopping()} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestManagerThatDoesNotReadHoldsUpNobody fills the manager's queue: some send
// must end with a time-out, and none may wait for ever.
func TestManagerThatDoesNotReadHoldsUpNobody(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	manager(t, socket)
	n := New(environment("NOTIFY_SOCKET", socket))
	n.patience = time.Millisecond
	for range 100_000 {
		if err := n.Alive(); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			return
		}
	}
	t.Error("100,000 datagrams were taken that nobody reads")
}

func TestWatchdog(t *testing.T) {
	own, other := strconv.Itoa(os.Getpid()), strconv.Itoa(os.Getppid())
	for _, test := range []struct {
		usec, pid string
		want      time.Duration // 0 = nobody watches
	}{
		{"60000000", own, 30 * time.Second},
		{"60000000", "", 30 * time.Second},
		{"60000000", other, 0},
		{"60000000", "many", 0},
		{"1", own, 500 * time.Nanosecond},
		{"", own, 0},
		{"0", own, 0},
		{"-5", own, 0},
		{"1m", own, 0},
		{strconv.FormatInt(math.MaxInt64, 10), own, 0},
	} {
		n := New(environment("NOTIFY_SOCKET", "/run/notify", "WATCHDOG_USEC", test.usec, "WATCHDOG_PID", test.pid))
		if got, ok := n.Watchdog(); got != test.want || ok != (test.want > 0) {
			t.Errorf("WATCHDOG_USEC=%s WATCHDOG_PID=%s: %s, %v; want %s", test.usec, test.pid, got, ok, test.want)
		}
	}
}
