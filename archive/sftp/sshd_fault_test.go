//go:build linux

package sftp

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"lpexport/archive"
)

// A server with a full disk says no more than "failure", or nothing at all.
func TestFullDiskOfOpenSSH(t *testing.T) {
	c, folder := jailedFolder(t)
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256k,mode=0777", "tmpfs", folder).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a small file system: %v %s", err, out)
	}
	defer func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	}()
	item := spooledMany(t, 1, 800)[0]
	d := open(t, c)
	_, err := d.Deliver(context.Background(), item)
	wantHint(t, wantClass(t, err, archive.Retry), "full")
	if seen := walk(t, folder); len(seen) > 0 {
		t.Errorf("visible: %q", seen)
	}
	if err := d.Clean(context.Background()); err != nil {
		t.Error(err)
	}
	// With room again it goes on.
	if err := syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_REMOUNT, "size=64m,mode=0777"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Deliver(context.Background(), item); err != nil {
		t.Error(err)
	}
}

// ownServer starts a second server like the first, whose sessions are of this
// test alone, and returns how to log in and its process.
func ownServer(t *testing.T) (Config, int) {
	t.Helper()
	c := realServer(t)
	listener, err := net.Listen("tcp", c.Host+":0")
	if err != nil {
		t.Fatal(err)
	}
	c.Port = listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	known, err := os.ReadFile(c.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	_, _, key, _, _, err := ssh.ParseKnownHosts(known)
	if err != nil {
		t.Fatal(err)
	}
	c.KnownHosts = knownFile(t, c.Port, key)
	// Of two ports and pid files the first counts, and these come first.
	cmd := exec.Command(variable(t, "PROGRAM"), "-D", "-p", strconv.Itoa(c.Port), "-o", "PidFile=none", "-f", variable(t, "CONFIG"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", net.JoinHostPort(c.Host, strconv.Itoa(c.Port)))
		if err == nil {
			conn.Close()
			return c, pid
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

// sessions returns the processes of a server's sessions.
func sessions(t *testing.T, server int) []int {
	t.Helper()
	out, err := exec.Command("ps", "-o", "pid=", "--ppid", strconv.Itoa(server)).Output()
	if err != nil && len(out) > 0 {
		t.Fatal(err)
	}
	var pids []int
	for _, field := range strings.Fields(string(out)) {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, n)
	}
	return pids
}

// signalled lets a destination's session get a signal before the first step that
// is the one: done tells whether there was one.
func signalled(t *testing.T, server int, d *remote, signal syscall.Signal, one func(step int, op string) bool) (done func() bool) {
	t.Helper()
	before := sessions(t, server)
	step, sent := 0, false
	d.testOnlyBefore = func(op, _ string) error {
		step++
		if sent || !one(step, op) {
			return nil
		}
		sent = true
		return signalNew(t, server, before, signal)
	}
	return func() bool { return sent }
}

// signalNew sends a signal to the sessions that were not there before.
func signalNew(t *testing.T, server int, before []int, signal syscall.Signal) (err error) {
	for _, pid := range sessions(t, server) {
		if !slices.Contains(before, pid) {
			err = errors.Join(err, syscall.Kill(pid, signal))
		}
	}
	return err
}

// The session is killed before each step, as by a server that is restarted, and
// the delivery goes on in another one.
func TestSessionOfOpenSSHIsKilledAtEachStep(t *testing.T) {
	c, server := ownServer(t)
	item := spooled(t)
	for n := 1; ; n++ {
		c.Path = t.TempDir()
		d := open(t, c)
		done := signalled(t, server, &d.remote, syscall.SIGKILL, func(step int, _ string) bool { return step == n })
		_, err := d.Deliver(context.Background(), item)
		if !done() {
			if err != nil || n < 10 {
				t.Errorf("ended after %d steps: %v", n, err)
			}
			return
		}
		if seen := walk(t, c.Path); err != nil || len(seen) != 3 {
			t.Errorf("killed before step %d: %v, visible is %q", n, err, seen)
		}
		d.testOnlyBefore = nil
		if err := d.Clean(context.Background()); err != nil {
			t.Error(err)
		}
		if _, err := d.Deliver(context.Background(), item); err != nil {
			t.Error(err)
		}
		if seen := all(t, c.Path); len(seen) != 3 {
			t.Errorf("killed before step %d and delivered again: %q", n, seen)
		}
	}
}

// Of a single file nobody knows whether it is there only if the session is
// killed at the rename. One valid file is there in the end.
func TestDropSessionOfOpenSSHIsKilledAtEachStep(t *testing.T) {
	c, server := ownServer(t)
	item := dropped(t)
	for n := 1; ; n++ {
		c.Path = t.TempDir()
		d := openDrop(t, c)
		last := ""
		done := signalled(t, server, &d.remote, syscall.SIGKILL, func(step int, _ string) bool { return step == n })
		before := d.testOnlyBefore
		d.testOnlyBefore = func(op, path string) error {
			if !done() {
				last = op // what is done after the signal is another try
			}
			return before(op, path)
		}
		_, err := d.Deliver(context.Background(), item)
		if !done() {
			if err != nil || last != "rename" {
				t.Errorf("ended after %d steps, the last one %s: %v", n, last, err)
			}
			return
		}
		if last == "rename" {
			wantClass(t, err, archive.Uncertain)
		} else if err != nil {
			t.Errorf("killed before %s: %v", last, err)
		}
		d.testOnlyBefore = nil
		if err := d.Clean(context.Background()); err != nil {
			t.Error(err)
		}
		if _, err := d.Deliver(context.Background(), item); err != nil {
			t.Error(err)
		}
		if seen := all(t, c.Path); !slices.Equal(seen, []string{archive.TranscriptsFile}) {
			t.Errorf("killed before step %d and delivered again: %q", n, seen)
		}
	}
}

// The session is killed while much is on its way.
func TestSessionOfOpenSSHIsKilledInTheMiddleOfAFile(t *testing.T) {
	c, server := ownServer(t)
	c.Path = t.TempDir()
	item := spooledMany(t, 1, 20_000)[0]
	d := open(t, c)
	before := sessions(t, server)
	killed := make(chan error, 1)
	var once sync.Once
	d.testOnlyBefore = func(op, path string) error {
		if op == "write" && path == archive.TranscriptsFile {
			go once.Do(func() {
				for size := int64(0); size < 1<<20; {
					if names, _ := filepath.Glob(filepath.Join(c.Path, "a", ".d-*", archive.TranscriptsFile)); len(names) == 1 {
						if info, err := os.Stat(names[0]); err == nil {
							size = info.Size()
						}
					}
				}
				killed <- signalNew(t, server, before, syscall.SIGKILL)
			})
		}
		return nil
	}
	_, err := d.Deliver(context.Background(), item)
	if err := errors.Join(err, <-killed); err != nil {
		t.Error(err)
	}
	d.testOnlyBefore = nil
	if err := d.Clean(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := d.Deliver(context.Background(), item); err != nil {
		t.Error(err)
	}
	got, err := read(d, item.Path+"/"+archive.TranscriptsFile)
	want, werr := os.ReadFile(filepath.Join(item.Dir, archive.TranscriptsFile))
	if err := errors.Join(err, werr); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes read back, %d spooled: %v", len(got), len(want), err)
	}
	if seen := all(t, c.Path); len(seen) != 3 {
		t.Errorf("delivered again: %q", seen)
	}
}

// A session that hangs is ended, whatever it was asked.
func TestSessionOfOpenSSHIsStopped(t *testing.T) {
	c, server := ownServer(t)
	c.Timeout = 500 * time.Millisecond
	item := spooledMany(t, 1, 20_000)[0]
	for _, at := range []string{"mkdir", "create", "write", "sync", "rename"} {
		c.Path = t.TempDir()
		d := open(t, c)
		before := sessions(t, server)
		done := signalled(t, server, &d.remote, syscall.SIGSTOP, func(_ int, op string) bool { return op == at })
		_, err := d.Deliver(context.Background(), item)
		if kerr := signalNew(t, server, before, syscall.SIGKILL); kerr != nil {
			t.Error(kerr)
		}
		wantClass(t, err, archive.Retry)
		if _, silent := errors.AsType[*silentError](err); !silent || !done() {
			t.Errorf("stopped at %s: %v", at, err)
		}
		if seen := walk(t, c.Path); len(seen) > 0 {
			t.Errorf("stopped at %s: visible is %q", at, seen)
		}
	}
}

// A server that lets nobody remove anything takes bundle after bundle, also after a
// check and an upload that was cut off.
func TestWriteOnceOpenSSH(t *testing.T) {
	c, root := realServer(t), t.TempDir()
	port, err := strconv.Atoi(variable(t, "WRITE_ONCE_PORT"))
	if err != nil {
		t.Fatal(err)
	}
	c.Port, c.Path = port, filepath.Join(root, "drop")
	d := open(t, c)
	facts, err := d.Probe(context.Background())
	if err != nil || !strings.Contains(strings.Join(facts, "\n"), "does not let us remove") {
		t.Errorf("probe: %q, %v", facts, err)
	}
	items := spooledMany(t, 2, 1)
	cut := errors.New("cut off")
	d.testOnlyBefore = func(op, _ string) error {
		if op == "rename" {
			return cut
		}
		return nil
	}
	if _, err := d.Deliver(context.Background(), items[0]); !errors.Is(err, cut) {
		t.Fatal(err)
	}
	d.testOnlyBefore = nil
	for _, item := range items {
		left, ok := errors.AsType[*archive.LeftError](d.Clean(context.Background()))
		if !ok || len(left.Names) != 2 {
			t.Errorf("left: %v", left)
		}
		if _, err := d.Deliver(context.Background(), item); err != nil {
			t.Error(err)
		}
	}
	if seen := walk(t, root); !slices.Equal(seen, slices.Concat(inDrop(items[0]), inDrop(items[1]))) {
		t.Errorf("visible: %q", seen)
	}
}
