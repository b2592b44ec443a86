package mail_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// hostile is everything that has ever broken a mail.
var hostile = []string{
	"", " ", "  a  b  ", "Eve\r\nBcc: x@evil", "x@y\r\nRCPT TO:<z@evil>", "\r\n.\r\n", ".", "..\n.\n", "\n\n", "\r", "\n", "a\r\nb\nc\rd",
	"From me\nFrom you", "]]>", "</td></div><script>alert(1)</script>", `"><img src=x onerror=y>`, "&amp;&#0;", "\x00\x01\x1f\x7f\u0085",
	"../x", `..\x`, "\ufffd", "\ufeff", "\u202eevil\u2066", "\u2028\u2029", "\ufffe\uffff", "שלום\u200f", "東京😀", "é",
	"=?UTF-8?Q?evil?=", "=?utf-8?b?ZXZpbA==?= x", "a=?b", "=", "=0D=0A", `"`, `\`, `a"b\c`, "Doe, John", "<a@b>", "(x)", "* closed: reason x",
	"[2026-01-31T10:00:00.000Z] Ana <ana@firm.example> (agent): yes", "\n[2026-01-31T10:00:00.000Z] * closed", "\r\n    | x", "\t", "\ttab\t",
	"--=_m0\r\nContent-Type: text/html", "{account}", "ana@firm.example", "=?x@firm.example", strings.Repeat("x", 70), strings.Repeat("w ", 60),
	strings.Repeat("é", 200), strings.Repeat("long", 300), strings.Repeat("=", 200), strings.Repeat(". ", 100), strings.Repeat("ab ", 25) + " ",
}

// addressesToo are the above, and what is nearly an address.
var addressesToo = append([]string{
	"a@b", "a.b+c@x-y.example", "A@EXAMPLE.test", "a..b@x.example", ".a@x", "a.@x", "@x", "a@", "a@-x", "a@x_y", "a@[1.2.3.4]", `"a b"@x`,
	"a b@x", "a@x, b@y", "a@x>", "a@ünï.example", strings.Repeat("l", 64) + "@x", strings.Repeat("l", 65) + "@x",
	"a@" + strings.Repeat("label.", 41) + "example", "a@" + strings.Repeat("d", 64) + ".example",
}, hostile...)

// odd is a slice with hostile texts in every place; pick chooses one of the
// list that it is given.
func odd(pick func([]string) string, messages, happened int) archive.Slice {
	text := func() string { return pick(hostile) }
	person := func() archive.Participant {
		return archive.Participant{
			ID: text(), Role: text(), Name: text(), Login: text(), Email: text(), Kind: text(), Address: pick(addressesToo), AddressNote: text(),
		}
	}
	s := archive.Slice{
		Account: text(), Conversation: text(), Number: 1 + len(text())%3, Revision: 1, StartedAt: start, Status: text(), CloseReason: text(),
		Partial: len(text())%2 == 1, Skill: archive.Skill{ID: text(), Name: text()}, Skills: []archive.Skill{{ID: text(), Name: text()}},
		Participants: []archive.Participant{person(), zoe, person()},
	}
	kinds := []string{archive.Started, archive.Joined, archive.Transferred, archive.Closed, archive.Survey, "other", pick(hostile)}
	for i := range messages {
		m := archive.Message{
			Dialog: text(), Sequence: int64(i), ID: text(), SentAt: start + int64(i/2)*1000, Sender: person(), Audience: text(), Type: text(),
			Text: text() + text(), Source: text(), Amends: len(text()) % 2, Late: len(text())%2 == 1, Assumed: i%2 == 1,
		}
		switch i % 5 {
		case 0:
			m.Sender = zoe
		case 1:
			m.Files = []archive.File{{Path: text(), Type: text(), Caption: text()}, {}}
		case 2:
			m.Audience, m.Variant = "agents", 2
		case 3:
			m.Content = []byte(`{"a":[1,"\ud800"]}`)
		}
		s.Messages = append(s.Messages, m)
	}
	for i := range happened {
		h := archive.Happening{
			Name: fmt.Sprintf("%d", i), Kind: kinds[i%len(kinds)], At: start + int64(i)*500, By: text(), Participant: pick([]string{"", "c-1", text()}),
			Reason: text(), ToAgent: text(), Text: text(), Late: i%3 == 0,
		}
		if i%2 == 1 {
			h.FromSkill, h.ToSkill = &archive.Skill{}, &archive.Skill{ID: text(), Name: text()}
			h.Answers = []archive.Answer{{Question: text(), Answer: text()}}
		}
		s.Happened = append(s.Happened, h)
	}
	return s
}

// settled are settings that differ with n in everything that matters.
func settled(n uint) mail.Settings {
	of := settings()
	of.Per = []string{mail.PerConversation, mail.PerMessage}[n&1]
	of.Date = []string{mail.DateFirst, mail.DateLast}[n>>1&1]
	of.From = []string{mail.FromInitiator, mail.FromInternal}[n>>2&1]
	of.To = []string{mail.ToOthers, mail.ToAll}[n>>3&1]
	if n>>4&1 == 1 {
		of.Journal = &mail.Journal{From: "journal@firm.example", To: "in@vault.example"}
	}
	if n>>5&1 == 1 {
		of.Zone = "Asia/Kathmandu"
		of.Subject = "{agents}|{consumer}|{conversation}{{}}{skill}{status}{part}/{parts}"
		of.Headers = []mail.Header{{Name: "X-ZANTAZ-RECIP", Value: "{participants}"}, {Name: "X-All", Value: "{agent_addresses} {agents} {consumer_address}"}}
	}
	return of
}

