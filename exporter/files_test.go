package exporter

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// shelf is where a handmade account's files lie.
type shelf struct {
	mu      sync.Mutex
	files   map[string][]shelved                      // by conversation, in the order they are listed
	refused bool                                      // this login is given none
	sentAs  map[string]string                         // media types by path; others are sent as pictures
	instead func(path string) *answer                 // given in a file's place; nil, or of nil: the file
	fail    func(op, conversation, path string) error // asked before each answer; nil: all goes well
	lists   int
	gets    int
}

// shelved is one file: its link's path, and its bytes.
type shelved struct{ path, bytes string }

// bad is the path of a link that is none.
const bad = "bad"

func (s *shelf) failed(op, conversation, path string) error {
	if s.fail == nil {
		return nil
	}
	return s.fail(op, conversation, path)
}

func (s *shelf) ConversationFiles(_ context.Context, conversation string) (links []liveperson.Link, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists++
	if s.refused {
		return nil, fmt.Errorf("list files: %w", liveperson.ErrFilesRefused)
	}
	if err := s.failed("list", conversation, ""); err != nil {
		return nil, err
	}
	for i, f := range s.files[conversation] {
		if f.path == bad {
			links = append(links, liveperson.Link{URL: bad, Err: liveperson.ErrBadLink})
			continue
		}
		links = append(links, liveperson.Link{URL: fmt.Sprintf("%s %d", conversation, i), Path: f.path})
	}
	return links, nil
}

func (s *shelf) File(_ context.Context, link liveperson.Link, limit int64, to liveperson.FileSink) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets++
	var conversation string
	var i int
	if _, err := fmt.Sscanf(link.URL, "%s %d", &conversation, &i); err != nil {
		return "", err
	}
	f := s.files[conversation][i]
	if err := to.Reset(); err != nil {
		return "", err
	}
	if _, err := to.Write([]byte(f.bytes[:len(f.bytes)/2])); err != nil {
		return "", err
	}
	if err := s.failed("get", conversation, f.path); err != nil {
		return "", err
	}
	if int64(len(f.bytes)) > limit {
		return "", &liveperson.APIError{Op: "get file", Err: liveperson.ErrTooLarge}
	}
	if err := to.Reset(); err != nil {
		return "", err
	}
	given := answer{f.bytes, cmp.Or(s.sentAs[f.path], "image/jpeg")}
	if s.instead != nil {
		given = *cmp.Or(s.instead(f.path), &given)
	}
	_, err := to.Write([]byte(given.bytes))
	return given.declared, cmp.Or(err, to.Judge(given.declared))
}

func (s *shelf) put(conversation string, files ...shelved) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil {
		s.files = map[string][]shelved{}
	}
	s.files[conversation] = files
}

// pathOf is a file's path as LivePerson makes them.
func pathOf(n int) string {
	return fmt.Sprintf("/v1/AUTH_async-images/sandbox/%08d-1111-4222-8333-444455556666_photo.jpg", n)
}

// picture is a file's bytes, those of a JPEG to whoever looks at their begin.
func picture(n int) string {
	return "\xff\xd8\xff\xe0" + strings.Repeat(fmt.Sprint("picture ", n, " "), 100+n)
}

// fileTrial is a trial on a handmade account whose files are fetched.
func fileTrial(t *testing.T, edit func(*Settings)) (*trial, *handmade, *shelf) {
	t.Helper()
	s := &shelf{}
	r, h := handTrial(t, func(set *Settings) {
		set.Files = FileSettings{Fetch: true, Source: s, MaxBytes: 1 << 20, GiveUp: 24 * time.Hour}
		if edit != nil {
			edit(set)
		}
	})
	return r, h, s
}

// runs is a cycle that ends with err.
func (r *trial) runs(want error) Report {
	r.t.Helper()
	report, err := r.Cycle(context.Background(), nil)
	if !errors.Is(err, want) || want == nil && err != nil {
		r.t.Errorf("the cycle ended with %v, want %v", err, want)
	}
	return report
}

