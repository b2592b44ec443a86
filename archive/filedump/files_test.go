package filedump_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
	"lpexport/archive/filedump"
)

// attachment is a file of that path whose bytes are held.
func attachment(path string) *archive.Attachment {
	sum := sha256.Sum256([]byte(path))
	hash := hex.EncodeToString(sum[:])
	return &archive.Attachment{Path: path, Name: archive.AttachmentName(hash, "pdf"), Type: "application/pdf", Bytes: 48_213, SHA256: hash}
}

// filed is what happened to a file: a is nil where there is none to be had.
func filed(after int64, by, path string, a *archive.Attachment) archive.Happening {
	return happening(archive.Filed, after, func(h *archive.Happening) {
		h.Name, h.By, h.File = "file@x/"+path, by, a
		if a == nil {
			h.File, h.Reason = &archive.Attachment{Path: path}, "404 Not Found"
		}
	})
}

// withFiles is the first slice with the files of its message: one is held, the
// other is not to be had.
func withFiles() archive.Slice {
	s := first()
	s.Happened = slices.Insert(s.Happened, 3,
		filed(3000, consumer.ID, "/4/letter.pdf", attachment("/4/letter.pdf")), filed(3000, consumer.ID, "4/../scan.png", nil))
	return s
}

// filesLater is a slice that brings what no message of it refers to: a file of an
// earlier slice, one of which nobody knows the message, and one that is gone.
func filesLater() archive.Slice {
	s := second()
	s.Messages = nil
	s.Happened = []archive.Happening{
		filed(3000, consumer.ID, "4/photo.pdf", attachment("4/photo.pdf")),
		filed(4000, "", "", attachment("")),
		filed(5000, ana.ID, "4/gone.pdf", nil),
	}
	return s
}

// element is one of a Conversation, as another program reads it.
type element struct {
	XMLName                                                         xml.Name
	MessageID                                                       string `xml:"MessageId"`
	LoginName, DateTimeUTC, UserFileName, FileName, Status, Content string
}