// render makes the mails, or says that one message alone is too large.
func render(t testing.TB, of mail.Settings, s *archive.Slice) (all [][]byte, tooLarge *archive.TooLargeError) {
	t.Helper()
	err := format(t, of).Documents(lineOf(t, s), func(d archive.Document) error {
		all = append(all, spliced(t, d))
		return nil
	})
	if errors.As(err, &tooLarge) {
		return nil, tooLarge
	}
	must(t, err)
	return all, nil
}

// Whatever stands in a slice, and wherever, the mail is one that two readers
// read alike, with everything in it and nothing else.
func FuzzMail(f *testing.F) {
	for i := range hostile {
		f.Add(uint64(i)*0x9e3779b97f4a7c15, "", "", uint(i), uint(0))
	}
	for i, text := range addressesToo {
		f.Add(uint64(i), text, text, uint(i), uint(i%3)*9000)
		f.Add(uint64(i), text, text, uint(i)|15<<6|7<<10|uint(i%8)<<13, uint(i%4)*13_000)
	}
	f.Fuzz(func(t *testing.T, choices uint64, text, address string, n, limit uint) {
		if len(text)+len(address) > 20_000 {
			return
		}
		pick := func(list []string) string {
			choices = choices*6364136223846793005 + 1442695040888963407
			i := int(choices >> 33 % uint64(len(list)+2))
			if i >= len(list) {
				return []string{text, address}[i-len(list)]
			}
			return list[i]
		}
		s := odd(pick, int(n>>6%12), int(n>>10%8))
		file(&s, pick, int(n>>13%8))
		// What is not UTF-8 cannot be in a line.
		s, err := archive.ParseLine(lineOf(t, &s))
		must(t, err)
		of := settled(n)
		of.MaxBytes = int64(limit % 100_000)
		if all, tooLarge := render(t, of, &s); tooLarge == nil {
			checkMails(t, of, &s, all)
		} else if tooLarge.Bytes <= of.MaxBytes || tooLarge.Limit != of.MaxBytes {
			t.Fatal(tooLarge)
		}
	})
}

func TestHugeMessage(t *testing.T) {
	s := full()
	s.Messages[1].Text = strings.Repeat(strings.Repeat("dots and bare line feeds, 東京 ", 20)+"\n.\n..\n\r\n", 16_000)
	of := settings()
	raw := mails(t, of, &s)[0]
	checkWire(t, raw)
	o := open(t, raw)
	checkText(t, of, &s, o.Text)
	if o.Transcript != string(lineOf(t, &s)) {
		t.Error("transcript.json is not the line")
	}
	of.MaxBytes = 5_000_000
	if _, tooLarge := render(t, of, &s); len(s.Messages[1].Text) < 10_000_000 || tooLarge == nil || tooLarge.Limit != 5_000_000 || tooLarge.Bytes < 10_000_000 {
		t.Error(tooLarge)
	}
}

func TestManyParticipants(t *testing.T) {
	s := full()
	for i := range 400 {
		p := archive.Participant{ID: fmt.Sprint(i), Role: "agent", Name: fmt.Sprintf("Agent %d", i), Address: fmt.Sprintf("agent-%d@firm.example", i)}
		if i%3 == 0 {
			p.Name = strings.Repeat("Ägent ", i/6)
		}
		s.Participants = append(s.Participants, p)
	}
	of := settled(1 << 5)
	all := mails(t, of, &s)
	checkMails(t, of, &s, all)
	o := open(t, all[0])
	if len(o.To) != 402 || strings.Count(o.Fields["x-zantaz-recip"], ", ") != 402 || o.To[9].Name != "Agent 7" {
		t.Errorf("%d in To, %d recipients, %v", len(o.To), strings.Count(o.Fields["x-zantaz-recip"], ", "), o.To[9])
	}
}

// An address that is none is shown to the reader and stands in no header.
func TestAddressThatIsNone(t *testing.T) {
	s := full()
	evil := "ana@firm.example>\r\nRCPT TO:<x@evil"
	s.Participants[1].Address = evil
	for i := range s.Messages {
		if s.Messages[i].Sender.ID == ana.ID {
			s.Messages[i].Sender.Address = evil
		}
	}
	of := settings()
	all := mails(t, of, &s)
	checkMails(t, of, &s, all)
	o := open(t, all[0])
	if len(o.From)+len(o.To) != 2 || !strings.Contains(o.Text, `address not valid: "ana@firm.example>␍␊RCPT TO:<x@evil"`) ||
		!strings.Contains(o.Text, "Ana Agent <no address, id a-17> (agent): One moment") || !strings.Contains(o.HTML, "RCPT TO:&lt;x@evil") {
		t.Errorf("%+v", o)
	}
}
