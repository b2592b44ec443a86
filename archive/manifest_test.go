package archive_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// manifest returns the bytes of a manifest.json that can be parsed: the second
// bundle's of a small archive.
func manifest(t testing.TB) string {
	root := t.TempDir()
	return string(read(t, root, archivetest.Write(t, root, small)[1], archive.ManifestFile))
}

func TestParseManifestRefuses(t *testing.T) {
	good := manifest(t)
	if _, err := archive.ParseManifest([]byte(good)); err != nil {
		t.Fatal(err)
	}
	file := good[strings.Index(good, `{"path"`):strings.Index(good, `],`+"\n"+`"slices"`)]
	for name, change := range map[string][2]string{
		"other schema":          {"manifest/v1", "manifest/v2"},
		"schema missing":        {`"schema"`, `"scheme"`},
		"member twice":          {`"serial":2`, `"serial":2,"serial":2`},
		"serial as text":        {`"serial":2`, `"serial":"2"`},
		"serial 0":              {`"serial":2`, `"serial":0`},
		"serial of another":     {`"serial":2`, `"serial":3`},
		"bundle of another":     {`"bundle":"local-000000002"`, `"bundle":"local-000000003"`},
		"account leaves":        {`"account":"sandbox"`, `"account":".."`},
		"account is a path":     {`"account":"sandbox"`, `"account":"a/b"`},
		"created null":          {`"created":"2026-01-31T14:00:00.000Z"`, `"created":null`},
		"created elsewhere":     {`"created":"2026-01-31T14:00:00.000Z"`, `"created":"2026-01-31T14:00:00.000+01:00"`},
		"previous null":         {`"previous":{"bundle":"local-000000001"`, `"previous":null,"x":{"bundle":"local-000000001"`},
		"files null":            {`"files":[`, `"files":null,"x":[`},
		"slices null":           {`"slices":[`, `"slices":null,"x":[`},
		"happened missing":      {`"happened":`, `"happens":`},
		"hash in capitals":      {`"settings_sha256":"0123456789abcdef`, `"settings_sha256":"0123456789ABCDEF`},
		"hash too short":        {`"settings_sha256":"0123456789abcdef`, `"settings_sha256":"`},
		"path leaves":           {`"path":"transcripts.jsonl"`, `"path":"../transcripts.jsonl"`},
		"path leaves later":     {`"path":"transcripts.jsonl"`, `"path":"a/../../transcripts.jsonl"`},
		"path absolute":         {`"path":"transcripts.jsonl"`, `"path":"/transcripts.jsonl"`},
		"path with backslash":   {`"path":"transcripts.jsonl"`, `"path":"..\\transcripts.jsonl"`},
		"path of a drive":       {`"path":"transcripts.jsonl"`, `"path":"C:transcripts.jsonl"`},
		"path empty":            {`"path":"transcripts.jsonl"`, `"path":""`},
		"path hidden":           {`"path":"transcripts.jsonl"`, `"path":".transcripts.jsonl"`},
		"path of the manifest":  {`"path":"transcripts.jsonl"`, `"path":"manifest.json"`},
		"path with a line end":  {`"path":"transcripts.jsonl"`, `"path":"a\nb"`},
		"path with NUL":         {`"path":"transcripts.jsonl"`, `"path":"a\u0000b"`},
		"path turned around":    {`"path":"transcripts.jsonl"`, `"path":"a\u202eb"`},
		"path too long":         {`"path":"transcripts.jsonl"`, `"path":"` + strings.Repeat("a/", 600) + `a"`},
		"file twice":            {file, file + "," + file},
		"file twice, case":      {file, file + "," + strings.ToUpper(file[:27]) + file[27:]},
		"bytes negative":        {`"bytes":`, `"bytes":-`},
		"slice of no file":      {`"file":"transcripts.jsonl"`, `"file":"others.jsonl"`},
		"slice without name":    {`{"conversation":"`, `{"conversation":"","x":"`},
		"hostile sequences":     {`"sequences":"`, `"sequences":"0-9223372036854775807,`},
		"amendments over all":   {`"amendments":0`, `"amendments":99`},
		"period backwards":      {`"period":{"from":"2026`, `"period":{"from":"2027`},
		"period half":           {`"to":"2026-01-30T22:02:00.003Z"`, `"to":null`},
		"not UTF-8":             {`"generator":"`, `"generator":"` + "\xff"},
		"lone surrogate":        {`"generator":"`, `"generator":"\ud800`},
		"more behind":           {"}}\n", "}}\n{}"},
		"too long a name":       {`"generator":"`, `"generator":"` + strings.Repeat("x", 2000)},
		"deep in what is later": {`"schema":`, `"later":` + strings.Repeat("[", 20_000) + `,"schema":`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Errorf("%s: nothing to change", name)
		}
		if _, err := archive.ParseManifest([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	later := strings.Replace(good, `"serial":`, `"later":{"a":[1]},"serial":`, 1)
	if _, err := archive.ParseManifest([]byte(later)); err != nil {
		t.Errorf("a member of a later version: %v", err)
	}
}

func TestParseManifestIsBounded(t *testing.T) {
	huge := bytes.Repeat([]byte(" "), archive.MaxManifest+1)
	if _, err := archive.ParseManifest(huge); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("got %v", err)
	}
}

func FuzzParseManifest(f *testing.F) {
	good := manifest(f)
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, "transcripts.jsonl", "../x", 1)))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := archive.ParseManifest(data)
		if err != nil {
			return
		}
		if !archive.IsBundlePath(archive.BundlePath(m.Account, m.Destination, m.Serial, time.UnixMilli(m.Created))) {
			t.Errorf("a manifest that names no place: %+v", m)
		}
		for _, file := range m.Files {
			if strings.Contains(file.Path, "..") || strings.HasPrefix(file.Path, "/") {
				t.Errorf("path %q left the bundle", file.Path)
			}
		}
	})
}

