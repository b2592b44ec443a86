package profile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
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

// The limit counts what is sent, and what is too much is split, never stripped.
func TestMailsAreSplitByEncodedSize(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		const limit = 20_000
		s := crowd(0)
		for i := range 200 {
			s.Messages = append(s.Messages, message(&s, int64(10+i), agent, fmt.Sprintf("%d: %s", i, strings.Repeat("word ", 30))))
		}
		docs := render(t, with(r, func(s *mail.Settings) { s.MaxBytes = limit }), s)
		n, ids := 0, make(map[string]bool)
		for i, raw := range docs {
			m := read(t, raw)
			var part struct{ Messages []json.RawMessage }
			if err := json.Unmarshal(m.transcript, &part); err != nil {
				t.Fatal(err)
			}
			n += len(part.Messages)
			ids[m.get("Message-ID")] = true
			if len(raw) > limit || m.get("X-LivePerson-Part") != fmt.Sprintf("%d/%d", i+1, len(docs)) {
				t.Errorf("part %q is %d bytes", m.get("X-LivePerson-Part"), len(raw))
			}
		}
		if len(docs) < 3 || n != len(s.Messages) || len(ids) != len(docs) {
			t.Errorf("%d of %d messages in %d parts with %d names", n, len(s.Messages), len(docs), len(ids))
		}
	})
}

// Not every mail server on the way takes 8 bits or bare line feeds, and a drop
// folder has none that would convert.
func TestMailsAre7Bit(t *testing.T) {
	line := regexp.MustCompile(`^[\t\x20-\x7e]{0,998}$`)
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		for _, raw := range render(t, r, conversation(), closing()) {
			text, ok := bytes.CutSuffix(raw, []byte("\r\n"))
			if !ok {
				t.Error("does not end with a line")
			}
			for l := range bytes.SplitSeq(text, []byte("\r\n")) {
				if !line.Match(l) {
					t.Fatalf("a line is not fit for the way: %q", l)
				}
			}
		}
	})
}

// Some intakes look for an envelope in the mail, the others would show it.
func TestJournalIsASwitch(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		plain := first(t, r, conversation())
		if _, ok := plain.header["X-Ms-Journal-Report"]; ok || plain.inner != nil {
			t.Error("wrapped without being asked for")
		}
		m := first(t, with(r, func(s *mail.Settings) {
			s.Journal = &mail.Journal{From: "journal@firm.example", To: "ingestion@archive.example"}
		}), conversation())
		if _, ok := m.header["X-Ms-Journal-Report"]; !ok || m.inner == nil {
			t.Fatal("not wrapped")
		}
		if !slices.Equal(m.addresses(t, "From"), []string{"journal@firm.example"}) ||
			!slices.Equal(m.addresses(t, "To"), []string{"ingestion@archive.example"}) {
			t.Errorf("outside it is from %q to %q", m.get("From"), m.get("To"))
		}
		if m.inner.get("Message-ID") != plain.get("Message-ID") || m.inner.plain != plain.plain {
			t.Error("what is wrapped is not the mail")
		}
		for address := range addressesOf(conversation()) {
			if !strings.Contains(m.plain, address) {
				t.Errorf("the report leaves out %s", address)
			}
		}
	})
}

// Supervision that flags single messages wants a mail for each.
func TestAMailForEachMessage(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		s := conversation()
		docs := render(t, with(r, func(s *mail.Settings) { s.Per = mail.PerMessage }), s)
		if len(docs) != len(s.Messages) {
			t.Fatalf("%d mails of %d messages", len(docs), len(s.Messages))
		}
		root := read(t, docs[0]).get("Message-ID")
		for i, raw := range docs[1:] {
			m := read(t, raw)
			if !strings.Contains(m.get("References"), root) {
				t.Errorf("mail %d is not of the thread", i+2)
			}
			if text := s.Messages[i+1].Text; !strings.Contains(m.plain, strings.Split(text, "\n")[0]) {
				t.Errorf("mail %d does not say %q", i+2, text)
			}
		}
	})
}

// One message that fills a mail alone is nobody's to strip.
func TestWhatCannotBeSplitIsReported(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		const limit = 100_000
		s := conversation()
		s.Messages[2].Text = strings.Repeat("word ", limit/5)
		line, err := archive.AppendLine(nil, &s)
		if err != nil {
			t.Fatal(err)
		}
		shape, err := with(r, func(s *mail.Settings) { s.MaxBytes = limit }).Shape()
		if err != nil {
			t.Fatal(err)
		}
		err = shape.Format.Documents(line, func(archive.Document) error { return nil })
		var large *archive.TooLargeError
		if !errors.As(err, &large) || large.Limit != limit || large.Bytes <= limit {
			t.Errorf("got %v", err)
		}
	})
}
