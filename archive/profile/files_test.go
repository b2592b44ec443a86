package profile_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"lpexport/archive"
)

// letter is the file of the conversation, as it was fetched: it is no text, and
// no whole number of lines of base64.
var letter = bytes.Repeat([]byte("%PDF-1.7\r\n\x00\xff.\n--\x80From "), 97)

// fetched is the conversation with its file.
func fetched() archive.Slice {
	s := conversation()
	sent := s.Messages[5]
	s.Happened = append(s.Happened, filed(sent.SentAt, consumer, attachment("4/letter.pdf", letter)))
	return s
}

// attachment is a file of that path and those bytes.
func attachment(path string, content []byte) *archive.Attachment {
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:])
	return &archive.Attachment{
		Path: path, Name: archive.AttachmentName(hash, "pdf"), Type: "application/pdf", Bytes: int64(len(content)), SHA256: hash,
	}
}

func filed(at int64, by archive.Participant, a *archive.Attachment) archive.Happening {
	return happening(archive.Filed, at, by.ID, func(h *archive.Happening) {
		h.Name += "/" + a.Path
		h.File = a
		if !a.Held() {
			h.Reason = "404 Not Found"
		}
	})
}