// attached lists, for a conversation, what a destination was given of files, slice
// by slice: "1: path = bytes", or the reason why there are none. Every file is
// read where it lies.
func (r *trial) attached(name, conversation string) []string {
	r.t.Helper()
	list := []string{}
	for _, s := range r.delivered(name) {
		for _, h := range s.Happened {
			if s.Conversation != conversation || h.Kind != archive.Filed {
				continue
			}
			what := h.Reason
			if h.File.Held() {
				what = r.lying(name, h.File)
			}
			list = append(list, fmt.Sprintf("%d: %s = %s", s.Number, h.File.Path, what))
		}
	}
	return list
}

// lying reads an attachment out of the bundle that names it.
func (r *trial) lying(name string, a *archive.Attachment) string {
	r.t.Helper()
	found, err := filepath.Glob(filepath.Join(r.root, name, "sandbox", "*", "*", "*", "*", a.Name))
	if err != nil || len(found) == 0 {
		r.t.Errorf("%s does not lie in any bundle: %v", a.Name, err)
		return ""
	}
	raw, err := os.ReadFile(found[0])
	if err != nil {
		r.t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	extension, kind := path.Ext(a.Name), a.Type
	if strings.HasPrefix(string(raw), picture(0)[:4]) {
		extension, kind = ".jpg", "image/jpeg"
	}
	if int64(len(raw)) != a.Bytes || hex.EncodeToString(sum[:]) != a.SHA256 || a.Name != a.SHA256+extension || a.Type != kind {
		r.t.Errorf("the attachment is not what it says: %+v, %d bytes", *a, len(raw))
	}
	return string(raw)
}

func (r *trial) mustAttach(conversation string, want ...string) {
	r.t.Helper()
	if got := r.attached("local", conversation); !slices.Equal(got, want) {
		r.t.Errorf("attached to %s:\n%.300q\nwant\n%.300q", conversation, got, want)
	}
	r.sound()
}

func is(slice int, path, bytes string) string { return fmt.Sprintf("%d: %s = %s", slice, path, bytes) }

func TestAFileIsFetchedOnceAndFollowsItsMessage(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	k := talk{id: "a", said: []said{{0, "hello"}, {1, "my passport"}, {2, "thanks"}}, files: map[int]string{1: pathOf(1)}}
	h.put(k)
	s.put("a", shelved{pathOf(1), picture(1)})
	report := r.runs(nil)
	if report.Files.Fetched != 1 || report.Files.FetchedBytes != int64(len(picture(1))) || report.Files.Kept != 1 || report.Files.Waiting != 0 || !report.Complete {
		t.Errorf("the run says %+v", report.Files)
	}
	r.holds("local", "a", "0: hello", "1: my passport", "2: thanks")
	attached := r.attached("local", "a")
	r.clock.Advance(time.Hour)
	k.said = append(k.said, said{3, "one more"})
	h.put(k)
	r.runs(nil)
	r.holds("local", "a", "0: hello", "1: my passport", "2: thanks", "3: one more")
	if again := r.attached("local", "a"); !slices.Equal(again, attached) || len(again) != 1 || !strings.HasSuffix(again[0], pathOf(1)+" = "+picture(1)) {
		t.Errorf("attached: %.200q, before: %.200q", again, attached)
	}
	if s.lists != 1 || s.gets != 1 {
		t.Errorf("asked for links %d times, for files %d times: once would do", s.lists, s.gets)
	}
}

// A destination that waits for conversations to close is given files with the text.
func TestAFileLiesInTheSliceOfItsMessage(t *testing.T) {
	r, h, s := fileTrial(t, later)
	h.put(talk{id: "a", closed: true, said: []said{{0, "hello"}, {1, "photo"}}, files: map[int]string{1: pathOf(1)}})
	s.put("a", shelved{pathOf(1), picture(1)})
	r.runs(nil)
	r.mustAttach("a", is(1, pathOf(1), picture(1)))
}

// Text does not wait longer for files than an hour.
func TestTextDoesNotWaitForFiles(t *testing.T) {
	r, h, s := fileTrial(t, later)
	h.put(talk{id: "a", closed: true, said: []said{{0, "photo"}}, files: map[int]string{0: pathOf(1)}})
	s.fail = func(op, _, _ string) error { return &liveperson.APIError{Op: op, Status: 503} }
	s.put("a", shelved{pathOf(1), picture(1)})
	r.runs(ErrIncomplete)
	r.holds("local", "a", "0: photo")
	s.fail = nil
	r.clock.Advance(filesHold)
	r.runs(nil)
	r.holds("local", "a", "0: photo")
	r.mustAttach("a", is(2, pathOf(1), picture(1)))
}

func TestAFileThatIsNotThereIsOnRecord(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(talk{id: "a", said: []said{{0, "photo"}, {1, "other"}}, files: map[int]string{0: pathOf(1), 1: pathOf(2)}})
	s.put("a", shelved{pathOf(2), picture(2)})
	if report := r.runs(nil); report.Files.Waiting != 1 || report.Files.Overdue != 0 {
		t.Errorf("a file that is not listed at once: %+v", report.Files)
	}
	second := r.attached("local", "a")
	for range 4 {
		r.clock.Advance(5 * time.Hour)
		r.runs(ErrIncomplete)
	}
	r.clock.Advance(5 * time.Hour)
	if report := r.runs(nil); report.Files.Missing != 1 || report.Files.Waiting != 0 {
		t.Errorf("the run says %+v", report.Files)
	}
	r.mustAttach("a", append(second, is(2, pathOf(1), whyNotListed))...)
	r.clock.Advance(time.Hour)
	looked := s.lists
	r.runs(nil)
	if s.lists != looked {
		t.Error("it is looked for again at once")
	}
	s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), picture(2)})
	r.clock.Advance(missingPause)
	r.runs(nil)
	r.mustAttach("a", append(second, is(2, pathOf(1), whyNotListed), is(3, pathOf(1), picture(1)))...)
	r.holds("local", "a", "0: photo", "1: other")
}

