package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"lpexport/liveperson/sandbox"
)

// gateway is a mail server that names a limit and keeps what it takes.
type gateway struct {
	mu      sync.Mutex
	mails   [][]byte
	refuses error // nil: it takes them
}

func (g *gateway) Mail(string, *gosmtp.MailOptions) error { return nil }
func (g *gateway) Rcpt(string, *gosmtp.RcptOptions) error { return nil }
func (g *gateway) Reset()                                 {}
func (g *gateway) Logout() error                          { return nil }
func (g *gateway) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mails = append(g.mails, raw)
	if g.refuses != nil {
		return g.refuses
	}
	return err
}

// startGateway returns its port.
func startGateway(t *testing.T, g *gateway, size int64) int {
	t.Helper()
	server := gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) { return g, nil }))
	server.Domain, server.MaxMessageBytes = "gateway.test", size
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return listener.Addr().(*net.TCPAddr).Port
}

// mailed runs a command line for an account that has a destination at a mail server.
func mailed(t *testing.T, account, more string, port int, args ...string) (out []byte, code int) {
	t.Helper()
	out, _, code = mailedIn(t, t.TempDir(), account, more, port, args...)
	return out, code
}

// mailedIn is mailed in a folder that is kept.
func mailedIn(t *testing.T, dir, account, more string, port int, args ...string) (out []byte, talk string, code int) {
	t.Helper()
	config := filepath.Join(dir, "config.yaml")
	text := fmt.Sprintf(`account: %s
state: %q
liveperson: {domain_api: %q, oauth2: {client_id: sandbox-client, client_secret: sandbox-client-secret}}
poll: {since: 60d}
identity: {internal_domains: [firm.example], consumer_domain: visitors.example.net, bot_domain: bots.firm.example, unknown_agent: placeholder, placeholder_domain: unknown.firm.example}
destinations:
  - {name: post, archive: proofpoint, from: all, mail: {domain: lpexport.firm.example},
     smtp: {host: 127.0.0.1, port: %d, tls: none, sender: bounce@firm.example, recipient: archive@vendor.example%s}}
`, sandboxAccount, filepath.Join(dir, "state"), account, port, more)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	p := &program{stdout: &stdout, stderr: &stderr, now: time.Now}
	code = p.execute(context.Background(), append(args, "--json", "--config", config))
	return stdout.Bytes(), stderr.String(), code
}

// check shows which of the three limits counts, and what of the files cannot pass it.
func TestCheckComparesTheLimitsOfSize(t *testing.T) {
	account := httptest.NewServer(sandbox.New(atRest()))
	t.Cleanup(account.Close)
	for _, test := range []struct {
		more string
		size int64
		want []string // in a fact
		code int
	}{
		{"", 0, []string{"split at 25000000 bytes", "mail.max_bytes 25000000", "files.max_bytes: 16276KiB"}, exitDone},
		{", max_bytes: 20MB", 0, []string{"split at 20000000 bytes", "smtp.max_bytes 20000000"}, exitDone},
		{", max_bytes: 20MB", 10_240_000, []string{"split at 10240000 bytes", "mail.max_bytes 25000000, smtp.max_bytes 20000000, the server 10240000", "files.max_bytes: 6666KiB"}, exitDone},
		{"", 5000, []string{"at most 5000 bytes"}, exitUnexpected},
	} {
		out, code := mailed(t, account.URL, test.more, startGateway(t, &gateway{}, test.size), "check")
		var found checkResult
		if err := json.Unmarshal(out, &found); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(found.Checks, func(c tried) bool { return c.Name == "destination post" })
		said := strings.Join(append(found.Checks[i].Facts, found.Checks[i].Detail), "\n")
		for _, want := range test.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s, SIZE %d: no %q in %q", test.more, test.size, want, said)
			}
		}
		if good := test.code == exitDone; found.Checks[i].Good != good || !good && found.Checks[i].Remedy == "" || (code == exitDone) != good {
			t.Errorf("%s, SIZE %d: %+v, exit %d", test.more, test.size, found.Checks[i], code)
		}
	}
}

// Nothing is refused where the server's limit is far below the archive's: the first cut
// knows it.
func TestExportKeepsToTheServersLimit(t *testing.T) {
	set := atRest()
	set.Conversations, set.Messages = 3, 120
	account := httptest.NewServer(sandbox.New(set))
	t.Cleanup(account.Close)
	box := &gateway{}
	out, code := mailed(t, account.URL, "", startGateway(t, box, 80_000), "export")
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, out)
	}
	for _, raw := range box.mails {
		if len(raw) > 80_000 {
			t.Errorf("a mail of %d bytes", len(raw))
		}
	}
	if len(box.mails) <= 3 {
		t.Errorf("%d mails: nothing was split", len(box.mails))
	}
}

// A gateway that refuses every mail halts its destination after a few. Export names the
// cause and the remedy, and so does check from then on, which sends none.
func TestGatewayThatRefusesEveryMail(t *testing.T) {
	account := httptest.NewServer(sandbox.New(atRest()))
	t.Cleanup(account.Close)
	box := &gateway{refuses: &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 7, 26}, Message: "DMARC"}}
	dir, port := t.TempDir(), startGateway(t, box, 0)
	if _, talk, code := mailedIn(t, dir, account.URL, "", port, "check"); code != exitDone {
		t.Fatalf("check before: exit %d: %s", code, talk)
	}
	_, talk, code := mailedIn(t, dir, account.URL, "", port, "export")
	if code != exitUnfinished || !strings.Contains(talk, "5.7.26") || !strings.Contains(talk, "hint: the archive checks SPF, DKIM and DMARC") || len(box.mails) != 3 {
		t.Errorf("export: exit %d after %d mails: %s", code, len(box.mails), talk)
	}
	out, talk, code := mailedIn(t, dir, account.URL, "", port, "check")
	if code != exitUsage || !strings.Contains(string(out), "refuses what it is sent") || !strings.Contains(talk, "hint: the archive checks SPF") || len(box.mails) != 3 {
		t.Errorf("check: exit %d: %s%s", code, out, talk)
	}
	box.refuses = nil
	if _, talk, code := mailedIn(t, dir, account.URL, "", port, "export"); code != exitDone || len(box.mails) != 3+20 {
		t.Errorf("export: exit %d after %d mails: %s", code, len(box.mails), talk)
	}
	if _, talk, code := mailedIn(t, dir, account.URL, "", port, "check"); code != exitDone {
		t.Errorf("check after: exit %d: %s", code, talk)
	}
}
