package profile_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/mail"
	"lpexport/archive/profile"
)

// eachMail runs a test for every archive that takes mails.
func eachMail(t *testing.T, test func(*testing.T, profile.Rendering)) {
	n := 0
	for _, p := range profile.All() {
		if p.Rendering.Mail == nil {
			continue
		}
		n++
		t.Run(p.Name, func(t *testing.T) { test(t, mails(t, p.Name)) })
	}
	if n < 11 {
		t.Errorf("%d archives take mails", n)
	}
}

// The words for lexicons, the page for reviewers and the record, in one mail.
func TestOneMailHoldsASlice(t *testing.T) {
	want := []string{"multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/json"}
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		s := conversation()
		m := first(t, r, s)
		if !slices.Equal(m.kinds, want) {
			t.Errorf("its parts are %q", m.kinds)
		}
		line, _ := archive.AppendLine(nil, &s)
		if !bytes.Equal(m.transcript, line) {
			t.Error("transcript.json is not the slice")
		}
		for i := range s.Messages {
			for _, text := range strings.Split(s.Messages[i].Text, "\n") {
				if !strings.Contains(m.plain, text) {
					t.Errorf("the text does not say %q", text)
				}
			}
		}
	})
}

// What was sent as a file is at least named, by its own name, to every reader.
func TestFilesAreNamed(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		m := first(t, r, conversation())
		for part, text := range map[string]string{"text": m.plain, "page": m.html, "record": string(m.transcript)} {
			if !strings.Contains(text, "letter.pdf") || !strings.Contains(text, "my letter") {
				t.Errorf("the %s does not name the file", part)
			}
		}
	})
}

// An archive that tells duplicates by Message-ID takes a mail that is sent again
// once, and drops nothing else.
func TestMessageIDIsStable(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		s := conversation()
		again := first(t, r, s).get("Message-ID")
		seen := map[string]string{again: "first"}
		if first(t, r, conversation()).get("Message-ID") != again || again == "" {
			t.Fatal("rendered again it is another")
		}
		note := func(what, id string) {
			if other, ok := seen[id]; ok {
				t.Errorf("%s and %s are one: %s", what, other, id)
			}
			seen[id] = what
		}
		note("the next slice", first(t, r, closing()).get("Message-ID"))
		s.Conversation = "7" + s.Conversation[1:]
		note("another conversation", first(t, r, s).get("Message-ID"))
		s = conversation()
		s.Account = "87654321"
		note("another account", first(t, r, s).get("Message-ID"))
		if !strings.HasSuffix(again, "@lpexport.firm.example>") {
			t.Errorf("%s is not of the destination's domain", again)
		}
	})
}

// A backfill has a destination of its own, and its mails are of that one.
func TestTwoDestinationsOfOneArchive(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		other := with(r, func(s *mail.Settings) { s.Destination = "backfill" })
		if first(t, r, conversation()).get("Message-ID") == first(t, other, conversation()).get("Message-ID") {
			t.Error("two destinations make one Message-ID")
		}
	})
}

func TestOwnIDsAreInTheHeader(t *testing.T) {
	want := map[string]string{
		"X-LivePerson-Account": "12345678", "X-LivePerson-Conversation": conversationID,
		"X-LivePerson-Slice": "2", "X-LivePerson-Revision": "4", "X-LivePerson-Source": "LivePerson",
		"Auto-Submitted": "auto-generated",
	}
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		m := first(t, r, closing())
		for name, value := range want {
			if m.get(name) != value {
				t.Errorf("%s: %q", name, m.get(name))
			}
		}
		if m.get("References") != first(t, r, conversation()).get("Message-ID") {
			t.Errorf("the second slice refers to %q", m.get("References"))
		}
	})
}

// Archives file and supervise by the addresses of From and To alone.
func TestEveryParticipantIsInTheHeader(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		for _, s := range []archive.Slice{conversation(), closing()} {
			m := first(t, r, s)
			from, to := m.addresses(t, "From"), m.addresses(t, "To")
			if len(from) != 1 {
				t.Errorf("From: %q", from)
			}
			there := make(map[string]bool)
			for _, a := range slices.Concat(from, to) {
				there[a] = true
			}
			if !maps.Equal(there, addressesOf(s)) {
				t.Errorf("From %q and To %q are not those that took part", from, to)
			}
		}
	})
}

// A reviewer searches for the word; a policy hangs on where the subject begins.
func TestSubjectBeginsWithTheSource(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		subject := first(t, r, conversation()).get("Subject")
		if !strings.HasPrefix(subject, "LivePerson conversation "+conversationID+" - Loans - 2026-01-31T10:00:00") {
			t.Errorf("Subject: %q", subject)
		}
	})
}

// Lexicons read lines: who said it, in which role, when and what, on each.
func TestPlainTextStandsAlone(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		s := conversation()
		plain := first(t, r, s).plain
		for _, m := range s.Messages[:2] {
			at := time.UnixMilli(m.SentAt).UTC().Format("2006-01-02T15:04:05.000Z")
			want := fmt.Sprintf("\n[%s] %s <%s> (%s)", at, m.Sender.Name, m.Sender.Address, m.Sender.Role)
			_, rest, ok := strings.Cut(plain, want)
			line, _, _ := strings.Cut(rest, "\n")
			if !ok || !strings.Contains(line, m.Text) {
				t.Errorf("no line %s: %s", want[1:], m.Text)
			}
		}
		if !strings.Contains(plain, "(agents only)") || !strings.Contains(plain, "transferred") {
			t.Error("what only agents saw, or the transfer, is not told")
		}
	})
}

// Reviewers may want their own clock; the archive files by UTC.
func TestZoneIsOfTheTextOnly(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		utc := first(t, r, conversation())
		local := first(t, with(r, func(s *mail.Settings) { s.Zone = "America/New_York" }), conversation())
		if !strings.Contains(utc.plain, "[2026-01-31T10:00:02.000Z]") || !strings.Contains(local.plain, "[2026-01-31T05:00:02.000-05:00]") {
			t.Error("the times are not of the zone")
		}
		if utc.get("Date") != local.get("Date") || !strings.HasSuffix(utc.get("Date"), " +0000") {
			t.Errorf("Date: %q and %q", utc.get("Date"), local.get("Date"))
		}
	})
}

// Archives keep and expire by Date: it is a time of the conversation, whichever
// the row says, and never that of the export.
func TestDateIsOfTheConversation(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		s := conversation()
		want := s.Messages[0].SentAt
		if r.Mail.Date == mail.DateLast {
			want = s.Messages[len(s.Messages)-1].SentAt
		}
		if at, err := first(t, r, s).header.Date(); err != nil || at.UnixMilli() != want {
			t.Errorf("Date is %v, %v", at, err)
		}
	})
}