// Links that name no file: all of them are archived, and none is said to be of a
// message.
func TestFilesWithoutNamesAreAllKept(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	k := talk{id: "a", said: []said{{0, "one"}, {1, "two"}}, files: map[int]string{0: pathOf(1), 1: pathOf(2)}}
	h.put(k)
	s.put("a", shelved{"/download/8f2c", picture(1)})
	r.runs(nil)
	first := r.attached("local", "a")
	if len(first) != 1 || !strings.HasSuffix(first[0], ":  = "+picture(1)) {
		t.Fatalf("attached: %.200q", first)
	}
	s.put("a", shelved{"/download/8f2c", picture(1)}, shelved{"/download/77aa", picture(2)})
	r.clock.Advance(2 * time.Minute)
	r.runs(nil)
	r.mustAttach("a", append(first, is(2, "", picture(2)))...)
	if s.gets != 2 {
		t.Errorf("fetched %d times", s.gets)
	}
	// Other links for the same files, and one more.
	k.said, k.files[2] = append(k.said, said{2, "three"}), pathOf(3)
	h.put(k)
	s.put("a", shelved{"/x", picture(1)}, shelved{"/x", picture(2)}, shelved{"/x", picture(3)})
	r.clock.Advance(2 * time.Minute)
	r.runs(nil)
	got := r.attached("local", "a")
	if len(got) != 3 || !strings.HasSuffix(got[2], ":  = "+picture(3)) {
		t.Errorf("attached: %.300q", got)
	}
	r.sound()
}

