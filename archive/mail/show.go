package mail

import (
	"fmt"
	"unicode/utf8"
)

// showing is a way of writing a text from outside so that it is seen and does
// nothing. Bytes that cannot stand for themselves there are marked in stop.
type showing struct {
	stop    [256]bool
	newline string // what stands for a line break; "" where it is shown as a character
	html    bool   // for HTML and XML
	quoted  bool   // between double quotes
}

// How texts are written.
var (
	onOneLine  = newShowing("", false, false)
	inQuotes   = newShowing("", false, true)
	overLines  = newShowing(continued, false, false)
	onHTMLLine = newShowing("", true, false)
	inHTML     = newShowing("<br/>", true, false)
)

// continued begins each further line of a text in text/plain. No other line
// begins so, and no line of a text begins otherwise.
const continued = "\r\n    | "

func newShowing(newline string, html, quoted bool) *showing {
	w := &showing{newline: newline, html: html, quoted: quoted}
	for c := range w.stop {
		// The three first bytes begin, besides much else, what is invisible.
		w.stop[c] = c < 0x20 || c == 0x7f || c == 0xc2 || c == 0xe2 || c == 0xef
	}
	w.stop['\t'] = newline == ""
	for _, c := range `&<>"'` {
		w.stop[c] = html
	}
	if quoted {
		w.stop['"'], w.stop['\\'] = true, true
	}
	return w
}

// append appends s, which is valid UTF-8.
func (w *showing) append(dst []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		if !w.stop[s[i]] {
			i++
			continue
		}
		n, shown := w.special(s[i:])
		if shown == "" {
			i += n
			continue
		}
		dst = append(append(dst, s[start:i]...), shown...)
		i += n
		start = i
	}
	return append(dst, s[start:]...)
}

// special returns how many bytes of s, which begins with a marked one, belong
// together, and what stands for them; "" if they may stand for themselves.
func (w *showing) special(s string) (n int, shown string) {
	c := s[0]
	if c >= utf8.RuneSelf {
		r, n := utf8.DecodeRuneInString(s)
		if unseen(r) {
			return n, fmt.Sprintf("[U+%04X]", r)
		}
		return n, ""
	}
	switch {
	case c == '\n' && w.newline != "":
		return 1, w.newline
	case c == '\r' && w.newline != "" && len(s) > 1 && s[1] == '\n':
		return 2, w.newline
	case c == 0x7f:
		return 1, "\u2421"
	case c < 0x20:
		return 1, pictures[3*int(c) : 3*int(c)+3]
	case w.quoted:
		return 1, `\` + s[:1]
	}
	return 1, entities[c]
}

// pictures are the pictures of the C0 controls, three bytes each.
const pictures = "␀␁␂␃␄␅␆␇␈␉␊␋␌␍␎␏␐␑␒␓␔␕␖␗␘␙␚␛␜␝␞␟"

var entities = ['>' + 1]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&#34;", '\'': "&#39;"}

// unseen tells whether a rune above ASCII is invisible and changes how what
// stands around it is read, or cannot stand in XML. The marks U+200E, U+200F and
// U+061C are left: ordinary Arabic and Hebrew has them, and they reach no further
// than their neighbours.
func unseen(r rune) bool {
	switch {
	case 0x80 <= r && r <= 0x9f, // C1 controls, of which U+0085 breaks lines
		r == 0x2028 || r == 0x2029, // line and paragraph separator
		0x202a <= r && r <= 0x202e, // bidirectional embeddings and overrides
		0x2066 <= r && r <= 0x2069, // bidirectional isolates
		r == 0xfffe || r == 0xffff:
		return true
	}
	return false
}

// maxShort bounds, in characters, a name or an id in a header.
const maxShort = 255

// appendShort appends s for a header: on one line, and cut where it is long.
func appendShort(dst []byte, s string) []byte {
	if len(s) > maxShort {
		n := 0
		for i := range s {
			if n++; n > maxShort {
				return append(onOneLine.append(dst, s[:i]), "…"...)
			}
		}
	}
	return onOneLine.append(dst, s)
}

// appendQuoted appends a name or an id to text/plain, in quotes where it holds
// anything that could be taken for what stands around it.
func appendQuoted(dst []byte, s string) []byte {
	plain := s != "" && s[0] != ' ' && s[len(s)-1] != ' '
	for i := 0; i < len(s) && plain; i++ {
		switch s[i] {
		case '"', '\\', '<', '>', '(', ')', '[', ']', ':', ';', ',', '*':
			plain = false
		}
	}
	if plain {
		return onOneLine.append(dst, s)
	}
	return append(inQuotes.append(append(dst, '"'), s), '"')
}
