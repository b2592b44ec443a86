package filedump_test

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
	"lpexport/archive/filedump"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGolden(t *testing.T) {
	for _, order := range orders {
		compare(t, order+".xml", dump(t, settings(order), first(), second()))
		compare(t, order+"-files.xml", dump(t, settings(order), withFiles(), filesLater()))
	}
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	name := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s:\n%s", file, diff)
	}
}

func TestJoinedFile(t *testing.T) {
	f, err := filedump.New(settings("mattermost"))
	if err != nil {
		t.Fatal(err)
	}
	if file, _, _ := f.Joined(); file != "actiance_export.xml" || f.Extension() != ".xml" {
		t.Errorf("the file is %q, its extension %q", file, f.Extension())
	}
	if all := read(t, dump(t, settings("mattermost"))); len(all) != 0 {
		t.Errorf("%d conversations in an empty file", len(all))
	}
}

func TestDocumentsReportsFaults(t *testing.T) {
	f, err := filedump.New(settings("vendor"))
	if err != nil {
		t.Fatal(err)
	}
	s := first()
	line, err := archive.AppendLine(nil, &s)
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	at := int64(0)
	err = f.Documents(line, func(d archive.Document) error { at = d.At; return stop })
	if err != stop || at != begin {
		t.Errorf("filed under %d, error %v", at, err)
	}
	err = f.Documents(bytes.Replace(line, []byte(`"messages":[`), []byte(`"messages":"secret words"`), 1), func(archive.Document) error { return nil })
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("of a broken line: %v", err)
	}
}

// Parsers of the field were written for one order each.
func TestOrderOfElements(t *testing.T) {
	want := map[string]map[string]string{
		"mattermost": {
			"Conversation":        "RoomID StartTimeUTC ParticipantEntered Message FileTransferStarted FileTransferEnded ParticipantLeft EndTimeUTC",
			"ParticipantEntered":  "LoginName UserType DateTimeUTC CorporateEmailID",
			"ParticipantLeft":     "LoginName UserType DateTimeUTC CorporateEmailID",
			"Message":             "MessageId LoginName UserType DateTimeUTC UpdatedType Content",
			"FileTransferStarted": "LoginName DateTimeUTC UserFileName FileName",
			"FileTransferEnded":   "LoginName DateTimeUTC UserFileName FileName Status",
		},
		"microsoft": {
			"Conversation":        "RoomID StartTimeUTC ParticipantEntered Message FileTransferStarted FileTransferEnded ParticipantLeft EndTimeUTC",
			"ParticipantEntered":  "LoginName DateTimeUTC InternalFlag ConversationID CorporateEmailID",
			"ParticipantLeft":     "LoginName DateTimeUTC InternalFlag ConversationID CorporateEmailID",
			"Message":             "LoginName DateTimeUTC Content",
			"FileTransferStarted": "LoginName DateTimeUTC FileName",
			"FileTransferEnded":   "LoginName DateTimeUTC FileName Status",
		},
		"vendor": {
			"Conversation":        "RoomID StartTimeUTC ParticipantEntered Message FileTransferStarted FileTransferEnded ParticipantLeft EndTimeUTC",
			"ParticipantEntered":  "LoginName DateTimeUTC InternalFlag ConversationID",
			"ParticipantLeft":     "LoginName DateTimeUTC InternalFlag ConversationID",
			"Message":             "LoginName Content Base64Content DateTimeUTC ConversationID",
			"FileTransferStarted": "LoginName UserFileName FileName DateTimeUTC",
			"FileTransferEnded":   "LoginName UserFileName FileName Status DateTimeUTC",
		},
	}
	for _, order := range orders {
		got := orderOf(t, dump(t, settings(order), first(), second()))
		if diff := cmp.Diff(want[order], got); diff != "" {
			t.Errorf("%s:\n%s", order, diff)
		}
	}
}

