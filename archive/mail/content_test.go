package mail_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
)

// contents are those of the files of all tests, by their hash.
var contents = map[string]string{}

// fetched is a file of so many bytes that seed decides.
func fetched(path, extension, kind string, size int, seed uint64) *archive.Attachment {
	rng := rand.New(rand.NewPCG(seed, 9))
	var b strings.Builder
	for range size {
		b.WriteByte(byte(rng.Uint32()))
	}
	hash := fmt.Sprintf("%x", sha(b.String()))
	contents[hash] = b.String()
	return &archive.Attachment{Path: path, Name: archive.AttachmentName(hash, extension), Type: kind, Bytes: int64(size), SHA256: hash}
}

// filed is what happens when a file of a message is fetched or is not to be had.
func filed(at int64, by, reason string, a *archive.Attachment) archive.Happening {
	return archive.Happening{
		Name: fmt.Sprintf("file@%d/%s%s", at, a.Path, a.SHA256), Kind: archive.Filed, At: at, By: by, Reason: reason, File: a,
	}
}

// withFiles is a slice with everything that can become of files.
func withFiles() archive.Slice {
	s := full()
	evil := "a\r\nContent-Type: text/html\r\n\r\n\"b\", attached as c"
	s.Messages[3].Files = append(s.Messages[3].Files,
		archive.File{Path: "picture.png", Type: "image/png"}, archive.File{Path: "gone.pdf"}, archive.File{Path: evil, Type: evil, Caption: evil})
	s.Messages[6].Files = []archive.File{{Path: "later.txt"}, {Path: "same.png"}, {Path: "twice.bin"}}
	at := s.Messages[3].SentAt
	picture := fetched("picture.png", "png", "image/png", 2000, 1)
	same := *picture
	same.Path, same.Name = "same.png", strings.TrimSuffix(picture.Name, "png")+"jpg"
	s.Happened = slices.Insert(s.Happened, 2,
		filed(at, "c-1", "", fetched("../x/contract.pdf", "pdf", "application/pdf", 171, 2)),
		filed(at, "c-1", "", picture),
		filed(at, "c-1", "not found: \"x\"\r\n* closed", &archive.Attachment{Path: "gone.pdf"}),
		filed(at, "c-1", "", fetched(evil, "bin", "text/html\r\nBcc: x@evil.example", 1, 3)),
		filed(at, "a-99", "", fetched("", "bin", "multipart/mixed; boundary=x", 0, 4)))
	at = s.Messages[6].SentAt
	s.Happened = slices.Insert(s.Happened, 8,
		filed(at, "a-17", "", &same),
		filed(at, "a-17", "", fetched("twice.bin", "bin", "application/zip", 100, 5)),
		filed(at, "a-17", "", fetched("twice.bin", "bin", "application/zip", 100, 6)))
	return s
}

// file makes n of the happenings of s tell of files, some of which messages name.
func file(s *archive.Slice, pick func([]string) string, n int) {
	kinds := append([]string{"image/png", "IMAGE/jpeg", "application/pdf", "image/svg+xml", "video/mp4; codecs=x"}, hostile...)
	for i := range min(n, len(s.Happened)) {
		h := &s.Happened[i]
		h.Kind, h.File = archive.Filed, &archive.Attachment{Path: pick(hostile)}
		if i%4 != 3 {
			h.File = fetched(h.File.Path, pick([]string{"png", "pdf", ""}), pick(kinds), []int{0, 57, 3000, 58}[i%4], uint64(i/4))
		}
		if m := &s.Messages; i < len(*m) && i%2 == 0 {
			(*m)[i].Files = append((*m)[i].Files, archive.File{Path: h.File.Path, Caption: pick(hostile)})
		}
	}
}

// spliced is a document as whoever writes it does so.
func spliced(t testing.TB, d archive.Document) []byte {
	t.Helper()
	var all []byte
	from := 0
	long := d.Long
	until := func(offset int) {
		for ; len(long) > 0 && long[0].Offset <= offset; long = long[1:] {
			all = append(all, d.Bytes[from:long[0].Offset]...)
			var body bytes.Buffer
			n, err := long[0].Body.WriteTo(&body)
			must(t, err)
			if n != int64(body.Len()) || n != long[0].Body.Size() {
				t.Fatalf("a body of %d bytes says that it has %d and wrote %d", body.Len(), long[0].Body.Size(), n)
			}
			all, from = append(all, body.Bytes()...), long[0].Offset
		}
		all, from = append(all, d.Bytes[from:offset]...), offset
	}
	for _, splice := range d.Inside {
		content, ok := contents[splice.Attachment.SHA256]
		if !ok || splice.Offset <= from {
			t.Fatalf("at %d belongs %+v", splice.Offset, splice.Attachment)
		}
		until(splice.Offset)
		for line := range slices.Chunk([]byte(content), 57) {
			all = append(all, base64.StdEncoding.EncodeToString(line)+"\r\n"...)
		}
	}
	until(len(d.Bytes))
	if d.Size() != int64(len(all)) {
		t.Fatalf("a document of %d bytes has %d", d.Size(), len(all))
	}
	return all
}

