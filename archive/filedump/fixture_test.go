package filedump_test

import (
	"bytes"
	"testing"

	"lpexport/archive"
	"lpexport/archive/filedump"
)

// begin is when the conversation of the fixtures began: 2026-01-31T10:00:00.250Z.
const begin = 1769853600_250

var (
	consumer = archive.Participant{
		ID: "c-41", Role: "consumer", Name: "Zoë Example", Email: "zoe@example.org", Kind: "human",
		Address: "c-5d3f9a0c@visitors.example.net", AddressNote: "e-mail not used: it is not verified",
	}
	bot = archive.Participant{ID: "b-7", Role: "agent", Name: "Helper", Login: "helper", Kind: "bot", Address: "helper@bots.example.net"}
	ana = archive.Participant{
		ID: "a-17", Role: "agent", Name: "Ana Agent", Login: "ana", Email: "ana@firm.example", Kind: "human", Address: "ana@eu.firm.example",
	}
	max = archive.Participant{ID: "m-3", Role: "manager", Login: "max", Kind: "human"} // neither name nor address

	care, loans = archive.Skill{ID: "9", Name: "Care"}, archive.Skill{ID: "12", Name: "Loans"}
)

// first is a first slice with a bit of everything.
func first() archive.Slice {
	s := archive.Slice{
		Account: "12345678", Conversation: "6f0d8b1c-0001", Number: 1, Revision: 1, StartedAt: begin, Status: "OPEN",
		Skill: loans, Skills: []archive.Skill{care, loans}, Participants: []archive.Participant{bot, ana, max, consumer},
	}
	s.Messages = []archive.Message{
		message(0, consumer, "Is my account open?\nIt ends in 99, & <b>nothing</b> else ]]> \"works\"."),
		message(2, bot, "Which account?"),
		message(3, consumer, ""),
		message(5, ana, "It is open, Zoë 😀.\r\n\tBye."),
		message(6, max, "Remember the disclosure."),
		message(0, consumer, "Another under the same name."),
	}
	file, whisper, other := &s.Messages[2], &s.Messages[4], &s.Messages[5]
	file.Type = "HOSTED_FILE"
	file.Files = []archive.File{{Path: "/4/letter.pdf", Type: "PDF", Caption: "my letter"}, {Path: "4/../scan.png", Type: "PNG"}}
	whisper.Audience, whisper.Dialog = "agents", "6f0d8b1c-0001-side"
	other.Sequence, other.Variant, other.SentAt = 6, 2, begin+8000
	s.Happened = []archive.Happening{
		happening(archive.Started, 0, func(h *archive.Happening) {}),
		happening(archive.Joined, 500, func(h *archive.Happening) { h.By, h.Participant = bot.ID, bot.ID }),
		happening(archive.Left, 3000, func(h *archive.Happening) { h.By, h.Participant = bot.ID, bot.ID }),
		happening(archive.Transferred, 3500, func(h *archive.Happening) {
			h.By, h.FromSkill, h.ToSkill, h.ToAgent, h.Reason = bot.ID, &care, &loans, ana.ID, "BACK2Q"
		}),
		happening(archive.Joined, 4000, func(h *archive.Happening) { h.By, h.Participant = ana.ID, ana.ID }),
		happening(archive.Joined, 5500, func(h *archive.Happening) {
			h.By, h.Participant, h.Dialog = max.ID, max.ID, "6f0d8b1c-0001-side"
		}),
	}
	return s
}

// second ends the conversation of first: an amendment, a survey, no new message.
func second() archive.Slice {
	s := first()
	s.Number, s.Revision, s.Status, s.CloseReason, s.EndedAt, s.Partial = 2, 4, "CLOSE", "AGENT", begin+90_000, true
	s.Messages = s.Messages[3:4]
	s.Messages[0].Amends, s.Messages[0].Text = 1, "It is open."
	s.Messages[0].Derived = "00ff"
	s.Happened = []archive.Happening{
		happening(archive.Left, 80_000, func(h *archive.Happening) { h.By, h.Participant, h.Reason = "gone", "gone", "TIMEOUT" }),
		happening(archive.Closed, 90_000, func(h *archive.Happening) { h.By, h.Reason = ana.ID, "AGENT" }),
		happening(archive.Survey, 95_000, func(h *archive.Happening) {
			h.Answers = []archive.Answer{{Question: "Were you helped?", Answer: "Yes\nanswer No"}, {Question: "Why?"}}
		}),
		happening(archive.Summary, 96_000, func(h *archive.Happening) { h.Text = "Asked for the account.\r\n* closed" }),
	}
	return s
}

func message(sequence int64, from archive.Participant, text string) archive.Message {
	return archive.Message{
		Dialog: "6f0d8b1c-0001", Sequence: sequence, SentAt: begin + 1000*sequence, Sender: from,
		Audience: "all", Type: "TEXT_PLAIN", Text: text, Source: "history",
	}
}

func happening(kind string, after int64, more func(*archive.Happening)) archive.Happening {
	h := archive.Happening{Name: kind + "@" + "x", Kind: kind, At: begin + after, Dialog: "6f0d8b1c-0001"}
	more(&h)
	return h
}

func settings(order string) filedump.Settings {
	s := filedump.Settings{
		File: "actiance_export.xml", TimeUnit: "ms", Order: order, Status: "Completed",
		Perspective: "LivePerson {skill}", Internal: []string{"firm.example"},
	}
	if order == "vendor" {
		s.TimeUnit, s.Status, s.Base64 = "s", "completed", true
	}
	return s
}

var orders = []string{"mattermost", "microsoft", "vendor"}

// dump renders slices as the whole file.
func dump(t testing.TB, set filedump.Settings, all ...archive.Slice) []byte {
	t.Helper()
	f, err := filedump.New(set)
	if err != nil {
		t.Fatal(err)
	}
	_, head, tail := f.Joined()
	out := []byte(head)
	for i := range all {
		line, err := archive.AppendLine(nil, &all[i])
		if err != nil {
			t.Fatal(err)
		}
		kept := bytes.Clone(line)
		n := 0
		err = f.Documents(line, func(d archive.Document) error {
			n++
			out = append(out, d.Bytes...)
			return nil
		})
		if err != nil || n != 1 {
			t.Fatalf("%d documents, %v", n, err)
		}
		if !bytes.Equal(line, kept) {
			t.Fatal("the line was changed")
		}
	}
	return append(out, tail...)
}

// read reads a whole file back.
func read(t testing.TB, data []byte) []filedump.Conversation {
	t.Helper()
	var all []filedump.Conversation
	err := filedump.Read(bytes.NewReader(data), func(c filedump.Conversation) error {
		all = append(all, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// of returns the elements of that kind.
func of(c filedump.Conversation, kind string) []filedump.Element {
	var list []filedump.Element
	for _, e := range c.Elements {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}
