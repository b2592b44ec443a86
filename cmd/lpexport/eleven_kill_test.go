package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

// mortal is a server that is killed in the middle of an export.
type mortal struct {
	kills   int        // how often it is killed
	arrived func() int // how much lies there
	kill    func()
	revive  func()
}

// TestDeliveryGoesOnAfterServerKilled kills real servers again and again while
// they take what is exported. In the end everything is there once, and of mails
// as many copies more as ends are on record that nobody could be sure of.
func TestDeliveryGoesOnAfterServerKilled(t *testing.T) {
	span := quietSpan(t, 14)
	for _, c := range []struct {
		name  string
		edit  []string
		begin func(e *eleven) mortal
	}{
		{"mimecast", nil, mortalPostfix},
		{"smarsh-professional", []string{"    layout: drop\n", "    layout: drop\n    pack: {max_count: 1}\n"}, mortalSSHD},
		{"microsoft-purview", []string{"    from: all\n", "    from: all\n    bundle: {max_conversations: 10}\n"}, mortalGateway},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEleven(t, c.name, span)
			e.edit(c.edit...)
			e.exportThroughKills(c.begin(e))
			e.verify()
			d := e.status()
			if d.Pending != 0 || d.Failed != 0 || d.Rejected != 0 {
				t.Errorf("status: %+v", d)
			}
			e.mustHoldTruth(d.Uncertain)
			t.Logf("%d uncertain ends", d.Uncertain)
		})
	}
}

// exportThroughKills exports until that ends well, and kills the server some
// times while it takes what is sent.
func (e *eleven) exportThroughKills(m mortal) {
	e.t.Helper()
	const step, tries = 7, 40
	var there []int // when it was killed
	for try := range tries {
		run, killed := e.begin(), false
		for len(there) < m.kills && run.until(m.arrived, len(there)*step+step) {
			there = append(there, m.arrived())
			m.kill()
			killed = true
		}
		code := run.wait()
		if killed {
			m.revive()
		}
		switch {
		case code == exitDone:
			if len(there) == 0 || there[0] == m.arrived() {
				e.t.Fatal("the export was quicker than the first kill")
			}
			e.t.Logf("%d exports for %d items; there when the server was killed: %d", try+1, m.arrived(), there)
			return
		case code != exitUnfinished:
			e.t.Fatalf("exit code %d\n%s", code, &run.errs)
		case !killed:
			time.Sleep(3 * time.Second) // what failed by a fault of its own has a pause of a minute
		}
	}
	e.t.Fatalf("not at its end after %d exports", tries)
}

// running is an export that runs.
type running struct {
	cmd  *exec.Cmd
	errs bytes.Buffer
	done chan struct{}
}

func (e *eleven) begin() *running {
	e.t.Helper()
	r := &running{cmd: e.exporting(), done: make(chan struct{})}
	r.cmd.Stderr = &r.errs
	if err := r.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait() // its exit code tells
		close(r.done)
	}()
	return r
}

// until waits until so much has arrived, or the export has ended: then it
// returns false.
func (r *running) until(arrived func() int, n int) bool {
	for {
		select {
		case <-r.done:
			return false
		case <-time.After(time.Millisecond):
		}
		if arrived() >= n {
			return true
		}
	}
}

func (r *running) wait() (code int) {
	<-r.done
	return r.cmd.ProcessState.ExitCode()
}

// children are the processes that a server has started, by the name of what
// they are.
func children(t *testing.T, pidFile string) map[int]string {
	t.Helper()
	raw, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command("ps", "-o", "pid=,comm=", "--ppid", strings.TrimSpace(string(raw))).Output() // 1: it has none
	all := map[int]string{}
	for line := range strings.Lines(string(out)) {
		pid, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		all[n] = strings.TrimSpace(name)
	}
	return all
}

// killChildren kills them as a crash does. The server goes on and starts others.
func killChildren(t *testing.T, pidFile, name string) {
	t.Helper()
	for pid, is := range children(t, pidFile) {
		if p, err := os.FindProcess(pid); err == nil && strings.HasPrefix(is, name) {
			_ = p.Kill() // it may be gone
		}
	}
}

func mortalSSHD(e *eleven) mortal {
	pidFile := server(e.t, "sshd", "LPEXPORT_TEST_SSHD_PID_FILE")
	folder := string(e.place.(folder))
	return mortal{
		kills: 4,
		arrived: func() int {
			names, err := filepath.Glob(filepath.Join(folder, "[^.]*"))
			if err != nil {
				e.t.Error(err)
			}
			return len(names)
		},
		kill:   func() { killChildren(e.t, pidFile, "sshd") },
		revive: func() {},
	}
}

// mortalGateway is an S3 server of the test's own, on an address that stays.
func mortalGateway(e *eleven) mortal {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.t.Fatal(err)
	}
	address, dir := listener.Addr().String(), e.t.TempDir()
	listener.Close()
	var cmd *exec.Cmd
	start := func() {
		cmd = exec.Command(server(e.t, "versitygw", "LPEXPORT_TEST_S3_PROGRAM"), "--port", address, "-q",
			"--cert", server(e.t, "versitygw", "LPEXPORT_TEST_S3_CERT"), "--key", server(e.t, "versitygw", "LPEXPORT_TEST_S3_KEY"), "posix", dir)
		cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY=key", "ROOT_SECRET_KEY=secret")
		if err := cmd.Start(); err != nil {
			e.t.Fatal(err)
		}
		waitFor(e.t, "the S3 server listens", func() bool {
			conn, err := net.Dial("tcp", address)
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
	kill := func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	start()
	e.t.Cleanup(func() { kill() })
	e.prepareS3(address, "key", "secret")
	b := e.place.(*bucket)
	arrived := func() (n int) {
		for o := range b.client.ListObjectsIter(e.t.Context(), b.name, minio.ListObjectsOptions{Recursive: true}) {
			if o.Err == nil {
				n++
			}
		}
		return n
	}
	return mortal{kills: 2, arrived: arrived, kill: kill, revive: start}
}

// waitFor waits for another process, which tells nobody when it is so far.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	for range 1200 {
		if so() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("waited in vain: %s", what)
}
