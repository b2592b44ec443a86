package smtp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// verdicts is the package's table, written out: at each place, what each kind of
// answer means. "retry item" is of class Retry for that item alone; "+" says
// that a hint must tell what to do.
var verdicts = map[string]map[string]string{
	"greeting": {
		"450 4.3.2 later": "retry", "554 5.7.1 no": "halt+", "421 busy": "retry+", closes: "retry", hangs: "retry+",
		"SSH-2.0-OpenSSH_9.2": "halt+", "250 what?": "halt+", "": "halt+", "220": "ok",
	},
	"EHLO": {
		"451 later": "retry", "550 no": "halt+", "421 busy": "retry+", closes: "retry", hangs: "retry", "hello": "halt+",
		"250-mx.example\r\n251 x": "halt+", "250 mx.example": "ok",
	},
	"AUTH": {
		"454 4.7.0 temporary": "retry+", "535 5.7.8 wrong": "halt+", "534 5.7.9 too weak": "halt+", "421 busy": "retry+",
		closes: "retry", hangs: "retry", "334 ": "retry", "what?": "retry",
	},
	"MAIL": {
		"450 4.7.1 too many": "retry", "452 4.3.1 no room": "retry item", "552 5.3.4 too big": "reject+", "552 too big": "reject+", "554 5.3.4 too big": "reject+",
		"550 5.7.1 sender": "halt+", "530 5.7.0 log in": "halt+", "501 syntax": "halt+", "421 busy": "retry+",
		closes: "retry", hangs: "retry", "what?": "retry", "354 what?": "retry",
	},
	"RCPT": {
		"450 4.2.1 later": "retry", "452 4.5.3 too many": "retry", "550 5.1.1 unknown": "halt+", "554 5.7.1 access denied": "halt+",
		"530 5.7.0 log in": "halt+", "552 5.2.2 mailbox full": "retry+", "552 5.3.4 too big": "reject+", "550 5.2.3 too long": "reject+",
		"421 busy": "retry+", closes: "retry", hangs: "retry", "what?": "retry", "251 will forward": "ok",
	},
	"DATA": {
		"451 later": "retry item", "554 5.7.1 no": "reject+", "503 5.5.1 first RCPT": "halt+", "530 5.7.0 log in": "halt+",
		"421 busy": "retry+", closes: "retry", hangs: "retry", "what?": "retry", "250 taken?": "retry",
	},
	"text": {
		closes: "retry item", hangs: "retry",
	},
	"end": {
		"450 4.7.1 later": "retry item", "451 4.3.0 later": "retry item", "554 5.6.0 no": "reject", "552 5.3.4 too big": "reject+", "552 storage": "reject+", "552 5.2.2 full": "retry+", "550 5.7.26 unauthenticated": "reject+", "550 5.7.30 basic": "reject+", "530 5.7.57 log in": "halt+",
		"500 what": "reject", "421 busy": "retry item+", closes: "uncertain+", hangs: "uncertain+", "what?": "uncertain+",
		"354 more": "uncertain+", "221 bye": "uncertain+", "250-half\r\n251 an answer": "uncertain+", "250": "ok", "250-two\r\n250 lines": "ok",
	},
}

// verdictOf writes an error as verdicts does.
func verdictOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return "ok"
	}
	e, ok := errors.AsType[*archive.Error](err)
	if !ok {
		t.Fatalf("%v is no *archive.Error", err)
	}
	s := e.Class.String()
	if e.Item {
		s += " item"
	}
	if e.Hint != "" {
		s += "+"
	}
	if strings.ContainsAny(e.Error(), "\r\n") || strings.Contains(e.Error(), password) {
		t.Errorf("the error is not fit for a log: %q", e.Error())
	}
	return s
}

func hintOf(err error) string {
	e, _ := errors.AsType[*archive.Error](err)
	return e.Hint
}

// Time-outs pass at once: the pipes follow the bubble's clock.
func TestVerdictOfEveryAnswerAtEveryPlace(t *testing.T) {
	items := archivetest.FileItems(t, 2)
	for at, answers := range verdicts {
		for answer, want := range answers {
			for _, pipelining := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) { testVerdict(t, items, at, answer, want, pipelining) })
			}
		}
	}
}

// limits is how long an answer is waited for.
var limits = map[string]time.Duration{
	"greeting": time.Minute, "EHLO": time.Minute, "AUTH": time.Minute, "MAIL": time.Minute, "RCPT": time.Minute,
	"DATA": time.Minute, "text": time.Minute, "end": 10 * time.Minute,
}

