package archive

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// LostWords identifies what of some JSON UTF-8 cannot hold: the same U+FFFD may
// stand for different things. 0 where UTF-8 holds all of it.
func LostWords(received []byte) uint64 {
	b := appendLost(nil, received)
	if len(b) == 0 {
		return 0
	}
	return hashAndReturn(new([]byte), b)
}

// appendLost appends what UTF-8 cannot hold of each string of received, JSON as the
// source sent it: lone surrogates as the three bytes they would have, other bytes
// as they are. The strings are sorted, and JSON inside a string counts by its own
// strings: members have no order, and an event has as an object what a record has
// as a string.
func appendLost(dst, received []byte) []byte {
	lost := lostIn(nil, received, 0)
	slices.SortFunc(lost, bytes.Compare)
	for _, l := range lost {
		dst = append(binary.AppendUvarint(dst, uint64(len(l))), l...)
	}
	return dst
}

// lostDepth bounds how often JSON is looked for inside of JSON.
const lostDepth = 3

// lostIn appends what each string of a JSON value has lost.
func lostIn(list [][]byte, value []byte, depth int) [][]byte {
	in := jsontext.NewDecoder(bytes.NewReader(value), lax)
	for {
		if in.PeekKind() != '"' {
			if _, err := in.ReadToken(); err != nil {
				return list // the end, or none of the source's JSON
			}
			continue
		}
		raw, err := in.ReadValue()
		if err != nil {
			return list
		}
		if lost := lostOf(raw); len(lost) > 0 {
			list = append(list, lost)
		}
		if depth < lostDepth && bytes.IndexByte(raw, '\\') > 0 {
			if inner, _ := jsontext.AppendUnquote(nil, raw); len(inner) > 0 && (inner[0] == '{' || inner[0] == '[') && jsontext.Value(inner).IsValid(lax) {
				list = lostIn(list, inner, depth+1)
			}
		}
	}
}

// lostOf is what UTF-8 cannot hold of one string as it is spelt.
func lostOf(raw []byte) (lost []byte) {
	for i := 0; i < len(raw); {
		size := 1
		switch c := raw[i]; {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(raw[i:])
			if size = n; r == utf8.RuneError && n == 1 {
				lost = append(lost, c)
			}
		case c == '\\':
			r, ok := codeUnit(raw[i:])
			if size = 2; !ok {
				break
			}
			if size = 6; !utf16.IsSurrogate(r) {
				break
			}
			if low, ok := codeUnit(raw[i+6:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
				size = 12
				break
			}
			lost = append(lost, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
		}
		i += size
	}
	return lost
}

// codeUnit is the UTF-16 code unit that raw begins with as \uXXXX.
func codeUnit(raw []byte) (rune, bool) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(raw[2:6]), 16, 16)
	return rune(n), err == nil
}