// orderOf tells, of each element but the root, which elements it holds, in one
// order that holds for all of its kind: that of the fullest.
func orderOf(t *testing.T, data []byte) map[string]string {
	t.Helper()
	fullest := map[string][]string{}
	var names []string
	inside := [][]string{nil}
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			last := len(inside) - 1
			if k := inside[last]; !slices.Contains(k, e.Name.Local) {
				inside[last] = append(k, e.Name.Local)
			}
			names, inside = append(names, e.Name.Local), append(inside, nil)
		case xml.EndElement:
			name, held := names[len(names)-1], inside[len(inside)-1]
			names, inside = names[:len(names)-1], inside[:len(inside)-1]
			if len(held) == 0 || name == "FileDump" {
				continue
			}
			more, less := fullest[name], held
			if len(held) > len(more) {
				more, less = held, more
				fullest[name] = held
			}
			at := 0
			for _, one := range less {
				i := slices.Index(more[at:], one)
				if i < 0 {
					t.Errorf("%s holds %v and %v", name, more, less)
					break
				}
				at += i + 1
			}
		}
	}
	all := map[string]string{}
	for name, held := range fullest {
		all[name] = strings.Join(held, " ")
	}
	return all
}

func TestTimesAreInTheUnit(t *testing.T) {
	set := settings("mattermost")
	milli := read(t, dump(t, set, first()))[0]
	set.TimeUnit = "s"
	second := read(t, dump(t, set, first()))[0]
	if milli.Start != begin || milli.End != begin+8000 {
		t.Errorf("from %d to %d", milli.Start, milli.End)
	}
	if second.Start != milli.Start/1000 || second.End != milli.End/1000 {
		t.Errorf("in seconds from %d to %d", second.Start, second.End)
	}
	for i := range milli.Elements {
		if second.Elements[i].At != milli.Elements[i].At/1000 {
			t.Errorf("element %d: %d ms is %d s", i, milli.Elements[i].At, second.Elements[i].At)
		}
	}
}

func TestPeriodOfASlice(t *testing.T) {
	later := second()
	empty := archive.Slice{Number: 3, Revision: 1, StartedAt: begin}
	nothing := archive.Slice{Number: 1, Revision: 1}
	timeless := first()
	for i := range timeless.Messages {
		timeless.Messages[i].SentAt = 0
	}
	timeless.Happened = nil
	waiting := first() // nothing is said at its start
	waiting.Messages, waiting.Happened = waiting.Messages[1:], nil
	for i, c := range read(t, dump(t, settings("microsoft"), later, empty, nothing, timeless, waiting)) {
		from, to := []int64{begin + 5000, begin, 0, begin, begin}[i], []int64{begin + 96_000, begin, 0, begin, begin + 8000}[i]
		if c.Start != from || c.End != to {
			t.Errorf("slice %d: from %d to %d, want %d to %d", i, c.Start, c.End, from, to)
		}
		for _, e := range c.Elements {
			if e.At < c.Start || e.At > c.End {
				t.Errorf("slice %d: a %s at %d", i, e.Kind, e.At)
			}
		}
	}
}

func TestBase64IsOfTheOriginal(t *testing.T) {
	for _, order := range orders {
		set := settings(order)
		set.Base64 = true
		s := first()
		s.Messages[0].Text = "a\x00b\uffffc\n]]>"
		for _, e := range of(read(t, dump(t, set, s))[0], "Message") {
			original, err := base64.StdEncoding.DecodeString(e.Base64Content)
			if err != nil || shown(string(original)) != e.Content {
				t.Errorf("%s: %q beside %q, %v", order, original, e.Content, err)
			}
			if e.Content == "a\u2400b\ufffdc\n]]>" && string(original) == s.Messages[0].Text {
				s.Messages[0].Text = ""
			}
		}
		if s.Messages[0].Text != "" {
			t.Errorf("%s: the text is not there as it was", order)
		}
	}
}

func BenchmarkDocuments(b *testing.B) {
	s := first()
	s.Messages = nil
	for i := range 20 {
		from := []archive.Participant{consumer, ana}[i%2]
		s.Messages = append(s.Messages, message(int64(i), from, strings.Repeat("the account you asked about is open again. ", 3)))
	}
	line, err := archive.AppendLine(nil, &s)
	if err != nil {
		b.Fatal(err)
	}
	for _, order := range orders {
		b.Run(order, func(b *testing.B) {
			f, err := filedump.New(settings(order))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				if err := f.Documents(line, func(archive.Document) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	// What it costs to read the line, which every format does.
	b.Run("parse", func(b *testing.B) {
		b.SetBytes(int64(len(line)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := archive.ParseLine(line); err != nil {
				b.Fatal(err)
			}
		}
	})
}
