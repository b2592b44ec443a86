package liveperson

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Value is one JSON value as LivePerson sent it, read where it lies: it aliases
// the bytes it was taken from and copies nothing. nil is an absent value.
//
// A Value must be syntactically valid JSON; the page decoder has made sure of
// that for everything it hands out. All readers are lenient, because the API is
// not of one mind about its types: numbers come as strings, strings as numbers,
// and what is missing comes as null or not at all.
type Value []byte

// Present tells whether there is anything but null.
func (v Value) Present() bool { return len(v) > 0 && v[0] != 'n' }

// IsObject tells whether v is a JSON object.
func (v Value) IsObject() bool { return len(v) > 0 && v[0] == '{' }

// IsArray tells whether v is a JSON array.
func (v Value) IsArray() bool { return len(v) > 0 && v[0] == '[' }

// Text is a string decoded, or the literal of a number or boolean; "" for
// everything else. Invalid UTF-8 and lone surrogates become U+FFFD.
// It is how words are read: whatever a person wrote is what he wrote, also "NA".
// Of members in which LivePerson itself writes a word for "nothing", see In.
func (v Value) Text() string {
	if b, ok := v.plain(); ok {
		return string(b)
	}
	return string(v.AppendText(nil))
}

// Decode is Text, and whether that is all of it: whole is false where U+FFFD stands
// for something that UTF-8 cannot hold.
func (v Value) Decode() (text string, whole bool) {
	if b, ok := v.plain(); ok {
		return string(b), true
	}
	if len(v) == 0 || v[0] != '"' {
		return v.Text(), true
	}
	b, err := jsontext.AppendUnquote(nil, []byte(v))
	return string(b), err == nil
}

// IsWhole reports whether UTF-8 can hold every string in v, names of members
// included: no lone surrogate is escaped, and no byte is out of place.
func (v Value) IsWhole() bool {
	for i := 0; i < len(v); {
		if i+8 <= len(v) {
			if x := binary.LittleEndian.Uint64(v[i:]); x&highs|matches(x, '\\') == 0 {
				i += 8
				continue
			}
		}
		size := 1
		switch c := v[i]; {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(v[i:])
			if size = n; r == utf8.RuneError && n == 1 {
				return false
			}
		case c == '\\':
			if size = escapeSize(v[i:]); size == 0 {
				return false
			}
		}
		i += size
	}
	return true
}

// escapeSize is the length of the escape, or of the pair of them, that v begins
// with; 0 for a lone surrogate.
func escapeSize(v Value) int {
	r, ok := v.escapedRune()
	switch {
	case !ok:
		return 2
	case !utf16.IsSurrogate(r):
		return 6
	}
	if low, ok := v[6:].escapedRune(); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
		return 12
	}
	return 0
}

// escapedRune is the UTF-16 code unit that v begins with as \uXXXX.
func (v Value) escapedRune() (rune, bool) {
	if len(v) < 6 || v[0] != '\\' || v[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(v[2:6]), 16, 16)
	return rune(n), err == nil
}

// AppendText appends what Text returns.
func (v Value) AppendText(dst []byte) []byte {
	if len(v) == 0 {
		return dst
	}
	switch v[0] {
	case '"':
		if b, ok := v.plain(); ok {
			return append(dst, b...)
		}
		// The error only repeats that U+FFFD was put in.
		dst, _ = jsontext.AppendUnquote(dst, []byte(v))
		return dst
	case '{', '[', 'n':
		return dst
	}
	return append(dst, v...)
}

// plain is the inside of a string that needs no decoding: printable ASCII
// without escapes, as nearly all ids and most keys are.
func (v Value) plain() ([]byte, bool) {
	if len(v) < 2 || v[0] != '"' {
		return nil, false
	}
	b := v[1 : len(v)-1]
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if x := binary.LittleEndian.Uint64(b[i:]); x&highs|matches(x, '\\') != 0 {
			return nil, false
		}
	}
	for _, c := range b[i:] {
		if c == '\\' || c >= 0x80 {
			return nil, false
		}
	}
	return b, true
}

// Is tells whether v is that string, without making one.
func (v Value) Is(s string) bool {
	b, ok := v.plain()
	return ok && string(b) == s || !ok && len(v) > 0 && v.Text() == s
}

// ID is an id, which no person writes: Text, or "" where LivePerson writes one of
// its words for "none".
//
// Source: Messaging Interactions API, examples: dialogId "undefined",
// assignedAgentId "null", latestSkillId -1.
func (v Value) ID() string {
	switch s := v.Text(); s {
	case "undefined", "null", "-1":
		return ""
	default:
		return s
	}
}

