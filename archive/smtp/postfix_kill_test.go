//go:build unix

package smtp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// A stopped server accepts connections, for the kernel does that, and says nothing.
func TestPostfixThatHangs(t *testing.T) {
	p := realPostfix(t)
	item := archivetest.FileItems(t, 1)[0]
	c := p.config
	c.CommandTimeout = time.Second
	pids := p.smtpds(t)
	pids = append(pids, p.master(t))
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGSTOP)
		defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	}
	_, err := deliver(open(t, c), item)
	if got := verdictOf(t, err); got != "retry+" {
		t.Errorf("%s: %v", got, err)
	}
}

// TestPostfixKilled kills the server's process at random places of the dialogue.
// Whatever we made of that, going on leaves every mail in the mailbox, and more
// copies than one only of those whose end was uncertain.
func TestPostfixKilled(t *testing.T) {
	p := realPostfix(t)
	rng := rand.New(rand.NewPCG(1, 2))
	c, killed := p.config, 0
	dial := new(net.Dialer).DialContext
	c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		dead := &deadly{Conn: conn, sends: -1, answers: -1, kill: func() { killed += p.kill(t, conn) }}
		// As many as ten mails or so have, with TLS.
		if rng.IntN(2) == 0 {
			dead.sends = rng.IntN(30_000)
		} else {
			dead.answers = 1 + rng.IntN(80)
		}
		return dead, err
	}
	d := open(t, c)
	items := archivetest.FileItems(t, 200)
	uncertain := make([]int, len(items))
	classes := map[archive.Class]int{}
	for i, item := range items {
		for tries := 0; ; tries++ {
			_, err := deliver(d, item)
			if err == nil {
				break
			}
			e, ok := errors.AsType[*archive.Error](err)
			if !ok || e.Class != archive.Retry && e.Class != archive.Uncertain || tries > 100 {
				t.Fatalf("mail %d, try %d: %v", i, tries, err)
			}
			classes[e.Class]++
			if e.Class == archive.Uncertain {
				uncertain[i]++
			}
		}
	}
	mails := p.received(t)
	copies := map[string]int{}
	for _, data := range mails {
		copies[string(ours(t, data))]++
	}
	for i, item := range items {
		if n := copies[string(content(t, item))]; n < 1 || n > 1+uncertain[i] {
			t.Errorf("%s: %d copies after %d uncertain ends", item.File.Path, n, uncertain[i])
		}
	}
	t.Logf("%d processes killed, errors %v, %d mails for %d items", killed, classes, len(mails), len(items))
	if killed < 10 || classes[archive.Uncertain] == 0 {
		t.Errorf("only %d processes were killed, with errors %v", killed, classes)
	}
}

// A process killed in the middle of a long mail has not taken it: that is certain.
func TestPostfixKilledInTheText(t *testing.T) {
	p := realPostfix(t)
	text := "Message-ID: <1.test@bank.example>\r\nDate: Sat, 31 Jan 2026 12:00:00 +0000\r\nFrom: a@bank.example\r\n\r\n" + strings.Repeat(strings.Repeat("x", 98)+"\r\n", 19_000)
	item := spooled(t, text)
	c := p.config
	dial := new(net.Dialer).DialContext
	first := true
	c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if !first || err != nil {
			return conn, err
		}
		first = false
		return &deadly{Conn: conn, sends: 500_000, answers: -1, kill: func() {
			if p.kill(t, conn) != 1 {
				t.Error("nothing to kill")
			}
		}}, nil
	}
	d := open(t, c)
	_, err := deliver(d, item)
	if got := verdictOf(t, err); got != "retry item" {
		t.Errorf("%s: %v", got, err)
	}
	if _, err := deliver(d, item); err != nil {
		t.Error(err)
	}
	if mails := p.received(t); len(mails) != 1 || !bytes.Equal(ours(t, mails[0]), []byte(text)) {
		t.Errorf("%d mails in the mailbox", len(mails))
	}
}

// deadly is a connection that kills the other side once: in the middle of what
// is sent, or with an answer, which is then not heard.
type deadly struct {
	net.Conn
	sends   int // bytes until then; negative: never
	answers int // until then; negative: never
	kill    func()
}

func (d *deadly) Write(p []byte) (int, error) {
	if d.sends < 0 || d.sends > len(p) {
		d.sends = max(d.sends-len(p), -1)
		return d.Conn.Write(p)
	}
	n, err := d.Conn.Write(p[:d.sends])
	d.sends, d.answers = -1, -1
	d.kill()
	if err != nil {
		return n, err
	}
	more, err := d.Conn.Write(p[n:])
	return n + more, err
}

func (d *deadly) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	if d.answers--; d.answers != 0 {
		return n, err
	}
	d.sends = -1
	d.kill()
	return 0, &net.OpError{Op: "read", Err: syscall.ECONNRESET}
}

var owner = regexp.MustCompile(`"smtpd",pid=(\d+),`)

// kill kills the process that serves the other end of a connection, and returns
// how many that were: 0 when none has taken it over yet.
func (p *postfix) kill(t *testing.T, conn net.Conn) int {
	_, port, err := net.SplitHostPort(conn.LocalAddr().String())
	if err != nil {
		t.Error(err)
		return 0
	}
	out, err := exec.Command("ss", "-tnpH", "dport", "= :"+port).Output()
	m := owner.FindSubmatch(out)
	if err != nil || m == nil {
		return 0
	}
	pid, err := strconv.Atoi(string(m[1]))
	if err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
		return 0
	}
	// Its end of the connection goes with it, a moment later.
	for range 1000 {
		if syscall.Kill(pid, 0) != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return 1
}

func (p *postfix) master(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(fact(t, "CONFIG"), "..", "postfix.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// smtpds returns the master's children that serve SMTP.
func (p *postfix) smtpds(t *testing.T) []int {
	t.Helper()
	out, _ := exec.Command("pgrep", "-x", "-P", fmt.Sprint(p.master(t)), "smtpd").Output() // 1: none
	var pids []int
	for field := range strings.FieldsSeq(string(out)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}
