package mail_test

import (
	"bytes"
	"fmt"
	netmail "net/mail"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// crowd is a conversation that ten thousand consumers and, behind them, two agents
// are in.
func crowd() archive.Slice {
	s := full()
	s.Participants = []archive.Participant{zoe}
	for i := range 10_000 {
		p := zoe
		p.ID, p.Name = fmt.Sprintf("c-%d", i), fmt.Sprintf("Zoë %d", i)
		p.Address = fmt.Sprintf("c-%08d-a-long-address-that-is-made@visitors.example", i)
		s.Participants = append(s.Participants, p)
	}
	s.Participants = append(s.Participants, ana, bot)
	return s
}

// TestHeadersOfACrowdAreBounded: mail servers cut headers of 100 KiB and refuse
// thousands of recipients. Everybody is named in the bodies.
func TestHeadersOfACrowdAreBounded(t *testing.T) {
	of, s := settings(), crowd()
	of.From = "archive@firm.example"
	of.Headers = []mail.Header{{Name: "X-Everybody", Value: "{participants}"}, {Name: "X-Names", Value: "{consumer}"}}
	raw := mails(t, of, &s)[0]
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	for field := range strings.SplitSeq(strings.ReplaceAll(strings.ReplaceAll(string(head), "\r\n ", ""), "\r\n\t", ""), "\r\n") {
		if len(field) > 100<<10 {
			t.Errorf("%.20s… has %d bytes", field, len(field))
		}
	}
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	must(t, err)
	to, err := m.Header.AddressList("To")
	must(t, err)
	if len(to) > 500 || len(to) < 200 || to[0].Address != ana.Address || to[1].Address != bot.Address {
		t.Errorf("%d recipients, the first are %v", len(to), to[:2])
	}
	message := open(t, raw)
	for _, body := range []string{message.Text, message.HTML, message.Transcript} {
		if n := strings.Count(body, "-a-long-address-that-is-made@"); n < 10_000 || !strings.Contains(body, ana.Address) {
			t.Errorf("a body names %d people", n)
		}
	}
	if want := fmt.Sprintf("Recipients:   the header To has no room for %d of the participants below", len(s.Participants)-len(to)); !strings.Contains(message.Text, want) {
		t.Errorf("the text does not say %q", want)
	}
}

// TestLongIDsAndControlCharacters: what names a conversation can be any text.
func TestLongIDsAndControlCharacters(t *testing.T) {
	for _, id := range []string{strings.Repeat("x", 400), strings.Repeat("ü", 512), "a\r\nBcc: x@evil\x01\x7f", " a b "} {
		s := full()
		s.Conversation = id
		raw := mails(t, settings(), &s)[0]
		m, err := netmail.ReadMessage(bytes.NewReader(raw))
		must(t, err)
		message := open(t, raw)
		got, err := archive.ParseLine([]byte(message.Transcript))
		if err != nil || got.Conversation != id {
			t.Errorf("%q came back as %q, %v", id, got.Conversation, err)
		}
		if m.Header.Get("Bcc") != "" || len(m.Header.Get("Message-ID")) > 200 {
			t.Errorf("%q: %v", id, m.Header)
		}
		for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
			if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00\x01\x7f") {
				t.Errorf("%q: the line %q", id, line)
			}
		}
	}
	s := full()
	s.Conversation = strings.Repeat("x", 400)
	m, err := netmail.ReadMessage(bytes.NewReader(mails(t, settings(), &s)[0]))
	must(t, err)
	if got := m.Header.Get("X-LivePerson-Conversation"); got != s.Conversation {
		t.Errorf("the header says %q", got)
	}
}
