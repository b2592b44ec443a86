package mail

import (
	"io"

	"lpexport/archive"
)

// longBody is how many bytes a body may have, encoded, to be made in memory with
// the rest of its mail. A longer one is encoded as it is written.
var longBody = 1 << 20

// long is such a body: pieces one after the other, in either encoding.
type long struct {
	pieces [][]byte
	base64 bool
	size   int64
}

// Size is how many bytes it takes encoded.
func (l *long) Size() int64 { return l.size }

// WriteTo writes it encoded.
func (l *long) WriteTo(w io.Writer) (int64, error) {
	s := &sink{w: w}
	s.encode(l.base64, l.pieces)
	return s.n, s.err
}

// sink passes on what is encoded, or with w nil only counts it, a piece at a time.
// nil keeps all of it.
type sink struct {
	w   io.Writer
	n   int64
	err error
}

// sinkSize is how much gathers before it is passed on.
const sinkSize = 32 << 10

func (s *sink) encode(base64 bool, pieces [][]byte) {
	dst := make([]byte, 0, 2*sinkSize)
	if base64 {
		dst = appendBase64To(s, dst, pieces...)
	} else {
		for _, p := range pieces {
			dst = appendQuotedPrintableTo(s, dst, p)
		}
	}
	s.flush(dst)
}

// passOn passes on what has gathered, once that is worth it, and returns the room.
func (s *sink) passOn(dst []byte) []byte {
	if s == nil || len(dst) < sinkSize {
		return dst
	}
	return s.flush(dst)
}

func (s *sink) flush(dst []byte) []byte {
	s.n += int64(len(dst))
	if s.w != nil && s.err == nil {
		_, s.err = s.w.Write(dst)
	}
	return dst[:0]
}

// appendBody appends a body, or notes that it belongs there.
func (f *Format) appendBody(dst []byte, base64 bool, pieces ...[]byte) []byte {
	size := 0
	for _, p := range pieces {
		size += len(p)
	}
	if size <= longBody {
		if base64 {
			return appendBase64To(nil, dst, pieces...)
		}
		for _, p := range pieces {
			dst = appendQuotedPrintableTo(nil, dst, p)
		}
		return dst
	}
	body := &long{pieces: pieces, base64: base64, size: archive.Base64Size(int64(size))}
	if !base64 {
		body.size = quotedSize(pieces...)
	}
	f.long = append(f.long, archive.LongBody{Offset: len(dst), Body: body})
	return dst
}

// quotedSize is how many bytes the pieces take in quoted-printable.
func quotedSize(pieces ...[]byte) int64 {
	s := &sink{}
	s.encode(false, pieces)
	return s.n
}
