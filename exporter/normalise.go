package exporter

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/exporter/identity"
	"lpexport/liveperson"
)

// normaliser turns LivePerson's words into the archive's. This file and its
// neighbours happening.go, content.go and address.go are the only place that
// knows both.
type normaliser struct {
	users    map[string]checkpoint.User // by id
	pids     map[string]string          // by which events name users, to their ids
	skills   map[string]string          // id to name
	unlisted map[string]bool            // pids that the directory was asked for and does not have; nil: of all others
	identity *identity.Resolver         // nil: participants are given no addresses
}

func newNormaliser(users map[string]checkpoint.User, skills map[string]string) *normaliser {
	n := &normaliser{users: users, pids: make(map[string]string, len(users)), skills: skills}
	for id, u := range users {
		if u.PID != "" {
			n.pids[u.PID] = id
		}
	}
	return n
}

// header is what a record says of its conversation as a whole.
type header struct {
	id           string
	status       string
	closeReason  string
	closeDetail  string // the reason with its description
	startedAt    int64
	closedAt     int64 // 0 while open
	closedExact  bool  // closedAt does not move when the survey ends
	surveyOpen   bool
	partial      bool
	skill        archive.Skill
	skills       []archive.Skill // of its whole flow, in order of appearance
	participants []archive.Participant
	dialogs      []dialog

	// With normaliser.identity only:
	verifiedEmail, givenEmail string // of the consumer, by engagement attributes
	unknownAgents             []*identity.UnknownAgentError
	others                    map[string]archive.Participant // senders that are no participants, by role and id
}

// dialog is an element of the section of that name.
type dialog struct {
	id, kind, status string
	start, end       int64
	skill            archive.Skill
	reason           string
}

const (
	openStatus   = "OPEN"
	closedStatus = "CLOSE"
)

// header reads the parts of a record that are about the whole conversation.
func (n *normaliser) header(r *liveperson.Record) header {
	var h header
	var end, conversationEnd, fullEnd int64
	var fullStatus, description string
	var startText liveperson.Value
	r.Info.Fields(func(name []byte, v liveperson.Value) bool {
		switch string(name) {
		case "conversationId":
			h.id = v.ID()
		case "status":
			h.status = v.Name()
		case "fullDialogStatus":
			fullStatus = v.Name()
		case "startTimeL":
			h.startedAt = v.Millis()
		case "startTime":
			startText = v
		case "conversationEndTimeL":
			conversationEnd = v.Millis()
		case "endTimeL":
			end = v.Millis()
		case "fullDialogEndTimeL":
			fullEnd = v.Millis()
		case "closeReason":
			h.closeReason = v.Name()
		case "closeReasonDescription":
			description = v.Name()
		case "isPartial":
			h.partial = v.Bool()
		case "latestSkillId":
			h.skill.ID = v.ID()
		case "latestSkillName":
			h.skill.Name = v.Name()
		}
		return true
	})
	if h.startedAt == 0 {
		h.startedAt = parseTime(startText)
	}
	if h.skill.ID == "" {
		h.skill.Name = ""
	}
	h.closeDetail = closeReason(h.closeReason, description)
	mainEnd := h.readDialogs(r)
	if h.status == closedStatus {
		exact := cmp.Or(conversationEnd, mainEnd)
		h.closedExact = exact != 0
		h.closedAt = cmp.Or(exact, end, fullEnd, h.startedAt, 1)
		h.surveyOpen = h.surveyOpen || fullStatus == "OPEN"
	}
	n.readSkills(r, &h)
	n.readParticipants(r, &h)
	n.resolveAll(r, &h)
	return h
}

// closeReason is the reason, with its description where that says more.
func closeReason(reason, description string) string {
	switch {
	case description == "" || description == reason:
		return reason
	case reason == "":
		return description
	}
	return reason + ": " + description
}

// readDialogs tells when the main dialog ended, and whether a survey is still open.
func (h *header) readDialogs(r *liveperson.Record) (mainEnd int64) {
	r.Dialogs.Each(func(v liveperson.Value) bool {
		d := readDialog(v)
		switch {
		case d.kind == mainDialog || d.kind == "" && d.id == h.id:
			mainEnd = d.end
		case d.status == "OPEN":
			h.surveyOpen = true
		}
		h.dialogs = append(h.dialogs, d)
		return true
	})
	return mainEnd
}

func readDialog(v liveperson.Value) dialog {
	var d dialog
	var description string
	v.Fields(func(name []byte, v liveperson.Value) bool {
		switch string(name) {
		case "dialogId":
			d.id = v.ID()
		case "dialogType":
			d.kind = v.Name()
		case "status":
			d.status = v.Name()
		case "startTimeL":
			d.start = v.Millis()
		case "endTimeL":
			d.end = v.Millis()
		case "skillId":
			d.skill.ID = v.ID()
		case "skillName":
			d.skill.Name = v.Name()
		case "closeReason":
			d.reason = v.Name()
		case "closeReasonDescription":
			description = v.Name()
		}
		return true
	})
	d.reason = closeReason(d.reason, description)
	return d
}

