package exporter

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// gone is what storage answers to a link that has ended, or whose file is no more.
func gone(op string) error {
	return &liveperson.APIError{Op: op, Status: 404, Err: liveperson.ErrLinkExpired}
}

func down(op string) error { return &liveperson.APIError{Op: op, Status: 503} }

// photos is a conversation whose messages are all files, of the given numbers.
func photos(id string, numbers ...int) talk {
	k := talk{id: id, files: map[int]string{}}
	for i, n := range numbers {
		k.said, k.files[i] = append(k.said, said{i, "photo"}), pathOf(n)
	}
	return k
}

// bytesOf are the contents that were attached, without slices and paths.
func bytesOf(attached []string) (list []string) {
	for _, a := range attached {
		_, bytes, _ := strings.Cut(a, " = ")
		list = append(list, bytes)
	}
	return list
}

// mustHave makes sure that a conversation's files were attached, each once, and no others.
func (r *trial) mustHave(conversation string, numbers ...int) {
	r.t.Helper()
	got, want := bytesOf(r.attached("local", conversation)), []string{}
	for _, n := range numbers {
		want = append(want, picture(n))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.t.Errorf("attached to %s: %.300q, want %v", conversation, got, numbers)
	}
	r.sound()
}

// tries is a cycle that may find that something is to be tried again.
func (r *trial) tries() Report {
	r.t.Helper()
	report, err := r.Cycle(context.Background(), nil)
	if err != nil && !errors.Is(err, ErrIncomplete) {
		r.t.Error(err)
	}
	return report
}

// Links that have other paths in every answer, one of which leads nowhere: what is
// fetched again is no progress.
func TestLinksThatChangeAndEndAreNotFollowedForEver(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1, 2))
	lists := 0
	s.fail = func(op, _, path string) error {
		switch {
		case op == "list":
			if lists++; lists > 20 {
				return down(op)
			}
			s.files = map[string][]shelved{"a": {{fmt.Sprintf("/dl/%d-1", lists), picture(1)}, {fmt.Sprintf("/dl/%d-2", lists), picture(2)}}}
		case strings.HasSuffix(path, "-2"):
			return gone(op)
		}
		return nil
	}
	r.tries()
	if lists > 3 {
		t.Errorf("asked for links %d times in one look", lists)
	}
	r.mustHave("a", 1)
}

// A file that no message names is not forgotten for LivePerson's being down when its
// time has come.
func TestAFileThatNoMessageNamesSurvivesFaults(t *testing.T) {
	for _, broken := range []string{"list", "get"} {
		r, h, s := fileTrial(t, nil)
		h.put(photos("a", 1))
		s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), picture(2)})
		r.runs(nil)
		s.fail = func(op, _, _ string) error {
			if op == broken {
				return down(op)
			}
			return nil
		}
		r.clock.Advance(2 * historyLag)
		r.tries()
		s.fail = nil
		r.clock.Advance(longestLook)
		r.runs(nil)
		r.mustHave("a", 1, 2)
	}
}

// … nor for its conversation's being captured in sections then.
func TestAFileThatNoMessageNamesWaitsForSections(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1))
	s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), picture(2)})
	r.runs(nil)
	r.clock.Advance(2 * historyLag)
	release, err := r.leaseBig(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	half := func(tx *checkpoint.Tx) error {
		known, err := tx.Conversation("a")
		if err != nil {
			return err
		}
		return tx.PutPart(known.ID, known.Revision+1, 0, r.packer.part("info", []byte("{}")), 0)
	}
	if err := r.cp.Update(context.Background(), half); err != nil {
		t.Fatal(err)
	}
	gets := s.gets
	r.runs(nil)
	r.clock.Advance(historyLag)
	r.runs(nil)
	if s.gets != gets {
		t.Errorf("fetched %d files that cannot be told of", s.gets-gets)
	}
	release()
	r.clock.Advance(longestLook)
	r.runs(nil)
	r.mustHave("a", 1, 2)
	r.holds("local", "a", "0: photo")
}

