package exporter

import (
	"cmp"
	"strings"

	"lpexport/archive"
	"lpexport/liveperson"
)

// readParticipants lists who took part, agents first, each id once.
func (n *normaliser) readParticipants(r *liveperson.Record, h *header) {
	for _, list := range []liveperson.Value{r.Agents, r.AgentsLeft} {
		list.Each(func(a liveperson.Value) bool {
			if p := n.agent(a); p.ID != "" && h.participant(p.ID) == nil {
				h.participants = append(h.participants, p)
			}
			return true
		})
	}
	r.Consumers.Each(func(c liveperson.Value) bool {
		if p := consumer(c); p.ID != "" && h.participant(p.ID) == nil {
			h.participants = append(h.participants, p)
		}
		return true
	})
}

func (h *header) participant(id string) *archive.Participant {
	for i := range h.participants {
		if h.participants[i].ID == id {
			return &h.participants[i]
		}
	}
	return nil
}

// agent reads an element of agentParticipants. The record's own names come
// first: they are those of the day, and the directory answers full names empty.
func (n *normaliser) agent(a liveperson.Value) archive.Participant {
	p := archive.Participant{Role: "agent"}
	var nickname, userType string
	a.Fields(func(name []byte, v liveperson.Value) bool {
		switch string(name) {
		case "agentId":
			p.ID = v.ID()
		case "agentFullName":
			p.Name = v.Text()
		case "agentNickname", "agentNickName", "agentName":
			nickname = v.Text()
		case "agentLoginName":
			p.Login = v.Text()
		case "userType":
			userType = v.Text()
		case "role":
			if strings.Contains(strings.ToUpper(v.Text()), "MANAGER") {
				p.Role = "manager"
			}
		}
		return true
	})
	u := n.users[p.ID]
	p.Name = cmp.Or(p.Name, nickname, u.Name)
	p.Login = cmp.Or(p.Login, u.Login)
	p.Email = u.Email
	if p.Kind = kindOf(userType); p.Kind == "unknown" && u.Kind != "" {
		p.Kind = u.Kind
	}
	if p.Kind == "system" {
		p.Role = "system"
	}
	return p
}

// kindOf reads LivePerson's userType and userTypeId.
func kindOf(userType string) string {
	switch userType {
	case "0":
		return "system"
	case "1":
		return "human"
	case "2":
		return "bot"
	}
	return "unknown"
}

func consumer(c liveperson.Value) archive.Participant {
	p := archive.Participant{Role: "consumer", Kind: "human"}
	var first, last, full string
	c.Fields(func(name []byte, v liveperson.Value) bool {
		switch string(name) {
		case "participantId":
			p.ID = v.ID()
		case "firstName":
			first = v.In(liveperson.ConsumerName)
		case "lastName":
			last = v.In(liveperson.ConsumerName)
		case "consumerName":
			full = v.In(liveperson.ConsumerName)
		case "email":
			p.Email = v.In(liveperson.ConsumerEmail)
		}
		return true
	})
	p.Name = cmp.Or(full, strings.TrimSpace(first+" "+last))
	return p
}

// sender finds who sent a message, by the participants of its own record, then
// by the directory.
func (n *normaliser) sender(h *header, m liveperson.Message) archive.Participant {
	for i := range h.participants {
		if m.Participant.Is(h.participants[i].ID) {
			return h.participants[i]
		}
	}
	return n.resolveOther(h, n.stranger(m))
}

// stranger is a sender whom the record does not name among the participants.
func (n *normaliser) stranger(m liveperson.Message) archive.Participant {
	id := m.Participant.ID()
	switch strings.ToLower(m.SentBy.Text()) {
	case "consumer":
		return archive.Participant{ID: id, Role: "consumer", Kind: "human"}
	case "system":
		return archive.Participant{ID: id, Role: "system", Kind: "system"}
	}
	u := n.users[id]
	return archive.Participant{ID: id, Role: "agent", Name: u.Name, Login: u.Login, Email: u.Email, Kind: cmp.Or(u.Kind, "unknown")}
}
