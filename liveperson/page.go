package liveperson

import "fmt"

// envelope is what stands around the records of a page.
type envelope struct {
	count   int // -1: not said
	records int
	partial bool
}

// maxMetadata bounds what stands around the records.
const maxMetadata = 1 << 20

// pageReader walks an answer of the history API:
//
//	{"_metadata":{"count":N,"shardsStatusResult":{"partialResult":false}},"conversationHistoryRecords":[…]}
//
// The members come in any order; _responseMetadata is another name for the
// first. record is called with the stream standing before each element.
type pageReader struct {
	s      *stream
	record func(s *stream) error
	envelope
	listed bool
}

// readPage reads a whole page. An incomplete one is an error, found out as
// late as its last byte.
func readPage(s *stream, record func(*stream) error) (envelope, error) {
	p := pageReader{s: s, record: record, envelope: envelope{count: -1}}
	if err := p.read(); err != nil {
		return p.envelope, err
	}
	switch {
	case p.partial:
		return p.envelope, ErrPartialResult
	case !p.listed:
		return p.envelope, fmt.Errorf("%w: no conversationHistoryRecords", ErrUnexpected)
	}
	return p.envelope, nil
}

func (p *pageReader) read() error {
	if err := p.s.object(p.member); err != nil {
		return err
	}
	return p.s.end()
}

func (p *pageReader) member(name string) error {
	switch name {
	case "_metadata", "_responseMetadata":
		v, err := p.s.value(maxMetadata)
		if err != nil {
			return err
		}
		p.metadata(Value(v))
		return nil
	case "conversationHistoryRecords":
		switch p.s.kind() {
		case '[':
			p.listed = true
			return p.s.array(func() error {
				p.records++
				return p.record(p.s)
			})
		case 'n':
			return p.s.skip()
		}
		return p.s.unexpected("conversationHistoryRecords is not a list")
	}
	return p.s.skip()
}

func (p *pageReader) metadata(v Value) {
	if n, ok := v.Get("count").Int(); ok && n >= 0 {
		p.count = int(n)
	}
	shards := v.Get("shardsStatusResult")
	failed, _ := shards.Get("failureShards").Int()
	p.partial = p.partial || shards.Get("partialResult").Bool() || failed > 0
}

// recordTo gives records to sink, whole while they are within limit.
func recordTo(sink Sink, limit int64) func(*stream) error {
	return func(s *stream) error {
		raw, err := s.value(limit)
		if err == nil {
			return given(sink.Record(raw))
		}
		if err != errTooLong {
			return err
		}
		info, err := infoOf(s, raw, limit)
		if err != nil {
			return err
		}
		return given(sink.Oversized(info))
	}
}

func given(err error) error {
	if err != nil {
		return &sinkError{err}
	}
	return nil
}

// infoOf finds the info section of a record over the limit and passes over
// the rest. The record was read already (raw) or is still to come.
func infoOf(s *stream, raw []byte, limit int64) (info []byte, err error) {
	if raw != nil {
		if v := Value(raw).Get("info"); v.Present() {
			info = v
		}
		return info, nil
	}
	if s.kind() != '{' {
		return nil, s.skip()
	}
	err = s.object(func(name string) error {
		if name != "info" {
			return s.skip()
		}
		v, err := s.value(limit)
		switch {
		case err == nil && Value(v).Present():
			info = append([]byte(nil), v...)
			return nil
		case err == errTooLong && v == nil:
			return s.skip()
		case err == errTooLong:
			return nil
		}
		return err // nil for null
	})
	return info, err
}