func TestMatchGuessesNothing(t *testing.T) {
	uuid := "01234567-89ab-cdef-0123-456789abcdef"
	for _, c := range []struct {
		name         string
		files, links []string
		want         []int // the link of each file, -1: none
	}{
		{"the same path", []string{"/v1/a/x.jpg"}, []string{"/v1/a/y.jpg", "/v1/a/x.jpg"}, []int{1}},
		{"without its slash", []string{"v1/x.jpg"}, []string{"/v1/x.jpg"}, []int{0}},
		{"below another path", []string{"/v1/x.jpg"}, []string{"/bucket/v1/x.jpg"}, []int{0}},
		{"not in the middle of a name", []string{"x.jpg"}, []string{"/v1/yx.jpg"}, []int{-1}},
		{"the last part, with a UUID", []string{"/v1/a/" + uuid + "_x.jpg"}, []string{"/other/" + uuid + "_x.jpg"}, []int{0}},
		{"the last part, without", []string{"/v1/a/x.jpg"}, []string{"/other/x.jpg"}, []int{-1}},
		{"two files that one link fits", []string{"x.jpg", "/b/x.jpg"}, []string{"/a/b/x.jpg"}, []int{-1, -1}},
		{"two links that fit one file", []string{"x.jpg"}, []string{"/a/x.jpg", "/b/x.jpg"}, []int{-1}},
		{"an exact one besides", []string{"/a/x.jpg", "x.jpg"}, []string{"/a/x.jpg", "/b/x.jpg"}, []int{0, 1}},
		{"one link twice", []string{"/x.jpg"}, []string{"/x.jpg", "/x.jpg"}, []int{-1}},
		{"nothing", []string{"/"}, []string{"/", "/x"}, []int{0}},
	} {
		var files []*sought
		var links []liveperson.Link
		for _, f := range c.files {
			files = append(files, &sought{HostedFile: checkpoint.HostedFile{Path: f}})
		}
		for _, l := range c.links {
			links = append(links, liveperson.Link{Path: l})
		}
		finds, others := match(files, links)
		var got []int
		named := 0
		for _, f := range finds {
			k := -1
			for i := range links {
				if f.link == &links[i] {
					k = i
					named++
				}
			}
			got = append(got, k)
		}
		if !slices.Equal(got, c.want) || len(others) != len(links)-named {
			t.Errorf("%s: links %v, want %v; %d others", c.name, got, c.want, len(others))
		}
	}
}

func TestRefusedFilesStopNothing(t *testing.T) {
	r, h, s := fileTrial(t, later)
	s.refused = true
	h.put(talk{id: "a", closed: true, said: []said{{0, "photo"}}, files: map[int]string{0: pathOf(1)}})
	h.put(talk{id: "b", closed: true, said: []said{{0, "photo"}}, files: map[int]string{0: pathOf(2)}})
	s.put("a", shelved{pathOf(1), picture(1)})
	s.put("b", shelved{pathOf(2), picture(2)})
	report := r.runs(nil)
	if report.Files.Waiting != 2 || report.Files.Refused == "" {
		t.Errorf("the run says %+v", report.Files)
	}
	r.holds("local", "a", "0: photo")
	asked := s.lists
	r.clock.Advance(time.Minute)
	r.runs(nil)
	if s.lists != asked {
		t.Error("asked again at once")
	}
	s.refused = false
	r.clock.Advance(refusedPause)
	if report := r.runs(nil); report.Files.Waiting != 0 || report.Files.Refused != "" {
		t.Errorf("the run says %+v", report.Files)
	}
	r.mustAttach("a", is(2, pathOf(1), picture(1)))
	r.mustAttach("b", is(2, pathOf(2), picture(2)))
	// Once there were files, a login that is refused is a fault.
	s.refused = true
	r.clock.Advance(refusedPause)
	h.put(talk{id: "c", closed: true, said: []said{{0, "photo"}}, files: map[int]string{0: pathOf(3)}})
	r.runs(nil)
	r.clock.Advance(filesHold)
	r.runs(ErrIncomplete)
}

func TestOneBrokenFileStopsNoOther(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(talk{id: "a", said: []said{{0, "1"}, {1, "2"}, {2, "3"}}, files: map[int]string{0: pathOf(1), 1: pathOf(2), 2: pathOf(3)}})
	s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), picture(2)}, shelved{pathOf(3), picture(3)})
	s.fail = func(op, _, path string) error {
		if op == "get" && path == pathOf(2) {
			return &liveperson.APIError{Op: op, Status: 500}
		}
		return nil
	}
	r.runs(ErrIncomplete)
	if got := r.attached("local", "a"); len(got) != 2 {
		t.Errorf("attached: %.200q", got)
	}
	for range 20 { // a fault is no proof that a file is not there
		r.clock.Advance(10 * time.Hour)
		r.runs(ErrIncomplete)
	}
	s.fail = nil
	r.clock.Advance(longestLook)
	r.runs(nil)
	if got := r.attached("local", "a"); len(got) != 3 {
		t.Errorf("attached: %.200q", got)
	}
	r.sound()
}

