package filedump

import (
	"cmp"
	"strconv"
	"time"

	"lpexport/archive"
)

// note is a message of the program itself.
func (r *room) note(at int64, name string, text []byte) Element {
	e := r.presence(message, &r.people[0], at)
	return Element{Kind: message, MessageID: name, LoginName: e.LoginName, UserType: e.UserType, At: at, Content: string(text)}
}

// noteName names the note of a slice's facts.
func noteName(s *archive.Slice) string {
	return "slice@" + strconv.Itoa(s.Number) + "/" + s.Conversation
}

// facts is the text of the first note.
func (r *room) facts() []byte {
	s := r.slice
	b := appendOutside([]byte("* LivePerson conversation "), s.Conversation)
	b = appendOutside(append(b, " of account "...), s.Account)
	b = appendNamed(b, ", which LivePerson has under account ", s.Brand)
	b = strconv.AppendInt(append(b, ", slice "...), int64(s.Number), 10)
	b = strconv.AppendInt(append(b, ", revision "...), int64(s.Revision), 10)
	b = appendOutside(append(b, "\nstatus "...), s.Status)
	b = appendNamed(b, ", close reason ", s.CloseReason)
	if s.Partial {
		b = append(b, ", incomplete: LivePerson says that its own record is cut short"...)
	}
	b = appendMoment(b, "\nstarted ", s.StartedAt)
	b = appendMoment(b, "\nended ", s.EndedAt)
	b = appendSkill(append(b, "\nskill "...), &s.Skill)
	for i := range s.Skills {
		separator := ", "
		if i == 0 {
			separator = "\nskills "
		}
		b = appendSkill(append(b, separator...), &s.Skills[i])
	}
	for i := range s.Participants {
		b = appendParticipant(append(b, "\nparticipant "...), &s.Participants[i])
	}
	return b
}

func appendParticipant(b []byte, p *archive.Participant) []byte {
	b = appendWho(b, p)
	b = appendOutside(append(b, " ("...), cmp.Or(p.Role, "unknown"))
	b = appendOutside(append(b, ", "...), cmp.Or(p.Kind, "unknown"))
	b = appendNamed(append(b, ')'), ", id ", p.ID)
	b = appendNamed(b, ", login ", p.Login)
	b = appendNamed(b, ", e-mail ", p.Email)
	return appendNamed(b, ", address: ", p.AddressNote)
}

// appendHappening appends a note of what happened, unless it is told by who
// entered and left, or behind a message. A file follows its note.
func (r *room) appendHappening(dst []Element, h *archive.Happening, start int64) []Element {
	if r.isPresence(h) || r.isBehindMessage(h) {
		return dst
	}
	return r.appendFiled(append(dst, r.happeningNote(h, start)), h, start)
}

// happeningNote is the note of what happened, with all its words.
func (r *room) happeningNote(h *archive.Happening, start int64) Element {
	b := appendOutside([]byte("* "), h.Kind)
	b = r.appendPerson(b, ", participant ", h.Participant)
	b = r.appendPerson(b, ", by ", h.By)
	if h.FromSkill != nil {
		b = appendSkill(append(b, ", from skill "...), h.FromSkill)
	}
	if h.ToSkill != nil {
		b = appendSkill(append(b, ", to skill "...), h.ToSkill)
	}
	b = r.appendPerson(b, ", to agent ", h.ToAgent)
	if h.Dialog != r.slice.Conversation {
		b = appendNamed(b, ", in dialog ", h.Dialog)
	}
	if h.File != nil {
		b = appendFacts(b, h.File)
	}
	b = appendNamed(b, ", reason ", h.Reason)
	b = appendNamed(b, "\ntext ", h.Text)
	for i := range h.Answers {
		b = appendOutside(append(b, "\nquestion "...), h.Answers[i].Question)
		b = appendOutside(append(b, "\nanswer "...), h.Answers[i].Answer)
	}
	b = appendAsReceived(b, h.AtText, h.Received)
	return r.note(cmp.Or(h.At, start), h.Name, b)
}

// isPresence tells whether a happening says nothing but that somebody came or
// went by himself.
func (r *room) isPresence(h *archive.Happening) bool {
	return (h.Kind == archive.Joined || h.Kind == archive.Left) && h.Participant != "" &&
		(h.By == "" || h.By == h.Participant) && (h.Dialog == "" || h.Dialog == r.slice.Conversation) &&
		h.Reason == "" && h.Text == "" && h.ToAgent == "" && h.FromSkill == nil && h.ToSkill == nil && len(h.Answers) == 0 &&
		h.File == nil && h.AtText == ""
}

// appendPerson appends a participant by his id, which may be nobody's.
func (r *room) appendPerson(b []byte, before, id string) []byte {
	if p := r.find(id); p != nil {
		return appendWho(append(b, before...), &p.Participant)
	}
	return appendNamed(b, before, id)
}

// appendWho appends a name and the LoginName.
func appendWho(b []byte, p *archive.Participant) []byte {
	if p.Name == "" {
		return appendOutside(b, loginOf(p))
	}
	b = appendOutside(b, p.Name)
	b = appendOutside(append(b, " <"...), loginOf(p))
	return append(b, '>')
}

func appendSkill(b []byte, s *archive.Skill) []byte {
	switch {
	case s.ID == "" && s.Name == "":
		return append(b, "unassigned"...)
	case s.Name == "" || s.ID == "":
		return appendOutside(b, s.ID+s.Name)
	}
	b = appendOutside(b, s.Name)
	b = appendOutside(append(b, " ("...), s.ID)
	return append(b, ')')
}

// appendNamed appends a value only where there is one.
func appendNamed(b []byte, before, value string) []byte {
	if value == "" {
		return b
	}
	return appendOutside(append(b, before...), value)
}

func appendMoment(b []byte, before string, ms int64) []byte {
	if ms == 0 {
		return b
	}
	return time.UnixMilli(ms).UTC().AppendFormat(append(b, before...), "2006-01-02T15:04:05.000Z")
}

// appendOutside appends a text from outside. Where it breaks a line, it goes on
// behind two spaces, so that none of its lines passes for one of the note.
func appendOutside(b []byte, s string) []byte {
	for i := range len(s) {
		b = append(b, s[i])
		if s[i] == '\n' || s[i] == '\r' && (i+1 == len(s) || s[i+1] != '\n') {
			b = append(b, "  "...)
		}
	}
	return b
}
