package liveperson

import (
	"bytes"
	"errors"
	"io"
)

// bom is the mark that some servers and editors put in front of UTF-8. It is no
// part of JSON (RFC 8259, 8.1, lets readers ignore it).
var bom = []byte("\ufeff")

// afterBOM reads r without a mark at its beginning.
type afterBOM struct {
	r     io.Reader
	begun bool
	left  []byte // read and not given out
	err   error  // that comes behind it
}

func (a *afterBOM) Read(p []byte) (int, error) {
	if !a.begun {
		a.begun = true
		first := make([]byte, len(bom))
		n, err := io.ReadFull(a.r, first)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		a.left, a.err = bytes.TrimPrefix(first[:n], bom), err
	}
	if len(a.left) > 0 {
		n := copy(p, a.left)
		a.left = a.left[n:]
		return n, nil
	}
	if a.err != nil {
		return 0, a.err
	}
	return a.r.Read(p)
}
