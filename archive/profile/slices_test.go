package profile_test

import (
	"fmt"

	"lpexport/archive"
)

// What happens in the fixtures begins then: 2026-01-31T10:00:00Z.
const begin = 1769853600_000

var (
	consumer = archive.Participant{
		ID: "c-41", Role: "consumer", Name: "Zoë Example", Kind: "human",
		Address: "c-5d3f9a0c1b2e4d68@visitors.example.net", AddressNote: "made up: no e-mail was given",
	}
	bot = archive.Participant{
		ID: "b-7", Role: "agent", Name: "Helper", Login: "helper", Kind: "bot", Address: "bot-helper@bots.firm.example",
	}
	agent = archive.Participant{
		ID: "a-17", Role: "agent", Name: "Ana Agent", Login: "ana", Email: "ana@firm.example", Kind: "human",
		Address: "ana@firm.example",
	}
	manager = archive.Participant{
		ID: "m-3", Role: "manager", Name: "Max Manager", Login: "max", Email: "max@firm.example", Kind: "human",
		Address: "max@firm.example",
	}
)

// conversation is a first slice with a bit of everything.
func conversation() archive.Slice {
	loans, care := archive.Skill{ID: "12", Name: "Loans"}, archive.Skill{ID: "9", Name: "Care"}
	s := archive.Slice{
		Account: "12345678", Conversation: conversationID, Number: 1, Revision: 1,
		StartedAt: begin, Status: "OPEN", Skill: loans, Skills: []archive.Skill{care, loans},
		Participants: []archive.Participant{consumer, bot, agent, manager},
	}
	s.Messages = []archive.Message{
		message(&s, 0, consumer, "Hello, is my account open again?"),
		message(&s, 2, bot, "Welcome. Which account do you mean?"),
		message(&s, 3, consumer, "The one for my flat in Köln: \"Wohnung\", <b>please</b> & thank you.\nIt ends in 99."),
		message(&s, 5, agent, "It is open."),
		message(&s, 6, manager, "Remember the disclosure."),
		message(&s, 7, consumer, ""),
	}
	s.Messages[4].Audience = "agents"
	file := &s.Messages[5]
	file.Type, file.Files = "HOSTED_FILE", []archive.File{{Path: "4/letter.pdf", Type: "PDF", Caption: "my letter"}}
	s.Happened = []archive.Happening{
		happening(archive.Joined, begin+500, bot.ID, func(h *archive.Happening) { h.Participant = bot.ID }),
		happening(archive.Transferred, begin+3500, bot.ID, func(h *archive.Happening) {
			h.FromSkill, h.ToSkill, h.ToAgent = &care, &loans, agent.ID
		}),
		happening(archive.Joined, begin+4000, agent.ID, func(h *archive.Happening) { h.Participant = agent.ID }),
	}
	return s
}

// closing is the second and last slice of the same conversation, the day after.
func closing() archive.Slice {
	const day = 24 * 60 * 60 * 1000
	s := conversation()
	s.Number, s.Revision, s.Status, s.EndedAt, s.CloseReason = 2, 4, "CLOSE", begin+day+9000, "CONSUMER"
	s.Messages = []archive.Message{
		message(&s, 5, agent, "It is open since yesterday."),
		message(&s, 9, consumer, "Thank you."),
	}
	s.Messages[0].Amends = 1
	s.Messages[1].SentAt += day
	s.Happened = []archive.Happening{
		happening(archive.Closed, s.EndedAt, consumer.ID, func(h *archive.Happening) { h.Reason = "CONSUMER" }),
		happening(archive.Survey, s.EndedAt+1000, consumer.ID, func(h *archive.Happening) {
			h.Answers = []archive.Answer{{Question: "Were you helped?", Answer: "Yes"}}
		}),
	}
	return s
}

func message(s *archive.Slice, sequence int64, from archive.Participant, text string) archive.Message {
	return archive.Message{
		Dialog: s.Conversation, Sequence: sequence, ID: fmt.Sprintf("ms::dialog:%s::msg:%d", s.Conversation, sequence),
		SentAt: begin + 1000*sequence, Sender: from, Audience: "all", Type: "TEXT_PLAIN", Text: text, Source: "history",
	}
}

func happening(kind string, at int64, by string, more func(*archive.Happening)) archive.Happening {
	h := archive.Happening{Name: fmt.Sprintf("%s@%d/%s", kind, at, by), Kind: kind, At: at, Dialog: conversationID, By: by}
	more(&h)
	return h
}

const conversationID = "6f0d8b1c-1111-4222-8333-000000000001"

// crowd is a slice with many agents, each of whom says something.
func crowd(n int) archive.Slice {
	s := conversation()
	s.Participants, s.Messages, s.Happened = []archive.Participant{consumer}, s.Messages[:1], nil
	for i := range n {
		a := agent
		a.ID, a.Login = fmt.Sprintf("a-%d", 100+i), fmt.Sprintf("agent%d", i)
		a.Address, a.Email = a.Login+"@firm.example", a.Login+"@firm.example"
		s.Participants = append(s.Participants, a)
		s.Messages = append(s.Messages, message(&s, int64(10+i), a, "Good morning."))
	}
	return s
}

// addressesOf returns the addresses of all that are in s.
func addressesOf(s archive.Slice) map[string]bool {
	all := make(map[string]bool)
	for _, p := range s.Participants {
		all[p.Address] = true
	}
	for i := range s.Messages {
		all[s.Messages[i].Sender.Address] = true
	}
	return all
}
