package exporter

import (
	"cmp"
	"context"
	database "database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson/sandbox"
)

const (
	errorDocument = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`
	logIn         = "Please log in to continue."
	personsPage   = "<!DOCTYPE html><html><head><title>Our wedding</title></head><body>Come at five.</body></html>"
)

// named is a path as LivePerson makes them, of a file with that ending.
func named(n int, extension string) string { return pathOf(n)[:len(pathOf(n))-len("jpg")] + extension }

// answer is what LivePerson sends in the place of a file, and as what.
type answer struct{ bytes, declared string }

// Whatever is sent in a picture's place is not archived as the picture, and the
// picture is when it comes.
func TestWhatComesInAPicturesPlaceIsNotKept(t *testing.T) {
	for what, instead := range map[string]answer{
		"an error document as XML":        {bytes: errorDocument, declared: "application/xml"},
		"an error document as a picture":  {bytes: errorDocument, declared: "image/png"},
		"an error document, undeclared":   {bytes: "\ufeff \n<Error><Code>NoSuchKey</Code></Error>"},
		"a log-in notice as text":         {bytes: logIn, declared: "text/plain"},
		"a log-in notice as a picture":    {bytes: logIn, declared: "image/jpeg"},
		"a JSON error as a picture":       {bytes: `{"error":{"code":503}}`, declared: "image/jpeg"},
		"a web page as a picture":         {bytes: personsPage, declared: "image/jpeg"},
		"an error document in UTF-16":     {bytes: "\xff\xfe<\x00E\x00r\x00r\x00o\x00r\x00>\x00", declared: "image/png"},
		"a web page behind a long remark": {bytes: "<!-- " + strings.Repeat("x", 900) + " --><html></html>", declared: "image/jpeg"},
	} {
		t.Run(what, func(t *testing.T) {
			r, h, s := fileTrial(t, nil)
			h.put(photos("a", 1))
			s.sentAs = map[string]string{pathOf(1): instead.declared}
			s.put("a", shelved{pathOf(1), instead.bytes})
			r.runs(ErrIncomplete)
			r.mustAttach("a")
			s.put("a", shelved{pathOf(1), picture(1)})
			r.clock.Advance(longestLook)
			r.runs(nil)
			r.mustAttach("a", is(2, pathOf(1), picture(1)))
		})
	}
}

// Files that look like a page of a server, and were sent by a person.
func TestATextThatAPersonSentArrives(t *testing.T) {
	for extension, sent := range map[string]answer{
		"html": {bytes: personsPage, declared: "text/html"},
		"txt":  {bytes: "Error 503: please try again, it said. What now?", declared: "text/plain"},
		"json": {bytes: `{"error":"the log of my app"}`, declared: "application/json"},
		"xml":  {bytes: errorDocument, declared: "application/xml"},
	} {
		t.Run(extension, func(t *testing.T) {
			r, h, s := fileTrial(t, nil)
			h.put(talk{id: "a", said: []said{{0, "see this"}}, files: map[int]string{0: named(1, extension)}})
			s.sentAs = map[string]string{named(1, extension): sent.declared}
			s.put("a", shelved{named(1, extension), sent.bytes})
			for range 8 {
				r.tries()
				r.clock.Advance(longestLook / 8)
			}
			r.runs(nil)
			if got := bytesOf(r.attached("local", "a")); !slices.Equal(got, []string{sent.bytes}) {
				t.Errorf("attached: %q", got)
			}
			r.sound()
		})
	}
}

// doubts is a conversation whose file is named by a message and given with these bytes.
func doubts(t *testing.T, extension, bytes string) (*trial, *shelf, string) {
	t.Helper()
	r, h, s := fileTrial(t, nil)
	path := named(1, extension)
	h.put(talk{id: "a", said: []said{{0, "see this"}}, files: map[int]string{0: path}})
	s.sentAs = map[string]string{path: "text/html"}
	s.put("a", shelved{path, bytes})
	return r, s, path
}

// reasons are what a destination was told of the files of a conversation.
func (r *trial) reasons(conversation string) (list []string) {
	for _, s := range r.delivered("local") {
		for _, h := range s.Happened {
			if s.Conversation == conversation && h.Kind == archive.Filed {
				list = append(list, h.Reason)
			}
		}
	}
	return list
}

func TestDoubtEndsWithTheSameBytesMuchLater(t *testing.T) {
	r, s, path := doubts(t, "html", personsPage)
	if report := r.runs(ErrIncomplete); report.Files.Doubtful != 1 || report.Files.Waiting+report.Files.Kept != 0 {
		t.Errorf("the run says %+v", report.Files)
	}
	for range 5 { // the looks come seldom
		r.clock.Advance(time.Hour)
		r.runs(ErrIncomplete)
	}
	r.mustAttach("a")
	gets := s.gets
	r.clock.Advance(time.Hour)
	if report := r.runs(nil); report.Files.Doubtful != 0 || report.Files.Kept != 1 {
		t.Errorf("the run says %+v", report.Files)
	}
	r.mustAttach("a", is(2, path, personsPage))
	want := "doubtful: this is a web page and may not be the file that was sent; LivePerson gave the same bytes again 6 hours later"
	if got := r.reasons("a"); !slices.Equal(got, []string{want}) {
		t.Errorf("told %q", got)
	}
	if s.gets != gets+1 || gets > 7 {
		t.Errorf("fetched %d times, and then %d", gets, s.gets)
	}
	r.clock.Advance(longestLook)
	r.runs(nil)
	if s.gets != gets+1 {
		t.Error("it is looked at for ever")
	}
}

// An outage that answers with a page for hours, another each time, is not the file.
func TestAPageThatGivesWayIsNotKept(t *testing.T) {
	r, s, path := doubts(t, "txt", "")
	for n := range 10 {
		s.put("a", shelved{path, fmt.Sprint(errorDocument, n)})
		r.runs(ErrIncomplete)
		r.clock.Advance(time.Hour)
	}
	s.sentAs = map[string]string{path: "text/plain"}
	s.put("a", shelved{path, "Our trip"})
	r.clock.Advance(longestLook)
	r.runs(nil)
	r.mustAttach("a", is(2, path, "Our trip"))
	if got := r.reasons("a"); !slices.Equal(got, []string{""}) {
		t.Errorf("told %q", got)
	}
}

// What is in doubt to the end is kept where the name allows such a thing, and is on
// record as missing where it does not. Nothing of it is quoted.
func TestDoubtEndsWhenTheFileIsGivenUp(t *testing.T) {
	for extension, kept := range map[string]bool{"html": true, "csv": false} {
		r, s, path := doubts(t, extension, "")
		last := ""
		for n := range 40 {
			last = fmt.Sprintf("<html><body>request %d failed", n)
			s.put("a", shelved{path, last})
			r.tries()
			if len(r.reasons("a")) > 0 {
				break
			}
			r.clock.Advance(time.Hour)
		}
		want, why := is(2, path, last), "doubtful: this is a web page and may not be the file that was sent; LivePerson gave nothing better until it was given up"
		if !kept {
			why = "LivePerson gives a web page, which may not be the file"
			want = is(2, path, why)
		}
		r.mustAttach("a", want)
		if got := r.reasons("a"); !slices.Equal(got, []string{why}) {
			t.Errorf("%s: told %q", extension, got)
		}
		if now := r.clock.Now().Sub(epoch.Add(24 * time.Hour)); now < r.Files.GiveUp || now > r.Files.GiveUp+longestLook/2 {
			t.Errorf("%s: given up after %v", extension, now)
		}
	}
}

// No text waits for a file in doubt, wherever files are waited for.
func TestTextDoesNotWaitForDoubt(t *testing.T) {
	r, h, s := fileTrial(t, later)
	h.put(talk{id: "a", closed: true, said: []said{{0, "see this"}}, files: map[int]string{0: named(1, "html")}})
	s.put("a", shelved{named(1, "html"), personsPage})
	r.runs(ErrIncomplete)
	r.holds("local", "a", "0: see this")
	r.mustAttach("a")
	r.clock.Advance(doubtApart)
	r.runs(nil)
	r.holds("local", "a", "0: see this")
	r.mustAttach("a", is(2, named(1, "html"), personsPage))
}

// What was given once and then no more is not lost.
func TestADoubtfulFileThatIsGoneIsKept(t *testing.T) {
	r, s, path := doubts(t, "html", personsPage)
	r.runs(ErrIncomplete)
	s.put("a")
	for range 6 {
		r.clock.Advance(longestLook / 4)
		r.tries()
	}
	r.mustAttach("a", is(2, path, personsPage))
}

// A person's page under a link that names no message, also under one that changes.
func TestAPageThatNoMessageNamesArrives(t *testing.T) {
	for _, changing := range []bool{false, true} {
		r, h, s := fileTrial(t, nil)
		h.put(photos("a", 1))
		for n := range 10 {
			link := "/dl/0"
			if changing {
				link = fmt.Sprint("/dl/", n)
			}
			s.put("a", shelved{link, personsPage}, shelved{"/dl/x", personsPage + logIn}, shelved{"/dl/x", personsPage + errorDocument})
			r.tries()
			r.clock.Advance(longestLook / 4)
		}
		got := bytesOf(r.attached("local", "a"))
		slices.Sort(got)
		if want := []string{personsPage, personsPage + errorDocument, personsPage + logIn}; !slices.Equal(got, want) {
			t.Errorf("changing %v: attached %q", changing, got)
		}
		if report := r.runs(nil); report.Files.Doubtful+report.Files.Waiting != 0 {
			t.Errorf("changing %v: the run says %+v", changing, report.Files)
		}
		r.sound()
	}
}

// What an archive has is not replaced by something doubtful.
func TestAFileThatWasLostIsNotReplacedByADoubtfulOne(t *testing.T) {
	r, s, path := doubts(t, "txt", "Our trip")
	s.sentAs = map[string]string{path: "text/plain"}
	r.runs(nil)
	again := func(tx *checkpoint.Tx) error { return tx.FetchAgain(hexSum([]byte("Our trip"))) }
	if err := r.cp.Update(context.Background(), again); err != nil {
		t.Fatal(err)
	}
	s.put("a", shelved{path, logIn})
	for range 8 {
		r.clock.Advance(7 * time.Hour)
		r.tries()
	}
	s.put("a", shelved{path, "Our trip"})
	r.clock.Advance(missingPause)
	r.runs(nil)
	if got := bytesOf(r.attached("local", "a")); !slices.Equal(got, []string{"Our trip"}) {
		t.Errorf("attached: %q", got)
	}
	r.sound()
}

// keepAsBefore makes of a state one as it was written before anybody doubted what came:
// an error document is kept as the first file.
func (r *trial) keepAsBefore() {
	r.t.Helper()
	_, err := r.contents().put(answered{}, func(w *contentWriter) error {
		_, err := w.Write([]byte(errorDocument))
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.reopenWith(func() {
		statements, err := os.ReadFile("testdata/kept-before-doubt.sql")
		if err != nil {
			r.t.Fatal(err)
		}
		db, err := database.Open("sqlite", filepath.Join(r.state, checkpoint.File))
		if err == nil {
			_, err = db.Exec(string(statements))
			err = errors.Join(err, db.Close())
		}
		if err != nil {
			r.t.Fatal(err)
		}
	})
}

// An error page that was archived as a picture: the picture follows, and says what it
// takes the place of; once.
func TestWhatWasKeptBeforeAndIsNoFileIsLookedForAgain(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1, 2))
	s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), picture(2)})
	r.runs(nil)
	before := r.attached("local", "a")
	r.keepAsBefore()
	s.put("a", shelved{pathOf(1), errorDocument}, shelved{pathOf(2), picture(2)})
	gets := s.gets
	r.clock.Advance(time.Minute)
	if report := r.runs(ErrIncomplete); report.Files.Waiting != 1 || report.Files.Kept != 2 {
		t.Errorf("the run says %+v", report.Files)
	}
	r.mustAttach("a", before...)
	s.put("a", shelved{pathOf(1), picture(3)}, shelved{pathOf(2), picture(2)})
	for range 3 {
		r.clock.Advance(longestLook)
		r.runs(nil)
	}
	r.mustAttach("a", append(before, is(2, pathOf(1), picture(3)))...)
	told := r.reasons("a")
	if want := "what the archive was given under SHA-256 " + hexSum([]byte(errorDocument)) + " is not the file that was sent"; told[2] != want {
		t.Errorf("told %q", told)
	}
	if s.gets != gets+2 {
		t.Errorf("fetched %d times", s.gets-gets)
	}
}

// … and where LivePerson does not have it any more, that is on record.
func TestWhatWasKeptBeforeAndIsGoneIsOnRecord(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1, 2))
	s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), picture(2)})
	r.runs(nil)
	r.keepAsBefore()
	s.put("a", shelved{pathOf(2), picture(2)})
	for range 8 {
		r.clock.Advance(longestLook / 4)
		r.tries()
	}
	told := r.reasons("a")
	want := "what the archive was given under SHA-256 " + hexSum([]byte(errorDocument)) + " is not the file that was sent; LivePerson lists no such file"
	if len(told) != 3 || told[2] != want {
		t.Errorf("told %q", told)
	}
	if report := r.runs(nil); report.Files.Missing != 1 || report.Files.Kept != 2 || report.Files.Waiting != 0 {
		t.Errorf("the run says %+v", report.Files)
	}
	r.sound()
}

// hashes are those of all files that a destination was given, by conversation, sorted.
// Where links have names of their own, the messages' files are on record as missing
// besides.
func hashes(delivered []archive.Slice, opaque bool) map[string][]string {
	all := map[string][]string{}
	for _, s := range delivered {
		for _, h := range s.Happened {
			if h.Kind == archive.Filed && (h.File.Held() || !opaque || h.Reason != whyNotListed) {
				all[s.Conversation] = append(all[s.Conversation], cmp.Or(h.File.SHA256, h.Reason))
			}
		}
	}
	for _, list := range all {
		slices.Sort(list)
	}
	return all
}

// Whatever storage gives for a while in whatever file's place: each file is archived
// once in the end, by its hash, and nothing else.
func TestFilesOfAStorageInTrouble(t *testing.T) {
	for seed := range uint64(4) {
		opaque := seed%4 == 3
		r := newTrial(t, sandbox.Settings{
			Seed: seed, Conversations: 100, Period: 20 * time.Hour, Messages: 30,
			Files: sandbox.Files{Mixed: true, Texts: !opaque, Opaque: opaque, Pages: 0.5, PagesFor: 5 * time.Hour},
		}, 4*time.Hour, func(s *Settings) { s.Files = fetching(s.Source.(FileSource)) })
		for range 24 {
			r.tries()
			r.clock.Advance(3 * time.Hour)
		}
		report := r.runs(nil)
		want, files := map[string][]string{}, int64(0)
		for c := range r.account.Truth(r.clock.Now()) {
			for _, m := range c.Messages {
				if f, ok := r.account.File(m.Path); ok {
					want[c.ID] = append(want[c.ID], f.SHA256)
					files++
				}
			}
			slices.Sort(want[c.ID])
		}
		if diff := gocmp.Diff(want, hashes(r.delivered("local"), opaque)); diff != "" || report.Files.Kept != files || files < 50 {
			t.Errorf("seed %d: %d files, the run says %+v: %s", seed, files, report.Files, diff)
		}
		r.sound()
	}
}
