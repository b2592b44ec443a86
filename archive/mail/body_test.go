package mail_test

import (
	"slices"
	"strings"
	"testing"

	"lpexport/archive"
)

// Wherever a long line of a text is broken on the way, no line of the mail begins
// with what a mailbox file or SMTP takes for its own.
func TestNoLineBeginsWithWhatIsNotText(t *testing.T) {
	s := full()
	s.Messages, s.Happened = s.Messages[:1], nil
	for n := range 80 {
		for _, text := range []string{"From me.", ".", "....", " ", "=", "\t"} {
			for _, after := range []string{"", strings.Repeat("y", 80)} {
				s.Messages[0].Text = strings.Repeat("x", n) + text + after
				raw := mails(t, settings(), &s)[0]
				checkWire(t, raw)
				if o := open(t, raw); !strings.HasSuffix(o.Text, " (agent): "+s.Messages[0].Text+"\r\n") {
					t.Errorf("%q became %q", s.Messages[0].Text, o.Text)
				}
			}
		}
	}
}

// No name or id can be taken for what stands around it.
func TestNamesAreQuotedWhereTheyMislead(t *testing.T) {
	for name, want := range map[string]string{
		"Ana Agent": "Ana Agent", "O'Neil-Ünï 2": "O'Neil-Ünï 2", "a: b": `"a: b"`, "* closed": `"* closed"`, "a, b": `"a, b"`, "a; b": `"a; b"`,
		"a [b]": `"a [b]"`, "a (agent)": `"a (agent)"`, "<a@b>": `"<a@b>"`, `say "x" \`: `"say \"x\" \\"`, " a": `" a"`, "a ": `"a "`, "]": `"]"`, ")": `")"`,
		">": `">"`, "a\r\n[b": `"a␍␊[b"`, "\u202ea": "[U+202E]a",
	} {
		s := full()
		s.Participants, s.Happened = nil, nil
		s.Messages = s.Messages[:1]
		s.Messages[0].Sender = archive.Participant{ID: name, Role: name, Name: name, Login: name, Address: "x@y.example"}
		o := open(t, mails(t, settings(), &s)[0])
		lines := strings.Split(o.Text, "\r\n")
		for _, want := range []string{
			"- " + want + " <x@y.example> (" + want + "); login " + want + "; id " + want,
			"[2026-01-31T10:00:00.123Z] " + want + " <x@y.example> (" + want + "): Welcome! How can we help?",
		} {
			if !slices.Contains(lines, want) {
				t.Errorf("%q: no line is %q in %q", name, want, lines[len(lines)-6:])
			}
		}
	}
}