// distinct are the files of a slice, each content once.
func distinct(s *archive.Slice) (list []*archive.Attachment) {
	for _, a := range s.Attachments() {
		if !slices.ContainsFunc(list, func(o *archive.Attachment) bool { return o.SHA256 == a.SHA256 }) {
			list = append(list, a)
		}
	}
	return list
}

// checkFiles compares what a mail holds and says of files with what happened.
func checkFiles(t testing.TB, whole, part *archive.Slice, o *opened) {
	t.Helper()
	page := html.UnescapeString(o.HTML)
	var want, got []openedFile
	names := map[string]string{}
	for _, a := range distinct(part) {
		names[a.SHA256] = a.Name
		want = append(want, openedFile{Name: a.Name, Content: contents[a.SHA256]})
	}
	for _, f := range o.Files {
		got = append(got, openedFile{Name: f.Name, Content: f.Content})
		if top, _, _ := strings.Cut(f.Type, "/"); !slices.Contains([]string{"application", "audio", "image", "video"}, top) || strings.HasSuffix(f.Type, "xml") {
			t.Fatalf("a file is attached as %s", f.Type)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("other files are attached than happened: %s", diff)
	}
	missing := 0
	fileLines, happenedLines := linesOfFiles(o.Text)
	for i := range part.Happened {
		switch a := part.Happened[i].File; {
		case a.Held():
			checkTold(t, page, happenedLines[i], fmt.Sprintf(", %d bytes, ", a.Bytes), fmt.Sprintf(", SHA-256 %s, attached as %s", a.SHA256, names[a.SHA256]))
		case a != nil:
			missing++
			checkTold(t, page, happenedLines[i], ", not available")
		}
		if a := part.Happened[i].File; a != nil && a.Path == "" {
			checkTold(t, page, happenedLines[i], "LivePerson does not tell of which message it is")
		} else if a != nil && !strings.Contains(unescaped(happenedLines[i]), shown(a.Path, "", false)) {
			t.Fatalf("%q does not name %q", happenedLines[i], a.Path)
		}
	}
	for i := range part.Messages {
		for _, f := range part.Messages[i].Files {
			found := foundAt(part, f.Path)
			if elsewhere := foundAt(whole, f.Path); found == "" && strings.HasPrefix(elsewhere, ", attached") {
				found = ", attached to another part"
			} else if found == "" {
				found = elsewhere
			}
			checkTold(t, page, fileLines[0], found)
			if said := saidOfFile.FindString(fileLines[0]); said != found {
				t.Fatalf("%q ends with %q, not with %q", fileLines[0], said, found)
			}
			fileLines = fileLines[1:]
		}
	}
	_, fact, _ := strings.Cut(o.Text, "\r\nFiles:")
	if fact, _, _ = strings.Cut(fact, "\r\n"); strings.TrimSpace(fact) != count(len(want), missing) {
		t.Fatalf("%d and %d files are counted as %q", len(want), missing, fact)
	}
}

// saidOfFile is what a message says of what became of its file. In a path or a
// caption it would stand in quotes.
var saidOfFile = regexp.MustCompile(`, (attached as [0-9a-f]{64}\.[a-z0-9]{1,8}|attached more than once|attached to another part|not available)$`)

// linesOfFiles are the lines of a log that messages have for their files, and those
// of the happenings.
func linesOfFiles(text string) (files, happened []string) {
	_, log, _ := strings.Cut(text, "\r\nTranscript:\r\n")
	for line := range strings.SplitSeq(log, "\r\n") {
		if told, ok := strings.CutPrefix(line, "    + "); ok {
			files = append(files, told)
		} else if _, told, _ := strings.Cut(line, "] "); strings.HasPrefix(line, "[") && strings.HasPrefix(told, "* ") {
			happened = append(happened, told)
		}
	}
	return files, happened
}

// checkTold checks that a line holds these words, and that the HTML has it too.
func checkTold(t testing.TB, page, line string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(line, w) || !strings.Contains(page, line) {
			t.Fatalf("%q is not said in %q, or that not in the HTML", w, line)
		}
	}
}

// foundAt is what became of a file that a message names.
func foundAt(part *archive.Slice, path string) (found string) {
	names := map[string]string{}
	for _, a := range distinct(part) {
		names[a.SHA256] = a.Name
	}
	hash := ""
	for i := range part.Happened {
		a := part.Happened[i].File
		switch {
		case a == nil || path == "" || a.Path != path:
		case !a.Held() && hash == "":
			found = ", not available"
		case a.Held() && hash == "":
			hash, found = a.SHA256, ", attached as "+names[a.SHA256]
		case a.Held() && hash != a.SHA256:
			return ", attached more than once"
		}
	}
	return found
}

func count(attached, missing int) string {
	switch {
	case attached+missing == 0:
		return ""
	case missing == 0:
		return fmt.Sprintf("%d attached", attached)
	case attached == 0:
		return fmt.Sprintf("%d not available", missing)
	}
	return fmt.Sprintf("%d attached, %d not available", attached, missing)
}