// The only link is of a message that history has not told yet: it stands for no other
// file, and each is delivered once, as its own message's.
func TestALinkOfAnotherMessageStandsForNone(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	k := photos("a", 1)
	h.put(k)
	s.put("a", shelved{pathOf(2), picture(2)})
	r.runs(nil)
	r.mustAttach("a")
	h.put(photos("a", 1, 2))
	s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), picture(2)})
	r.clock.Advance(5 * time.Minute)
	r.runs(nil)
	r.mustAttach("a", is(2, pathOf(1), picture(1)), is(2, pathOf(2), picture(2)))
}

// Where links bear names, one without a message's stands for no file either, however
// long it has been there.
func TestAFileThatIsListedLateIsNotTakenForAnother(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1, 3))
	s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), picture(2)})
	for range 4 {
		r.runs(nil)
		r.clock.Advance(historyLag)
	}
	s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), picture(2)}, shelved{pathOf(3), picture(3)})
	r.clock.Advance(longestLook)
	r.runs(nil)
	r.mustHave("a", 1, 2, 3)
}

// Links without names: as many as there are files does not mean that none comes
// later.
func TestALateLinkWithoutANameIsFollowed(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1))
	s.put("a", shelved{"/dl/1", picture(2)}) // of a message that is never told
	r.runs(nil)
	s.put("a", shelved{"/dl/1", picture(2)}, shelved{"/dl/2", picture(1)})
	for range 3 {
		r.clock.Advance(longestLook)
		r.runs(nil)
	}
	r.mustHave("a", 1, 2)
	lists := s.lists
	r.clock.Advance(longestLook)
	r.runs(nil)
	if s.lists != lists {
		t.Error("it is looked for for ever")
	}
}

// What no message names and is not to be had ends too, on record.
func TestAStrangeFileThatIsNotToBeHadIsOnRecord(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1))
	s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), strings.Repeat("x", 1<<20+1)})
	for range 12 {
		r.tries()
		r.clock.Advance(6 * time.Hour)
	}
	report := r.runs(nil)
	if report.Files.Waiting != 0 || report.Files.Missing != 1 {
		t.Errorf("the run says %+v", report.Files)
	}
	got := bytesOf(r.attached("local", "a"))
	if len(got) != 2 || got[0] != picture(1) || !strings.Contains(got[1], "larger than") {
		t.Errorf("attached: %.200q", got)
	}
	gets := s.gets
	r.clock.Advance(longestLook)
	r.runs(nil)
	if s.gets != gets {
		t.Error("it is fetched every day")
	}
	s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), picture(2)})
	r.clock.Advance(missingPause)
	r.runs(nil)
	if got := bytesOf(r.attached("local", "a")); len(got) != 3 || got[2] != picture(2) {
		t.Errorf("attached: %.200q", got)
	}
}

// A link that cannot be followed, beside files that were fetched, is on record.
func TestABadLinkIsNotSkippedInSilence(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1, 2))
	s.put("a", shelved{pathOf(1), picture(1)}, shelved{pathOf(2), picture(2)}, shelved{bad, ""})
	for range 12 {
		r.tries()
		r.clock.Advance(6 * time.Hour)
	}
	r.runs(nil)
	got := bytesOf(r.attached("local", "a"))
	if len(got) != 3 || got[2] != whyBadLink {
		t.Errorf("attached: %.300q", got)
	}
	r.sound()
}

// Files of a conversation of which nothing is captured yet are not even asked for.
func TestFilesOfWhatIsInQuarantineAreNotFetchedAgainAndAgain(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.limit, h.alone = 100, 100
	k := photos("a", 1)
	record := strings.Replace(k.record(), `"messageRecords":[`, `"messageRecords":["no message",`, 1)
	h.records["a"] = record
	s.put("a", shelved{pathOf(1), picture(1)})
	for range 5 {
		r.clock.Advance(2 * time.Minute)
		r.runs(ErrQuarantine)
	}
	if s.gets+s.lists != 0 {
		t.Errorf("asked for links %d times, for files %d times", s.lists, s.gets)
	}
	h.put(k)
	for range 3 { // it is captured in sections anew with each run, and may be in work
		r.clock.Advance(2 * time.Minute)
		r.runs(nil)
	}
	r.mustHave("a", 1)
}