// elements reads the one Conversation of a slice, without this package, and
// returns what the document says that lies beside it.
func elements(t testing.TB, set filedump.Settings, s archive.Slice) (list []element, beside []*archive.Attachment) {
	t.Helper()
	f, err := filedump.New(set)
	if err != nil {
		t.Fatal(err)
	}
	line, err := archive.AppendLine(nil, &s)
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		List []element `xml:",any"`
	}
	err = f.Documents(line, func(d archive.Document) error {
		beside = d.Beside
		if len(d.Inside) > 0 || d.Size() != int64(len(d.Bytes)) {
			t.Error("an attachment is inside of the XML")
		}
		return xml.Unmarshal(d.Bytes, &c)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.List, beside
}

// around returns the elements from the message that begins with text to the last
// that belongs to its files, as lines.
func around(list []element, text string) (lines []string) {
	for _, e := range list {
		isNote := strings.HasPrefix(e.Content, "* file")
		switch {
		case e.XMLName.Local == "Message" && strings.HasPrefix(e.Content, text):
			lines = append(lines, e.Content)
		case len(lines) > 0 && isNote:
			lines = append(lines, e.Content)
		case len(lines) > 0 && strings.HasPrefix(e.XMLName.Local, "FileTransfer"):
			lines = append(lines, strings.Join([]string{e.XMLName.Local[12:], e.LoginName, e.UserFileName, e.FileName, e.Status}, "|"))
		case len(lines) > 0:
			return lines
		}
	}
	return lines
}

// The file stands behind the message that it was sent with, as in every archive
// that showed this format first, and what was not fetched is not claimed.
func TestHeldFilesStandBehindTheirMessage(t *testing.T) {
	a := attachment("/4/letter.pdf")
	const by = ", by Zoë Example <c-5d3f9a0c@visitors.example.net>"
	for _, order := range orders {
		set := settings(order)
		set.Separator = `\`
		letter, scan, completed, failed := "letter.pdf", "scan.png", "Completed", "Failed"
		if order == "microsoft" {
			letter, scan = "", "" // it has no UserFileName
		}
		if order == "vendor" {
			completed, failed = "completed", "failed"
		}
		list, beside := elements(t, set, withFiles())
		want := []string{
			"[HOSTED_FILE, no text]\n[file: my letter]",
			"Started|" + consumer.Address + "|" + letter + "|" + a.Name + "|",
			"Started|" + consumer.Address + "|" + scan + `|4\%2E%2E\scan.png|`,
			"Ended|" + consumer.Address + "|" + letter + "|" + a.Name + "|" + completed,
			"Ended|" + consumer.Address + "|" + scan + `|4\%2E%2E\scan.png|` + failed,
			"* file" + by + ", path /4/letter.pdf, type application/pdf, 48213 bytes, SHA-256 " + a.SHA256,
			"* file" + by + ", path 4/../scan.png, not available, reason 404 Not Found",
		}
		if diff := cmp.Diff(want, around(list, "[HOSTED_FILE")); diff != "" {
			t.Errorf("%s: %s", order, diff)
		}
		if diff := cmp.Diff([]*archive.Attachment{a}, beside); diff != "" {
			t.Errorf("%s: beside it: %s", order, diff)
		}
		checkClaims(t, order, list, beside)
		if n := len(slices.DeleteFunc(list, func(e element) bool { return !strings.HasPrefix(e.Content, "* file") })); n != 2 {
			t.Errorf("%s: %d notes of files", order, n)
		}
	}
}

// A file may come long after its message was delivered, or without one.
func TestFilesOfNoMessageHaveANoteAndAPair(t *testing.T) {
	photo, pathless := attachment("4/photo.pdf"), attachment("")
	const by = ", by Zoë Example <c-5d3f9a0c@visitors.example.net>"
	list, beside := elements(t, settings("mattermost"), filesLater())
	want := []string{
		"* file" + by + ", path 4/photo.pdf, type application/pdf, 48213 bytes, SHA-256 " + photo.SHA256,
		"Started|" + consumer.Address + "|photo.pdf|" + photo.Name + "|",
		"Ended|" + consumer.Address + "|photo.pdf|" + photo.Name + "|Completed",
		"* file, LivePerson does not tell of which message it is, type application/pdf, 48213 bytes, SHA-256 " + pathless.SHA256,
		"Started|LivePerson|" + pathless.Name + "|" + pathless.Name + "|",
		"Ended|LivePerson|" + pathless.Name + "|" + pathless.Name + "|Completed",
		"* file, by Ana Agent <ana@eu.firm.example>, path 4/gone.pdf, not available, reason 404 Not Found",
	}
	if diff := cmp.Diff(want, around(list, "* file")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]*archive.Attachment{photo, pathless}, beside); diff != "" {
		t.Errorf("beside it: %s", diff)
	}
	for _, e := range list {
		if strings.HasPrefix(e.XMLName.Local, "FileTransfer") && e.FileName == photo.Name && e.DateTimeUTC != "1769853603250" {
			t.Errorf("%s at %s", e.XMLName.Local, e.DateTimeUTC)
		}
	}
}

// checkClaims makes sure that exactly what lies beside a document is told as
// delivered, and that every transfer that starts ends.
func checkClaims(t testing.TB, order string, list []element, beside []*archive.Attachment) {
	t.Helper()
	there, claimed, open := map[string]bool{}, map[string]bool{}, 0
	for _, a := range beside {
		there[a.Name] = true
	}
	for _, e := range list {
		switch e.XMLName.Local {
		case "FileTransferStarted":
			open++
		case "FileTransferEnded":
			open--
			if strings.EqualFold(e.Status, "completed") {
				claimed[e.FileName] = true
			} else if !strings.EqualFold(e.Status, "failed") || there[e.FileName] {
				t.Errorf("%s: the transfer of %q is %q", order, e.FileName, e.Status)
			}
			if e.FileName == "" || open < 0 {
				t.Errorf("%s: a transfer of %q that has not begun", order, e.FileName)
			}
		}
	}
	if diff := cmp.Diff(there, claimed); diff != "" || open != 0 {
		t.Errorf("%s: what is there and what is claimed, with %d open:\n%s", order, open, diff)
	}
}
