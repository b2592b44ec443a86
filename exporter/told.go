package exporter

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// sourceWebhook is the source of messages that events told.
const sourceWebhook = "webhook"

// What an event has to be to be read as a message. All else waits for history,
// which spells it in a way of its own: forms, files elsewhere, types to come.
var toldTypes = map[string]string{
	"text/plain":  "TEXT_PLAIN",
	"hosted/file": "HOSTED_FILE",
}

// toldType is the type that history gives a message of that kind, "" when only
// history can tell.
func toldType(c *liveperson.MessagingChange) string {
	text, object := len(c.Content) > 0 && c.Content[0] == '"', c.Content.IsObject()
	switch kind := toldTypes[c.ContentType]; {
	case c.EventType == liveperson.RichContentEvent && (text || object):
		return "RICH_CONTENT"
	case c.EventType != liveperson.ContentEvent, kind == "TEXT_PLAIN" && !text, kind == "HOSTED_FILE" && !object:
		return ""
	default:
		return kind
	}
}

// toldMessage reads a message from an event of a conversation; ok is false when
// it is none, when it cannot be named without history, or when nobody knows who
// sent it.
func (n *normaliser) toldMessage(h *header, conversation string, change liveperson.Value) (m archive.Message, ok bool) {
	m, _, ok = n.toldMessageAs(h, conversation, change)
	return m, ok
}

// toldMessageAs is toldMessage, with what an earlier version knew the message by
// where that is something else.
func (n *normaliser) toldMessageAs(h *header, conversation string, change liveperson.Value) (m archive.Message, f *former, ok bool) {
	c := liveperson.ReadMessagingChange(change)
	m, ok = n.toldHead(h, conversation, &c)
	if !ok {
		return m, nil, false
	}
	var as reader
	before, data := m, toldData(m.Type, &c)
	if as.content(&m, data); as.odd {
		(&reader{former: true}).content(&before, data)
		f = newFormer(&m, &before)
	}
	return m, f, true
}

// newToldContent is what an event says, and nothing else of it.
func newToldContent(c *liveperson.MessagingChange) *archive.Message {
	m := &archive.Message{Type: toldType(c)}
	new(reader).content(m, toldData(m.Type, c))
	return m
}

// toldHead is all of a message but its content.
func (n *normaliser) toldHead(h *header, conversation string, c *liveperson.MessagingChange) (m archive.Message, ok bool) {
	if id := c.Conversation.ID(); id != "" && id != conversation {
		return m, false // one notification may tell of several
	}
	if m.Type = toldType(c); m.Type == "" {
		return m, false
	}
	sequence, named := c.Sequence.Int()
	if m.SentAt = c.Time.Millis(); m.SentAt == 0 || !named || sequence < 0 || sequence > archive.MaxSequence {
		return m, false
	}
	m.Sequence, m.Dialog, m.Source, m.Audience = sequence, cmp.Or(c.Dialog.ID(), conversation), sourceWebhook, "all"
	if !c.Audience.Is("ALL") {
		if m.Assumed = c.Audience.In(liveperson.Audience) == ""; !m.Assumed {
			m.Audience = "agents"
		}
	}
	m.Sender, ok = n.toldSender(h, c.Originator.ID(), c.Role.Text())
	return m, ok
}

// toldData spells what an event brings as history does.
func toldData(messageType string, c *liveperson.MessagingChange) liveperson.Value {
	b := make([]byte, 0, len(c.Content)+len(c.Quick)+64)
	switch {
	case messageType == "RICH_CONTENT":
		b = append(append(append(b, `{"richContent":{"content":`...), orNull(c.Content)...), '}')
	case messageType == "HOSTED_FILE":
		b = append(append(b, `{"file":`...), orNull(c.Content)...)
	default:
		b = append(append(append(b, `{"msg":{"text":`...), orNull(c.Content)...), '}')
	}
	if c.Quick.Present() {
		quick := c.Quick
		if inner := quick.Get("content"); inner.Present() {
			quick = inner
		}
		b = append(append(append(b, `,"quickReplies":{"content":`...), quick...), '}')
	}
	return append(b, '}')
}

func orNull(v liveperson.Value) liveperson.Value {
	if len(v) == 0 {
		return liveperson.Value("null")
	}
	return v
}

// toldSender finds out who an event is from: consumers bear the id that history
// gives them, agents and bots the pid of their user. ok is false when nobody
// knows yet.
//
// Sources: Connector API, "webhooks events", roles; the form <account>.<user id>
// is that of the agents' side of the protocol.
func (n *normaliser) toldSender(h *header, id, role string) (p archive.Participant, ok bool) {
	if id == "" {
		return p, false
	}
	switch role {
	case "CONSUMER":
		p = archive.Participant{ID: id, Role: "consumer", Kind: "human"}
	case "CONTROLLER", "ASSIGNED_AGENT", "AGENT", "MANAGER", "READER":
		u, known := n.userOf(id)
		switch {
		case !known && role == "CONTROLLER" && (n.unlisted == nil || n.unlisted[id]):
			u = checkpoint.User{ID: id, Kind: "system"}
		case !known:
			return p, false
		}
		p = archive.Participant{ID: u.ID, Role: "agent", Name: u.Name, Login: u.Login, Email: u.Email, Kind: cmp.Or(u.Kind, "unknown")}
		switch {
		case u.Kind == "system":
			p.Role = "system"
		case role == "MANAGER":
			p.Role = "manager"
		}
	default:
		return p, false
	}
	if known := h.participant(p.ID); known != nil && known.Role == p.Role {
		return *known, true
	}
	return n.resolveOther(h, p), true
}