// readSkills lists the skills of the conversation's whole flow.
func (n *normaliser) readSkills(r *liveperson.Record, h *header) {
	add := func(s archive.Skill) {
		if s.ID == "" || slices.ContainsFunc(h.skills, func(k archive.Skill) bool { return k.ID == s.ID }) {
			return
		}
		h.skills = append(h.skills, archive.Skill{ID: s.ID, Name: cmp.Or(s.Name, n.skills[s.ID])})
	}
	read := func(list liveperson.Value, names ...string) {
		list.Each(func(v liveperson.Value) bool {
			for i := 0; i < len(names); i += 2 {
				add(archive.Skill{ID: v.Get(names[i]).ID(), Name: v.Get(names[i+1]).Name()})
			}
			return true
		})
	}
	read(r.Transfers, "sourceSkillId", "sourceSkillName", "targetSkillId", "targetSkillName")
	read(r.SkillChanges, "previousSkillId", "previousSkillName", "currentSkillId", "currentSkillName")
	for _, d := range h.dialogs {
		add(d.skill)
	}
	add(h.skill)
}

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
			p.Name = v.Name()
		case "agentNickname", "agentNickName", "agentName":
			nickname = v.Name()
		case "agentLoginName":
			p.Login = v.Name()
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
			first = v.Name()
		case "lastName":
			last = v.Name()
		case "consumerName":
			full = v.Name()
		case "email":
			p.Email = v.Name()
		}
		return true
	})
	p.Name = cmp.Or(full, strings.TrimSpace(first+" "+last))
	return p
}

// message reads one message. What most messages of a conversation have in
// common is taken from the header instead of being copied for each.
func (n *normaliser) message(h *header, m liveperson.Message) archive.Message {
	out := archive.Message{ID: m.ID.Text(), SentAt: messageTime(m), Type: typeName(m.Type), Audience: "all", Source: "history"}
	dialogInID, sequenceInID := liveperson.SplitMessageID(out.ID)
	if out.Dialog = h.id; !m.Dialog.Is(h.id) {
		out.Dialog = cmp.Or(m.Dialog.ID(), dialogInID, h.id)
	}
	if len(m.Audience) > 0 && !m.Audience.Is("ALL") && m.Audience.Name() != "" {
		out.Audience = "agents"
	}
	out.Sender = n.sender(h, m)
	readContent(&out, m.Data)
	switch sequence, ok := m.Sequence.Int(); {
	case ok && sequence >= 0 && sequence <= archive.MaxSequence:
		out.Sequence = sequence
	case sequenceInID >= 0 && sequenceInID <= archive.MaxSequence:
		out.Sequence = sequenceInID
	default:
		out.Derived = derivedName(&out, m.Data)
	}
	return out
}

// typeName is the type as LivePerson names it.
func typeName(v liveperson.Value) string {
	for _, t := range knownTypes {
		if v.Is(t) {
			return t
		}
	}
	return v.Name()
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

// derivedName names a message without a usable sequence by what it is.
func derivedName(m *archive.Message, data liveperson.Value) string {
	sum := sha256.New()
	for _, s := range []string{m.Dialog, m.Sender.ID, strconv.FormatInt(m.SentAt, 10), m.Type} {
		sum.Write(strconv.AppendQuote(nil, s))
	}
	sum.Write(withoutPreview(data))
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// hash64 is a short name for something long. Nothing depends on it being hard
// to find a second one.
func hash64(b []byte) uint64 {
	sum := sha256.Sum256(b)
	return uint64(sum[0])<<56 | uint64(sum[1])<<48 | uint64(sum[2])<<40 | uint64(sum[3])<<32 |
		uint64(sum[4])<<24 | uint64(sum[5])<<16 | uint64(sum[6])<<8 | uint64(sum[7])
}

// timeForms are the forms in which LivePerson writes times beside epoch ones.
var timeForms = []string{"2006-01-02 15:04:05.000-0700", "2006-01-02T15:04:05.000-0700", time.RFC3339Nano, "2006-01-02 15:04:05"}

// parseTime reads a time in any of them, as epoch milliseconds, 0 for none.
func parseTime(v liveperson.Value) int64 {
	s := v.Text()
	if len(s) < len("2006-01-02 15:04:05") || s[0] != '1' && s[0] != '2' {
		return 0
	}
	for _, form := range timeForms {
		if t, err := time.Parse(form, s); err == nil {
			return max(t.UnixMilli(), 0)
		}
	}
	return 0
}

// messageTime is when a message was sent. Where the two times of a record
// differ, as in official samples, the epoch one is right.
func messageTime(m liveperson.Message) int64 {
	if at := m.Time.Millis(); at != 0 {
		return at
	}
	return parseTime(m.TimeText)
}