// A refusal that one process met ends for all when one of them is given files.
func TestAnotherProcessEndsARefusal(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1))
	s.put("a", shelved{pathOf(1), picture(1)})
	err := r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error {
		return tx.RefuseFiles(checkpoint.Refusal{At: r.millis(), Why: "another process was refused"})
	})
	if err != nil {
		t.Fatal(err)
	}
	r.runs(nil)
	r.clock.Advance(refusedPause)
	if report := r.runs(nil); report.Files.Refused != "" || report.Files.Kept != 1 {
		t.Errorf("the run says %+v", report.Files)
	}
}

// A clock that was ahead for a while: nothing waits until that time has come.
func TestFilesAfterAClockThatWasAhead(t *testing.T) {
	r, h, s := fileTrial(t, later)
	r.clock.Advance(365 * 24 * time.Hour)
	h.put(photos("a", 1))
	s.fail = func(op, _, _ string) error { return down(op) }
	r.tries()
	s.refused = true
	r.clock.Advance(time.Hour)
	r.tries()
	r.clock.Advance(-365 * 24 * time.Hour)
	s.refused, s.fail = false, nil
	k := photos("a", 1)
	k.closed = true
	h.put(k)
	s.put("a", shelved{pathOf(1), picture(1)})
	r.runs(nil)
	r.mustHave("a", 1)
}

// Days without an answer are no days in which a file was looked for.
func TestAnOutageIsNoReasonToGiveUp(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1))
	s.fail = func(op, _, _ string) error { return down(op) }
	for range 5 {
		r.tries()
		r.clock.Advance(longestLook)
	}
	s.fail = nil
	for range 4 { // it answers again, but its lists are behind
		if report := r.tries(); report.Files.Missing != 0 {
			t.Errorf("given up: %+v", report.Files)
		}
		r.clock.Advance(time.Hour)
	}
	s.put("a", shelved{pathOf(1), picture(1)})
	r.clock.Advance(longestLook)
	r.runs(nil)
	r.mustHave("a", 1)
}

// Another process that is fetching for hours keeps nobody's texts.
func TestARunDoesNotWaitForAnothersFetching(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	release, err := r.waitForLease(context.Background(), "files")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	h.put(photos("a", 1))
	s.put("a", shelved{pathOf(1), picture(1)})
	r.runs(nil)
	r.holds("local", "a", "0: photo")
}

// Nor does a cycle fetch for hours: a timer begins the next one when it has ended.
func TestACycleLeavesFilesToTheNext(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	for i := range 2 * someFiles {
		id := fmt.Sprintf("c%03d", i)
		h.put(photos(id, i))
		s.put(id, shelved{pathOf(i), picture(i)})
	}
	r.Files.Fetch = false
	r.runs(nil)
	r.Files.Fetch = true
	s.fail = func(op, _, _ string) error {
		if op == "list" {
			r.clock.Advance(time.Minute)
		}
		return nil
	}
	var left []int64
	for range 2 {
		left = append(left, r.tries().Files.Waiting)
	}
	if !slices.Equal(left, []int64{someFiles, 0}) {
		t.Errorf("waiting after each cycle: %d", left)
	}
}

// A folder that cannot be written keeps no text.
func TestTextsGoOnWhenFilesCannotBeStored(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1))
	s.put("a", shelved{pathOf(1), picture(1)})
	s.fail = func(op, _, _ string) error {
		if op == "get" {
			return syscall.ENOSPC
		}
		return nil
	}
	if report, err := r.Cycle(context.Background(), nil); !errors.Is(err, syscall.ENOSPC) || report.Complete {
		t.Errorf("the run ended with %v: %+v", err, report)
	}
	r.holds("local", "a", "0: photo")
	s.fail = nil
	r.clock.Advance(time.Minute)
	r.runs(nil)
	r.mustHave("a", 1)
}

