package archive

import (
	"encoding/base64"
	"io"
)

// Widths of a line of base64 in a document, in characters and in bytes of what it
// stands for (RFC 2045, 6.8).
const (
	base64Width = 76
	base64Bytes = base64Width / 4 * 3
)

// Base64Size is how many bytes n bytes take in base64, in lines of 76 characters
// that each end with CRLF.
func Base64Size(n int64) int64 {
	lines := (n + base64Bytes - 1) / base64Bytes
	return (n+2)/3*4 + 2*lines
}

// base64Lines writes what it is given in lines of base64. Close writes the last.
type base64Lines struct {
	out  io.Writer
	held [base64Bytes]byte
	n    int
	line []byte
}

func (b *base64Lines) Write(p []byte) (int, error) {
	size := len(p)
	for len(p) > 0 {
		k := copy(b.held[b.n:], p)
		b.n, p = b.n+k, p[k:]
		if b.n == base64Bytes {
			if err := b.flush(); err != nil {
				return 0, err
			}
		}
	}
	return size, nil
}

func (b *base64Lines) flush() error {
	b.line = append(base64.StdEncoding.AppendEncode(b.line[:0], b.held[:b.n]), "\r\n"...)
	b.n = 0
	_, err := b.out.Write(b.line)
	return err
}

// Close writes what is held back and leaves the writer below open.
func (b *base64Lines) Close() error {
	if b.n == 0 {
		return nil
	}
	return b.flush()
}
