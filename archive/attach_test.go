package archive_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
)

// shelf holds the contents of attachments by their hashes.
type shelf map[string][]byte

func (s shelf) open(sha string) (io.ReadCloser, error) {
	data, ok := s[sha]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// put keeps n bytes that are like no others, and returns their attachment.
func (s shelf) put(n int, seed byte) *archive.Attachment {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i*7+i>>8) ^ seed
	}
	sum := sha256.Sum256(data)
	sha := hex.EncodeToString(sum[:])
	s[sha] = data
	return &archive.Attachment{Path: "/f", Name: archive.AttachmentName(sha, "png"), Type: "image/png", Bytes: int64(n), SHA256: sha}
}

// scripted is a format that makes of every slice the documents it is told to.
type scripted struct {
	joined string
	docs   func(s *archive.Slice) []archive.Document
}

func (scripted) Extension() string { return ".doc" }

func (f scripted) Joined() (file, head, tail string) {
	if f.joined == "" {
		return "", "", ""
	}
	return f.joined, "<head>", "<tail>"
}

func (f scripted) Documents(line []byte, emit func(archive.Document) error) error {
	s, err := archive.ParseLine(line)
	if err != nil {
		return err
	}
	for _, d := range f.docs(&s) {
		if err := emit(d); err != nil {
			return err
		}
	}
	return nil
}

// pack renders n slices, numbered from 1 as conversations are, into a new folder.
func pack(t testing.TB, shape archive.Shape, n int) (dir string, made archive.Rendered, err error) {
	t.Helper()
	dir = t.TempDir()
	return dir, packInto(t, dir, 1, shape, n, &err), err
}

// headOf is the head of a bundle of the destination local.
func headOf(serial int) archive.Head {
	head := archive.Head{
		Serial: serial, Account: "sandbox", Destination: "local", Archive: "generic", SettingsSHA256: strings.Repeat("0", 64),
		Generator: "g", Origin: "o", Created: time.UnixMilli(1_767_225_600_000),
	}
	if serial > 1 {
		head.Previous = &archive.Previous{Bundle: archive.BundleName("local", serial-1), SHA256: strings.Repeat("0", 64)}
	}
	return head
}

func packInto(t testing.TB, dir string, serial int, shape archive.Shape, n int, failed *error) archive.Rendered {
	t.Helper()
	w, err := archive.NewWriter(dir, headOf(serial), shape)
	must(t, err)
	for i := range n {
		s := archive.Slice{Account: "sandbox", Conversation: fmt.Sprint(i + 1), Number: 1, Revision: 1}
		l := archive.ListingOf(&s)
		if err := w.Add(line(t, s), l.Append(nil), archive.CountsOf(&s)); err != nil {
			*failed = err
			if _, err := w.Close(); err == nil {
				t.Error("a bundle whose slice was refused was closed as complete")
			}
			return archive.Rendered{}
		}
	}
	made, err := w.Close()
	*failed = err
	return made
}

// always is what makes the same document of every slice.
func always(d archive.Document) func(*archive.Slice) []archive.Document {
	return func(*archive.Slice) []archive.Document { return []archive.Document{d} }
}

// The borders of groups of three bytes, of lines and of the buffers behind.
var sizes = []int{0, 1, 2, 3, 55, 56, 57, 58, 113, 114, 115, 171, 4096, 65535, 65536, 65537, 200_000}

func TestAttachmentsInsideAreWhatAMailReaderDecodes(t *testing.T) {
	contents := shelf{}
	doc := archive.Document{Bytes: []byte("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n")}
	for i, n := range sizes {
		doc.Bytes = append(doc.Bytes, "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"...)
		doc.Inside = append(doc.Inside, archive.Splice{Offset: len(doc.Bytes), Attachment: contents.put(n, byte(i))})
	}
	doc.Bytes = append(doc.Bytes, "--b--\r\n"...)
	dir, made, err := pack(t, archive.Shape{Format: scripted{docs: always(doc)}, Contents: contents.open}, 1)
	must(t, err)
	data := read(t, dir, made.Files[0].Path)
	if len(made.Files) != 1 || int64(len(data)) != doc.Size() || made.Files[0].Bytes != doc.Size() {
		t.Errorf("%d files, the first of %d bytes, want one of %d", len(made.Files), len(data), doc.Size())
	}
	for text := range strings.SplitSeq(string(data), "\r\n") {
		if len(text) > 76 || strings.ContainsAny(text, "\r\n") {
			t.Fatalf("a line of %d characters", len(text))
		}
	}
	letter, err := mail.ReadMessage(bytes.NewReader(data))
	must(t, err)
	_, params, err := mime.ParseMediaType(letter.Header.Get("Content-Type"))
	must(t, err)
	parts := multipart.NewReader(letter.Body, params["boundary"])
	for i := range sizes {
		part, err := parts.NextRawPart()
		must(t, err)
		got, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		must(t, err)
		if !bytes.Equal(got, contents[doc.Inside[i].Attachment.SHA256]) {
			t.Errorf("%d bytes came back as %d others", sizes[i], len(got))
		}
	}
	if _, err := parts.NextRawPart(); err != io.EOF {
		t.Errorf("more parts than attachments: %v", err)
	}
}

// wrapped is base64 as it stands in a document.
func wrapped(data []byte) string {
	var b strings.Builder
	for text := base64.StdEncoding.EncodeToString(data); text != ""; {
		n := min(76, len(text))
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return b.String()
}

func TestAttachmentsInsideStandWhereTheyBelong(t *testing.T) {
	contents := shelf{}
	a, b := contents.put(100, 1), contents.put(3, 2)
	in := func(sha string) string { return wrapped(contents[sha]) }
	for name, test := range map[string]struct {
		inside []archive.Splice
		want   string
	}{
		"nowhere":     {nil, "0123456789"},
		"begin":       {[]archive.Splice{{0, a}}, in(a.SHA256) + "0123456789"},
		"middle":      {[]archive.Splice{{4, a}}, "0123" + in(a.SHA256) + "456789"},
		"end":         {[]archive.Splice{{10, a}}, "0123456789" + in(a.SHA256)},
		"several":     {[]archive.Splice{{0, a}, {4, b}, {10, a}}, in(a.SHA256) + "0123" + in(b.SHA256) + "456789" + in(a.SHA256)},
		"in one spot": {[]archive.Splice{{4, a}, {4, b}}, "0123" + in(a.SHA256) + in(b.SHA256) + "456789"},
	} {
		doc := archive.Document{Bytes: []byte("0123456789"), Inside: test.inside}
		for _, joined := range []string{"", "all.doc"} {
			for _, zip := range []bool{false, true} {
				shape := archive.Shape{Format: scripted{joined, always(doc)}, Packing: archive.Packing{Zip: zip}, Contents: contents.open}
				dir, made, err := pack(t, shape, 2)
				must(t, err)
				want := map[string]string{"local-000000001-000001.doc": test.want, "local-000000001-000002.doc": test.want}
				if joined != "" {
					want = map[string]string{joined: "<head>" + test.want + test.want + "<tail>"}
				}
				wantFiles(t, fmt.Sprintf("%s, joined %q, zip %v", name, joined, zip), unpack(t, dir, made, nil), want)
			}
		}
	}
}
