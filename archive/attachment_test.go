package archive_test

import (
	"bytes"
	"strings"
	"testing"

	"lpexport/archive"
)

func TestAttachmentNamesAreOfTheHash(t *testing.T) {
	for extension, want := range map[string]string{
		"png": "png", "7z": "7z", "abcdefgh": "abcdefgh", "": "bin", "abcdefghi": "bin", "PNG": "bin", "p.g": "bin", "../x": "bin",
		"p g": "bin", "é": "bin", "png\x00": "bin", "a/b": "bin",
	} {
		if got := archive.AttachmentName(fileHash, extension); got != fileHash+"."+want {
			t.Errorf("%q gave %s", extension, got)
		}
	}
}

// What a line says of a file becomes a file's name: nothing but a hash's own may come in.
func TestParseLineRefusesAttachments(t *testing.T) {
	const name, hash, size = `"name":"` + fileHash + `.png"`, `"sha256":"` + fileHash + `"`, `"bytes":48213`
	other := strings.Replace(fileHash, "0", "1", 1)
	for what, change := range map[string][2]string{
		"name of another hash":   {name, `"name":"` + other + `.png"`},
		"hash of another name":   {hash, `"sha256":"` + other + `"`},
		"name without extension": {name, `"name":"` + fileHash + `"`},
		"name with a dot more":   {name, `"name":"` + fileHash + `.tar.gz"`},
		"extension empty":        {name, `"name":"` + fileHash + `."`},
		"extension too long":     {name, `"name":"` + fileHash + `.abcdefghi"`},
		"extension in capitals":  {name, `"name":"` + fileHash + `.PNG"`},
		"extension leaves":       {name, `"name":"` + fileHash + `./../x"`},
		"extension hidden":       {name, `"name":"` + fileHash + `.p\u0000g"`},
		"name leaves":            {name, `"name":"../` + fileHash + `.png"`},
		"name absolute":          {name, `"name":"/` + fileHash + `.png"`},
		"name in a folder":       {name, `"name":"a/` + fileHash + `.png"`},
		"name with backslash":    {name, `"name":"..\\` + fileHash + `.png"`},
		"name of a person":       {name, `"name":"1.png"`},
		"name empty":             {name, `"name":""`},
		"hash empty":             {hash, `"sha256":""`},
		"hash in capitals":       {fileHash, strings.ToUpper(fileHash)},
		"hash too short":         {fileHash, fileHash[1:]},
		"hash too long":          {fileHash, fileHash + "0"},
		"hash of other letters":  {fileHash, "g" + fileHash[1:]},
		"hash null":              {hash, `"sha256":null`},
		"negative":               {size, `"bytes":-1`},
		"too large":              {size, `"bytes":9007199254740992`},
		"fraction":               {size, `"bytes":1.5`},
		"size as text":           {size, `"bytes":"48213"`},
		"path missing":           {`"file":{"path":"/f/1.png",`, `"file":{`},
		"size missing":           {size + ",", ""},
		"hash missing":           {"," + hash, ""},
		"null":                   {`"file":{"path":"/f/2.png","name":"","type":"","bytes":0,"sha256":""}`, `"file":null`},
		"twice":                  {`"file":{"path":"/f/2.png"`, `"file":{"path":"","name":"","type":"","bytes":0,"sha256":""},"file":{"path":"/f/2.png"`},
		"bytes without a hash":   {`"bytes":0`, `"bytes":1`},
		"type without a hash":    {`"type":"","bytes":0`, `"type":"image/png","bytes":0`},
		"name without a hash":    {`"name":"","type":"","bytes":0`, `"name":"a.png","type":"","bytes":0`},
	} {
		bad := strings.ReplaceAll(fullLine, change[0], change[1])
		if bad == fullLine {
			t.Errorf("%s: nothing to change", what)
		}
		if _, err := archive.ParseLine([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	later := strings.Replace(fullLine, size, `"width":{"px":[1]},`+size, 1)
	if _, err := archive.ParseLine([]byte(later)); err != nil {
		t.Errorf("a member of a later version: %v", err)
	}
}

// What cannot be read back is not written.
func TestAppendLineRefusesAttachments(t *testing.T) {
	for what, change := range map[string]func(a *archive.Attachment){
		"name of another":       func(a *archive.Attachment) { a.Name = "1" + a.Name[1:] },
		"name leaves":           func(a *archive.Attachment) { a.Name = "../" + a.Name },
		"no name":               func(a *archive.Attachment) { a.Name = "" },
		"hash in capitals":      func(a *archive.Attachment) { a.SHA256 = strings.ToUpper(a.SHA256) },
		"no hash":               func(a *archive.Attachment) { a.SHA256 = "" },
		"negative":              func(a *archive.Attachment) { a.Bytes = -1 },
		"too large":             func(a *archive.Attachment) { a.Bytes = 1<<40 + 1 },
		"not there, but a type": func(a *archive.Attachment) { *a = archive.Attachment{Path: "/f", Type: "image/png"} },
		"not there, but bytes":  func(a *archive.Attachment) { *a = archive.Attachment{Path: "/f", Bytes: 1} },
	} {
		s := full()
		change(s.Happened[2].File)
		if _, err := archive.AppendLine(nil, &s); err == nil {
			t.Errorf("%s: written", what)
		}
	}
}

// A line is parsed for its attachments only where it may have some: what a
// message holds must neither hide them nor make some.
func TestJSONLFindsAttachments(t *testing.T) {
	quoting := archive.Message{Dialog: "d", Text: `,"file":{"path":`, Content: []byte(`{"a":1,"file":{"path":"x","name":"y"}}`)}
	with := full()
	with.Messages = append(with.Messages, quoting)
	without := with
	without.Happened = with.Happened[:2]
	for want, s := range map[int]archive.Slice{0: without, 1: with} {
		data, n := line(t, s), 0
		must(t, archive.JSONL{}.Documents(data, func(d archive.Document) error {
			n++
			if !bytes.Equal(d.Bytes, data) || len(d.Inside) != 0 || len(d.Beside) != want {
				t.Errorf("%d attachments beside, want %d", len(d.Beside), want)
			}
			return nil
		}))
		if n != 1 {
			t.Errorf("%d documents", n)
		}
	}
}