func testVerdict(t *testing.T, items []archive.Item, at, answer, want string, pipelining bool) {
	server := &scripted{answers: map[string]string{at: answer}, offers: []string{"AUTH PLAIN", "SIZE 100000"}}
	if pipelining {
		server.offers = append(server.offers, "PIPELINING")
	}
	c := server.plain()
	if at == "AUTH" {
		c.Username, c.Password = username, password
	}
	d := open(t, c)
	defer server.done.Wait()
	defer d.Close()
	begin := time.Now()
	_, err := deliver(d, items[0])
	if limit := limits[at]; answer == hangs && time.Since(begin) != limit || server.connections != 1 {
		t.Errorf("%s answered %q: given up after %s and %d connections, want %s", at, answer, time.Since(begin), server.connections, limit)
	}
	if got := verdictOf(t, err); got != want {
		t.Errorf("%s answered %q (pipelining %v): %s, want %s: %v", at, answer, pipelining, got, want, err)
	}
	if at == "MAIL" || at == "RCPT" {
		synctest.Wait()
		if want != "ok" && len(server.halves) > 0 {
			t.Errorf("%s answered %q: a mail without recipient had the text %q", at, answer, server.halves)
		}
	}
	taken := items[:0:0]
	if want == "ok" {
		taken = append(taken, items[0])
	}
	// Whatever happened, the next mail goes through once the server is well.
	server.set(nil)
	if _, err := deliver(d, items[1]); err != nil {
		t.Errorf("after %q to %s (pipelining %v): %v", answer, at, pipelining, err)
	}
	wantMails(t, server, append(taken, items[1])...)
}

// A refusal leaves the session as it was: the next mail needs no new one.
func TestSessionGoesOnAfterARefusal(t *testing.T) {
	items := archivetest.FileItems(t, 2)
	for _, test := range []struct{ refuses, offers, wantSeen string }{
		{"MAIL", "", "greeting EHLO MAIL RSET MAIL RCPT DATA end"},
		{"RCPT", "", "greeting EHLO MAIL RCPT RSET MAIL RCPT DATA end"},
		{"DATA", "", "greeting EHLO MAIL RCPT DATA RSET MAIL RCPT DATA end"},
		{"end", "", "greeting EHLO MAIL RCPT DATA end MAIL RCPT DATA end"},
		{"MAIL", "PIPELINING", "greeting EHLO MAIL RCPT DATA RSET MAIL RCPT DATA end"},
		{"RCPT", "PIPELINING", "greeting EHLO MAIL RCPT DATA RSET MAIL RCPT DATA end"},
		{"end", "PIPELINING", "greeting EHLO MAIL RCPT DATA end MAIL RCPT DATA end"},
	} {
		server := &scripted{answers: map[string]string{test.refuses: "450 later"}, offers: []string{test.offers}, strict: true}
		d := open(t, server.plain())
		if _, err := deliver(d, items[0]); err == nil {
			t.Fatalf("%s: no error", test.refuses)
		}
		server.set(nil)
		if _, err := deliver(d, items[1]); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(server.seen, " "); got != test.wantSeen || server.connections != 1 {
			t.Errorf("%d connections, the server saw %q, want %q", server.connections, got, test.wantSeen)
		}
		wantMails(t, server, items[1])
	}
}

// Cancelling ends the dialogue wherever it is, and says so.
func TestCancelledAtEveryPlace(t *testing.T) {
	items := archivetest.FileItems(t, 2)
	for _, at := range []string{"greeting", "EHLO", "MAIL", "RCPT", "DATA", "text", "end"} {
		ctx, cancel := context.WithCancel(context.Background())
		server := &scripted{answers: map[string]string{at: hangs}, event: func(what string) {
			if what == at {
				cancel()
			}
		}}
		d := open(t, server.plain())
		_, err := d.Deliver(ctx, items[0])
		want := "retry"
		if at == "end" {
			want = "uncertain+"
		}
		if got := verdictOf(t, err); got != want || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at %s: %s, want %s: %v", at, got, want, err)
		}
		server.set(nil)
		if _, err := deliver(d, items[1]); err != nil {
			t.Errorf("after being cancelled at %s: %v", at, err)
		}
		wantMails(t, server, items[1])
	}
}
