package sandbox_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/liveperson/sandbox"
)

func TestFilesAreOfTheSeedAndThePath(t *testing.T) {
	settings := lively(later)
	a, again := sandbox.New(settings), sandbox.New(settings)
	settings.Seed++
	other := sandbox.New(settings)
	paths := sent(withFiles(t, a, later, 2))
	one, _ := a.File(paths[0])
	same, _ := again.File(paths[0])
	next, _ := a.File(paths[1])
	elsewhere, _ := other.File(paths[0])
	if one != same || one.SHA256 == next.SHA256 || one.SHA256 == elsewhere.SHA256 {
		t.Errorf("%+v\n%+v\n%+v\n%+v", one, same, next, elsewhere)
	}
	for _, path := range []string{"", sandbox.Deleted, "/v1/AUTH_async-images/other/x.jpg", "x.jpg"} {
		if file, ok := a.File(path); ok || a.FileBytes(path) != nil {
			t.Errorf("%q: %+v", path, file)
		}
	}
}

// What the program writes into records does not change with what can be asked of
// files.
func TestFilesLeaveRecordsAlone(t *testing.T) {
	settings := lively(later)
	plain := connect(t, settings)
	settings.Files = sandbox.Files{Opaque: true, Absent: 0.5, Lost: 0.5, Size: 1 << 20, Delay: time.Hour, Refused: true, NoService: true, Life: time.Hour}
	odd := connect(t, settings)
	if diff := cmp.Diff(plain.all(everythingSince(epoch)), odd.all(everythingSince(epoch))); diff != "" {
		t.Error(diff)
	}
}

func TestMixedFiles(t *testing.T) {
	settings := lively(later)
	settings.Files.Mixed = true
	r := connect(t, settings)
	seen := map[string]int{}
	for c := range r.account.Truth(later) {
		items := r.byID(c.ID).Records[0]["messageRecords"].([]any)
		for _, link := range r.links(c.ID, 0, 100).Items {
			w, u := r.follow(link)
			_, extension, _ := strings.Cut(u.Path[strings.LastIndexByte(u.Path, '/'):], ".")
			seen[extension]++
			if err := readable(extension, w.Body.Bytes()); err != nil || w.Header().Get("Content-Type") != fileTypes[extension] {
				t.Errorf("%s: %v, %v", u.Path, w.Header(), err)
			}
			if !slices.ContainsFunc(items, func(m any) bool {
				file, _ := m.(object)["messageData"].(object)["file"].(object)
				return file != nil && file["relativePath"] == u.Path && file["fileType"] == strings.ToUpper(extension)
			}) {
				t.Errorf("no message of %s", u.Path)
			}
		}
	}
	for extension := range fileTypes {
		if seen[extension] == 0 {
			t.Errorf("no %s among %v", extension, seen)
		}
	}
}

var fileTypes = map[string]string{
	"jpg": "image/jpeg", "png": "image/png", "pdf": "application/pdf", "txt": "text/plain",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}

// readable reads a file as its kind is read.
func readable(extension string, b []byte) error {
	switch extension {
	case "pdf":
		var at, objects int
		tail := b[bytes.LastIndex(b, []byte("startxref")):]
		if _, err := fmt.Sscanf(string(tail), "startxref\n%d\n%%%%EOF", &at); err != nil {
			return err
		}
		if _, err := fmt.Sscanf(string(b[at:]), "xref\n0 %d\n", &objects); err != nil {
			return err
		}
		entries := strings.Split(string(b[at:]), "\n")[2:]
		for i := 1; i < objects; i++ {
			offset, err := strconv.Atoi(entries[i][:10])
			if err != nil || len(entries[i]) != 19 || !bytes.HasPrefix(b[offset:], []byte(itoa(i)+" 0 obj\n")) {
				return fmt.Errorf("object %d is not at %d: %v", i, offset, err)
			}
		}
		return nil
	case "docx":
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return err
		}
		f, err := z.Open("word/document.xml")
		if err != nil {
			return err
		}
		_, err = io.ReadAll(f)
		return err
	case "txt":
		if !strings.Contains(string(b), "Grüße") {
			return fmt.Errorf("text %q", b)
		}
		return nil
	}
	_, _, err := image.Decode(bytes.NewReader(b))
	return err
}
