package filedump_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
	"lpexport/archive/filedump"
)

// A path is not a name: two files may have had the same one, two messages may
// refer to one file, and an unknown path is like no other.
func TestFilesAreFoundByTheirPath(t *testing.T) {
	two := withFiles() // the same path, other bytes
	two.Happened = append(two.Happened, filed(9000, consumer.ID, "/4/letter.pdf", attachment("others")))
	two.Happened[len(two.Happened)-1].File.Path = "/4/letter.pdf"
	amended := withFiles()
	again := amended.Messages[2]
	again.Amends = 1
	amended.Messages = slices.Insert(amended.Messages, 3, again)
	unknown := first()
	unknown.Messages[2].Files = []archive.File{{Caption: "my letter"}}
	unknown.Happened = append(unknown.Happened, filed(3000, consumer.ID, "", attachment("")))
	elsewhere := first()
	elsewhere.Happened = append(elsewhere.Happened, filed(3000, consumer.ID, "4/letter.pdf", attachment("4/letter.pdf")))
	for name, c := range map[string]struct {
		slice                    archive.Slice
		completed, failed, notes int
	}{
		"two of one path":          {two, 2, 1, 3},
		"named by an amendment":    {amended, 2, 2, 2},
		"an unknown path":          {unknown, 1, 1, 1},
		"a path that is not quite": {elsewhere, 1, 2, 1},
	} {
		for _, order := range orders {
			list, beside := elements(t, settings(order), c.slice)
			checkClaims(t, order+", "+name, list, beside)
			var completed, failed, notes int
			for _, e := range list {
				switch {
				case strings.EqualFold(e.Status, "completed"):
					completed++
				case strings.EqualFold(e.Status, "failed"):
					failed++
				case strings.HasPrefix(e.Content, "* file"):
					notes++
				}
			}
			if completed != c.completed || failed != c.failed || notes != c.notes {
				t.Errorf("%s, %s: %d completed, %d failed, %d notes", order, name, completed, failed, notes)
			}
		}
	}
}

// An importer resolves LoginName by who entered.
func TestSendersOfFilesEnterAndLeave(t *testing.T) {
	s := filesLater()
	s.Happened = append(s.Happened, filed(6000, "a-99", "4/more.pdf", attachment("4/more.pdf")))
	for _, order := range orders {
		list, _ := elements(t, settings(order), s)
		entered, left := map[string]bool{}, map[string]bool{}
		for _, e := range list {
			switch e.XMLName.Local {
			case "ParticipantEntered":
				entered[e.LoginName] = true
			case "ParticipantLeft":
				left[e.LoginName] = true
			}
		}
		senders := map[string]bool{}
		for _, e := range list {
			if e.FileName != "" {
				senders[e.LoginName] = entered[e.LoginName] && left[e.LoginName]
			}
		}
		if diff := cmp.Diff(map[string]bool{consumer.Address: true, "LivePerson": true, "a-99": true}, senders); diff != "" {
			t.Errorf("%s: %s", order, diff)
		}
	}
}

// The name of a file that lies beside the XML is never one that somebody chose.
func TestNameOfAnAttachmentIsItsHash(t *testing.T) {
	s := withFiles()
	line, err := archive.AppendLine(nil, &s)
	if err != nil {
		t.Fatal(err)
	}
	own := attachment("/4/letter.pdf").Name
	f, err := filedump.New(settings("vendor"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../../etc/passwd", "/etc/passwd", "letter.pdf", own + "/../x.pdf", `..\` + own, own[:64] + ".p f", ""} {
		forged, _ := archive.AppendLine(nil, &s)
		forged = bytes.Replace(forged, []byte(`"name":"`+own+`"`), []byte(`"name":"`+strings.ReplaceAll(name, `\`, `\\`)+`"`), 1)
		if bytes.Equal(forged, line) {
			t.Fatal("the line holds no attachment")
		}
		err := f.Documents(forged, func(archive.Document) error {
			t.Errorf("%q was taken for a name", name)
			return nil
		})
		if err == nil || strings.Contains(err.Error(), "letter") || strings.Contains(err.Error(), "passwd") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
