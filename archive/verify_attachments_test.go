package archive_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// withFiles has the same attachments in several bundles, one of them empty, and
// slices without any.
var withFiles = archivetest.Archive{Account: "sandbox", Destination: "local", Bundles: 3, Slices: 4, Messages: 4, Files: 3, Seed: 9}

func TestVerifyFindsAttachmentsInASoundArchive(t *testing.T) {
	root := t.TempDir()
	bundles := archivetest.Write(t, root, withFiles)
	problems, result := verify(t, root)
	if len(problems) > 0 || result.Files != 3*(3+3) {
		t.Errorf("%d files, problems: %+v", result.Files, problems)
	}
	for _, path := range bundles {
		for k := range withFiles.Files {
			a := archivetest.File(k)
			if got := fmt.Sprintf("%x", sha256.Sum256(read(t, root, path, a.Name))); got != a.SHA256 {
				t.Errorf("%s has the hash %s", a.Name, got)
			}
		}
	}
}

// Anybody can check a bundle with what every system has.
func TestSumsOfAttachmentsAreAsOthersReadThem(t *testing.T) {
	root := t.TempDir()
	path := archivetest.Write(t, root, withFiles)[0]
	for program, args := range map[string][]string{"sha256sum": {"-c", archive.SumsFile}, "shasum": {"-a", "256", "-c", archive.SumsFile}} {
		t.Run(program, func(t *testing.T) {
			found, err := exec.LookPath(program)
			if err != nil {
				t.Skip(program + " is not installed")
			}
			run := exec.Command(found, args...)
			run.Dir = filepath.Join(root, path)
			out, err := run.CombinedOutput()
			if err != nil || bytes.Count(out, []byte(": OK\n")) != withFiles.Files+2 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestVerifyFindsWhatHappenedToAttachments(t *testing.T) {
	name := archivetest.File(0).Name
	for what, test := range map[string]struct {
		damage     func(file string) error
		kind, file string
	}{
		"altered":  {func(file string) error { return os.WriteFile(file, bytes.Repeat([]byte("x"), 3000), 0o600) }, archive.Damaged, name},
		"cut":      {func(file string) error { return os.Truncate(file, 2999) }, archive.Damaged, name},
		"longer":   {func(file string) error { return os.Truncate(file, 3001) }, archive.Damaged, name},
		"emptied":  {func(file string) error { return os.Truncate(file, 0) }, archive.Damaged, name},
		"removed":  {os.Remove, archive.Missing, name},
		"one more": {func(file string) error { return os.WriteFile(file+"x", nil, 0o600) }, archive.Extra, name + "x"},
	} {
		root := t.TempDir()
		bundles := archivetest.Write(t, root, withFiles)
		must(t, test.damage(filepath.Join(root, bundles[1], name)))
		problems, _ := verify(t, root)
		t.Log(what)
		want(t, problems, test.kind, bundles[1]+"/"+test.file)
	}
}

// changing is JSONL whose writer is told of other attachments than the line names.
type changing struct {
	archive.JSONL
	change func([]*archive.Attachment) []*archive.Attachment
}

func (c changing) Documents(line []byte, emit func(archive.Document) error) error {
	return c.JSONL.Documents(line, func(d archive.Document) error {
		d.Beside = c.change(d.Beside)
		return emit(d)
	})
}

// bundleOf makes an archive of one bundle and returns its root and the bundle's path.
func bundleOf(t *testing.T, shape archive.Shape, slices ...archive.Slice) (root, path string) {
	t.Helper()
	head := headOf(1)
	root, path = t.TempDir(), archive.BundlePath(head.Account, head.Destination, head.Serial, head.Created)
	dir := filepath.Join(root, filepath.FromSlash(path))
	must(t, os.MkdirAll(dir, 0o700))
	w, err := archive.NewWriter(dir, head, shape)
	must(t, err)
	for _, s := range slices {
		l := archive.ListingOf(&s)
		must(t, w.Add(line(t, s), l.Append(nil), archive.CountsOf(&s)))
	}
	_, err = w.Close()
	must(t, err)
	return root, path
}

// A bundle that is intact, but was written without what its lines name.
func TestVerifyFindsAttachmentsThatWereNotWritten(t *testing.T) {
	first, second := archivetest.File(0), archivetest.File(2)
	s := sliceOf(1, archive.Message{Dialog: "d", Sequence: 5, SentAt: 7, Text: first.Name})[0]
	for i, a := range []*archive.Attachment{first, second, {Path: "/gone"}, first} {
		s.Happened = append(s.Happened, archive.Happening{Name: fmt.Sprintf("file@%d/x", i), Kind: archive.Filed, At: 7, File: a})
	}
	renamed := *first
	renamed.Name = archive.AttachmentName(first.SHA256, "jpg")
	for what, test := range map[string]struct {
		change func([]*archive.Attachment) []*archive.Attachment
		want   string // of the one problem's detail
	}{
		"all there":    {func(l []*archive.Attachment) []*archive.Attachment { return l }, ""},
		"one more":     {func(l []*archive.Attachment) []*archive.Attachment { return append(l, archivetest.File(1)) }, ""},
		"none":         {func([]*archive.Attachment) []*archive.Attachment { return nil }, "3 attachments of conversation \"c\""},
		"one left out": {func([]*archive.Attachment) []*archive.Attachment { return []*archive.Attachment{first} }, second.Name},
		"another name": {func([]*archive.Attachment) []*archive.Attachment { return []*archive.Attachment{&renamed, second} }, first.Name},
	} {
		root, path := bundleOf(t, archive.Shape{Format: changing{change: test.change}, Contents: archivetest.Contents}, s)
		problems, _ := verify(t, root)
		if test.want == "" && len(problems) == 0 {
			continue
		}
		want(t, problems, archive.Misnamed, path+"/"+archive.TranscriptsFile)
		if len(problems) == 0 || !strings.Contains(problems[0].Detail, test.want) || !strings.Contains(problems[0].Detail, `"c"`) {
			t.Errorf("%s: %+v, want %q", what, problems, test.want)
		}
	}
}
