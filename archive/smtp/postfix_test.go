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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// postfix is a real server, which .ci/servers/postfix has started.
type postfix struct {
	maildir, etc string
	config       Config // of its STARTTLS port
}

// realPostfix returns the server with an empty mailbox.
func realPostfix(t *testing.T) *postfix {
	t.Helper()
	if os.Getenv("LPEXPORT_TEST_POSTFIX") == "" {
		if os.Getenv("CI_REAL_SERVERS") == "1" {
			t.Fatal("LPEXPORT_TEST_POSTFIX is not set: .ci/servers/postfix was not started")
		}
		t.Skip("no Postfix: start one with .ci/servers/postfix DIR and source DIR/postfix.env")
	}
	pool, certs, err := LoadTLS(fact(t, "CA"), fact(t, "CERT"), fact(t, "KEY"))
	if err != nil {
		t.Fatal(err)
	}
	p := &postfix{maildir: fact(t, "MAILDIR"), etc: fact(t, "CONFIG"), config: Config{
		Account: archivetest.Account, Name: archivetest.Name, Host: fact(t, "HOST"), CA: pool, Certificates: certs,
		Sender: "bounces@bank.test", Recipient: fact(t, "RECIPIENT"),
	}}
	p.port(t, &p.config, "STARTTLS_PORT")
	p.received(t)
	if err := os.RemoveAll(filepath.Join(p.maildir, "new")); err != nil {
		t.Fatal(err)
	}
	return p
}

func fact(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv("LPEXPORT_TEST_POSTFIX_" + name)
	if value == "" {
		t.Fatalf("LPEXPORT_TEST_POSTFIX_%s is not set", name)
	}
	return value
}

func (p *postfix) port(t *testing.T, c *Config, name string) {
	t.Helper()
	port, err := strconv.Atoi(fact(t, name))
	if err != nil {
		t.Fatal(err)
	}
	c.Port = port
}

