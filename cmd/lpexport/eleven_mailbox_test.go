package main

import (
	"bytes"
	netmail "net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mailbox is what a mail server delivers into. Several configurations, each with
// a recipient of its own, and several runs share it.
type mailbox struct {
	folder    string // where a Maildir has what is new
	config    string // of the server
	recipient string
	trace     string
	before    map[string]bool // what was there at the begin
}

func (e *eleven) prepareSMTP() {
	e.t.Helper()
	variable := func(name string) string { return server(e.t, "postfix", "LPEXPORT_TEST_POSTFIX_"+name) }
	for _, name := range []string{"HOST", "TLS_PORT", "CA", "CERT", "KEY", "PASSWORD"} {
		e.set("SMTP_"+name, variable(name))
	}
	e.set("SMTP_PORT", variable("STARTTLS_PORT"))
	e.set("SMTP_LOGIN_PORT", variable("SUBMISSION_PORT"))
	e.set("SMTP_CERT_PORT", variable("CLIENT_CERT_PORT"))
	e.set("SMTP_USER", variable("USERNAME"))
	m := &mailbox{
		folder: filepath.Join(variable("MAILDIR"), "new"), config: variable("CONFIG"),
		recipient: e.name + "@archive.test", trace: e.trace, before: map[string]bool{},
	}
	m.settle(e.t)
	for _, name := range m.names(e.t) {
		m.before[name] = true
	}
	e.place = m
}

// settle waits until the server has delivered all that it has taken: it says yes
// to a mail some moments before.
func (m *mailbox) settle(t *testing.T) {
	t.Helper()
	waitFor(t, "Postfix delivers what it has taken", func() bool {
		out, err := exec.Command("postqueue", "-c", m.config, "-p").CombinedOutput()
		return err == nil && bytes.Contains(out, []byte("Mail queue is empty"))
	})
}

// names are the files that came since the begin, for whomever.
func (m *mailbox) names(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(m.folder)
	if err != nil && !os.IsNotExist(err) {
		t.Error(err)
	}
	for _, entry := range entries {
		if !m.before[entry.Name()] {
			names = append(names, entry.Name())
		}
	}
	return names
}

// read returns the mails as they were sent, without the header that the server
// put before each, and with the line ends that it had on the way.
func (m *mailbox) read(t *testing.T) (mails []lying) {
	t.Helper()
	m.settle(t)
	for _, name := range m.names(t) {
		data, err := os.ReadFile(filepath.Join(m.folder, name))
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
		begin := bytes.Index(data, []byte("\r\nDate: ")) + 2
		added, err := netmail.ReadMessage(bytes.NewReader(append(data[:begin:begin], "\r\n"...)))
		if err != nil {
			t.Fatal(err)
		}
		if added.Header.Get("X-Original-To") != m.recipient {
			continue
		}
		if came := added.Header.Get("Received"); !strings.Contains(came, m.trace) || !strings.Contains(came, "using TLSv1.3") {
			t.Errorf("a mail for %s came %q, want %q", m.recipient, came, m.trace)
		}
		mails = append(mails, lying{data: data[begin:]})
	}
	return mails
}

// mortalPostfix kills the processes that talk to us; their master starts others.
func mortalPostfix(e *eleven) mortal {
	pidFile := filepath.Join(server(e.t, "postfix", "LPEXPORT_TEST_POSTFIX"), "postfix.pid")
	return mortal{
		kills:   6,
		arrived: func() int { return len(e.place.(*mailbox).names(e.t)) },
		kill:    func() { killChildren(e.t, pidFile, "smtpd") },
		revive:  func() {},
	}
}
