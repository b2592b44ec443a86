package archive

import (
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

// attachmentHash is the hash of the file that is called name, or "" if
// AttachmentName gives no such name.
func attachmentHash(name string) string {
	hash, extension, _ := strings.Cut(name, ".")
	if !isHash(hash) || !isExtension(extension) {
		return ""
	}
	return hash
}

func isExtension(s string) bool {
	return len(s) >= 1 && len(s) <= 8 && strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) < 0
}

// maxAttachment bounds what an attachment says of its size: those of a slice can
// be added up.
const maxAttachment = 1 << 40

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
	if attachmentHash(a.Name) != a.SHA256 {
		return errAttachment
	}
	if a.Bytes < 0 || a.Bytes > maxAttachment {
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
