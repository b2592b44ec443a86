package filedump

import (
	"cmp"
	"strconv"
	"strings"

	"lpexport/archive"
)

// appendMessage appends a message with its file transfers behind it. One without
// a time stands at the start.
func (r *room) appendMessage(dst []Element, m *archive.Message, start int64) []Element {
	e := Element{
		Kind: message, MessageID: messageName(m), LoginName: loginOf(&m.Sender), UserType: userType(&m.Sender),
		At: cmp.Or(m.SentAt, start), Content: r.content(m),
	}
	if m.Amends != 0 && r.set.Order == "mattermost" {
		e.UpdatedType = "EditedNewMsg"
	}
	dst = append(dst, e)
	for _, kind := range []string{transferStarted, transferEnded} {
		for i := range m.Files {
			file, shown := r.paths(&m.Files[i])
			dst = append(dst, Element{Kind: kind, LoginName: e.LoginName, At: e.At, UserFileName: shown, FileName: file})
		}
	}
	return dst
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

// paths is a file's path as an importer may join it to a folder, and the name
// that a person saw.
func (r *room) paths(f *archive.File) (file, shown string) {
	path := cmp.Or(f.Path, f.Caption, f.Type, "unnamed")
	shown = path[strings.LastIndexAny(path, `/\`)+1:]
	if strings.Contains(path, "://") {
		return withoutDots(path), shown // the URL of a file elsewhere
	}
	path = withoutDots(strings.TrimLeft(path, `/\`))
	if r.set.Separator == `\` {
		path = strings.ReplaceAll(path, "/", `\`)
	}
	return cmp.Or(path, "unnamed"), shown
}

func withoutDots(path string) string { return strings.ReplaceAll(path, "..", "%2E%2E") }
