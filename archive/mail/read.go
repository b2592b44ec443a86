package mail

import (
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
	maxEntities   = 16 // of one multipart
	maxNesting    = 4  // a body in alternative, in mixed, in a mail, in a journal
)

// ErrNoTranscript means that a mail holds no transcript.json.
var ErrNoTranscript = errors.New("the mail holds no " + TranscriptFile)

var _ archive.Lines = Lines

// Lines reads a mail, wrapped as a journal or not, and calls each with the
// canonical line of every transcript.json in it, with its "\n". The line is valid
// until each returns, whose error is returned as it is. A mail without one, with
// one above 1 GiB, or that is no mail of this package is an error, which quotes
// nothing of it.
func Lines(mail io.Reader, each func(line []byte) error) error {
	return lines(mail, maxTranscript, each)
}

func lines(mail io.Reader, limit int64, each func(line []byte) error) error {
	m, err := netmail.ReadMessage(mail)
	if err != nil {
		return errors.New("read mail: its header cannot be read")
	}
	found := false
	err = transcripts(textproto.MIMEHeader(m.Header), m.Body, maxNesting, func(body io.Reader) error {
		found = true
		line, err := io.ReadAll(io.LimitReader(base64.NewDecoder(base64.StdEncoding, body), limit+1))
		if err != nil {
			return fmt.Errorf("read mail: %s: %w", TranscriptFile, err)
		}
		if int64(len(line)) > limit {
			return fmt.Errorf("read mail: %s has more than %d bytes", TranscriptFile, limit)
		}
		return each(line)
	})
	if err == nil && !found {
		err = fmt.Errorf("read mail: %w", ErrNoTranscript)
	}
	return err
}

// transcripts calls each with the encoded body of every transcript.json.
func transcripts(header textproto.MIMEHeader, body io.Reader, depth int, each func(io.Reader) error) error {
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || depth < 0 {
		return errStructure
	}
	switch {
	case kind == "application/json" && params["name"] == TranscriptFile:
		if !strings.EqualFold(header.Get("Content-Transfer-Encoding"), "base64") {
			return errStructure
		}
		return each(body)
	case kind == "message/rfc822":
		m, err := netmail.ReadMessage(body)
		if err != nil {
			return errStructure
		}
		return transcripts(textproto.MIMEHeader(m.Header), m.Body, depth-1, each)
	case !strings.HasPrefix(kind, "multipart/"):
		return nil
	}
	parts := multipart.NewReader(body, params["boundary"])
	for range maxEntities {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return errStructure
		}
		if err := transcripts(p.Header, p, depth-1, each); err != nil {
			return err
		}
	}
	return errStructure
}

var errStructure = errors.New("read mail: its structure is not that of a mail with a transcript")
