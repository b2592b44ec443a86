package profile_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
	"lpexport/archive/profile"
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

// contentsOf gives out the bytes of files by their hash, and no others.
func contentsOf(all ...[]byte) archive.Contents {
	byHash := make(map[string][]byte)
	for _, content := range all {
		byHash[attachment("", content).SHA256] = content
	}
	return func(sha256 string) (io.ReadCloser, error) {
		content, ok := byHash[sha256]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return io.NopCloser(bytes.NewReader(content)), nil
	}
}

// lying is a file as an importer finds it.
type lying struct {
	zip, name string // zip is "" of what lies loose
	content   []byte
}

// deliver writes the bundle of a destination that goes that way, and returns all
// that an importer finds of it.
func deliver(t *testing.T, r profile.Rendering, w profile.Way, contents archive.Contents, all ...archive.Slice) []lying {
	t.Helper()
	r, err := r.Frozen(time.UnixMilli(begin))
	if err != nil {
		t.Fatal(err)
	}
	shape, err := r.Shape()
	if err != nil {
		t.Fatal(err)
	}
	shape.Unique, shape.Contents = w.Layout == profile.LayoutDrop, contents
	dir := t.TempDir()
	rendered := archivetest.RenderAs(t, dir, archive.Head{
		Serial: 1, Account: all[0].Account, Destination: "compliance", Archive: "any", SettingsSHA256: strings.Repeat("0", 64),
		Generator: "lpexport test", Origin: "origin", Created: time.UnixMilli(begin),
	}, shape, all)
	var files []lying
	for _, f := range rendered.Files {
		content, err := os.ReadFile(filepath.Join(dir, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, unzipped(t, f.Path, content)...)
	}
	return files
}

// unzipped returns what is in a zip, or the file itself.
func unzipped(t *testing.T, name string, content []byte) (files []lying) {
	t.Helper()
	if !strings.HasSuffix(name, ".zip") {
		return []lying{{name: name, content: content}}
	}
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range z.File {
		in, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		inside, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, lying{zip: name, name: entry.Name, content: inside})
	}
	return files
}
