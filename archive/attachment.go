package archive

import (
	"encoding/base64"
	"errors"
	"io"
	"strings"
)

// Contents opens the bytes of attachments by their SHA-256, in lower-case hex.
type Contents func(sha256 string) (io.ReadCloser, error)

// AttachmentName is the name of a file that is known by its hash, in lower-case
// hex. extension is without a dot; one that is not 1 to 8 lower-case letters and
// digits becomes "bin". Two files have one name only if they are the same.
func AttachmentName(sha256, extension string) string {
	if !isExtension(extension) {
		extension = "bin"
	}
	return sha256 + "." + extension
}

func isExtension(s string) bool {
	return len(s) >= 1 && len(s) <= 8 && strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) < 0
}

var errAttachment = errors.New("an attachment's name is not the one of its hash")

// check tells whether an attachment has what belongs together: nothing at all, or
// a hash and the name that goes with it.
func (a *Attachment) check() error {
	if a.SHA256 == "" {
		if a.Name != "" || a.Type != "" || a.Bytes != 0 {
			return errAttachment
		}
		return nil
	}
	hash, extension, _ := strings.Cut(a.Name, ".")
	if !isHash(a.SHA256) || hash != a.SHA256 || !isExtension(extension) {
		return errAttachment
	}
	if a.Bytes < 0 || a.Bytes > MaxSequence {
		return errors.New("an attachment's size is out of range")
	}
	return nil
}

// Held tells whether the attachment's bytes are there to be delivered.
func (a *Attachment) Held() bool { return a != nil && a.SHA256 != "" }

// Attachments are those of a slice whose bytes are there, in its order. They
// belong to the slice.
func (s *Slice) Attachments() (list []*Attachment) {
	for i := range s.Happened {
		if a := s.Happened[i].File; a.Held() {
			list = append(list, a)
		}
	}
	return list
}

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
