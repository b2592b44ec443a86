package profile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/mail"
	"lpexport/archive/profile"
)

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
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		for _, raw := range render(t, r, conversation(), closing()) {
			check7Bit(t, raw)
		}
	})
}

var fitLine = regexp.MustCompile(`^[\t\x20-\x7e]{0,998}$`)

func check7Bit(t *testing.T, raw []byte) {
	t.Helper()
	text, ok := bytes.CutSuffix(raw, []byte("\r\n"))
	if !ok {
		t.Error("does not end with a line")
	}
	for l := range bytes.SplitSeq(text, []byte("\r\n")) {
		if !fitLine.Match(l) {
			t.Fatalf("a line is not fit for the way: %q", l)
		}
	}
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
