package filedump

import (
	"cmp"
	"slices"

	"lpexport/archive"
)

// Format writes slices in one dialect. It implements archive.Format.
type Format struct {
	set     Settings
	dialect dialect
	buf     []byte // of the last Conversation, reused
}

var _ archive.Format = (*Format)(nil)

// New checks the settings. The error names all that is wrong with them, each a
// *archive.SettingError.
func New(s Settings) (*Format, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	s.System = cmp.Or(s.System, defaultSystem)
	s.Internal = slices.Clone(s.Internal)
	return &Format{set: s, dialect: dialects[s.Order]}, nil
}

// Extension returns ".xml".
func (f *Format) Extension() string { return ".xml" }

// Joined returns the one file of all conversations, and its root element.
func (f *Format) Joined() (file, head, tail string) {
	return f.set.File, `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<FileDump xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` + "\n", "</FileDump>\n"
}

// Documents emits one element Conversation, and the slice's attachments beside
// it. It is filed under its StartTimeUTC.
// The only error of its own is that line is not a slice.
func (f *Format) Documents(line []byte, emit func(archive.Document) error) error {
	s, err := archive.ParseLine(line)
	if err != nil {
		return err
	}
	c := f.conversation(&s)
	f.buf = f.appendConversation(f.buf[:0], &c)
	return emit(archive.Document{Bytes: f.buf, At: c.Start, Beside: s.Attachments()})
}

// conversation lists the elements of a slice, with times in milliseconds.
func (f *Format) conversation(s *archive.Slice) Conversation {
	c := Conversation{Perspective: expand(f.set.Perspective, s), RoomID: s.Conversation}
	c.Start, c.End = period(s)
	room := f.newRoom(s, c.Start)
	c.Elements = make([]Element, 0, 2*len(room.people)+len(s.Messages)+len(s.Happened)+1)
	c.Elements = room.appendEntered(c.Elements, c.Start)
	c.Elements = append(c.Elements, room.note(c.Start, noteName(s), room.facts()))
	for m, h := 0, 0; m < len(s.Messages) || h < len(s.Happened); {
		// Of the same time, what happened comes first: a conversation starts
		// before its first message.
		if m == len(s.Messages) || h < len(s.Happened) && s.Happened[h].At <= s.Messages[m].SentAt {
			c.Elements = room.appendHappening(c.Elements, &s.Happened[h], c.Start)
			h++
			continue
		}
		c.Elements = room.appendMessage(c.Elements, &s.Messages[m], c.Start)
		m++
	}
	c.Elements = room.appendLeft(c.Elements, c.End)
	return c
}

// period is from the first to the last entry. The first slice begins with the
// conversation; a slice without any time has that of the conversation.
func period(s *archive.Slice) (start, end int64) {
	include := func(at int64) {
		if at == 0 {
			return
		}
		if start == 0 || at < start {
			start = at
		}
		if end == 0 || at > end {
			end = at
		}
	}
	for i := range s.Messages {
		include(s.Messages[i].SentAt)
	}
	for i := range s.Happened {
		include(s.Happened[i].At)
	}
	if s.Number == 1 || start == 0 {
		include(s.StartedAt)
	}
	return start, end
}