func FuzzLine(f *testing.F) {
	f.Add("text", "name", []byte(`{"a":[1,"\ud800"]}`), int64(1767225600000), int64(7), "/f/1.png", "png", int64(0))
	f.Add("\xff\x00\u2028", "\"\\", []byte("[\"\xff\"]"), int64(-1), int64(0), "../\r\n\x00", "../p", int64(archive.MaxSequence))
	f.Add("", "", []byte(`{"x":1,"file":{"path":""}}`), int64(1), int64(1), "", "", int64(-1))
	f.Fuzz(func(t *testing.T, text, name string, content []byte, at, sequence int64, path, extension string, size int64) {
		s := full()
		s.Messages[0].Text, s.Messages[0].Sender.Name, s.Messages[0].Content = text, name, content
		s.Messages[0].SentAt, s.Messages[0].Sequence = at, sequence
		s.Happened[2].File.Path, s.Happened[2].File.Type, s.Happened[2].File.Bytes = path, name, size
		s.Happened[2].File.Name = archive.AttachmentName(fileHash, extension)
		first, err := archive.AppendLine(nil, &s)
		if err != nil {
			return
		}
		parsed, err := archive.ParseLine(first)
		if err != nil {
			t.Fatalf("cannot be read back: %v\n%q", err, first)
		}
		second, err := archive.AppendLine(nil, &parsed)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("another line when it is written again: %v\n%q\n%q", err, first, second)
		}
		if parsed.Messages[0].ContentHash() != s.Messages[0].ContentHash() {
			t.Error("another content hash")
		}
		if diff := cmp.Diff(s.Happened[2].File.Name, parsed.Happened[2].File.Name); diff != "" || len(parsed.Attachments()) != 1 {
			t.Errorf("another attachment: %s", diff)
		}
	})
}

func FuzzParseLine(f *testing.F) {
	f.Add([]byte(fullLine))
	f.Add([]byte("{}"))
	f.Add([]byte(strings.Replace(fullLine, fileHash+".png", "../"+fileHash, 1)))
	f.Add([]byte(strings.Replace(fullLine, `"bytes":48213`, `"bytes":-1`, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := archive.ParseLine(data)
		if err != nil {
			return
		}
		for _, a := range s.Attachments() {
			if hash, extension, _ := strings.Cut(a.Name, "."); hash != a.SHA256 || len(hash) != 64 || strings.ContainsAny(a.Name, "/\\:\x00") ||
				archive.AttachmentName(hash, extension) != a.Name || a.Bytes < 0 {
				t.Errorf("%+v came out", a)
			}
		}
		if _, err := archive.AppendLine(nil, &s); err != nil {
			t.Errorf("read, and cannot be written: %v", err)
		}
	})
}
