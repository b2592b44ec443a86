package mail

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"net/textproto"
	"strings"

	"lpexport/archive"
)

// Bounds of what is read back, so that a mail that was tampered with cannot take
// more than a genuine one.
const (
	maxTranscript = 1 << 30
	maxEntities   = 1 << 16 // of one mail: each file of a slice is one, and a slice is some MiB
	maxNesting    = 4       // a body in alternative, in mixed, in a mail, in a journal
)

// ErrNoTranscript means that a mail holds no transcript.json.
var ErrNoTranscript = errors.New("the mail holds no " + TranscriptFile)

// ErrFiles means that a mail does not hold the attached files that its
// transcript.json names, each with its very content.
var ErrFiles = errors.New("the attached files are not those that " + TranscriptFile + " names")

var _ archive.Lines = Lines

// Lines reads a mail, wrapped as a journal or not, and calls each with the
// canonical line of every transcript.json in it, with its "\n". The line is valid
// until each returns, whose error is returned as it is. A mail without one, with
// one above 1 GiB, with other attached files than it names (ErrFiles), or that is no
// mail of this package is an error, which quotes nothing of it. Files are hashed as
// they stream by, so a mail with many takes no more memory than one without.
func Lines(mail io.Reader, each func(line []byte) error) error {
	return lines(mail, maxTranscript, each)
}

func lines(mail io.Reader, limit int64, each func(line []byte) error) error {
	m, err := netmail.ReadMessage(mail)
	if err != nil {
		return errors.New("read mail: its header cannot be read")
	}
	r := reader{limit: limit, each: each, left: maxEntities}
	err = r.entity(textproto.MIMEHeader(m.Header), m.Body, maxNesting, held{})
	if err == nil && !r.found {
		err = fmt.Errorf("read mail: %w", ErrNoTranscript)
	}
	return err
}

// reader reads one mail.
type reader struct {
	limit int64 // of a transcript.json, in bytes
	each  func(line []byte) error
	left  int // entities that there may still be
	found bool
}

// entity reads what has this header. files are those that stood before it in the
// same multipart, and that it is added to if it is one.
func (r *reader) entity(header textproto.MIMEHeader, body io.Reader, depth int, files held) error {
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || depth < 0 {
		return errStructure
	}
	switch {
	case kind == "application/json" && params["name"] == TranscriptFile:
		if !isBase64(header) {
			return errStructure
		}
		return r.transcript(body, files)
	case kind == "message/rfc822":
		m, err := netmail.ReadMessage(body)
		if err != nil {
			return errStructure
		}
		return r.entity(textproto.MIMEHeader(m.Header), m.Body, depth-1, held{})
	case strings.HasPrefix(kind, "multipart/"):
		return r.multipart(multipart.NewReader(body, params["boundary"]), depth)
	}
	return files.take(header, params["name"], body)
}

func (r *reader) multipart(parts *multipart.Reader, depth int) error {
	for files := (held{}); r.left > 0; r.left-- {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return errStructure
		}
		if err := r.entity(p.Header, p, depth-1, files); err != nil {
			return err
		}
	}
	return errStructure
}

// transcript reads a transcript.json, which stands behind the files that it names.
func (r *reader) transcript(body io.Reader, files held) error {
	r.found = true
	line, err := io.ReadAll(io.LimitReader(base64.NewDecoder(base64.StdEncoding, body), r.limit+1))
	if err != nil {
		return fmt.Errorf("read mail: %s: %w", TranscriptFile, err)
	}
	if int64(len(line)) > r.limit {
		return fmt.Errorf("read mail: %s has more than %d bytes", TranscriptFile, r.limit)
	}
	if bytes.Contains(line, attachmentMark) { // in hardly any: reading a line costs more than finding it
		if err := files.compare(line); err != nil {
			return fmt.Errorf("read mail: %w", err)
		}
	}
	return r.each(line)
}

// attachmentMark begins an attachment in a line. A message's content may hold it too.
var attachmentMark = []byte(`,"file":{"path":`)

func isBase64(header textproto.MIMEHeader) bool {
	return strings.EqualFold(header.Get("Content-Transfer-Encoding"), "base64")
}

var errStructure = errors.New("read mail: its structure is not that of a mail with a transcript")