func TestNothingIsAskedForLongWhenFilesCannotBeReached(t *testing.T) {
	r, h, s := fileTrial(t, func(s *Settings) { s.Concurrency = 1 })
	for i := range 40 {
		h.put(talk{id: fmt.Sprint("c", i), said: []said{{0, "photo"}}, files: map[int]string{0: pathOf(i)}})
	}
	s.fail = func(op, _, _ string) error { return &liveperson.APIError{Op: op, Status: 503} }
	r.runs(ErrIncomplete)
	if s.lists > 2*mostFaults {
		t.Errorf("asked %d times", s.lists)
	}
	if got := len(r.delivered("local")); got != 40 {
		t.Errorf("%d texts were delivered", got)
	}
}

// Links end after a minute: what is left is asked for anew.
func TestLinksThatEndAreAskedForAgain(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	k := talk{id: "a", files: map[int]string{}}
	var files []shelved
	for i := range 5 {
		k.said, k.files[i] = append(k.said, said{i, "photo"}), pathOf(i)
		files = append(files, shelved{pathOf(i), picture(i)})
	}
	h.put(k)
	s.put("a", files...)
	left := 0
	s.fail = func(op, _, _ string) error {
		if op == "list" {
			left = 2
			return nil
		}
		if left--; left < 0 {
			return &liveperson.APIError{Op: op, Status: 401, Err: liveperson.ErrLinkExpired}
		}
		return nil
	}
	r.runs(nil)
	if got := r.attached("local", "a"); len(got) != 5 {
		t.Errorf("attached: %.300q", got)
	}
	if s.lists != 3 {
		t.Errorf("asked for links %d times", s.lists)
	}
}

func TestAPageOfExcusesIsNoPicture(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(talk{id: "a", said: []said{{0, "photo"}}, files: map[int]string{0: pathOf(1)}})
	s.put("a", shelved{pathOf(1), "<!DOCTYPE html><html><body>down for maintenance</body></html>"})
	r.runs(ErrIncomplete)
	r.mustAttach("a")
	s.put("a", shelved{pathOf(1), picture(1)})
	r.clock.Advance(2 * time.Minute)
	r.runs(nil)
	r.mustAttach("a", is(2, pathOf(1), picture(1)))
}

func TestAFileAboveTheLimitIsOnRecordAtOnce(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(talk{id: "a", said: []said{{0, "film"}}, files: map[int]string{0: pathOf(1)}})
	s.put("a", shelved{pathOf(1), strings.Repeat("x", 1<<20+1)})
	r.runs(nil)
	if got := r.attached("local", "a"); len(got) != 1 || !strings.Contains(got[0], "1048576 bytes") {
		t.Errorf("attached: %q", got)
	}
	left, err := filepath.Glob(filepath.Join(r.state, "files", "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left in the state: %q, %v", left, err)
	}
}

// Only what lies at LivePerson is fetched: not what a link names elsewhere, and
// not what stands in the place of an erased path.
func TestWhatLiesElsewhereIsNotFetched(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(talk{id: "a", said: []said{{0, "x"}, {1, "y"}}, files: map[int]string{0: "https://evil.example/x.jpg", 1: "** LP deleted data **"}})
	r.runs(nil)
	if s.lists != 0 {
		t.Errorf("asked for links %d times", s.lists)
	}
	r.mustAttach("a")
	link := archive.Message{Type: "LINK", Files: []archive.File{{Path: "elsewhere.example/x.jpg"}}}
	if named := appendNamed(nil, &link); len(named) > 0 {
		t.Errorf("a link without a scheme is fetched: %+v", named)
	}
}

// Where many files wait, those that have just been named come first.
func TestNewFilesAreFetchedFirst(t *testing.T) {
	r, h, s := fileTrial(t, func(s *Settings) { s.Concurrency = 1 })
	var asked []string
	s.fail = func(op, conversation, _ string) error {
		if op == "list" {
			asked = append(asked, conversation)
		}
		return nil
	}
	s.refused = true
	want := []string{}
	for i := range 5 {
		id := fmt.Sprint("c", i)
		h.put(talk{id: id, said: []said{{0, "photo"}}, files: map[int]string{0: pathOf(i)}})
		s.put(id, shelved{pathOf(i), picture(i)})
		r.runs(nil)
		r.clock.Advance(time.Minute)
		want = append([]string{id}, want...)
	}
	s.refused = false
	r.clock.Advance(refusedPause)
	r.runs(nil)
	if !slices.Equal(asked, want) {
		t.Errorf("asked for the files of %q, want %q", asked, want)
	}
}