// Int is an integer from a number or from a string that holds one. A fraction
// of zeros is accepted, as some services answer 1041.0.
func (v Value) Int() (int64, bool) {
	b := []byte(v)
	if len(b) >= 2 && b[0] == '"' {
		b = bytes.TrimSpace(b[1 : len(b)-1])
	}
	if i := bytes.IndexByte(b, '.'); i > 0 && len(bytes.Trim(b[i+1:], "0")) == 0 {
		b = b[:i]
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

// EndOfTime is the last moment of the year 2099, in epoch milliseconds. What lies beyond
// is another unit, or nothing.
const EndOfTime = 4102444799999

// Millis is a time in epoch milliseconds, 0 when there is none: absent, zero,
// LivePerson's -1, or a number that no calendar has a day for.
func (v Value) Millis() int64 {
	n, ok := v.Int()
	if !ok || n <= 0 || n > EndOfTime {
		return 0
	}
	return n
}

// Bool is true for true, "true", 1 and "1".
func (v Value) Bool() bool {
	switch v.Text() {
	case "true", "1":
		return true
	}
	return false
}

// Fields calls yield with the name and value of each member of an object, in
// the order received, duplicates included, until it returns false. Names are
// decoded. Anything but an object has no members.
func (v Value) Fields(yield func(name []byte, value Value) bool) {
	if !v.IsObject() {
		return
	}
	for i := skipSpace(v, 1); i < len(v) && v[i] == '"'; {
		end := skipString(v, i)
		name, ok := v[i:end].plain()
		if !ok {
			name = v[i:end].AppendText(nil)
		}
		start := skipSpace(v, skipSpace(v, end)+1)
		end = skipValue(v, start)
		if !yield(name, v[start:end:end]) {
			return
		}
		i = skipSpace(v, skipSpace(v, end)+1)
	}
}

// Each calls yield with each element of an array until it returns false.
// Anything but an array has no elements.
func (v Value) Each(yield func(Value) bool) {
	if !v.IsArray() {
		return
	}
	for i := skipSpace(v, 1); i < len(v) && v[i] != ']'; {
		end := skipValue(v, i)
		if !yield(v[i:end:end]) {
			return
		}
		i = skipSpace(v, skipSpace(v, end)+1)
	}
}

// Get is the last member of that name, nil when there is none.
func (v Value) Get(name string) Value {
	var found Value
	v.Fields(func(n []byte, value Value) bool {
		if string(n) == name {
			found = value
		}
		return true
	})
	return found
}

// The walkers below rely on v being valid JSON; they never read past its end.

func skipSpace(v Value, i int) int {
	for i < len(v) && (v[i] == ' ' || v[i] == '\n' || v[i] == '\r' || v[i] == '\t') {
		i++
	}
	return i
}

// Eight bytes at a time: strings are most of a record, and most are short, where
// the call of bytes.IndexByte costs more than it saves (ReadRecord: 14 µs for a
// record of 23 KB instead of 20).
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// matches marks the high bit of each byte of x that is c; the lowest mark is exact.
func matches(x uint64, c byte) uint64 {
	x ^= ones * uint64(c)
	return (x - ones) &^ x & highs
}

func skipString(v Value, i int) int {
	for i++; i < len(v); {
		if i+8 <= len(v) {
			x := binary.LittleEndian.Uint64(v[i:])
			m := matches(x, '"') | matches(x, '\\')
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) / 8
		}
		switch v[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
		i++
	}
	return len(v)
}

func skipValue(v Value, i int) int {
	if i >= len(v) {
		return len(v)
	}
	switch v[i] {
	case '"':
		return skipString(v, i)
	case '{', '[':
		return skipNested(v, i)
	}
	for i < len(v) {
		switch v[i] {
		case ',', '}', ']', ' ', '\n', '\r', '\t':
			return i
		}
		i++
	}
	return i
}

// nests marks the bytes that matter between the ends of an object or array.
var nests = [256]bool{'"': true, '{': true, '[': true, '}': true, ']': true}

func skipNested(v Value, i int) int {
	depth := 0
	for ; i < len(v); i++ {
		if !nests[v[i]] {
			continue
		}
		switch v[i] {
		case '"':
			i = skipString(v, i) - 1
		case '{', '[':
			depth++
		default:
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(v)
}
