package mail

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// Widths in characters, without CRLF. RFC 5322 allows 998 and recommends 78.
const (
	lineWidth = 76
	maxWord   = 900 // that is written as it is
)

// field writes one header field, folded between words. It is never folded before
// the first one, since some readers then take a space for part of the value.
type field struct {
	dst  []byte
	line int // where the current line begins in dst
	body int // where the first word goes
}

// begin begins the field of that name.
func begin(dst []byte, name string) field {
	line := len(dst)
	dst = append(append(dst, name...), ':')
	return field{dst, line, len(dst)}
}

// word appends a word after a space, on a new line where it does not fit.
func (h *field) word(word []byte) {
	h.need(len(word))
	h.dst = append(append(h.dst, ' '), word...)
}

// need begins a new line unless a word of that width fits on the current one.
func (h *field) need(width int) {
	if h.room() < width && len(h.dst) > h.body {
		h.dst = append(h.dst, "\r\n"...)
		h.line = len(h.dst)
	}
}

// room is how wide a word fits on the current line after a space.
func (h *field) room() int { return lineWidth - (len(h.dst) - h.line) - 1 }

// end ends the field and returns everything.
func (h *field) end() []byte { return append(h.dst, "\r\n"...) }

// appendField appends an unstructured header field whose value decodes to
// exactly value, which has no control characters.
func appendField(dst []byte, name string, value []byte) []byte {
	h := begin(dst, name)
	h.text(value)
	return h.end()
}

// text appends words as they are up to the first that has to be encoded, and
// from there on encoded words, so that what is ASCII stays readable.
func (h *field) text(value []byte) {
	for len(value) > 0 {
		word, rest, more := bytes.Cut(value, []byte{' '})
		if !isPlain(word) || more && (len(rest) == 0 || rest[0] == ' ') {
			h.encoded(value)
			return
		}
		h.word(word)
		value = rest
	}
}

// isPlain tells whether a word may stand in a header as it is.
func isPlain(word []byte) bool {
	if len(word) == 0 || len(word) > maxWord {
		return false
	}
	for i, c := range word {
		if c <= ' ' || c >= 0x7f || c == '?' && i > 0 && word[i-1] == '=' {
			return false
		}
	}
	return true
}

// Widths of an encoded word of RFC 2047: of what stands around its text, and of
// its text. A line that holds one has at most 76 characters, without exception.
const (
	encodedAround = len("=?UTF-8?B?") + len("?=")
	encodedText   = 60
)

// encoded appends value, which is UTF-8, as encoded words in base64, whole
// characters in each.
func (h *field) encoded(value []byte) {
	for len(value) > 0 {
		h.need(encodedAround + min(encodedText, base64.StdEncoding.EncodedLen(len(value))))
		n := min(len(value), min(encodedText, h.room()-encodedAround)/4*3)
		for n < len(value) && !utf8.RuneStart(value[n]) {
			n--
		}
		h.dst = append(h.dst, " =?UTF-8?B?"...)
		h.dst = base64.StdEncoding.AppendEncode(h.dst, value[:n])
		h.dst = append(h.dst, "?="...)
		value = value[n:]
	}
}

// maxQuoted bounds a name that is written between quotes, on one line.
const maxQuoted = 60

// mailbox appends a display name, which has no control characters, and an
// address. There is room for a comma behind it.
func (h *field) mailbox(name []byte, address string) {
	switch {
	case len(name) == 0:
	case isQuotable(name):
		h.need(len(name) + 2)
		h.dst = append(append(append(h.dst, ` "`...), name...), '"')
	default:
		h.encoded(name)
	}
	h.need(len(address) + 3)
	h.dst = append(append(append(h.dst, " <"...), address...), '>')
}

// isQuotable tells whether every reader sees name in a quoted string as it is.
// Some decode encoded words there, some drop spaces at the ends.
func isQuotable(name []byte) bool {
	if len(name) > maxQuoted || name[0] == ' ' || name[len(name)-1] == ' ' {
		return false
	}
	for i, c := range name {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' || i > 0 && (c == '?' && name[i-1] == '=' || c == ' ' && name[i-1] == ' ') {
			return false
		}
	}
	return true
}
