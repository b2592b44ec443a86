package archive

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// scanBuffer is how much of a file is held at once, and so the longest name
// that can be read.
const scanBuffer = 256 << 10

// scanner walks the compact JSON of transcripts.jsonl and holds no more than
// its buffer, however long a line is. It is made
// for speed, not for proof of grammar: it reads what AppendLine writes, fails
// on most that differs, and never runs away on anything else. Whether the bytes
// are the ones that were written is what the hash tells.
//
// The first fault stays in err and makes all walking stop.
type scanner struct {
	in       io.Reader
	buf      []byte // cap scanBuffer; buf[pos:] is read and not walked
	pos      int
	err      error
	readErr  error // what ended the reading: io.EOF, or a real error
	unquoted []byte
}

var (
	errShape = errors.New("not a line of a transcript")
	errLong  = errors.New("a name is too long")
)

func (s *scanner) reset(in io.Reader) {
	if s.buf == nil {
		s.buf = make([]byte, 0, scanBuffer)
	}
	*s = scanner{in: in, buf: s.buf[:0], unquoted: s.unquoted[:0]}
}

// more reads on, keeping what is not walked yet, and tells whether anything came.
func (s *scanner) more() bool {
	if s.readErr != nil {
		return false
	}
	if s.pos > 0 {
		s.buf = s.buf[:copy(s.buf, s.buf[s.pos:])]
		s.pos = 0
	}
	held := len(s.buf)
	if held == cap(s.buf) {
		s.fault(errLong)
		return false
	}
	n, err := io.ReadAtLeast(s.in, s.buf[held:cap(s.buf)], 1)
	s.buf = s.buf[:held+n]
	if err != nil {
		s.readErr = err
	}
	return n > 0
}

func (s *scanner) fault(err error) {
	if s.err == nil {
		s.err = err
	}
}

// peek returns the next byte, 0 at the end or after a fault.
func (s *scanner) peek() byte {
	if s.err != nil || s.pos == len(s.buf) && !s.more() {
		return 0
	}
	return s.buf[s.pos]
}

// next reads one byte, 0 at the end or after a fault.
func (s *scanner) next() byte {
	c := s.peek()
	if c != 0 {
		s.pos++
	}
	return c
}

func (s *scanner) expect(c byte) bool {
	if s.err == nil && s.pos < len(s.buf) && s.buf[s.pos] == c {
		s.pos++
		return true
	}
	if s.next() != c {
		s.fault(errShape)
	}
	return s.err == nil
}

// toNextLine goes behind the next "\n", which never stands inside a string.
func (s *scanner) toNextLine() {
	s.err = nil
	for {
		if i := bytes.IndexByte(s.buf[s.pos:], '\n'); i >= 0 {
			s.pos += i + 1
			return
		}
		s.pos = len(s.buf)
		if !s.more() {
			return
		}
	}
}

// members calls member for each member of an object, standing before its value,
// which member must walk. The key is as it is spelt, and valid until then.
func (s *scanner) members(member func(key []byte)) {
	if !s.expect('{') {
		return
	}
	for c := s.peek(); s.err == nil && c != '}'; {
		key := s.raw()
		if s.pos == len(s.buf) {
			key = bytes.Clone(key) // walking the colon moves the buffer
		}
		if !s.expect(':') {
			return
		}
		member(key)
		if c = s.peek(); c == ',' {
			s.pos++
		} else if c != '}' {
			s.fault(errShape)
		}
	}
	s.expect('}')
}

// elements calls element before each element of a list.
func (s *scanner) elements(element func()) {
	if !s.expect('[') {
		return
	}
	for c := s.peek(); s.err == nil && c != ']'; {
		element()
		if c = s.peek(); c == ',' {
			s.pos++
		} else if c != ']' {
			s.fault(errShape)
		}
	}
	s.expect(']')
}

// raw reads a string and returns what stands between its quotes, valid until
// the next call.
func (s *scanner) raw() []byte {
	if !s.expect('"') {
		return nil
	}
	for from := 0; ; { // of the search, behind pos
		text := s.buf[s.pos:]
		i := bytes.IndexByte(text[from:], '"')
		if i < 0 {
			from = len(text)
			if !s.more() {
				s.fault(errShape)
				return nil
			}
			continue
		}
		end := from + i
		if from = end + 1; !escaped(text[:end]) {
			s.pos += from
			return text[:end]
		}
	}
}

// escaped tells whether what follows b, which begins in a string, is escaped.
func escaped(b []byte) bool {
	return len(b) > 0 && b[len(b)-1] == '\\' && backslashes(b)%2 == 1
}

// backslashes counts those at the end of b.
func backslashes(b []byte) int {
	n := 0
	for n < len(b) && b[len(b)-1-n] == '\\' {
		n++
	}
	return n
}

// text reads a string and decodes it, valid until the next call.
func (s *scanner) text() []byte {
	raw := s.raw()
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	quoted := append(append(append(make([]byte, 0, len(raw)+2), '"'), raw...), '"')
	var err error
	if s.unquoted, err = jsontext.AppendUnquote(s.unquoted[:0], quoted); err != nil {
		s.fault(errShape)
	}
	return s.unquoted
}

// skip walks over any value.
func (s *scanner) skip() {
	for depth := 0; s.err == nil; {
		if s.pos == len(s.buf) && !s.more() {
			s.fault(errShape)
			return
		}
		switch c := s.buf[s.pos]; c {
		case '"':
			s.skipString()
		case '{', '[':
			depth++
			s.pos++
		case '}', ']':
			depth--
			s.pos++
		case ',', ':':
			s.pos++
			continue
		default:
			s.skipLiteral()
		}
		if depth <= 0 {
			return
		}
	}
}

// skipString walks over a string of any length.
func (s *scanner) skipString() {
	s.pos++
	for {
		text := s.buf[s.pos:]
		i := bytes.IndexByte(text, '"')
		if i >= 0 {
			s.pos += i + 1
			if !escaped(text[:i]) {
				return
			}
			continue
		}
		// Backslashes at the end belong to what comes next: keep them. A buffer
		// full of them is walked in pairs.
		keep := backslashes(text)
		if keep == len(text) {
			keep %= 2
		}
		s.pos = len(s.buf) - keep
		if !s.more() {
			s.fault(errShape)
			return
		}
	}
}

// skipLiteral walks over a number, true, false or null.
func (s *scanner) skipLiteral() {
	for n := 0; ; n++ {
		switch c := s.peek(); {
		case c == '-' || c == '+' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || c == 'E':
			s.pos++
		default:
			if n == 0 {
				s.fault(errShape)
			}
			return
		}
	}
}

// null tells whether null stands here, and walks over it.
func (s *scanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	s.skipLiteral()
	return true
}

// integer reads a sequence or a small number.
func (s *scanner) integer() int64 {
	n := int64(0)
	for digits := 0; ; digits++ {
		c := s.peek()
		if c < '0' || c > '9' {
			if digits == 0 {
				s.fault(errShape)
			}
			return n
		}
		if n = n*10 + int64(c-'0'); n > MaxSequence {
			s.fault(errShape)
			return 0
		}
		s.pos++
	}
}
