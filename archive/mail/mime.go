package mail

import (
	"crypto/sha256"
	"encoding/hex"

	"lpexport/archive"
)

// TranscriptFile is the name of the attached slice.
const TranscriptFile = "transcript.json"

// boundaries separate the parts of one mail. "=_" stands in no encoded body, and
// no line of a header begins with "--".
type boundaries struct{ journal, mixed, alternative string }

func boundariesOf(messageID []byte) boundaries {
	sum := sha256.Sum256(messageID)
	hash := hex.EncodeToString(sum[:16])
	return boundaries{"=_j" + hash, "=_m" + hash, "=_a" + hash}
}

// mail returns the mail of a part. It is valid until the next call.
func (f *Format) mail(p *part) archive.Document {
	f.value = f.id(p).appendMessageID(f.value[:0], "")
	b := boundariesOf(f.value)
	f.long = f.long[:0]
	dst := f.out[:0]
	if f.settings.Journal != nil {
		dst = f.appendReport(dst, p, b.journal)
	}
	dst = f.appendHead(dst, p)
	dst = appendMultipart(dst, "mixed", b.mixed)
	dst = appendBoundary(dst, b.mixed, "")
	dst = appendMultipart(dst, "alternative", b.alternative)
	f.textHead, f.htmlHead = f.appendTextHead(f.textHead[:0], p), f.appendHTMLHead(f.htmlHead[:0], p)
	dst = appendBoundary(dst, b.alternative, "")
	dst = f.appendText(dst, "text/plain", f.textHead, p.text)
	dst = appendBoundary(dst, b.alternative, "")
	dst = f.appendText(dst, "text/html", f.htmlHead, p.html, []byte(htmlEnd))
	dst = appendBoundary(dst, b.alternative, "--")
	dst = f.appendAttachments(dst, p, b.mixed)
	dst = appendBoundary(dst, b.mixed, "")
	dst = append(dst, `Content-Type: application/json; name="`+TranscriptFile+`"`+"\r\n"+
		`Content-Disposition: attachment; filename="`+TranscriptFile+`"`+"\r\n"+
		"Content-Transfer-Encoding: base64\r\n\r\n"...)
	dst = f.appendBody(dst, true, p.line)
	dst = appendBoundary(dst, b.mixed, "--")
	if f.settings.Journal != nil {
		dst = appendBoundary(dst, b.journal, "--")
	}
	f.out = dst
	return archive.Document{Bytes: dst, At: f.date(p), Inside: f.inside, Long: f.long}
}

// appendMultipart ends a header with its Content-Type.
func appendMultipart(dst []byte, kind, boundary string) []byte {
	dst = append(append(dst, "Content-Type: multipart/"...), kind...)
	dst = append(append(dst, ";\r\n boundary=\""...), boundary...)
	return append(dst, "\"\r\n"...)
}

// appendBoundary appends a boundary with end behind it, which is "--" for the
// last one. The line end before it belongs to the boundary, not to what it ends.
func appendBoundary(dst []byte, boundary, end string) []byte {
	dst = append(append(dst, "\r\n--"...), boundary...)
	return append(append(dst, end...), "\r\n"...)
}
