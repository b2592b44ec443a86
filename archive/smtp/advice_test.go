package smtp

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// A refusal of a mail says by what it is like others, and whether the mail's size is
// the reason: what is refused alike halts the destination, what is too large is split.
func TestRefusalNamesItsReason(t *testing.T) {
	item := archivetest.FileItems(t, 1)[0]
	for _, test := range []struct {
		at, answer string
		alike      string
		tooLarge   bool
		hint       string // a word of it
	}{
		{"end", "550 5.7.26 Unauthenticated email is not accepted due to domain's DMARC policy", "5.7", false, "DMARC"},
		{"end", "550-5.7.26 two\r\n550 5.7.26 lines", "5.7", false, "DMARC"},
		{"end", "550 5.7.1 relaying denied", "5.7", false, "smtp.sender"},
		{"end", "550 5.7.23 SPF", "5.7", false, "SPF"},
		{"end", "550 5.7.22 DKIM", "5.7", false, "DKIM"},
		{"end", "550 5.7.25 PTR", "5.7", false, "PTR"},
		{"end", "550 5.7.30 Basic authentication is not supported for Client Submission", "5.7", false, "XOAUTH2"},
		{"end", "550 5.7.515 level", "5.7", false, "DMARC"},
		{"end", "550 5.7.613 banned", "5.7", false, "allow list"},
		{"end", "554 5.6.0 no", "5.6.0", false, ""},
		{"end", "554 no", "554", false, ""},
		{"DATA", "554 5.7.1 no", "5.7", false, "smtp.sender"},
		{"AUTH", "535 5.7.139 Authentication unsuccessful", "", false, "XOAUTH2"},
		{"AUTH", "535 5.7.8 wrong", "", false, "smtp.password"},
		{"AUTH", "535 no", "", false, "smtp.password"},
		{"MAIL", "550 5.7.1 sender", "", false, "smtp.sender"},
		{"MAIL", "530 5.7.57 Client not authenticated", "", false, "connector"},
		{"MAIL", "552 5.3.4 too big", "", true, "files.max_bytes"},
		{"RCPT", "552 5.3.4 too big", "", true, "files.max_bytes"},
		{"end", "552 5.3.4 too big", "", true, "files.max_bytes"},
		{"end", "550 5.2.3 too long", "", true, "files.max_bytes"},
		{"end", "552 too big", "", true, "files.max_bytes"},
		{"end", "552 5.2.2 mailbox full", "", false, "mailbox"},
	} {
		server := &scripted{answers: map[string]string{test.at: test.answer}, offers: []string{"AUTH PLAIN"}}
		c := server.plain()
		if test.at == "AUTH" {
			c.Username, c.Password = username, password
		}
		_, err := deliver(open(t, c), item)
		e, ok := errors.AsType[*archive.Error](err)
		if !ok || e.Alike != test.alike || e.TooLarge != test.tooLarge || e.Limit != 0 ||
			!strings.Contains(e.Hint, test.hint) || test.hint == "" && e.Hint != "" {
			t.Errorf("%s answered %q: %+v", test.at, test.answer, e)
		}
	}
}

// The manual's page has a row for each status that there is advice on.
func TestManualNamesEachStatus(t *testing.T) {
	page, err := os.ReadFile("../../doc/mail.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, all := range []map[string]string{advice, policy} {
		for why := range all {
			if !strings.Contains(string(page), "`5"+why+"`") {
				t.Errorf("no row for 5%s", why)
			}
		}
	}
}

// A server that takes OAuth only is not asked for a password, and is named as such.
func TestServerThatTakesNoPasswords(t *testing.T) {
	server := &scripted{offers: []string{"AUTH XOAUTH2 OAUTHBEARER"}}
	c := server.plain()
	c.Username, c.Password = username, password
	_, err := open(t, c).Probe(context.Background())
	if got := verdictOf(t, err); got != "halt+" || !strings.Contains(hintOf(err), "XOAUTH2") || strings.Contains(server.saw(), "AUTH") {
		t.Errorf("%s after %q: %v", got, server.saw(), err)
	}
}

// What is too large for the configured limit or for the server's says for which one,
// and the server's can be asked for without a mail.
func TestLimitsAreNamed(t *testing.T) {
	item := archivetest.FileItems(t, 1)[0]
	for _, test := range []struct {
		offers     string
		configured int64
		limit      int64
	}{{"SIZE 100", 0, 100}, {"SIZE 100", 50, 50}, {"SIZE", 50, 50}} {
		server := &scripted{offers: []string{test.offers}}
		c := server.plain()
		c.MaxBytes = test.configured
		_, err := deliver(open(t, c), item)
		e, ok := errors.AsType[*archive.Error](err)
		if !ok || e.Class != archive.Reject || !e.TooLarge || e.Limit != test.limit {
			t.Errorf("%s, configured %d: %+v", test.offers, test.configured, e)
		}
	}
	for offers, want := range map[string]int64{"SIZE 12345": 12345, "SIZE": 0, "SIZE 0": 0, "SIZE -3": 0, "HELP": 0} {
		server := &scripted{offers: []string{offers}}
		d := open(t, server.plain())
		for range 2 {
			if got, err := d.MostBytes(context.Background()); err != nil || got != want {
				t.Errorf("%s: %d, %v", offers, got, err)
			}
		}
		if _, err := deliver(d, item); err != nil || server.connections != 1 {
			t.Errorf("%s: %v over %d connections", offers, err, server.connections)
		}
	}
}
