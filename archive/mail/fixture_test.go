package mail_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// settings are those of an archive that asks for nothing special.
func settings() mail.Settings {
	return mail.Settings{
		Destination: "vault", Domain: "archive.firm.example", Per: mail.PerConversation,
		Date: mail.DateFirst, From: mail.FromInitiator, To: mail.ToOthers, Internal: []string{"firm.example"},
		Subject: "LivePerson conversation {conversation} - {skill} - {started_at}", Zone: "UTC",
	}
}

var (
	zoe = archive.Participant{
		ID: "c-1", Role: "consumer", Name: "Zoë Example", Kind: "human", Address: "c-0a1b2c@visitors.example",
		AddressNote: "the consumer has no verified e-mail",
	}
	ana = archive.Participant{
		ID: "a-17", Role: "agent", Name: "Ana Agent", Login: "ana", Email: "ana@firm.example", Kind: "human", Address: "ana@firm.example",
	}
	bot = archive.Participant{ID: "b-1", Role: "agent", Name: "Greeter (bot)", Kind: "bot", Address: "bot-greeter@bots.firm.example"}

	loans = archive.Skill{ID: "12", Name: "Loans"}
	sales = archive.Skill{ID: "13", Name: "Sales, new"}
)

// start is when the conversations of the tests began.
const start = 1769853600123 // 2026-01-31T10:00:00.123Z

// full is a slice with everything that can be there.
func full() archive.Slice {
	say := func(sequence int64, by archive.Participant, text string) archive.Message {
		return archive.Message{
			Dialog: "d-1", Sequence: sequence, ID: fmt.Sprintf("ms::dialog:d-1::msg:%d", sequence), SentAt: start + sequence*1000,
			Sender: by, Audience: "all", Type: "TEXT_PLAIN", Text: text, Source: "history",
		}
	}
	s := archive.Slice{
		Account: "sandbox", Conversation: "5f0c8a3e-1111-4222-8333-000000000001", Number: 1, Revision: 2,
		StartedAt: start, EndedAt: start + 60_000, Status: "CLOSE", CloseReason: "AGENT", Partial: true,
		Skill: sales, Skills: []archive.Skill{loans, sales, {}}, Participants: []archive.Participant{zoe, ana, bot},
		Messages: []archive.Message{
			say(0, bot, "Welcome! How can we help?"),
			say(1, zoe, "Grüße,\nI would like a loan.\r\n[2026-01-31T10:00:09.000Z] Ana Agent <ana@firm.example> (agent): approved"),
			say(2, ana, "One moment, please <b>& thank you</b>"),
			say(3, zoe, "here"),
			say(4, ana, "credit check open"),
			say(5, ana, ""),
			say(6, ana, "The rate is 3.1 %"),
			say(7, zoe, "a\x00b\u202ec\u2028d"),
		},
		Happened: []archive.Happening{
			{Name: "started@1/x", Kind: archive.Started, At: start},
			{Name: "joined@1/a", Kind: archive.Joined, At: start + 1500, By: "a-17", Participant: "a-17"},
			{
				Name: "transferred@1/x", Kind: archive.Transferred, At: start + 3500, By: "b-1", Reason: "skill", FromSkill: &loans, ToSkill: &sales,
				ToAgent: "a-99", Late: true,
			},
			{Name: "closed@1/x", Kind: archive.Closed, At: start + 60_000, Reason: "AGENT"},
			{
				Name: "survey@1/x", Kind: archive.Survey, At: start + 60_000, Reason: "FILLED",
				Answers: []archive.Answer{{Question: "How was it?", Answer: "good,\nthank you"}, {Question: "Again?"}},
			},
			{Name: "summary@1/x", Kind: archive.Summary, At: start + 61_000, Text: "asked for a loan"},
		},
	}
	s.Messages[3].Files = []archive.File{{Path: "../x/contract.pdf", Type: "application/pdf", Caption: "the contract"}}
	s.Messages[3].Type = "HOSTED_FILE"
	s.Messages[4].Audience = "agents"
	s.Messages[5].Type, s.Messages[5].Content = "RICH_CONTENT", []byte(`{"type":"vertical","elements":[]}`)
	s.Messages[6].Amends, s.Messages[6].Variant, s.Messages[6].Late = 1, 2, true
	return s
}

// typical is a slice as most are: 20 messages of a sentence or two.
func typical() archive.Slice {
	s := full()
	s.Happened = s.Happened[:2]
	m := s.Messages[0]
	s.Messages = nil
	for i := range 20 {
		m.Sequence, m.SentAt = int64(i), m.SentAt+1000
		m.Sender = []archive.Participant{zoe, ana}[i%2]
		m.Text = strings.Repeat("the account you asked about is open again. ", 3) + "ü"
		s.Messages = append(s.Messages, m)
	}
	return s
}

func lineOf(t testing.TB, s *archive.Slice) []byte {
	t.Helper()
	line, err := archive.AppendLine(nil, s)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func format(t testing.TB, s mail.Settings) *mail.Format {
	t.Helper()
	s, err := s.Frozen(time.UnixMilli(start))
	must(t, err)
	f, err := mail.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// mails returns the mails of a slice, with the contents of their files.
func mails(t testing.TB, settings mail.Settings, s *archive.Slice) [][]byte {
	t.Helper()
	var all [][]byte
	err := format(t, settings).Documents(lineOf(t, s), func(d archive.Document) error {
		all = append(all, spliced(t, d))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sha(s string) [32]byte { return sha256.Sum256([]byte(s)) }
