package mail

import (
	"strconv"

	"lpexport/archive"
)

// appendLines appends a text after what stands on the line, each further line of
// it behind a mark, so that none can be taken for an entry.
func appendLines(dst []byte, text string) []byte {
	if text != "" {
		dst = overLines.append(append(dst, ' '), text)
	}
	return append(dst, "\r\n"...)
}

// fact is one line of what is known of a conversation.
type fact struct {
	label string
	value []byte
}

// facts returns what stands at the top of both bodies, as it stands in
// text/plain. It is valid until the next call.
func (f *Format) facts(p *part) []fact {
	list, room := f.factList[:0], f.factRoom[:0]
	begin := 0
	is := func(label string) {
		list = append(list, fact{label, room[begin:len(room):len(room)]})
		begin = len(room)
	}
	s := &p.slice
	room = appendQuoted(room, s.Account)
	is("Account")
	if s.Brand != "" {
		room = append(appendQuoted(room, s.Brand), ", which is another account"...)
		is("Of account")
	}
	room = appendQuoted(room, s.Conversation)
	is("Conversation")
	room = strconv.AppendInt(room, int64(s.Number), 10)
	is("Slice")
	if p.of > 1 {
		room = append(appendOf(room, p, " of "), ", each a mail of its own"...)
		is("Part")
	}
	room = strconv.AppendInt(room, int64(s.Revision), 10)
	is("Revision")
	room = appendQuoted(room, s.Status)
	if s.CloseReason != "" {
		room = append(appendQuoted(append(room, " ("...), s.CloseReason), ')')
	}
	is("Status")
	room = appendSkill(room, &s.Skill)
	is("Skill")
	if len(s.Skills) > 1 || len(s.Skills) == 1 && s.Skills[0] != s.Skill {
		for i := range s.Skills {
			if i > 0 {
				room = append(room, ", "...)
			}
			room = appendSkill(room, &s.Skills[i])
		}
		is("Skills")
	}
	room = f.zone.appendTime(room, s.StartedAt)
	is("Started")
	room = f.appendEnd(room, s)
	is("Ended")
	room = strconv.AppendInt(room, int64(len(s.Messages)), 10)
	is("Messages")
	if p.files.any() {
		room = p.files.appendCount(room)
		is("Files")
	}
	if f.unlisted > 0 {
		room = strconv.AppendInt(append(room, "the header To has no room for "...), int64(f.unlisted), 10)
		room = append(room, " of the participants below"...)
		is("Recipients")
	}
	if s.Partial {
		room = append(room, "the source said that its own record of this conversation is cut short"...)
		is("Note")
	}
	f.factList, f.factRoom = list, room
	return list
}

func (f *Format) appendEnd(dst []byte, s *archive.Slice) []byte {
	if s.EndedAt == 0 {
		return append(dst, "not yet"...)
	}
	return f.zone.appendTime(dst, s.EndedAt)
}

// appendOf appends "2 of 3", or with another word between.
func appendOf(dst []byte, p *part, of string) []byte {
	dst = append(strconv.AppendInt(dst, int64(p.number), 10), of...)
	return strconv.AppendInt(dst, int64(p.of), 10)
}

const labelWidth = len("Conversation: ")

// appendTextHead appends what stands above the entries of text/plain.
func (f *Format) appendTextHead(dst []byte, p *part) []byte {
	dst = appendQuoted(append(dst, "LivePerson conversation "...), p.slice.Conversation)
	dst = append(dst, "\r\n\r\n"...)
	for _, fact := range f.facts(p) {
		begin := len(dst)
		dst = append(append(dst, fact.label...), ':')
		for len(dst) < begin+labelWidth {
			dst = append(dst, ' ')
		}
		dst = append(append(dst, fact.value...), "\r\n"...)
	}
	dst = strconv.AppendInt(append(dst, "\r\nParticipants ("...), int64(len(f.cast.people)), 10)
	dst = append(dst, "):\r\n"...)
	for i := range f.cast.people {
		dst = appendParticipant(dst, &f.cast.people[i])
	}
	return append(dst, "\r\nTranscript:\r\n"...)
}

// appendParticipant appends the line of a participant.
func appendParticipant(dst []byte, p *person) []byte {
	dst = append(append(dst, "- "...), p.text...)
	about := func(label, value string) {
		if value != "" {
			dst = appendQuoted(append(append(dst, "; "...), label...), value)
		}
	}
	about("", p.Kind)
	about("login ", p.Login)
	about("id ", p.ID)
	if p.Email != p.address {
		about("e-mail ", p.Email)
	}
	if p.Address != p.address {
		about("address not valid: ", p.Address)
	}
	about("", p.AddressNote)
	return append(dst, "\r\n"...)
}
