package filedump

import (
	"cmp"
	"strconv"
	"strings"

	"lpexport/archive"
)

// appendMessage appends a message with its files behind it. One without a time
// stands at the start.
func (r *room) appendMessage(dst []Element, m *archive.Message, start int64) []Element {
	e := Element{
		Kind: message, MessageID: messageName(m), LoginName: loginOf(&m.Sender), UserType: userType(&m.Sender),
		At: cmp.Or(m.SentAt, start), Content: r.content(m),
	}
	if m.Amends != 0 && r.set.Order == "mattermost" {
		e.UpdatedType = "EditedNewMsg"
	}
	return r.appendFiles(append(dst, e), m, e, start)
}

func messageName(m *archive.Message) string {
	name := m.Dialog + "/" + m.Derived
	if m.Derived == "" {
		name += strconv.FormatInt(m.Sequence, 10)
	}
	if m.Variant != 0 {
		name += "." + strconv.Itoa(m.Variant)
	}
	return name
}

// content is a message's text with what the format has no element for.
func (r *room) content(m *archive.Message) string {
	var b strings.Builder
	if m.Audience == "agents" {
		b.WriteString("[agents only] ")
	}
	if m.Amends != 0 && r.set.Order != "mattermost" {
		b.WriteString("[amends revision " + strconv.Itoa(m.Amends) + "] ")
	}
	if m.Text == "" {
		b.WriteString("[" + m.Type + ", no text]")
	} else if b.Len() == 0 && len(m.Files) == 0 {
		return m.Text // as nearly all
	}
	b.WriteString(m.Text)
	for i := range m.Files {
		if caption := m.Files[i].Caption; !strings.Contains(m.Text, caption) {
			b.WriteString("\n[file: " + caption + "]")
		}
	}
	return b.String()
}
