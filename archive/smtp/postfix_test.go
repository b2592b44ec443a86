//go:build unix

package smtp

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
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
		{"sender not authenticated", good, func(c *Config) { c.Sender = "dmarc@bank.test" }, "reject+"},
		{"content refused", spooled(t, "Message-ID: <x@bank.example>\r\nX-Test-Fail: reject\r\n\r\n"), func(*Config) {}, "reject+"},
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

// Why Postfix refuses a mail is told in data: by it a destination halts, or splits.
func TestPostfixSaysWhy(t *testing.T) {
	p := realPostfix(t)
	c := p.config
	c.Sender = "dmarc@bank.test"
	_, err := deliver(open(t, c), archivetest.FileItems(t, 1)[0])
	if e, ok := errors.AsType[*archive.Error](err); !ok || e.Alike != "5.7" || !strings.Contains(e.Hint, "DMARC") {
		t.Errorf("not authenticated: %+v", e)
	}
	d := open(t, p.config)
	if most, err := d.MostBytes(t.Context()); err != nil || most != 2_000_000 {
		t.Errorf("SIZE %d, %v", most, err)
	}
	_, err = deliver(d, spooled(t, "Message-ID: <z@bank.example>\r\n\r\n"+strings.Repeat("0123456789\r\n", 200_000)))
	if e, ok := errors.AsType[*archive.Error](err); !ok || !e.TooLarge || e.Limit != 2_000_000 {
		t.Errorf("too large: %+v", e)
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
