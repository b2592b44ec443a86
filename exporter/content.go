package exporter

import (
	"bytes"
	"html"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"lpexport/archive"
	"lpexport/liveperson"
)

// content fills in what a message says: Text, Files and Content, and Received where
// they show U+FFFD for something else.
//
// The text of TEXT_PLAIN is exactly what was received. Of every other type it is
// what a person read; the JSON is kept beside it, since no rendering is complete.
// File previews are left out: they come with some answers only, and are no part
// of what was said.
func (r *reader) content(m *archive.Message, data liveperson.Value) {
	var text, file, rich, quick liveperson.Value
	more, whole := false, true
	data.Fields(func(name []byte, v liveperson.Value) bool {
		switch string(name) {
		case "msg":
			text = v.Get("text")
			more = more || hasMore(v)
		case "richContent":
			rich, more = v, true
		case "quickReplies":
			quick, more = v, true
		default:
			if f := v.Get("relativePath"); f.Present() || v.Get("externalFileLink").Present() {
				file = v
			}
			more = true
		}
		return true
	})
	if data.Present() && (more || !text.Present()) {
		m.Content = withoutPreview(data)
	}
	if file.Present() {
		r.file(m, file)
	}
	switch m.Type {
	case "TEXT_PLAIN":
		m.Text, whole = text.Decode()
	case "TEXT_HTML":
		m.Text = htmlText(text.Text())
		m.Content = withoutPreview(data)
	case "HOSTED_FILE", "IMG", "LINK":
		m.Text = r.words(file.Get("caption"))
	case "RICH_CONTENT":
		shown := wording{reader: *r}
		shown.rich(rich.Get("content"))
		shown.rich(quick.Get("content"))
		m.Text, whole, r.odd = strings.Join(shown.list, "\n"), !shown.lost, shown.odd
	case "SECURE_FORM_INVITATION", "SECURE_FORM_SUBMIT":
		m.Text = r.formName(data)
	default:
		all := wording{reader: *r, list: []string{"[" + m.Type + "]"}}
		all.all(data, 0)
		m.Text, r.odd = strings.Join(all.list, "\n"), all.odd
	}
	if whole && (len(m.Content) > 0 || m.Type != "TEXT_PLAIN") {
		whole = data.IsWhole()
	}
	if !whole {
		if r.odd = true; !r.former {
			m.Received = withoutPreview(data)
		}
	}
}

// knownTypes are the documented types, the most frequent first.
var knownTypes = []string{"TEXT_PLAIN", "RICH_CONTENT", "HOSTED_FILE", "TEXT_HTML", "LINK", "IMG", "SECURE_FORM_INVITATION", "SECURE_FORM_SUBMIT"}

func hasMore(msg liveperson.Value) bool {
	n := 0
	msg.Fields(func([]byte, liveperson.Value) bool { n++; return true })
	return n > 1
}

func (r *reader) file(m *archive.Message, v liveperson.Value) {
	f := archive.File{Path: r.words(v.Get("relativePath")), Type: r.words(v.Get("fileType")), Caption: r.words(v.Get("caption"))}
	if f.Path == "" {
		f.Path = r.words(v.Get("externalFileLink"))
	}
	m.Files = append(m.Files, f)
}

func (r *reader) formName(data liveperson.Value) string {
	name := r.words(data.Get("formName"))
	data.Fields(func(_ []byte, v liveperson.Value) bool {
		if n := r.words(v.Get("formName")); n != "" {
			name = n
		}
		return true
	})
	return name
}

// embeddedLimit bounds the JSON inside a string that is read for its words, and
// depthLimit how deep it is read. What is beyond stays in the kept JSON.
const (
	embeddedLimit = 8 << 20
	depthLimit    = 64
)

// wording gathers the words of a message in reading order.
type wording struct {
	reader
	list []string
	lost bool // U+FFFD stands for something else in JSON that came inside a string
}

func (w *wording) add(v liveperson.Value) (any bool) {
	s := w.words(v)
	if s != "" {
		w.list = append(w.list, s)
	}
	return s != ""
}

// rich adds the words of a structured-content template in reading order.
// LivePerson sends it as JSON inside a string, at times broken; a broken one has
// no words but is kept.
func (w *wording) rich(content liveperson.Value) {
	inner := content
	if !content.IsObject() && !content.IsArray() {
		inner = liveperson.Value(content.AppendText(nil))
	}
	if len(inner) > embeddedLimit || !jsontext.Value(inner).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return
	}
	w.lost = w.lost || !inner.IsWhole()
	w.shown(bytes.TrimSpace(inner), 0)
}

// shown walks a template. What a click does and what machines read is not shown to
// anybody.
func (w *wording) shown(v liveperson.Value, depth int) {
	if depth > depthLimit {
		return
	}
	v.Each(func(e liveperson.Value) bool {
		w.shown(e, depth+1)
		return true
	})
	v.Fields(func(name []byte, f liveperson.Value) bool {
		switch string(name) {
		case "click", "actions", "metadata", "tooltip", "style":
		case "text", "title", "subtitle", "label", "caption", "header", "footer", "description", "body", "alt":
			if w.add(f) {
				break
			}
			fallthrough
		default:
			w.shown(f, depth+1)
		}
		return true
	})
}

// all adds every string in v, in order: for types nobody knows yet.
func (w *wording) all(v liveperson.Value, depth int) {
	if depth > depthLimit {
		return
	}
	if len(v) > 0 && v[0] == '"' {
		w.add(v)
		return
	}
	v.Each(func(e liveperson.Value) bool {
		w.all(e, depth+1)
		return true
	})
	v.Fields(func(name []byte, f liveperson.Value) bool {
		if string(name) != "preview" {
			w.all(f, depth+1)
		}
		return true
	})
}

// htmlText is what a person reads of HTML: tags become line breaks, entities
// characters.
func htmlText(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "<")
		b.WriteString(before)
		if !ok {
			break
		}
		tag, after, closed := strings.Cut(rest, ">")
		if !closed {
			b.WriteString("<" + rest)
			break
		}
		name, _, _ := strings.Cut(strings.TrimSpace(tag), " ")
		switch strings.ToLower(strings.Trim(name, "/")) {
		case "br", "p", "div", "li", "tr":
			b.WriteString("\n")
		}
		s = after
	}
	return strings.TrimSpace(html.UnescapeString(b.String()))
}

// withoutPreview copies a value and leaves out the base64 thumbnails that only
// an answer by id has.
func withoutPreview(v liveperson.Value) []byte {
	if !bytes.Contains(v, []byte(`"preview"`)) {
		return bytes.Clone(v)
	}
	return appendWithoutPreview(make([]byte, 0, len(v)), v)
}

func appendWithoutPreview(dst []byte, v liveperson.Value) []byte {
	if !v.IsObject() {
		return append(dst, v...)
	}
	dst = append(dst, '{')
	first := true
	v.Fields(func(name []byte, f liveperson.Value) bool {
		if string(name) == "preview" {
			return true
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst, _ = jsontext.AppendQuote(dst, name) // names are valid UTF-8 once decoded
		dst = append(dst, ':')
		dst = appendWithoutPreview(dst, f)
		return true
	})
	return append(dst, '}')
}
