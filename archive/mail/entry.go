package mail

import (
	"slices"
	"strconv"

	"lpexport/archive"
)

// entry says how far a log has come with a message or a happening: how many of
// both have been written, and where in the bodies it ends.
type entry struct {
	messages, happened int
	text, html         int
}

// log holds every entry of a slice, written once, in the order of their times.
type log struct {
	entries    []entry
	text, html []byte
	files      files

	stamp, notes, told []byte // of the entry that is being written
}

// write forgets the slice before and writes s, whose messages are by senders.
func (l *log) write(s *archive.Slice, c *cast, senders []int, in zone) {
	l.entries, l.text, l.html = l.entries[:0], l.text[:0], l.html[:0]
	l.files.gather(s)
	var e entry
	for e.messages < len(s.Messages) || e.happened < len(s.Happened) {
		if m, h := e.messages, e.happened; h == len(s.Happened) || m < len(s.Messages) && !isBefore(&s.Happened[h], &s.Messages[m]) {
			l.stamp = in.appendTime(l.stamp[:0], s.Messages[m].SentAt)
			l.message(&s.Messages[m], &c.people[senders[m]])
			e.messages++
		} else {
			l.stamp = in.appendTime(l.stamp[:0], s.Happened[h].At)
			l.happening(&s.Happened[h], c)
			e.happened++
		}
		e.text, e.html = len(l.text), len(l.html)
		l.entries = append(l.entries, e)
	}
}

// isBefore tells whether a happening stands before a message. At the same
// instant, what begins does and what ends does not.
func isBefore(h *archive.Happening, m *archive.Message) bool {
	if h.At != m.SentAt {
		return h.At < m.SentAt
	}
	switch h.Kind {
	case archive.Started, archive.Joined, archive.Reopened, archive.Transferred:
		return true
	}
	return false
}

func (l *log) message(m *archive.Message, sender *person) {
	l.notes = appendNotes(l.notes[:0], m)
	l.text = append(append(append(l.text, '['), l.stamp...), "] "...)
	l.text = append(append(append(l.text, sender.text...), l.notes...), ':')
	l.text = appendLines(roomFor(l.text, m.Text), m.Text)
	l.html = append(append(l.html, `<tr class="`...), roleClass(sender.Role)...)
	l.html = append(append(append(l.html, `"><td>`...), l.stamp...), "</td><td>"...)
	l.html = append(l.html, sender.html...)
	l.html = append(onHTMLLine.append(l.html, string(l.notes)), "</td><td>"...)
	l.html = appendBlock(roomFor(l.html, m.Text), m.Text)
	for i := range m.Files {
		l.told = l.files.appendFound(appendFile(l.told[:0], &m.Files[i]), m.Files[i].Path)
		l.text = append(append(append(l.text, "    + "...), l.told...), "\r\n"...)
		l.html = append(onHTMLLine.append(append(l.html, "<p>"...), string(l.told)), "</p>"...)
	}
	l.html = append(l.html, "</td></tr>\r\n"...)
}

// roomFor makes room for a long text at once: grown step by step, the memory would
// hold it twice.
func roomFor(dst []byte, text string) []byte {
	if len(text) < 1<<20 {
		return dst
	}
	return slices.Grow(dst, len(text)+len(text)/6)
}

// appendNotes appends what has to be known of a message besides its text, each
// note in brackets.
func appendNotes(dst []byte, m *archive.Message) []byte {
	switch m.Audience {
	case "", "all":
	case "agents":
		dst = append(dst, " (agents only)"...)
	default:
		dst = append(appendQuoted(append(dst, " (audience "...), m.Audience), ')')
	}
	if m.Assumed {
		dst = append(dst, " (audience not stated)"...)
	}
	if m.Amends != 0 {
		dst = append(strconv.AppendInt(append(dst, " (amends revision "...), int64(m.Amends), 10), ')')
	}
	if m.Variant != 0 {
		dst = append(strconv.AppendInt(append(dst, " (variant "...), int64(m.Variant), 10), ')')
	}
	if m.Late {
		dst = append(dst, " (late)"...)
	}
	if m.Type != "" && m.Type != "TEXT_PLAIN" {
		dst = append(appendQuoted(append(dst, " ("...), m.Type), ')')
	}
	if m.SentText != "" {
		dst = append(appendQuoted(append(dst, " (time as received: "...), m.SentText), ')')
	}
	if len(m.Received) > 0 {
		dst = append(append(append(dst, " ("...), lossy...), ')')
	}
	return dst
}

