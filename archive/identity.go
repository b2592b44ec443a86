package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// hashed lends the buffers that content is gathered in before it is hashed.
var hashed = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// maxPooled keeps one huge message from holding its memory for ever.
const maxPooled = 64 << 10

// ContentHash identifies what a message says: its type, audience and content, or
// its text and files where there is no content. Where there is, text and files
// are read out of it, perhaps better by a later version: that is no change of
// the message. Names, times, sender and source are not part of it, so a change
// of those is no amendment. Content counts by its values: order of members,
// white space and the spelling of escapes make no difference; numbers count as
// they are spelt. What of them UTF-8 cannot hold counts, too, by what was received.
// A message read back with ParseLine has the same hash as before AppendLine.
//
// It is the first 8 bytes of a SHA-256, in big-endian order: enough to tell the
// versions of one message apart, no protection against somebody who searches
// for a collision.
func (m *Message) ContentHash() uint64 {
	p := hashed.Get().(*[]byte)
	b := appendFramed((*p)[:0], m.Type)
	b = appendFramed(b, m.Audience)
	if len(m.Content) > 0 {
		b = appendCanonical(append(b, 1), m.Content)
	} else {
		b = appendWords(append(b, 0), m)
	}
	if len(m.Received) > 0 {
		b = appendLost(append(b, 'l'), m.Received)
	}
	return hashAndReturn(p, b)
}

// hashAndReturn hashes what was gathered in a lent buffer, and gives that back.
func hashAndReturn(p *[]byte, b []byte) uint64 {
	sum := sha256.Sum256(b)
	if cap(b) <= maxPooled {
		*p = b
		hashed.Put(p)
	}
	return binary.BigEndian.Uint64(sum[:8])
}

// WordsHash identifies the words that a message brings: its text, compared with
// line ends trimmed, the paths of its files, and what of them UTF-8 cannot hold. A
// real-time event and the record of the same message spell all else differently.
func (m *Message) WordsHash() uint64 {
	p := hashed.Get().(*[]byte)
	b := append((*p)[:0], 'w')
	for line := range strings.Lines(strings.TrimRight(m.Text, wordless)) {
		b = appendFramed(b, strings.TrimRight(line, wordless))
	}
	for i := range m.Files {
		b = appendFramed(append(b, 'f'), m.Files[i].Path)
	}
	if len(m.Received) > 0 {
		b = appendLost(append(b, 'l'), m.Received)
	}
	return hashAndReturn(p, b)
}

// wordless is what the end of a line is trimmed of.
const wordless = " \t\r\n"

// appendWords appends what a message without Content says.
func appendWords(dst []byte, m *Message) []byte {
	dst = appendFramed(dst, m.Text)
	dst = binary.AppendUvarint(dst, uint64(len(m.Files)))
	for i := range m.Files {
		dst = appendFramed(dst, m.Files[i].Path)
		dst = appendFramed(dst, m.Files[i].Type)
		dst = appendFramed(dst, m.Files[i].Caption)
	}
	return dst
}

// appendFramed appends s with its length before it, so that no two lists of
// strings look alike, and with U+FFFD for what AppendLine would write so.
func appendFramed(dst []byte, s string) []byte {
	if utf8.ValidString(s) {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		return append(dst, s...)
	}
	return appendFramed(dst, string([]rune(s)))
}

// appendCanonical appends content with its members sorted and its strings
// spelt in one way. What is not JSON is appended as it is.
func appendCanonical(dst, content []byte) []byte {
	dst, _ = jsontext.AppendFormat(dst, content, lax,
		jsontext.ReorderRawObjects(true), jsontext.PreserveRawStrings(false))
	return dst
}
