package exporter

import (
	"bytes"
	"html"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"lpexport/archive"
	"lpexport/liveperson"
)

// readContent fills in what a message says: Text, Files and Content.
//
// The text of TEXT_PLAIN is exactly what was received. Of every other type it is
// what a person read; the JSON is kept beside it, since no rendering is complete.
// File previews are left out: they come with some answers only, and are no part
// of what was said.
func readContent(m *archive.Message, data liveperson.Value) {
	var text, file, rich, quick liveperson.Value
	more := false
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
		readFile(m, file)
	}
	switch m.Type {
	case "TEXT_PLAIN":
		m.Text = text.Text()
	case "TEXT_HTML":
		m.Text = htmlText(text.Text())
		m.Content = withoutPreview(data)
	case "HOSTED_FILE", "IMG", "LINK":
		m.Text = file.Get("caption").Name()
	case "RICH_CONTENT":
		words := richWords(nil, rich.Get("content"))
		m.Text = strings.Join(richWords(words, quick.Get("content")), "\n")
	case "SECURE_FORM_INVITATION", "SECURE_FORM_SUBMIT":
		m.Text = formName(data)
	default:
		m.Text = strings.Join(allWords([]string{"[" + m.Type + "]"}, data, 0), "\n")
	}
}

// knownTypes are the documented types, the most frequent first.
var knownTypes = []string{"TEXT_PLAIN", "RICH_CONTENT", "HOSTED_FILE", "TEXT_HTML", "LINK", "IMG", "SECURE_FORM_INVITATION", "SECURE_FORM_SUBMIT"}

func hasMore(msg liveperson.Value) bool {
	n := 0
	msg.Fields(func([]byte, liveperson.Value) bool { n++; return true })
	return n > 1
}

func readFile(m *archive.Message, v liveperson.Value) {
	f := archive.File{Path: v.Get("relativePath").Name(), Type: v.Get("fileType").Name(), Caption: v.Get("caption").Name()}
	if f.Path == "" {
		f.Path = v.Get("externalFileLink").Name()
	}
	m.Files = append(m.Files, f)
}

func formName(data liveperson.Value) string {
	name := data.Get("formName").Name()
	data.Fields(func(_ []byte, v liveperson.Value) bool {
		if n := v.Get("formName").Name(); n != "" {
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

// richWords appends the words of a structured-content template in reading order.
// LivePerson sends it as JSON inside a string, at times broken; a broken one has
// no words but is kept.
func richWords(words []string, content liveperson.Value) []string {
	inner := content
	if !content.IsObject() && !content.IsArray() {
		inner = liveperson.Value(content.AppendText(nil))
	}
	if len(inner) > embeddedLimit || !jsontext.Value(inner).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return words
	}
	return shownWords(words, liveperson.Value(bytes.TrimSpace(inner)), 0)
}

// shownWords walks a template. What a click does and what machines read is not
// shown to anybody.
func shownWords(words []string, v liveperson.Value, depth int) []string {
	if depth > depthLimit {
		return words
	}
	v.Each(func(e liveperson.Value) bool {
		words = shownWords(words, e, depth+1)
		return true
	})
	v.Fields(func(name []byte, f liveperson.Value) bool {
		switch string(name) {
		case "click", "actions", "metadata", "tooltip", "style":
		case "text", "title", "subtitle", "label", "caption", "header", "footer", "description", "body", "alt":
			if s := f.Name(); s != "" {
				words = append(words, s)
				break
			}
			fallthrough
		default:
			words = shownWords(words, f, depth+1)
		}
		return true
	})
	return words
}

// allWords appends every string in v, in order: for types nobody knows yet.
func allWords(words []string, v liveperson.Value, depth int) []string {
	if depth > depthLimit {
		return words
	}
	if len(v) > 0 && v[0] == '"' {
		if s := v.Name(); s != "" {
			words = append(words, s)
		}
		return words
	}
	v.Each(func(e liveperson.Value) bool {
		words = allWords(words, e, depth+1)
		return true
	})
	v.Fields(func(name []byte, f liveperson.Value) bool {
		if string(name) != "preview" {
			words = allWords(words, f, depth+1)
		}
		return true
	})
	return words
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
