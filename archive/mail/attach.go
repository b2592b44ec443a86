package mail

import (
	"slices"
	"strconv"
	"strings"

	"lpexport/archive"
)

// files are those that the happenings of one mail tell of. Another mail of the
// slice may have others.
type files struct {
	attached []*archive.Attachment // each content once, in the order of the happenings
	missing  int                   // happenings whose file is not to be had

	byHash map[string]*archive.Attachment // of attached
	byPath map[string]*archive.Attachment // what became of what a message names; &several where there is no one answer
	slice  *files                         // those of all mails, where there are others
}

// several stands for different contents that were fetched under one path.
var several archive.Attachment

// gather forgets the mail before and learns what is in the one that holds s.
func (f *files) gather(s *archive.Slice) {
	f.attached, f.missing = f.attached[:0], 0
	clear(f.byHash)
	clear(f.byPath)
	for i := range s.Happened {
		if a := s.Happened[i].File; a != nil {
			f.add(a)
		}
	}
}

// any tells whether there is any file, or one that is not to be had.
func (f *files) any() bool { return len(f.attached)+f.missing > 0 }

func (f *files) add(a *archive.Attachment) {
	if f.byHash == nil {
		f.byHash, f.byPath = make(map[string]*archive.Attachment), make(map[string]*archive.Attachment)
	}
	if !a.Held() {
		f.missing++
	} else if f.byHash[a.SHA256] == nil {
		f.byHash[a.SHA256] = a
		f.attached = append(f.attached, a)
	}
	if a.Path == "" {
		return
	}
	switch before := f.byPath[a.Path]; {
	case before == nil, before != &several && !before.Held():
		f.byPath[a.Path] = a
	case a.Held() && a.SHA256 != before.SHA256:
		f.byPath[a.Path] = &several
	}
}

// appendFound appends, behind what a message says of the file at path, what became of
// it: ", attached as NAME"; nothing where the slice does not tell.
func (f *files) appendFound(dst []byte, path string) []byte {
	a := f.byPath[path]
	if a == nil && f.slice != nil {
		if a = f.slice.byPath[path]; a == &several || a.Held() {
			return append(dst, ", attached to another part"...)
		}
	}
	switch {
	case a == nil:
		return dst
	case a == &several:
		return append(dst, ", attached more than once"...)
	case a.Held():
		return f.appendAttached(dst, a)
	}
	return append(dst, ", not available"...)
}

// appendFetched appends what a happening tells of its file:
// `file a.pdf, 4711 bytes, application/pdf, SHA-256 0a1b…, attached as 0a1b….pdf`.
func (f *files) appendFetched(dst []byte, a *archive.Attachment) []byte {
	if a.Path == "" {
		dst = append(dst, "LivePerson does not tell of which message it is"...)
	} else {
		dst = appendQuoted(append(dst, "file "...), a.Path)
	}
	if !a.Held() {
		return append(dst, ", not available"...)
	}
	dst = append(strconv.AppendInt(append(dst, ", "...), a.Bytes, 10), " bytes"...)
	if a.Type != "" {
		dst = appendQuoted(append(dst, ", "...), a.Type)
	}
	return f.appendAttached(append(append(dst, ", SHA-256 "...), a.SHA256...), a)
}

// appendAttached appends under which name a content is in the mail: that of the
// first happening that has it.
func (f *files) appendAttached(dst []byte, a *archive.Attachment) []byte {
	return append(append(dst, ", attached as "...), f.byHash[a.SHA256].Name...)
}

// appendCount appends "2 attached, 1 not available".
func (f *files) appendCount(dst []byte) []byte {
	if n := len(f.attached); n > 0 {
		dst = append(strconv.AppendInt(dst, int64(n), 10), " attached"...)
		if f.missing == 0 {
			return dst
		}
		dst = append(dst, ", "...)
	}
	return append(strconv.AppendInt(dst, int64(f.missing), 10), " not available"...)
}

// appendAttachments appends a part for each attached file, all but its content, and
// tells where that goes.
func (f *Format) appendAttachments(dst []byte, p *part, boundary string) []byte {
	f.inside = f.inside[:0]
	for _, a := range p.files.attached {
		dst = appendAttachmentHead(dst, a, boundary)
		f.inside = append(f.inside, archive.Splice{Offset: len(dst), Attachment: a})
	}
	return dst
}

// appendAttachmentHead appends what stands before the content. The name is made of a
// hash and an extension of letters and digits, whoever sent the file.
func appendAttachmentHead(dst []byte, a *archive.Attachment, boundary string) []byte {
	dst = append(appendBoundary(dst, boundary, ""), "Content-Type: "...)
	dst = append(append(dst, attachedType(a.Type)...), ";\r\n name=\""...)
	dst = append(append(dst, a.Name...), "\"\r\nContent-Disposition: attachment;\r\n filename=\""...)
	return append(append(dst, a.Name...), "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"...)
}

// attachmentSize is how many bytes an attached file takes in a mail.
func attachmentSize(a *archive.Attachment) int64 {
	head := appendAttachmentHead(nil, a, boundariesOf(nil).mixed)
	return int64(len(head)) + archive.Base64Size(a.Bytes)
}

// acted are the types, besides all "+xml", that programs on the way or in front of
// a reviewer act on: they run what is inside, or take it for the mail's structure.
var acted = []string{
	"application/xml", "application/javascript", "application/x-javascript", "application/ecmascript", "application/hta",
	"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pkcs7-signature", "application/x-pkcs7-signature",
	"application/pgp-encrypted", "application/pgp-keys", "application/pgp-signature",
	"application/ms-tnef", "application/vnd.ms-tnef", "application/applefile", "application/mac-binhex40",
}

// attachedType is the media type that a file is attached with: its own if it is a
// type and subtype (RFC 6838, 4.2) that is nothing but a file to everybody who sees
// it. What a stranger sent is no text, which some readers show below the
// conversation, and no mail.
func attachedType(kind string) string {
	const unknown = "application/octet-stream"
	lower := strings.ToLower(kind)
	top, sub, _ := strings.Cut(lower, "/")
	if !slices.Contains([]string{"application", "audio", "image", "video"}, top) || !isRestrictedName(sub) {
		return unknown
	}
	if slices.Contains(acted, lower) || strings.HasSuffix(sub, "+xml") {
		return unknown
	}
	return lower
}

// isRestrictedName tells whether s may be a subtype.
func isRestrictedName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && !isDigit(c) && (i == 0 || strings.IndexByte("!#$&-^_.+", c) < 0) {
			return false
		}
	}
	return s != "" && len(s) <= 127
}