// A file with the name of another one's strange link is another file.
func TestAPathThatGoesOnWithAHash(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1, 2))
	s.put("a", shelved{"/dl#x", picture(1)})
	r.runs(nil)
	s.put("a", shelved{"/dl#x", picture(1)}, shelved{"/dl", picture(2)})
	r.clock.Advance(2 * time.Minute)
	r.runs(nil)
	r.mustHave("a", 1, 2)
}

// A state whose path means something to a pattern.
func TestAStateInAnOddFolder(t *testing.T) {
	odd := ""
	r, h, s := fileTrial(t, func(set *Settings) { odd = filepath.Join(set.State, "[x"); set.State = odd })
	r.state = odd
	h.put(photos("a", 1))
	s.put("a", shelved{pathOf(1), picture(1)})
	r.runs(nil)
	r.mustHave("a", 1)
}

// A conversation with very many files is settled in portions: an end in between costs
// little.
func TestManyFilesAreSettledInPortions(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	k, files := talk{id: "a", files: map[int]string{}}, []shelved{}
	for i := range 2*mostFiles + 1 {
		k.said, k.files[i] = append(k.said, said{i, "photo"}), pathOf(i)
		files = append(files, shelved{pathOf(i), picture(i)})
	}
	h.put(k)
	s.put("a", files...)
	settled := 0
	r.Step = func(name string) {
		if name == "files stored" {
			settled++
		}
	}
	r.runs(nil)
	if got := r.attached("local", "a"); len(got) != len(files) || s.gets != len(files) {
		t.Errorf("%d files attached, %d fetched", len(got), s.gets)
	}
	if settled < 3 {
		t.Errorf("settled %d times", settled)
	}
}

// An answer that concerns one conversation says nothing of the others.
func TestConversationsWithoutAnAnswerStopNoOthers(t *testing.T) {
	r, h, s := fileTrial(t, func(s *Settings) { s.Concurrency = 1 })
	for i := range 10 {
		h.put(photos(fmt.Sprint("c", i), i))
	}
	s.put("c9", shelved{pathOf(9), picture(9)})
	s.fail = func(op, conversation, _ string) error {
		if op == "list" && conversation != "c9" {
			return &liveperson.APIError{Op: op, Status: 404}
		}
		return nil
	}
	r.runs(ErrIncomplete)
	r.mustHave("c9", 9)
}

// A file of a message without a time is older than nothing.
func TestAFileWithoutATimeIsForEveryDestination(t *testing.T) {
	r, h, s := fileTrial(t, func(s *Settings) {
		s.Destinations[0].From = &From{Date: epoch}
	})
	k := photos("a", 1)
	h.records["a"] = strings.Replace(k.record(), fmt.Sprintf(`"timeL":%d`, talkStart), `"timeL":0`, 1)
	s.put("a", shelved{pathOf(1), picture(1)})
	r.runs(nil)
	r.holds("local", "a", "0: photo")
	r.mustHave("a", 1)
}

// sentFile is the path and the bytes of a file: a picture, or something that reads like
// the page of a server.
func sentFile(n int) shelved {
	switch n % 6 {
	case 1:
		return shelved{named(n, "html"), personsPage + fmt.Sprint("<!-- ", n)}
	case 3:
		return shelved{named(n, "log"), fmt.Sprint(logIn, n)}
	case 5:
		return shelved{named(n, "json"), fmt.Sprintf(`{"error":%d}`, n)}
	}
	return shelved{pathOf(n), picture(n)}
}

// troublePage is what storage in trouble gives in a file's place: always the same, or another
// one each time.
func troublePage(chance *rand.Rand) *answer {
	n := chance.IntN(1_000_000)
	pages := []answer{
		{logIn, "text/plain"}, {errorDocument, "application/xml"}, {errorDocument, "image/png"}, {"<html><h1>Sign in</h1></html>", "text/html"},
		{fmt.Sprintf("<Error><RequestId>%d</RequestId></Error>", n), "image/jpeg"}, {fmt.Sprintf(`{"error":{"request":%d}}`, n), "application/json"},
		{fmt.Sprintf("<!DOCTYPE html><p>Request %d failed", n), "image/jpeg"}, {fmt.Sprintf("Unavailable: %d", n), ""},
	}
	return &pages[chance.IntN(len(pages))]
}

