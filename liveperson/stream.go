package liveperson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	tokenLimit   = 32 << 20 // one string or number of any answer
	readAhead    = 4 << 10  // how far past a value's limit its own delimiters may reach
	pooledBuffer = 1 << 20  // a decoder that had to hold more is not kept
)

var (
	errTooLong = errors.New("the value is longer than asked for")
	errFull    = errors.New("as much was read as may be held")
)

// meter is a body as the decoder gets it: counted, watched for silence, and
// withheld where the decoder would come to hold more than it may.
type meter struct {
	r      io.Reader
	n      int64 // bytes read
	stop   int64 // read no further for now
	max    int64 // read no further at all
	ctx    context.Context
	cancel context.CancelCauseFunc // ends the request
	idle   time.Duration           // 0: not watched

	full  bool // the last Read was refused because of stop
	err   error
	timer *time.Timer
}

func (m *meter) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	if m.full = m.n >= m.stop; m.full {
		return 0, errFull
	}
	p = p[:min(int64(len(p)), m.stop-m.n)]
	n, err := m.watched(p)
	m.n += int64(n)
	switch {
	case m.n > m.max:
		n, m.err = 0, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, m.max)
	case err == io.EOF:
		m.err = io.EOF
	case err != nil && context.Cause(m.ctx) == ErrIdle:
		m.err = ErrIdle
	case err != nil:
		m.err = fmt.Errorf("%w: %w", ErrCutBody, err)
	}
	return n, m.err
}

// watched reads with the timer running; the time a record's taker needs is
// not the server's silence.
func (m *meter) watched(p []byte) (int, error) {
	if m.idle == 0 {
		return m.r.Read(p)
	}
	if m.timer == nil {
		m.timer = time.AfterFunc(m.idle, func() { m.cancel(ErrIdle) })
	} else {
		m.timer.Reset(m.idle)
	}
	defer m.timer.Stop()
	return m.r.Read(p)
}

// stream walks one JSON document as it comes in, holding one value at a time
// and none that is longer than its reader asked for. Duplicate names and
// invalid UTF-8 pass, since LivePerson may send both; everything else that is
// not JSON is an error, also in what is skipped.
type stream struct {
	dec   *jsontext.Decoder
	body  *meter
	large bool
}

var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

func newStream(body *meter) *stream {
	body.r = &afterBOM{r: body.r}
	s := &stream{dec: decoders.Get().(*jsontext.Decoder), body: body}
	s.dec.Reset(body, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return s
}

func (s *stream) close() {
	if !s.large {
		s.dec.Reset(strings.NewReader(""))
		decoders.Put(s.dec)
	}
	s.dec = nil
}

// empty tells whether the answer has no byte at all.
func (s *stream) empty() bool {
	return s.kind() == 0 && s.body.n == 0 && s.body.err == io.EOF
}

// allow lets the decoder hold n bytes past what it has consumed.
func (s *stream) allow(n int64) { s.body.stop = s.dec.InputOffset() + min(n, 1<<40) + readAhead }

// kind is the kind of what comes next, 0 when that is an error, which the
// next read returns.
func (s *stream) kind() jsontext.Kind {
	s.allow(tokenLimit)
	return s.dec.PeekKind()
}

func (s *stream) token() (jsontext.Token, error) {
	start := s.dec.InputOffset()
	s.body.stop = start + tokenLimit + readAhead
	t, err := s.dec.ReadToken()
	if err != nil {
		return t, s.fault(err)
	}
	s.large = s.large || s.dec.InputOffset()-start > pooledBuffer
	return t, nil
}

// value reads the next value whole; its bytes are valid until the next read.
// For one longer than limit it returns errTooLong, and the bytes if they were
// at hand; without them the value is still to come.
func (s *stream) value(limit int64) ([]byte, error) {
	s.kind() // takes the delimiters, which are not the value's
	s.allow(limit)
	raw, err := s.dec.ReadValue()
	switch {
	case err != nil && s.body.full:
		s.body.full = false
		s.large = true
		return nil, errTooLong
	case err != nil:
		return nil, s.fault(err)
	}
	s.large = s.large || len(raw) > pooledBuffer
	if int64(len(raw)) > limit {
		return raw, errTooLong
	}
	return raw, nil
}

// skip passes over the next value, of any length, holding one token.
func (s *stream) skip() error {
	depth := s.dec.StackDepth()
	for {
		if _, err := s.token(); err != nil {
			return err
		}
		if s.dec.StackDepth() <= depth {
			return nil
		}
	}
}

// object calls member before the value of each member, which it must read.
func (s *stream) object(member func(name string) error) error {
	if s.kind() != '{' {
		return s.unexpected("not an object")
	}
	if _, err := s.token(); err != nil {
		return err
	}
	for s.kind() == '"' {
		t, err := s.token()
		if err != nil {
			return err
		}
		if err := member(t.String()); err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}

// array calls element before each element, which it must read.
func (s *stream) array(element func() error) error {
	if s.kind() != '[' {
		return s.unexpected("not a list")
	}
	if _, err := s.token(); err != nil {
		return err
	}
	for k := s.kind(); k != ']' && k != 0; k = s.kind() {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}

// end makes sure that nothing follows the document.
func (s *stream) end() error {
	s.allow(tokenLimit)
	_, err := s.dec.ReadToken()
	switch {
	case err == io.EOF:
		return nil
	case err == nil:
		return fmt.Errorf("%w: more after its end", ErrNotJSON)
	}
	return s.fault(err)
}

// document reads the whole answer as one value of at most limit bytes.
func (s *stream) document(limit int64) (Value, error) {
	raw, err := s.value(limit)
	if err == errTooLong {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	if err != nil {
		return nil, err
	}
	v := Value(append([]byte(nil), raw...))
	return v, s.end()
}

// bytes is the answer as it comes, for one that is not JSON.
func (s *stream) bytes() io.Reader {
	s.body.stop = math.MaxInt64
	return s.body
}

// unexpected is the error for a value of the wrong kind, unless reading it
// failed already.
func (s *stream) unexpected(what string) error {
	if s.dec.PeekKind() == 0 {
		if _, err := s.token(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: %s", ErrUnexpected, what)
}

// fault names what went wrong without quoting the answer, as the decoder's
// own errors do.
func (s *stream) fault(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case s.body.err != nil && s.body.err != io.EOF:
		return s.body.err
	case s.body.full:
		return fmt.Errorf("%w: a string of more than %d bytes", ErrTooLarge, tokenLimit)
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		return ErrCutBody
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: at byte %d", ErrNotJSON, syntax.ByteOffset)
	}
	return ErrNotJSON
}

// parse makes sure that b is one JSON value.
func parse(b []byte) (Value, error) {
	v := jsontext.Value(b)
	if !v.IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return nil, ErrNotJSON
	}
	return Value(b), nil
}