// What an archive holds is not given to it again after the state was lost.
func TestFilesAreNotDeliveredAgainAfterARecovery(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(talk{id: "a", said: []said{{0, "1"}, {1, "2"}}, files: map[int]string{0: pathOf(1), 1: pathOf(2)}})
	s.put("a", shelved{pathOf(1), picture(1)})
	r.runs(nil)
	before := r.attached("local", "a")
	r.lose()
	r.recovers("local")
	s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), picture(2)})
	r.runs(nil)
	r.holds("local", "a", "0: 1", "1: 2")
	got := r.attached("local", "a")
	if len(got) != 2 || got[0] != before[0] || !strings.HasSuffix(got[1], pathOf(2)+" = "+picture(2)) {
		t.Errorf("attached: %.300q", got)
	}
	r.sound()
}

// A bundle that has to be rendered again, when its files are not in the state any
// more, is not rendered without them.
func TestABundleIsNotRenderedWithoutItsFiles(t *testing.T) {
	r, h, s := fileTrial(t, later)
	h.put(talk{id: "a", closed: true, said: []said{{0, "photo"}}, files: map[int]string{0: pathOf(1)}})
	s.put("a", shelved{pathOf(1), picture(1)})
	r.Step = func(name string) {
		if name != "bundle cut" {
			return
		}
		err := filepath.WalkDir(filepath.Join(r.state, "files"), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				err = os.Remove(path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	_, err := r.Cycle(context.Background(), nil)
	var halt *HaltError
	var damaged *archive.ContentError
	if !errors.As(err, &halt) || !errors.As(err, &damaged) {
		t.Errorf("the run ended with %v", err)
	}
	if got := r.delivered("local"); len(got) != 0 {
		t.Errorf("delivered %d slices", len(got))
	}
	// LivePerson is asked for it again, and the archive is given it once.
	r.Step = func(string) {}
	r.clock.Advance(time.Minute)
	r.runs(nil)
	r.mustAttach("a", is(1, pathOf(1), picture(1)))
}

// Verify reads what the state keeps, too: a replay needs it.
func TestVerifyReadsTheFilesOfTheState(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(talk{id: "a", said: []said{{0, "1"}, {1, "2"}, {2, "3"}}, files: map[int]string{0: pathOf(1), 1: pathOf(2), 2: pathOf(3)}})
	s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), picture(2)}, shelved{pathOf(3), picture(3)})
	r.runs(nil)
	r.sound()
	gone, altered := hexSum([]byte(picture(1))), hexSum([]byte(picture(2)))
	if err := errors.Join(os.Remove(r.contents().path(gone)), os.WriteFile(r.contents().path(altered), []byte(picture(3)), 0o600)); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	if _, err := r.Verify(context.Background(), func(p archive.Problem) { found[filepath.Base(p.Path)] = p.Kind }); err != nil {
		t.Error(err)
	}
	if want := map[string]string{gone: archive.Missing, altered: archive.Damaged}; !maps.Equal(found, want) {
		t.Errorf("verify finds %v, want %v", found, want)
	}
}

// What is shown to a reviewer before anything is sent has its files.
func TestADryRunHasFiles(t *testing.T) {
	r, h, s := fileTrial(t, later)
	h.put(talk{id: "a", closed: true, said: []said{{0, "photo"}}, files: map[int]string{0: pathOf(1)}})
	s.put("a", shelved{pathOf(1), picture(1)})
	dir := t.TempDir()
	bundles, err := r.DryRun(context.Background(), dir, nil)
	if err != nil || len(bundles) != 1 || bundles[0].Slices != 1 {
		t.Fatalf("rendered %+v, %v", bundles, err)
	}
	raw, err := os.ReadFile(filepath.Join(bundles[0].Path, hexSum([]byte(picture(1)))+".jpg"))
	if err != nil || string(raw) != picture(1) {
		t.Errorf("the picture has %d bytes, %v", len(raw), err)
	}
	r.runs(nil)
	r.mustAttach("a", is(1, pathOf(1), picture(1)))
}