// lossy stands with a text in which U+FFFD stands for something else.
const lossy = "lossy: transcript.json has it as received"

// appendFile appends `file "a.pdf" (application/pdf), caption "Offer"`.
func appendFile(dst []byte, file *archive.File) []byte {
	dst = appendQuoted(append(dst, "file "...), file.Path)
	if file.Type != "" {
		dst = append(appendQuoted(append(dst, " ("...), file.Type), ')')
	}
	if file.Caption != "" {
		dst = appendQuoted(append(dst, ", caption "...), file.Caption)
	}
	return dst
}

func (l *log) happening(h *archive.Happening, c *cast) {
	l.told = l.appendTold(l.told[:0], h, c)
	l.text = append(append(append(l.text, '['), l.stamp...), "] "...)
	l.text = append(append(l.text, l.told...), "\r\n"...)
	l.html = append(append(append(l.html, `<tr class="note"><td>`...), l.stamp...), `</td><td colspan="2"><bdi>`...)
	l.html = append(onHTMLLine.append(l.html, string(l.told)), "</bdi>"...)
	if h.Text != "" {
		l.saying("    |", h.Text)
	}
	for i := range h.Answers {
		l.saying("    ?", h.Answers[i].Question)
		l.saying("    =", h.Answers[i].Answer)
	}
	l.html = append(l.html, "</td></tr>\r\n"...)
}

// saying appends a text that belongs to a happening.
func (l *log) saying(mark, text string) {
	l.text = appendLines(append(l.text, mark...), text)
	l.html = appendBlock(l.html, text)
}

// appendTold appends what happened: "* transferred: from skill Loans (12)".
func (l *log) appendTold(dst []byte, h *archive.Happening, c *cast) []byte {
	dst = appendQuoted(append(dst, "* "...), h.Kind)
	next := ": "
	clause := func(label string) {
		dst = append(append(dst, next...), label...)
		next = ", "
	}
	if h.Participant != "" {
		clause("")
		dst = c.appendByID(dst, h.Participant)
	}
	if h.By != "" && h.By != h.Participant {
		clause("by ")
		dst = c.appendByID(dst, h.By)
	}
	if h.File != nil {
		clause("")
		dst = l.files.appendFetched(dst, h.File)
	}
	if h.FromSkill != nil {
		clause("from skill ")
		dst = appendSkill(dst, h.FromSkill)
	}
	if h.ToSkill != nil {
		clause("to skill ")
		dst = appendSkill(dst, h.ToSkill)
	}
	if h.ToAgent != "" {
		clause("to agent ")
		dst = c.appendByID(dst, h.ToAgent)
	}
	if h.Reason != "" {
		clause("reason ")
		dst = appendQuoted(dst, h.Reason)
	}
	if h.AtText != "" {
		clause("time as received ")
		dst = appendQuoted(dst, h.AtText)
	}
	if len(h.Received) > 0 {
		clause(lossy)
	}
	if h.Late {
		clause("late")
	}
	return dst
}

// appendSkill appends "Loans (12)".
func appendSkill(dst []byte, s *archive.Skill) []byte {
	switch {
	case s.ID == "" && s.Name == "":
		return append(dst, "unassigned"...)
	case s.Name == "" || s.ID == "":
		return appendQuoted(dst, s.ID+s.Name)
	}
	dst = appendQuoted(dst, s.Name)
	return append(appendQuoted(append(dst, " ("...), s.ID), ')')
}
