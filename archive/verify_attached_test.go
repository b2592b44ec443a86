package archive_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/archivetest"
	"lpexport/archive/directory"
)

// An attachment can be a mail or a zip: it is held to its hash and read as neither.
func TestVerifyReadsNoAttachmentAsADocument(t *testing.T) {
	contents := shelf{}
	zipped := contents.put(100, 1)
	zipped.Name = archive.AttachmentName(zipped.SHA256, "zip")
	leaf := contents.put(100, 2)
	leaf.Name = archive.AttachmentName(leaf.SHA256, "leaf")
	s := sliceOf(1, archive.Message{Dialog: "d", Sequence: 5, SentAt: 7, Text: "x"})[0]
	other := s
	other.Conversation = "d"
	for _, packing := range []archive.Packing{{}, {Zip: true}} {
		shape := archive.Shape{Format: besides{[]*archive.Attachment{zipped, leaf}}, Packing: packing, Contents: contents.open}
		root, _ := bundleOf(t, shape, s, other)
		src := directory.New(directory.Config{Path: root, Account: "sandbox"})
		read := 0
		readers := map[string]archive.Lines{".leaf": func(r io.Reader, each func([]byte) error) error { read++; return readLeaf(r, each) }}
		_, err := archive.Verify(context.Background(), src, readers, func(p archive.Problem) { t.Errorf("zip %v: %+v", packing.Zip, p) })
		must(t, err)
		if read != 2 {
			t.Errorf("zip %v: %d documents were read", packing.Zip, read)
		}
	}
}

// besides is leaves with attachments beside each.
type besides struct{ attachments []*archive.Attachment }

func (besides) Extension() string                 { return ".leaf" }
func (besides) Joined() (file, head, tail string) { return "", "", "" }

func (b besides) Documents(line []byte, emit func(archive.Document) error) error {
	return emit(archive.Document{Bytes: line, Beside: b.attachments})
}

// What is in a zip no manifest lists by itself: the name of an attachment tells its hash.
func TestVerifyHashesAttachmentsInZips(t *testing.T) {
	a := archivetest.File(0)
	for text, want := range map[string]int{contentOf(t, a): 0, "other bytes": 1} {
		var zipped bytes.Buffer
		out := zip.NewWriter(&zipped)
		entry, err := out.Create(a.Name)
		must(t, err)
		_, err = io.WriteString(entry, text)
		must(t, errors.Join(err, out.Close()))
		root, path := bundleOf(t, archive.Shape{Format: raw{zipped.Bytes()}}, sliceOf(1)...)
		src := directory.New(directory.Config{Path: root, Account: "sandbox"})
		var found []archive.Problem
		_, err = archive.Verify(context.Background(), src, map[string]archive.Lines{".leaf": readLeaf}, func(p archive.Problem) {
			if strings.Contains(p.Detail, "other bytes than its name says") {
				found = append(found, p)
			}
		})
		must(t, err)
		if len(found) != want || want > 0 && found[0].Path != path+"/local-000000001-000001.zip" {
			t.Errorf("%.20q: %+v", text, found)
		}
	}
}

func contentOf(t *testing.T, a *archive.Attachment) string {
	t.Helper()
	in, err := archivetest.Contents(a.SHA256)
	must(t, err)
	data, err := io.ReadAll(in)
	must(t, err)
	return string(data)
}

// raw writes the same bytes for every slice, under a name that says they are a zip.
type raw struct{ zip []byte }

func (raw) Extension() string                 { return ".zip" }
func (raw) Joined() (file, head, tail string) { return "", "", "" }

func (r raw) Documents(_ []byte, emit func(archive.Document) error) error {
	return emit(archive.Document{Bytes: r.zip})
}

// rewritten is JSONL whose lines are changed behind the back of the manifest.
type rewritten struct {
	archive.JSONL
	old, new string
}

func (r rewritten) Documents(line []byte, emit func(archive.Document) error) error {
	return emit(archive.Document{Bytes: bytes.ReplaceAll(line, []byte(r.old), []byte(r.new))})
}

func TestVerifyReadsHostileAttachments(t *testing.T) {
	a := archivetest.File(0)
	s := sliceOf(1)[0]
	s.Happened = []archive.Happening{{Name: "file@7/x", Kind: archive.Filed, At: 7, File: a}}
	name, hash := `"name":"`+a.Name+`"`, `"sha256":"`+a.SHA256+`"`
	for what, change := range map[string][2]string{
		"name leaves":         {name, `"name":"../` + a.Name + `"`},
		"name of another":     {name, `"name":"0` + a.Name + `"`},
		"no name":             {name, `"name":""`},
		"no hash":             {hash, `"sha256":""`},
		"name, and no hash":   {name + `,"type":"image/png","bytes":3000,` + hash, `"name":"transcripts.jsonl","sha256":""`},
		"endless name":        {name, `"name":"` + strings.Repeat("x", 1<<20) + `"`},
		"null":                {`"file":{`, `"file":null,"x":{`},
		"text":                {`"file":{`, `"file":"x","x":{`},
		"a transcript's name": {name, `"name":"transcripts.jsonl"`},
	} {
		root, path := bundleOf(t, archive.Shape{Format: rewritten{old: change[0], new: change[1]}}, s)
		problems, _ := verify(t, root)
		t.Log(what)
		want(t, problems, archive.Misnamed, path+"/"+archive.TranscriptsFile)
		if len(problems) > 0 && (!strings.Contains(problems[0].Detail, "cannot be read") || len(problems[0].Detail) > 200) {
			t.Errorf("got %+v", problems)
		}
	}
}
