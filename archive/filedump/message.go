package filedump

import (
	"cmp"
	"encoding/base64"
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
	if m.Assumed {
		b.WriteString("[audience not stated] ")
	}
	if m.Amends != 0 && r.set.Order != "mattermost" {
		b.WriteString("[amends revision " + strconv.Itoa(m.Amends) + "] ")
	}
	if m.Text == "" {
		b.WriteString("[" + m.Type + ", no text]")
	} else if b.Len() == 0 && len(m.Files) == 0 && len(m.Received) == 0 && m.SentText == "" {
		return m.Text // as nearly all
	}
	b.WriteString(m.Text)
	for i := range m.Files {
		if caption := m.Files[i].Caption; !strings.Contains(m.Text, caption) {
			b.WriteString("\n[file: " + caption + "]")
		}
	}
	b.Write(appendAsReceived(nil, m.SentText, m.Received))
	return b.String()
}

// appendAsReceived appends a time that could not be read, and the source's own JSON
// of something whose text has U+FFFD for what UTF-8 cannot hold: there is no other
// place for them.
func appendAsReceived(b []byte, time string, received []byte) []byte {
	if time != "" {
		b = append(appendOutside(append(b, "\n[time as received: "...), time), ']')
	}
	if len(received) > 0 {
		b = append(b, "\n[lossy, as received in base64: "...)
		b = append(base64.StdEncoding.AppendEncode(b, received), ']')
	}
	return b
}
