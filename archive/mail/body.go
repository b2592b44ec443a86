package mail

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
)

// Every body is encoded so that nobody on the way has a reason to change it:
// ASCII, short lines that end with CRLF, none that begins with "." or "From ",
// and none that could be a boundary: "=_" stands in neither encoding.

// quote marks the bytes that quoted-printable cannot hold as they are.
var quote = func() (t [256]bool) {
	for c := range t {
		t[c] = (c < ' ' || c > '~' || c == '=') && c != '\t' && c != '\r' && c != '\n'
	}
	return t
}()

// Eight bytes at once: one bit of each, and a number in each.
const (
	highBits = 0x8080808080808080
	ones     = highBits >> 7
)

// quotes counts the bytes of a body that are three in quoted-printable, but for
// the few that are so for where they stand.
func quotes(raw []byte) int {
	n := bytes.Count(raw, []byte{'='})
	for ; len(raw) >= 8; raw = raw[8:] {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(raw) & highBits)
	}
	for _, c := range raw {
		n += int(c >> 7)
	}
	return n
}

// isBase64Shorter tells how a body of so many bytes, so many of them marked, is
// written.
func isBase64Shorter(size, quotes int) bool { return quotes > size/6 }

// appendText appends the header of a part of type and its body, the pieces one
// after the other. Each piece ends with CRLF and has no other CR or LF but CRLF.
func (f *Format) appendText(dst []byte, kind string, pieces ...[]byte) []byte {
	size, marked := 0, 0
	for _, p := range pieces {
		size += len(p)
		marked += quotes(p)
	}
	dst = append(append(append(dst, "Content-Type: "...), kind...), "; charset=utf-8\r\nContent-Transfer-Encoding: "...)
	if isBase64Shorter(size, marked) {
		return f.appendBody(append(dst, "base64\r\n\r\n"...), true, pieces...)
	}
	return f.appendBody(append(dst, "quoted-printable\r\n\r\n"...), false, pieces...)
}

// Widths of a line of base64, in characters and in bytes of what it stands for.
const (
	base64Width = 76
	base64Bytes = base64Width / 4 * 3
)

// appendBase64To appends the pieces one after the other in base64, and passes on to
// s what it can.
func appendBase64To(s *sink, dst []byte, pieces ...[]byte) []byte {
	var line [base64Bytes]byte
	held := 0
	for _, p := range pieces {
		if held > 0 {
			n := copy(line[held:], p)
			held += n
			p = p[n:]
			if held < base64Bytes {
				continue
			}
			dst = append(base64.StdEncoding.AppendEncode(dst, line[:]), "\r\n"...)
		}
		for ; len(p) >= base64Bytes; p = p[base64Bytes:] {
			dst = s.passOn(append(base64.StdEncoding.AppendEncode(dst, p[:base64Bytes]), "\r\n"...))
		}
		held = copy(line[:], p)
	}
	if held > 0 {
		dst = append(base64.StdEncoding.AppendEncode(dst, line[:held]), "\r\n"...)
	}
	return dst
}

// appendQuotedPrintableTo appends lines that end with CRLF in quoted-printable, and
// passes on to s what it can.
func appendQuotedPrintableTo(s *sink, dst, raw []byte) []byte {
	for len(raw) > 0 {
		n := bytes.IndexByte(raw, '\r')
		dst = s.passOn(append(appendQuotedLine(s, dst, raw[:n]), "\r\n"...))
		raw = raw[n+len("\r\n"):]
	}
	return dst
}

// quotedWidth is how many characters of a line are there for the text, since a
// line that goes on needs one for its "=".
const quotedWidth = 75

// appendQuotedLine appends one line of any length, without its end.
func appendQuotedLine(s *sink, dst, line []byte) []byte {
	trailing := len(line) // where a space would be lost that ends the line
	if n := len(line) - 1; n >= 0 && (line[n] == ' ' || line[n] == '\t') {
		trailing = n
	}
	left := quotedWidth
	for i := 0; i < len(line); {
		special := left == quotedWidth && (line[i] == '.' || startsFrom(line[i:]))
		if !special {
			n := plain(line[i:max(i, min(i+left, trailing))])
			dst = append(dst, line[i:i+n]...)
			i, left = i+n, left-n
			if i == len(line) {
				break
			}
			special = i == trailing || quote[line[i]]
		}
		width, rest := 1, left
		if special {
			width = 3
		}
		if i == len(line)-1 {
			rest++ // no "=" follows
		}
		switch {
		case width > rest:
			dst = s.passOn(append(dst, "=\r\n"...))
			left = quotedWidth
			continue
		case special:
			dst = append(dst, '=', upperHex[line[i]>>4], upperHex[line[i]&15])
		default:
			dst = append(dst, line[i])
		}
		i, left = i+1, left-width
	}
	return dst
}

// plain returns how many bytes at the begin of s stand for themselves.
func plain(s []byte) int {
	i := 0
	for ; len(s)-i >= 8; i += 8 {
		// The high bit of a byte is set if it is above '~', below ' ' or '='. A
		// borrow from its neighbour may set it too: then it is looked at again.
		x := binary.LittleEndian.Uint64(s[i:])
		if (x|(x+ones)|(x-' '*ones)|((x^'='*ones)-ones))&highBits != 0 {
			break
		}
	}
	for i < len(s) && !quote[s[i]] {
		i++
	}
	return i
}

const upperHex = "0123456789ABCDEF"

// startsFrom tells whether a mailbox file would take a line for a mail's begin.
func startsFrom(s []byte) bool { return len(s) >= 5 && string(s[:5]) == "From " }
