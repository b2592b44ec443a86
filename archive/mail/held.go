package mail

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"net/textproto"
	"strings"

	"lpexport/archive"
)

// held are the attached files that a mail was seen to hold: how many bytes each
// has, by its name. The name tells the hash, and the content was found to have it.
type held map[string]int64

// take reads a file as it streams by. What has no name, or another than
// archive.AttachmentName gives, is not one of the files.
func (h held) take(header textproto.MIMEHeader, name string, body io.Reader) error {
	hash, extension, _ := strings.Cut(name, ".")
	if len(hash) != hex.EncodedLen(sha256.Size) || archive.AttachmentName(hash, extension) != name {
		return nil
	}
	if _, params, _ := mime.ParseMediaType(header.Get("Content-Disposition")); params["filename"] != name || !isBase64(header) {
		return fmt.Errorf("read mail: %w: one has two names, or is not encoded as the others", ErrFiles)
	}
	content := sha256.New()
	size, err := io.Copy(content, base64.NewDecoder(base64.StdEncoding, body))
	if err != nil {
		return fmt.Errorf("read mail: an attached file: %w", err)
	}
	if hex.EncodeToString(content.Sum(nil)) != hash {
		return fmt.Errorf("read mail: %w: one has another content than its name tells", ErrFiles)
	}
	if _, twice := h[name]; twice {
		return fmt.Errorf("read mail: %w: one is there twice", ErrFiles)
	}
	h[name] = size
	return nil
}

// compare tells whether every file that a line names is there, with its size.
func (h held) compare(line []byte) error {
	s, err := archive.ParseLine(line)
	if err != nil {
		return fmt.Errorf("%s: %w", TranscriptFile, err)
	}
	var named files
	named.gather(&s)
	for _, a := range named.attached {
		if size, there := h[a.Name]; !there {
			return fmt.Errorf("%w: %s is not there", ErrFiles, a.Name)
		} else if size != a.Bytes {
			return fmt.Errorf("%w: %s has %d bytes, not %d", ErrFiles, a.Name, size, a.Bytes)
		}
	}
	return nil
}
