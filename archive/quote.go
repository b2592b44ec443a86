package archive

import (
	"errors"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// special marks the bytes of a JSON string that cannot stand for themselves,
// or begin a rune of several bytes that has to be looked at.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < 0x20 || c == '"' || c == '\\' || c == 0x7f || c >= utf8.RuneSelf
	}
	return t
}()

// appendString appends s as a JSON string: valid UTF-8 on one line that decodes
// to s again, except that each byte of s that is not UTF-8 becomes U+FFFD.
// U+2028 and U+2029 are escaped, since some readers of lines break there.
func appendString[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if !special[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
			i++
			start = i
			continue
		}
		r, size := decodeRune(s, i)
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\uFFFD"...)
			start = i + 1
		} else if r == 0x2028 || r == 0x2029 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, `\u202`...)
			dst = append(dst, hexDigits[r&0xf])
			start = i + size
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// decodeRune decodes the rune that begins at i.
func decodeRune[T string | []byte](s T, i int) (rune, int) {
	// The conversion of so few bytes stays on the stack.
	var b [utf8.UTFMax]byte
	n := copy(b[:], s[i:min(i+utf8.UTFMax, len(s))])
	return utf8.DecodeRune(b[:n])
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}

// maxDepth bounds how deep a message's content may nest. With what stands
// around it, the line stays below the 10,000 levels that encoding/json reads.
const maxDepth = 9990

var errContent = errors.New("content is not valid JSON")

// appendCompact appends one JSON value on one line: white space between tokens
// left out, everything else as it is, but for bytes that are not UTF-8, which
// become U+FFFD. The value's grammar must have been checked before.
func appendCompact(dst, value []byte) []byte {
	inString := false
	start := 0
	for i := 0; i < len(value); {
		c := value[i]
		switch {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(value[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, value[start:i]...)
				dst = append(dst, "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		case c == '"':
			inString = !inString
		case c == '\\':
			i++ // what is escaped is never the end of the string
		case c <= ' ' && !inString:
			dst = append(dst, value[start:i]...)
			start = i + 1
		}
		i++
	}
	return append(dst, value[start:]...)
}
