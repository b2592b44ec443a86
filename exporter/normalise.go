package exporter

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"slices"
	"strconv"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/exporter/identity"
	"lpexport/liveperson"
)

// normaliser turns LivePerson's words into the archive's. This file and its
// neighbours participant.go, happening.go, content.go, reader.go, former.go, filed.go, told.go and
// address.go are the only place that knows both.
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
	brand        string // the account it is of, "" when the record does not say
	status       string
	closeReason  string
	closeDetail  string // the reason with its description
	startedAt    int64
	startedText  string // where it is there and cannot be read
	closedAt     int64  // 0 while open
	closedText   string // of its end, where that is there and cannot be read
	closedExact  bool   // closedAt does not move when the survey ends
	surveyOpen   bool
	partial      bool
	skill        archive.Skill
	skills       []archive.Skill // of its whole flow, in order of appearance
	participants []archive.Participant
	dialogs      []dialog
	reader       reader
	formerly     map[string]string // names of happenings, to those that earlier versions gave them; nearly always nil

	// With normaliser.identity only:
	verifiedEmail, givenEmail string // of the consumer, by engagement attributes
	unknownAgents             []*identity.UnknownAgentError
	others                    map[string]archive.Participant // senders that are no participants, by role and id
}

// dialog is an element of the section of that name.
type dialog struct {
	id, kind, status string
	start, end       int64
	endText          string // where it is there and cannot be read
	skill            archive.Skill
	reason           string
}

const (
	openStatus   = "OPEN"
	closedStatus = "CLOSE"
)

// header reads the parts of a record that are about the whole conversation.
func (n *normaliser) header(r *liveperson.Record) header { return n.readHeader(r, reader{}) }

func (n *normaliser) readHeader(r *liveperson.Record, as reader) header {
	h := header{reader: as}
	var start, end, conversationEnd, fullEnd moment
	var fullStatus, description string
	r.Info.Fields(func(name []byte, v liveperson.Value) bool {
		switch string(name) {
		case "conversationId":
			h.id = v.ID()
		case "brandId":
			h.brand = v.ID()
		case "status":
			h.status = v.In(liveperson.Status)
		case "fullDialogStatus":
			fullStatus = v.In(liveperson.Status)
		case "startTimeL":
			start.number = v
		case "startTime":
			start.text = v
		case "conversationEndTimeL":
			conversationEnd.number = v
		case "conversationEndTime":
			conversationEnd.text = v
		case "endTimeL":
			end.number = v
		case "endTime":
			end.text = v
		case "fullDialogEndTimeL":
			fullEnd.number = v
		case "fullDialogEndTime":
			fullEnd.text = v
		case "closeReason":
			h.closeReason = v.Text()
		case "closeReasonDescription":
			description = v.Text()
		case "isPartial":
			h.partial = v.Bool()
		case "latestSkillId":
			h.skill.ID = v.ID()
		case "latestSkillName":
			h.skill.Name = v.Text()
		}
		return true
	})
	h.startedAt, h.startedText = h.reader.sent(start)
	if h.skill.ID == "" {
		h.skill.Name = ""
	}
	h.closeDetail = closeReason(h.closeReason, description)
	mainEnd, mainText := h.readDialogs(r)
	if h.status == closedStatus {
		h.close(conversationEnd, end, fullEnd, mainEnd, mainText)
		h.surveyOpen = h.surveyOpen || fullStatus == "OPEN"
	}
	n.readSkills(r, &h)
	n.readParticipants(r, &h)
	n.resolveAll(r, &h)
	return h
}

// close tells when a closed conversation ended: by its own end, else by its main
// dialog's, else by those ends that move when the survey does.
func (h *header) close(own, end, full moment, mainEnd int64, mainText string) {
	at, text := h.reader.when(own)
	exact := cmp.Or(at, mainEnd)
	h.closedExact = exact != 0
	endAt, endText := h.reader.when(end)
	fullAt, fullText := h.reader.when(full)
	if h.closedAt = cmp.Or(exact, endAt, fullAt); h.closedAt == 0 {
		h.closedAt, h.closedText = cmp.Or(h.startedAt, 1), cmp.Or(text, mainText, endText, fullText)
	}
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
func (h *header) readDialogs(r *liveperson.Record) (mainEnd int64, unread string) {
	r.Dialogs.Each(func(v liveperson.Value) bool {
		d := h.readDialog(v)
		switch {
		case d.kind == mainDialog || d.kind == "" && d.id == h.id:
			mainEnd, unread = d.end, d.endText
		case d.status == "OPEN":
			h.surveyOpen = true
		}
		h.dialogs = append(h.dialogs, d)
		return true
	})
	return mainEnd, unread
}

func (h *header) readDialog(v liveperson.Value) dialog {
	var d dialog
	var start, end moment
	var description string
	v.Fields(func(name []byte, v liveperson.Value) bool {
		switch string(name) {
		case "dialogId":
			d.id = v.ID()
		case "dialogType":
			d.kind = v.In(liveperson.DialogType)
		case "status":
			d.status = v.In(liveperson.Status)
		case "startTimeL":
			start.number = v
		case "startTime":
			start.text = v
		case "endTimeL":
			end.number = v
		case "endTime":
			end.text = v
		case "skillId":
			d.skill.ID = v.ID()
		case "skillName":
			d.skill.Name = v.Text()
		case "closeReason":
			d.reason = v.Text()
		case "closeReasonDescription":
			description = v.Text()
		}
		return true
	})
	d.start, _ = h.reader.when(start)
	d.end, d.endText = h.reader.when(end)
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
				add(archive.Skill{ID: v.Get(names[i]).ID(), Name: v.Get(names[i+1]).Text()})
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

// message reads one message.
func (n *normaliser) message(h *header, m liveperson.Message) archive.Message {
	out, _ := n.messageAs(h, m)
	return out
}

// messageAs reads one message, with what an earlier version knew it by where that
// is something else.
func (n *normaliser) messageAs(h *header, m liveperson.Message) (archive.Message, *former) {
	var as reader
	out := n.readMessage(h, m, &as)
	if !as.odd {
		return out, nil
	}
	before := n.readMessage(h, m, &reader{former: true})
	return out, newFormer(&out, &before)
}

// readMessage reads one message. What most messages of a conversation have in
// common is taken from the header instead of being copied for each.
func (n *normaliser) readMessage(h *header, m liveperson.Message, as *reader) archive.Message {
	out := archive.Message{ID: m.ID.Text(), Type: as.typeName(m.Type), Audience: "all", Source: "history"}
	out.SentAt, out.SentText = as.sent(moment{m.Time, m.TimeText})
	dialogInID, sequenceInID := liveperson.SplitMessageID(out.ID)
	if out.Dialog = h.id; !m.Dialog.Is(h.id) {
		out.Dialog = cmp.Or(m.Dialog.ID(), dialogInID, h.id)
	}
	if len(m.Audience) > 0 && !m.Audience.Is("ALL") && m.Audience.In(liveperson.Audience) != "" {
		out.Audience = "agents"
	}
	out.Sender = n.sender(h, m)
	as.content(&out, m.Data)
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
func (r *reader) typeName(v liveperson.Value) string {
	for _, t := range knownTypes {
		if v.Is(t) {
			return t
		}
	}
	return r.words(v)
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

// senderHash tells the senders of one record apart: it is made of how the record
// spells who sent a message; 0 where it does not say.
func senderHash(participant liveperson.Value) uint32 {
	b := bytes.Trim(participant, `"`)
	switch string(b) {
	case "", "undefined", "null", "-1":
		return 0
	}
	return max(crc32.Checksum(b, castagnoli), 1)
}