// received waits until the queue is empty and returns the mailbox.
func (p *postfix) received(t *testing.T) [][]byte {
	t.Helper()
	for tries := 0; ; tries++ {
		out, err := exec.Command("postqueue", "-c", p.etc, "-p").CombinedOutput()
		if err == nil && bytes.Contains(out, []byte("queue is empty")) {
			break
		}
		if tries > 600 {
			t.Fatalf("the queue does not get empty: %v %s", err, out)
		}
		time.Sleep(50 * time.Millisecond) // a program of its own: there is nothing to wait on
	}
	names, err := filepath.Glob(filepath.Join(p.maildir, "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var mails [][]byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, data)
	}
	return mails
}

// ours returns a mail of the mailbox as it was sent: without what the server
// wrote above it, and with CRLF.
func ours(t *testing.T, data []byte) []byte {
	t.Helper()
	start := bytes.Index(data, []byte("\nMessage-ID: "))
	if start < 0 {
		t.Fatalf("not one of ours: %.500q", data)
	}
	return bytes.ReplaceAll(data[start+1:], []byte("\n"), []byte("\r\n"))
}

func content(t *testing.T, item archive.Item) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(item.Dir, filepath.FromSlash(item.File.Path)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPostfixTakesWhatIsDelivered(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *postfix, *Config){
		"StartTLS": func(*testing.T, *postfix, *Config) {},
		"Plain":    func(_ *testing.T, _ *postfix, c *Config) { c.TLS = NoTLS },
		"TLSLoggedIn": func(t *testing.T, p *postfix, c *Config) {
			c.TLS, c.Username, c.Password = ImplicitTLS, fact(t, "USERNAME"), fact(t, "PASSWORD")
			p.port(t, c, "TLS_PORT")
		},
		"SubmissionLoggedIn": func(t *testing.T, p *postfix, c *Config) {
			c.Username, c.Password = fact(t, "USERNAME"), fact(t, "PASSWORD")
			p.port(t, c, "SUBMISSION_PORT")
		},
		"ClientCertificate": func(t *testing.T, p *postfix, c *Config) { p.port(t, c, "CLIENT_CERT_PORT") },
		"NullSender":        func(_ *testing.T, _ *postfix, c *Config) { c.Sender = "" },
	} {
		t.Run(name, func(t *testing.T) {
			p := realPostfix(t)
			c := p.config
			change(t, p, &c)
			d := open(t, c)
			sent := map[string]archive.Item{} // by queue id
			for _, item := range archivetest.FileItems(t, 10) {
				receipt, err := deliver(d, item)
				if err != nil {
					t.Fatal(err)
				}
				sent[receipt.ID] = item
			}
			wantInMailbox(t, p.received(t), sent, c)
		})
	}
}

var postfixID = regexp.MustCompile(`\(Postfix\) with (E?SMTP\w*) id (\w+)`)

func wantInMailbox(t *testing.T, mails [][]byte, sent map[string]archive.Item, c Config) {
	t.Helper()
	if len(mails) != 10 || len(sent) != 10 {
		t.Fatalf("%d mails in the mailbox, %d queue ids", len(mails), len(sent))
	}
	for _, data := range mails {
		m := postfixID.FindSubmatch(data)
		if m == nil {
			t.Fatalf("not from Postfix: %.500q", data)
		}
		if secure := bytes.HasPrefix(m[1], []byte("ESMTPS")); secure != (c.TLS != NoTLS) || secure && !bytes.Contains(data, []byte("using TLSv1.3")) {
			t.Errorf("it came by %s: %.500q", m[1], data)
		}
		if !bytes.HasPrefix(data, []byte("Return-Path: <"+c.Sender+">\nX-Original-To: "+c.Recipient+"\n")) {
			t.Errorf("another envelope: %.500q", data)
		}
		item, ok := sent[string(m[2])]
		if !ok {
			t.Errorf("no receipt names the queue id %s", m[2])
		} else if !bytes.Equal(ours(t, data), content(t, item)) {
			t.Errorf("%s arrived as %.1000q", item.File.Path, data)
		}
	}
}

func TestPostfixContract(t *testing.T) {
	realPostfix(t)
	archivetest.RunFiles(t, func(t *testing.T) archivetest.FileTarget {
		p := realPostfix(t)
		return archivetest.FileTarget{
			Open: func() archive.Destination { return open(t, p.config) },
			// A Maildir has no order; the mails say theirs.
			Received: func() [][]byte {
				var mails [][]byte
				for _, data := range p.received(t) {
					mails = append(mails, ours(t, data))
				}
				return byNumber(t, mails)
			},
		}
	})
}

func TestPostfixVerdicts(t *testing.T) {
	p := realPostfix(t)
	good := archivetest.FileItems(t, 1)[0]
	for _, test := range []struct {
		name   string
		item   archive.Item
		change func(*Config)
		want   string
	}{
		{"wrong password", good, func(c *Config) {
			p.port(t, c, "SUBMISSION_PORT")
			c.Username, c.Password = fact(t, "USERNAME"), "wrong"
		}, "halt+"},
		{"no login", good, func(c *Config) { p.port(t, c, "SUBMISSION_PORT") }, "halt+"},
		{"no TLS", good, func(c *Config) { p.port(t, c, "SUBMISSION_PORT"); c.TLS = NoTLS }, "halt+"},
		{"no login offered", good, func(c *Config) { c.Username, c.Password = "a", "b" }, "halt+"},
		{"no client certificate", good, func(c *Config) { p.port(t, c, "CLIENT_CERT_PORT"); c.Certificates = nil }, "retry+"},
		{"unknown authority", good, func(c *Config) { c.CA = newAuthority(t).pool }, "halt+"},
		{"TLS where STARTTLS is", good, func(c *Config) { c.TLS = ImplicitTLS }, "halt+"},
		{"recipient refused for now", good, func(c *Config) { c.Recipient = "tempfail@archive.test" }, "retry"},
		{"recipient refused", good, func(c *Config) { c.Recipient = "permfail@archive.test" }, "halt+"},
		{"relaying refused", good, func(c *Config) { c.Recipient = "journal@elsewhere.test" }, "halt+"},
		{"mail refused for now", good, func(c *Config) { c.Sender = "defer-eod@bank.test" }, "retry item"},
		{"mail refused", good, func(c *Config) { c.Sender = "reject-eod@bank.test" }, "reject"},
		{"content refused", spooled(t, "Message-ID: <x@bank.example>\r\nX-Test-Fail: reject\r\n\r\n"), func(*Config) {}, "reject"},
		{"too large", spooled(t, "Message-ID: <y@bank.example>\r\n\r\n"+strings.Repeat("0123456789\r\n", 200_000)), func(*Config) {}, "reject+"},
		{"recipient hangs", good, func(c *Config) { c.Recipient, c.CommandTimeout = "hang@archive.test", time.Second }, "retry"},
		{"nobody listens", good, func(c *Config) { c.Port = 1 }, "retry+"},
	} {
		c := p.config
		test.change(&c)
		_, err := deliver(open(t, c), test.item)
		if got := verdictOf(t, err); got != test.want {
			t.Errorf("%s: %s, want %s: %v", test.name, got, test.want, err)
		}
	}
	if mails := p.received(t); len(mails) != 0 {
		t.Errorf("%d mails arrived all the same", len(mails))
	}
}

func TestPostfixProbe(t *testing.T) {
	p := realPostfix(t)
	facts, err := open(t, p.config).Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"mx.test", "TLS 1.3", "at most 2000000 bytes", p.config.Recipient} {
		if !strings.Contains(strings.Join(facts, "\n"), want) {
			t.Errorf("no %q in %q", want, facts)
		}
	}
}

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

var number = regexp.MustCompile(`^Message-ID: <(\d+)\.`)

// byNumber sorts mails by the number in their Message-ID.
func byNumber(t *testing.T, mails [][]byte) [][]byte {
	t.Helper()
	key := func(data []byte) int {
		n, err := strconv.Atoi(string(number.FindSubmatch(data)[1]))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	slices.SortStableFunc(mails, func(a, b []byte) int { return key(a) - key(b) })
	return mails
}