// moodyFiles is an account whose files come before or after their messages, with or
// without names, whose answers fail now and then, and whose storage gives pages.
type moodyFiles struct {
	*shelf
	chance   *rand.Rand
	nameless bool
	calm     bool             // nothing fails any more
	listed   map[string][]int // by conversation
	asked    int
}

func (m *moodyFiles) answer(op, conversation, _ string) error {
	if m.asked++; m.asked > 20_000 {
		return fmt.Errorf("asked %d times: there is no end to it", m.asked)
	}
	if op == "list" {
		m.relist(conversation)
	}
	if m.calm {
		return nil
	}
	switch m.chance.IntN(12) {
	case 0:
		return down(op)
	case 1:
		if op == "get" {
			return gone(op)
		}
	case 2:
		if m.chance.IntN(8) == 0 {
			return fmt.Errorf("%s: %w", op, liveperson.ErrFilesRefused)
		}
	}
	return nil
}

// relist gives a conversation's files their links; those without names change.
func (m *moodyFiles) relist(conversation string) {
	var list []shelved
	for _, n := range m.listed[conversation] {
		f := sentFile(n)
		if m.nameless {
			f.path = fmt.Sprint("/dl/", m.chance.IntN(4)*1000+n)
		}
		list = append(list, f)
	}
	m.files[conversation] = list
}

// Whatever comes when, each file is attached once in the end, as long as history is not
// later than it may be.
func TestEveryFileIsAttachedOnce(t *testing.T) {
	for seed := range uint64(12) {
		r, h, s := fileTrial(t, func(s *Settings) {
			if seed%2 == 0 {
				later(s)
			}
		})
		m := &moodyFiles{shelf: s, chance: rand.New(rand.NewPCG(seed, 0)), nameless: seed%3 == 0, listed: map[string][]int{}}
		s.files, s.fail = map[string][]shelved{}, m.answer
		s.instead = func(string) *answer {
			if m.calm || m.chance.IntN(4) > 0 {
				return nil
			}
			return troublePage(m.chance)
		}
		talks := map[string]talk{}
		publish := func() {
			for _, k := range talks {
				h.put(k)
			}
		}
		for n := range 24 {
			id := fmt.Sprint("c", m.chance.IntN(3))
			m.listed[id] = append(m.listed[id], n)
			k := photos(id, m.listed[id]...)
			for i, n := range m.listed[id] {
				k.files[i] = sentFile(n).path
			}
			talks[id] = k
			if n%2 == 1 {
				publish()
			}
			if _, err := r.Cycle(context.Background(), nil); err != nil && !errors.Is(err, ErrIncomplete) {
				t.Fatalf("seed %d: %v", seed, err)
			}
			r.clock.Advance(time.Duration(m.chance.IntN(20)) * time.Minute)
		}
		for id, k := range talks {
			k.closed = true
			talks[id] = k
		}
		publish()
		m.calm = true
		for range 6 {
			r.tries()
			r.clock.Advance(longestLook + time.Hour)
		}
		report := r.runs(nil)
		if report.Files.Waiting+report.Files.Missing+report.Files.Doubtful != 0 {
			t.Errorf("seed %d: the run says %+v", seed, report.Files)
		}
		for id, numbers := range m.listed {
			got, want := bytesOf(r.attached("local", id)), []string{}
			for _, n := range numbers {
				want = append(want, sentFile(n).bytes)
			}
			slices.Sort(got)
			if slices.Sort(want); !slices.Equal(got, want) {
				t.Errorf("seed %d: %d files attached to %s, of %d %.300q", seed, len(got), id, len(want), got)
			}
		}
		r.sound()
	}
}