func (n *normaliser) userOf(id string) (checkpoint.User, bool) {
	if u, known := n.users[n.pids[id]]; known {
		return u, true
	}
	_, number, _ := strings.Cut(id, ".")
	u, known := n.users[number]
	return u, known && number != ""
}

// present are those who take part by the last state that events told, as far as
// they are known.
func (n *normaliser) present(h *header, l *live) (list []archive.Participant) {
	for _, p := range l.present {
		if p.role == "CONTROLLER" || p.role == "READER" {
			continue
		}
		if who, ok := n.toldSender(h, p.id, p.role); ok {
			list = append(list, who)
		}
	}
	return list
}

// addPresent adds to a record's participants who came since.
func (n *normaliser) addPresent(h *header, l *live) {
	for _, p := range n.present(h, l) {
		if h.participant(p.ID) == nil {
			h.participants = append(h.participants, p)
		}
	}
}

// liveHeader is what is known of a conversation that no record has told yet.
func (n *normaliser) liveHeader(known *checkpoint.Conversation, l *live) header {
	h := header{id: known.SourceID, status: known.Status, startedAt: known.StartedAt}
	if l.skill != "" {
		h.skill = archive.Skill{ID: l.skill, Name: n.skills[l.skill]}
		h.skills = []archive.Skill{h.skill}
	}
	n.addPresent(&h, l)
	return h
}

// turn takes in a state that an event told, and tells what has happened since the
// one before. A state that came late tells nothing. Of a conversation that records
// have told of, the first state is only where the others begin.
func (n *normaliser) turn(l *live, c *liveperson.ConversationChange, recorded bool) (happened []archive.Happening) {
	if c.UpdatedAt <= l.updatedAt {
		return nil
	}
	before := *l
	l.updatedAt, l.startedAt, l.skill = c.UpdatedAt, cmp.Or(c.StartedAt, l.startedAt), cmp.Or(c.Skill, l.skill)
	l.present = make([]presence, len(c.Present))
	for i, p := range c.Present {
		l.present[i] = presence{p.ID, p.Role}
	}
	if before.updatedAt == 0 && recorded {
		return nil
	}
	if before.updatedAt == 0 && c.StartedAt != 0 {
		happened = append(happened, archive.Happening{Kind: archive.Started, At: c.StartedAt, Name: happeningName(archive.Started, c.StartedAt, c.ID)})
	}
	happened = n.comings(happened, archive.Joined, c, before.present, l.present)
	happened = n.comings(happened, archive.Left, c, l.present, before.present)
	if c.Skill != "" && before.skill != "" && c.Skill != before.skill {
		from, to := archive.Skill{ID: before.skill, Name: n.skills[before.skill]}, archive.Skill{ID: c.Skill, Name: n.skills[c.Skill]}
		happened = append(happened, archive.Happening{Kind: archive.Transferred, At: c.UpdatedAt, Dialog: c.ID, FromSkill: &from, ToSkill: &to,
			Name: happeningName(archive.Transferred, c.UpdatedAt, from.ID+">"+to.ID)})
	}
	return append(happened, closings(c, &before)...)
}

// comings tells who is in the second list and not in the first.
func (n *normaliser) comings(happened []archive.Happening, kind string, c *liveperson.ConversationChange, without, with []presence) []archive.Happening {
	for _, p := range with {
		if slices.ContainsFunc(without, func(o presence) bool { return o.id == p.id }) || p.role == "CONTROLLER" || p.role == "READER" {
			continue
		}
		who, ok := n.toldSender(&header{}, p.id, p.role)
		if !ok {
			continue // history will tell
		}
		happened = append(happened, archive.Happening{Kind: kind, At: c.UpdatedAt, Dialog: c.ID, By: who.ID, Participant: who.ID,
			Name: happeningName(kind, c.UpdatedAt, who.ID)})
	}
	return happened
}

func closings(c *liveperson.ConversationChange, before *live) (happened []archive.Happening) {
	for _, d := range c.Dialogs {
		if d.Type == mainDialog && d.Closed && d.EndedAt > before.updatedAt {
			happened = append(happened, archive.Happening{Kind: archive.Closed, At: d.EndedAt, Dialog: d.ID, Reason: cmp.Or(c.CloseReason, d.ClosedBy),
				Name: happeningName(archive.Closed, d.EndedAt, c.ID)})
		}
	}
	return happened
}

// subjectOf is a hash of what a happening happened to: with its kind and its time,
// what an event and a record have in common. 0: events never tell such a one.
func subjectOf(h *archive.Happening) uint64 {
	subject := ""
	switch h.Kind {
	case archive.Started:
	case archive.Joined, archive.Left:
		subject = h.Participant
	case archive.Transferred:
		if h.ToSkill != nil {
			subject = h.ToSkill.ID
		}
	case archive.Closed:
		subject = h.Dialog
	default:
		return 0
	}
	return hash64([]byte(h.Kind+strconv.Quote(subject))) | 1
}

// encodeHappened is how the checkpoint keeps what events were found to tell.
func encodeHappened(list []archive.Happening) ([]byte, error) { return json.Marshal(list) }

func decodeHappened(raw []byte) (list []archive.Happening, err error) {
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("what events told: %w", err)
	}
	return list, nil
}
