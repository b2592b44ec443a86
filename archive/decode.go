package archive

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// decoder walks the JSON that this package writes. The first fault stays in err
// and makes every later call return a zero value at once, so callers look at it
// once at the end.
type decoder struct {
	in    *jsontext.Decoder
	err   error
	known map[string]string // short strings that have been read: most come again
	about int               // messages, as far as can be guessed
}

func newDecoder(r io.Reader, opts ...jsontext.Options) *decoder {
	return &decoder{in: jsontext.NewDecoder(r, opts...)}
}

// fail keeps the first fault. A fault of syntax or reading is wrapped, what it
// says holds no text of a message.
func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = fmt.Errorf("at byte %d: %w", d.in.InputOffset(), err)
	}
}

// token reads one token of the given kind.
func (d *decoder) token(kind jsontext.Kind) (jsontext.Token, bool) {
	if d.err != nil {
		return jsontext.Token{}, false
	}
	t, err := d.in.ReadToken()
	if err != nil {
		d.fail(syntax(err))
		return jsontext.Token{}, false
	}
	if t.Kind() != kind {
		d.fail(fmt.Errorf("%s where %s belongs", t.Kind(), kind))
		return jsontext.Token{}, false
	}
	return t, true
}

// syntax keeps the kind of a syntax error and drops its text, which may quote
// from the input.
func syntax(err error) error {
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(s, io.ErrUnexpectedEOF) {
			return io.ErrUnexpectedEOF
		}
		return errors.New("not valid JSON")
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// object reads an object. member is called with the index in names of each
// member that it has, standing before the value, which member must read. The
// first required names must be there, each name at most once; members with
// other names are skipped, since later versions may add some.
func (d *decoder) object(names []string, required int, member func(i int)) {
	if _, ok := d.token('{'); !ok {
		return
	}
	seen, next := uint64(0), 0
	for d.err == nil && d.in.PeekKind() == '"' {
		name := d.unquoted(d.quoted())
		i := next
		if i >= len(names) || string(name) != names[i] {
			i = slices.IndexFunc(names, func(n string) bool { return n == string(name) })
		}
		if i < 0 {
			d.skip()
			continue
		}
		if seen&(1<<i) != 0 {
			d.fail(fmt.Errorf("%s twice", names[i]))
			return
		}
		seen |= 1 << i
		next = i + 1
		member(i)
	}
	d.token('}')
	if missing := ^seen & (1<<required - 1); d.err == nil && missing != 0 {
		for i := range required {
			if missing&(1<<i) != 0 {
				d.fail(fmt.Errorf("%s is missing", names[i]))
			}
		}
	}
}

// list reads a list; element must read one element of it.
func (d *decoder) list(element func()) {
	if _, ok := d.token('['); !ok {
		return
	}
	for d.err == nil && d.in.PeekKind() != ']' {
		element()
	}
	d.token(']')
}

func (d *decoder) skip() {
	if d.err == nil {
		if err := d.in.SkipValue(); err != nil {
			d.fail(syntax(err))
		}
	}
}

// null tells whether null stands here, and reads it.
func (d *decoder) null() bool {
	if d.err != nil || d.in.PeekKind() != 'n' {
		return false
	}
	_, ok := d.token('n')
	return ok
}

// quoted reads a string as it is spelt, with its quotes; nil after a fault. It
// is valid until the next read.
func (d *decoder) quoted() []byte {
	if d.err == nil && d.in.PeekKind() != '"' {
		d.token('"') // says what is there instead
	}
	if d.err != nil {
		return nil
	}
	raw, err := d.in.ReadValue()
	if err != nil {
		d.fail(syntax(err))
		return nil
	}
	return raw
}

// unquoted decodes what quoted has read, in place where nothing is escaped.
func (d *decoder) unquoted(raw []byte) []byte {
	switch {
	case raw == nil:
		return nil
	case bytes.IndexByte(raw, '\\') < 0:
		return raw[1 : len(raw)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, raw) // a lone surrogate becomes U+FFFD
	return text
}

// unique reads a string that no other is like.
func (d *decoder) unique() string { return string(d.unquoted(d.quoted())) }

// Bounds of what is kept of short strings. Names, roles and addresses stand in
// every message of a slice: to allocate each was a third of reading a line.
const (
	knownBytes = 64
	maxKnown   = 1024
)

// string reads a string of which others like it come.
func (d *decoder) string() string {
	text := d.unquoted(d.quoted())
	if len(text) == 0 || len(text) > knownBytes {
		return string(text)
	}
	if s, ok := d.known[string(text)]; ok {
		return s
	}
	s := string(text)
	if d.known == nil {
		d.known = make(map[string]string, 16)
	}
	if len(d.known) < maxKnown {
		d.known[s] = s
	}
	return s
}

// base64 reads a string of bytes; nil where it is none.
func (d *decoder) base64() []byte {
	b, err := base64.StdEncoding.AppendDecode(nil, d.unquoted(d.quoted()))
	if err != nil {
		d.fail(errors.New("not base64"))
		return nil
	}
	return b
}

func (d *decoder) bool() bool {
	if d.err == nil && d.in.PeekKind() == 'f' {
		d.token('f')
		return false
	}
	_, ok := d.token('t')
	return ok
}

// integer reads an integer from least to most.
func (d *decoder) integer(least, most int64) int64 {
	t, ok := d.token('0')
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(t.String(), 10, 64)
	if err != nil || n < least || n > most {
		d.fail(errors.New("not an integer, or out of range"))
		return 0
	}
	return n
}

// count reads an int that is at least least.
func (d *decoder) count(least int) int {
	return int(d.integer(int64(least), min(math.MaxInt, MaxSequence)))
}

// time reads what appendTime writes.
func (d *decoder) time() int64 {
	if d.null() {
		return 0
	}
	text := d.unquoted(d.quoted())
	if d.err != nil {
		return 0
	}
	ms, err := parseTime(text)
	if err != nil {
		d.fail(err)
	}
	return ms
}

// parseTime reads what appendTime writes between its quotes, and only that.
func parseTime(text []byte) (int64, error) {
	if len(text) != len("2006-01-02T15:04:05.000Z") {
		return 0, errNotTime
	}
	n := func(from, to int) (n int) {
		for _, c := range text[from:to] {
			n = n*10 + int(c-'0')
		}
		return n
	}
	t := time.Date(n(0, 4), time.Month(n(5, 7)), n(8, 10), n(11, 13), n(14, 16), n(17, 19), n(20, 23)*1e6, time.UTC)
	// What is no digit, or no such day, is written differently.
	var again [26]byte
	if ms := t.UnixMilli(); writable(ms) && bytes.Equal(appendTime(again[:0], ms), appendQuoted(text)) {
		return ms, nil
	}
	return 0, errNotTime
}

var errNotTime = errors.New("not a time in UTC with milliseconds")

func appendQuoted(text []byte) []byte {
	var quoted [26]byte
	return append(append(append(quoted[:0], '"'), text...), '"')
}

// raw returns a copy of the next value's bytes.
func (d *decoder) raw() []byte {
	if d.err != nil {
		return nil
	}
	v, err := d.in.ReadValue()
	if err != nil {
		d.fail(syntax(err))
		return nil
	}
	return bytes.Clone(v)
}

// end makes sure that nothing follows.
func (d *decoder) end() {
	if d.err != nil {
		return
	}
	if _, err := d.in.ReadToken(); err != io.EOF {
		d.fail(errors.New("more after the end"))
	}
}

var errNotUTF8 = errors.New("not valid UTF-8")

// ParseLine reads one line of transcripts.jsonl, with or without "\n" at its
// end, back into the slice it was made from. It is strict: a missing member, a
// member twice, a wrong type and a number out of range are errors; members it
// does not know are skipped. The slice shares no memory with line. Errors name
// the place and never quote from the line.
func ParseLine(line []byte) (Slice, error) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	var s Slice
	if bytes.IndexByte(line, '\n') >= 0 {
		return Slice{}, errors.New("read slice: more than one line")
	}
	if !utf8.Valid(line) {
		return Slice{}, fmt.Errorf("read slice: %w", errNotUTF8)
	}
	d := newDecoder(bytes.NewBuffer(line), lax)
	d.about = min(len(line)/600, 4096)
	d.slice(&s)
	d.end()
	if d.err != nil {
		return Slice{}, fmt.Errorf("read slice: %w", d.err)
	}
	return s, nil
}
