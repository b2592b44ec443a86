package exporter

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

var refusedLogin = &liveperson.AuthError{Op: "log in", Status: 401, Hint: "check liveperson.oauth2"}

const refusedWords = "log in: refused with status 401: check liveperson.oauth2"

// A login that stops working is what the last cycle ended with: not the complete cycle
// before it, as if nothing had been tried since.
func TestRefusedLoginIsTheResultOfTheLastCycle(t *testing.T) {
	r, h := handTrial(t, nil)
	h.putAll("a")
	r.cycle()
	if last := r.status().LastCycle; last.Result != CycleComplete || last.Error != "" || last.Trouble() != "" {
		t.Errorf("after a complete cycle: %+v", last)
	}
	r.clock.Advance(time.Hour)
	first := r.clock.Now()
	h.fail = func(string) error { return refusedLogin }
	for range 2 {
		r.fails()
		r.clock.Advance(5 * time.Minute)
	}
	last := r.status().LastCycle
	if last.Result != CycleRefused || last.Error != refusedWords || !last.Since.Equal(first) || last.Started.Equal(first) {
		t.Errorf("after two that were refused: %+v, the first began at %s", last, first)
	}
	o, err := r.Overview(context.Background())
	if err != nil || o.Runs[0].Result != CycleRefused || o.Runs[0].Ended.IsZero() {
		t.Errorf("the runs say %+v, %v", o.Runs[0], err)
	}
	h.fail = nil
	r.cycle()
	if last := r.status().LastCycle; last.Result != CycleComplete {
		t.Errorf("after it is mended: %+v", last)
	}
}

func TestServiceTellsWhyItsLastCycleFailed(t *testing.T) {
	r, h := handTrial(t, nil)
	h.putAll("a")
	s := r.NewService(ServeSettings{Next: func(t time.Time) time.Time { return t.Add(time.Hour) }})
	ctx := context.Background()
	if err := s.cycle(ctx); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		fault  error
		result CycleResult
		why    string
	}{
		{refusedLogin, CycleRefused, refusedWords},
		{&liveperson.APIError{Op: "search conversations", Status: 500}, CycleIncomplete, "a window could not be read whole: search conversations: status 500"},
		{errors.New("no space left on device"), CycleFailed, "no space left on device"},
	} {
		h.fail = func(op string) error {
			if op == "search" || errors.Is(test.fault, refusedLogin) {
				return test.fault
			}
			return nil
		}
		if err := s.cycle(ctx); err == nil {
			t.Errorf("%v did not end the cycle", test.fault)
		}
		if last := r.status().LastCycle; last.Result != test.result || last.Error != test.why {
			t.Errorf("%v: the last cycle is %+v", test.fault, last)
		}
	}
	stopped, stop := context.WithCancel(ctx)
	h.fail = func(string) error { stop(); return context.Canceled }
	if err := s.cycle(stopped); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if last := r.status().LastCycle; last.Result != CycleFailed {
		t.Errorf("a cycle that was stopped counts as %+v", last)
	}
}

// A login that is refused from the beginning is no run that came to its end: the first
// destination may still come without `from`.
func TestRefusedRunIsNoFinishedRun(t *testing.T) {
	r, h := handTrial(t, nil)
	h.fail = func(string) error { return refusedLogin }
	r.fails()
	h.fail = nil
	r.addDestination("later", nil)
	h.putAll("a")
	r.cycle()
	r.holds("later", "a", "0: x")
}

// What halts is told with its own remedy, and nothing promises that the next run mends it.
func TestHaltIsToldWithItsRemedy(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a")
	office.answers(func(string) error {
		return &archive.Error{Class: archive.Halt, Op: "log in", Err: errors.New("535 no"), Hint: "give smtp.password what the archive has issued"}
	})
	_, err := r.fails()
	var halt *HaltError
	if !errors.As(err, &halt) || errors.Is(err, ErrIncomplete) {
		t.Errorf("a halt ends with %v", err)
	}
	d := r.status().Destinations[0]
	if !d.Halted || d.Command() != "lpexport check" || d.Advice() != "give smtp.password what the archive has issued" {
		t.Errorf("halted by a login: %+v, type %q, %q", d, d.Command(), d.Advice())
	}
	office.answers(nil)
	r.cycle()
	if d := r.status().Destinations[0]; d.Halted || d.Remedy != "" || d.Command() != "" {
		t.Errorf("mended: %+v", d)
	}
	r.Destinations[0].Where = "another post office"
	h.putAll("b")
	r.fails()
	if d := r.status().Destinations[0]; d.Command() != "lpexport accept place post --reason TEXT" {
		t.Errorf("moved: type %q of %q", d.Command(), d.Remedy)
	}
}

func TestForkedArchiveIsToldWithRecover(t *testing.T) {
	r, h := handTrial(t, nil)
	h.putAll("a")
	backup := r.backup()
	r.cycle()
	r.restore(backup)
	r.halts("local")
	if d := r.status().Destinations[0]; d.Command() != "lpexport recover --destination local" {
		t.Errorf("forked: type %q of %q", d.Command(), d.Remedy)
	}
	r.recovers("local")
	if d := r.status().Destinations[0]; d.Halted || d.Command() != "" {
		t.Errorf("recovered: %+v", d)
	}
}

// picky is a format that cannot hold one conversation.
type picky struct {
	letters
	refuses string
}

func (p picky) Documents(line []byte, each func(archive.Document) error) error {
	if strings.Contains(string(line), `"conversation_id":"`+p.refuses+`"`) {
		return errors.New("one message alone is too large")
	}
	return p.letters.Documents(line, each)
}

// heldTrial is a destination that cannot hold the conversation b.
func heldTrial(t *testing.T) (*trial, *handmade, *postOffice) {
	r, h, office := postTrial(t)
	r.Destinations[0].Shape = func(_, _ []byte) (archive.Shape, error) { return archive.Shape{Format: picky{refuses: "b"}}, nil }
	h.putAll("a", "b")
	return r, h, office
}

// What waits for a person alone is not called incomplete: the next run does not help.
func TestHeldConversationsWaitForAPersonOnly(t *testing.T) {
	r, _, office := heldTrial(t)
	for range 2 {
		report, err := r.fails()
		if !errors.Is(err, ErrQuarantine) || errors.Is(err, ErrIncomplete) || report.Complete {
			t.Errorf("%+v, %v", report, err)
		}
		if d := report.Destinations[0]; d.Held != 1 || d.Waiting != 0 || d.Pending != 1 {
			t.Errorf("the destination: %+v", d)
		}
	}
	if last := r.status().LastCycle; last.Result != CycleIncomplete || last.Error != "something waits for a person" {
		t.Errorf("the last cycle: %+v", last)
	}
	if d := r.status().Destinations[0]; d.Held != 1 || len(office.order) != 1 {
		t.Errorf("%+v, took %q", d, office.order)
	}
}

var byPat = Acceptance{Person: "pat", Reason: "agreed with compliance"}

// dismiss gives up the one thing that waits.
func (r *trial) dismiss() Quarantined {
	r.t.Helper()
	list, err := r.QuarantineList(context.Background())
	if err != nil || len(list) != 1 {
		r.t.Fatalf("%+v, %v", list, err)
	}
	q, err := r.QuarantineEntry(context.Background(), list[0].ID)
	if err != nil || q != list[0] {
		r.t.Fatalf("%+v, %v", q, err)
	}
	if _, err := r.AcceptItem(context.Background(), byPat, q.ID); err != nil {
		r.t.Fatal(err)
	}
	on, err := r.cp.Decisions(context.Background(), checkpoint.DecidedItem)
	if err != nil || len(on) == 0 || on[len(on)-1].Person != "pat" || on[len(on)-1].Reason != byPat.Reason {
		r.t.Errorf("on record: %+v, %v", on, err)
	}
	var nothing *NothingToAcceptError
	if _, err := r.AcceptItem(context.Background(), byPat, q.ID); !errors.As(err, &nothing) {
		r.t.Errorf("dismissed twice: %v", err)
	}
	return q
}

func TestDismissedConversationIsDueAgainWithMore(t *testing.T) {
	r, h, office := heldTrial(t)
	r.fails()
	r.dismiss()
	r.cycle()
	s := r.status()
	if d := s.Destinations[0]; d.Pending != 0 || d.Held != 0 || d.Dismissed != 1 || s.Dismissed != 1 || s.Quarantined != 0 {
		t.Errorf("%+v, %d dismissed", d, s.Dismissed)
	}
	h.put(talk{id: "b", said: []said{{0, "x"}, {1, "y"}}})
	r.fails()
	r.Destinations[0].Shape = func(_, _ []byte) (archive.Shape, error) { return archive.Shape{Format: letters{}}, nil }
	r.cycle()
	if len(office.order) != 2 || !strings.Contains(string(office.took[office.order[1]][0]), `"text":"x"`) {
		t.Errorf("took %q", office.order)
	}
}

func TestDismissedItemIsSettledAndCounted(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a", "b", "c")
	office.answers(func(name string) error {
		if name == secondLetter {
			return &archive.Error{Class: archive.Reject, Op: "deliver", Err: errors.New("554 refused by content")}
		}
		return nil
	})
	r.fails()
	office.answers(nil)
	if q := r.dismiss(); q.Item != "post-000000001/"+secondLetter {
		t.Errorf("dismissed %+v", q)
	}
	r.cycle()
	if d := r.status().Destinations[0]; d.Rejected != 0 || d.Dismissed != 1 || d.Pending != 0 || office.times(secondLetter) != 0 {
		t.Errorf("%+v, took %q", d, office.order)
	}
	r.sound()
	if _, err := r.Replay(context.Background(), "post", Replaying{}); err != nil || office.times(secondLetter) != 0 || office.times(firstLetter) != 2 {
		t.Errorf("after a replay: %v, took %q", err, office.order)
	}
}

// The bytes that a person has given up do not come back with each cycle; others do.
func TestDismissedRecordWaitsAgainWithOtherBytesOnly(t *testing.T) {
	r, h := handTrial(t, nil)
	h.putAll("a")
	h.records["b"] = `{"info":{"conversationId":"b"},"messageRecords":"none"}`
	r.fails()
	r.dismiss()
	r.cycle()
	h.records["b"] = `{"info":{"conversationId":"b"},"messageRecords":"nothing"}`
	if report, err := r.fails(); !errors.Is(err, ErrQuarantine) || report.Quarantined != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}

// A whole bundle that was given up is no damage to those who verify.
func TestVerifyKnowsWhatWasGivenUp(t *testing.T) {
	r, h := handTrial(t, nil)
	r.Destinations[0].Target = &refusingAll{readable: r.Destinations[0].Target.(readable), path: "local-000000002"}
	h.putAll("a")
	r.cycle()
	h.putAll("b")
	r.fails()
	h.putAll("c")
	r.fails()
	problems := func() (paths []string) {
		if _, err := r.Verify(context.Background(), func(p archive.Problem) { paths = append(paths, filepath.Base(p.Path)+": "+p.Detail) }); err != nil {
			t.Fatal(err)
		}
		return paths
	}
	if got := problems(); len(got) == 0 {
		t.Error("nothing is missing before it is given up")
	}
	r.dismiss()
	if got := problems(); len(got) != 0 {
		t.Errorf("after it is given up: %q", got)
	}
	r.recovers("local")
	r.reopenWith(nil)
	r.cycle()
	if got := r.delivered("local"); len(got) != 2 {
		t.Errorf("what was given up came back after recover: %d slices", len(got))
	}
}

// refusingAll is a target that never takes one bundle.
type refusingAll struct {
	readable
	path string
}

func (f *refusingAll) Deliver(ctx context.Context, item archive.Item) (archive.Receipt, error) {
	if filepath.Base(item.Path) == f.path {
		return archive.Receipt{}, &archive.Error{Class: archive.Reject, Op: "deliver", Err: errors.New("not this one")}
	}
	return f.readable.Deliver(ctx, item)
}

func TestShowTellsWhatAnItemIsAndSavesIt(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a", "b")
	office.answers(func(name string) error {
		if name == secondLetter {
			return &archive.Error{Class: archive.Reject, Op: "deliver", Err: errors.New("554 no")}
		}
		return nil
	})
	r.fails()
	ctx := context.Background()
	list, err := r.QuarantineList(ctx)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	id := list[0].ID
	shown, err := r.QuarantineShow(ctx, id)
	if err != nil || !slices.Equal(shown.Conversations, []string{"b"}) || shown.Why != "" || int64(len(shown.Record)) != shown.Bytes {
		t.Errorf("shown: %+v, %v", shown, err)
	}
	path := filepath.Join(t.TempDir(), "saved")
	if err := r.QuarantineSave(ctx, id, path); err != nil {
		t.Fatal(err)
	}
	saved, err := os.ReadFile(path)
	info, ierr := os.Stat(path)
	if err = errors.Join(err, ierr); err != nil || info.Mode().Perm() != 0o600 || !strings.Contains(string(saved), `"conversation_id":"b"`) {
		t.Errorf("saved %q, %v", saved, err)
	}
	if err := r.QuarantineSave(ctx, id, path); !errors.Is(err, os.ErrExist) {
		t.Errorf("saved over a file: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(r.state, ".quarantine-*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	office.answers(nil)
	if _, err := r.QuarantineRetry(ctx, id); err != nil {
		t.Fatal(err)
	}
	r.cycle()
	if sent := office.took[secondLetter]; len(sent) != 1 || string(sent[0]) != string(saved) {
		t.Error("what was saved is not what is sent")
	}
	var gone *NotWaitingError
	if _, err := r.QuarantineShow(ctx, id); !errors.As(err, &gone) {
		t.Errorf("shown after it was taken: %v", err)
	}
}

func TestShowOfAConversationThatCannotBeCut(t *testing.T) {
	r, _, _ := heldTrial(t)
	r.fails()
	list, err := r.QuarantineList(context.Background())
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	shown, err := r.QuarantineShow(context.Background(), list[0].ID)
	if err != nil || shown.Conversation != "b" || !strings.Contains(string(shown.Record), `"conversationId":"b"`) {
		t.Errorf("shown: %+v, %v", shown, err)
	}
}

func TestSubjectOfAMailIsDecoded(t *testing.T) {
	for raw, want := range map[string]string{
		"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: a@b\r\n\r\nbody": "Grüße",
		"Subject: plain\r\n\r\n": "plain", "no mail": "", "": "", "Subject: =?x?q?a?=\r\n\r\n": "",
	} {
		if got := mailSubject([]byte(raw)); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

func TestRetryTellsWhatBecameOfEach(t *testing.T) {
	r, h, _ := heldTrial(t)
	h.records["c"] = `{"info":{"conversationId":"c"},"messageRecords":"none"}`
	r.fails()
	got, err := r.QuarantineRetry(context.Background())
	outcomes := map[string]RetryOutcome{}
	for _, i := range got.Items {
		outcomes[i.Kind] = i.Outcome
	}
	if err != nil || got.Tried != 2 || got.Left != 1 || got.Resolved != 1 || outcomes["record"] != Left || outcomes["conversation"] != Queued {
		t.Errorf("%+v, %v", got, err)
	}
	list, err := r.QuarantineList(context.Background())
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if got, err := r.QuarantineRetry(context.Background(), list[0].ID, list[0].ID); err != nil || got.Tried != 1 || got.Left != 1 || got.Others != 0 {
		t.Errorf("by its number: %+v, %v", got, err)
	}
	var gone *NotWaitingError
	if _, err := r.QuarantineRetry(context.Background(), 99); !errors.As(err, &gone) {
		t.Errorf("another number: %v", err)
	}
}

func TestEqualFaultsAreOneGroup(t *testing.T) {
	r, h, office := postTrial(t)
	var ids []string
	for i := range 12 {
		ids = append(ids, string(rune('a'+i)))
	}
	h.putAll(ids...)
	office.answers(func(name string) error {
		words := "550 5.7.1 no"
		if name == secondLetter {
			words = "554 content"
		}
		return &archive.Error{Class: archive.Reject, Op: "deliver", Err: errors.New(words)}
	})
	r.fails()
	s := r.status()
	if len(s.Waiting) != 2 || s.Waiting[0].Count != 11 || s.Waiting[0].String() != "11 items for post: deliver: 550 5.7.1 no" || s.Waiting[1].Count != 1 {
		t.Errorf("groups: %+v", s.Waiting)
	}
	list, err := r.QuarantineList(context.Background())
	if err != nil || !slices.Equal(Groups(list), s.Waiting) {
		t.Errorf("the list's: %+v, %v", Groups(list), err)
	}
}

// A destination that is taken out of the configuration goes on to be told while it is
// owed something.
func TestDroppedDestinationStaysInTheStatus(t *testing.T) {
	r, h := handTrial(t, nil)
	r.addDestination("old", &From{All: true})
	h.putAll("a")
	r.cycle()
	r.Destinations = r.Destinations[:1]
	if s := r.status(); len(s.Dropped) != 0 {
		t.Errorf("nothing is owed, and it is told: %+v", s.Dropped)
	}
	h.putAll("b")
	r.cycle()
	if s := r.status(); len(s.Dropped) != 1 || s.Dropped[0].Name != "old" || s.Dropped[0].Pending != 1 || len(s.Destinations) != 1 {
		t.Errorf("dropped: %+v", s.Dropped)
	}
	if err := r.Retire(context.Background(), "old", true); err != nil {
		t.Fatal(err)
	}
	if s := r.status(); len(s.Dropped) != 0 {
		t.Errorf("retired, and it is told: %+v", s.Dropped)
	}
}

// A backfill that nobody wants to finish can be ended; what it has read stays.
func TestBackfillCanBeAbandoned(t *testing.T) {
	r := newTrial(t, sandbox.Settings{Seed: 3, Conversations: 60, Period: 100 * day, Messages: 3}, 110*day, func(s *Settings) { s.Since = lastDay })
	ctx, stop := context.WithCancel(context.Background())
	r.Step = func(name string) {
		if name == "page stored" {
			stop()
		}
	}
	from, to := epoch, r.clock.Now()
	if _, err := r.Backfill(ctx, from, to, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	r.reopenWith(nil)
	s := r.status()
	if s.OpenBackfills != 1 || len(s.Backfills) != 1 || !s.Backfills[0].From.Equal(from) || !s.Backfills[0].To.Equal(to) || s.Backfills[0].Windows == 0 {
		t.Fatalf("open: %+v", s.Backfills)
	}
	conversations := len(r.all("conversations", 1000))
	var nothing *NothingToAcceptError
	if _, err := r.AbandonBackfill(context.Background(), byPat, from, to.Add(time.Hour)); !errors.As(err, &nothing) {
		t.Errorf("one of another period: %v", err)
	}
	if _, err := r.AbandonBackfill(context.Background(), byPat, from, to); err != nil {
		t.Error(err)
	}
	on, err := r.cp.Decisions(context.Background(), checkpoint.DecidedBackfill)
	if err != nil || len(on) != 1 || on[0].Person != "pat" {
		t.Errorf("on record: %+v, %v", on, err)
	}
	if s := r.status(); s.OpenBackfills != 0 || len(r.all("windows", 100)) != 0 || len(r.all("conversations", 1000)) != conversations {
		t.Errorf("%d are open", s.OpenBackfills)
	}
	r.backfills(from, to) // begun anew it reads all
	if s := r.status(); s.OpenBackfills != 0 {
		t.Errorf("%d are open", s.OpenBackfills)
	}
}

// A file service that answers 404 for a whole day is none, and is asked again every day.
func TestFileServiceThatIsNotThereIsOff(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1))
	s.fail = func(op, _, _ string) error {
		if op == "list" {
			return &liveperson.APIError{Op: "list files", Status: 404, Err: liveperson.ErrNoFileService}
		}
		return nil
	}
	began := r.clock.Now()
	for r.clock.Now().Sub(began) < absentFor {
		if report := r.tries(); report.Files.Off {
			t.Fatalf("off after %s", r.clock.Now().Sub(began))
		}
		r.clock.Advance(2 * time.Hour)
	}
	r.clock.Advance(longestLook)
	report := r.runs(nil)
	if f := report.Files; !f.Off || !f.Unavailable || f.Refused == "" || f.Waiting != 1 || !report.Complete {
		t.Fatalf("after a day: %+v, complete %v", f, report.Complete)
	}
	asked := s.lists
	r.clock.Advance(absentPause - time.Minute)
	r.runs(nil)
	if s.lists != asked {
		t.Error("asked again within a day")
	}
	r.clock.Advance(time.Minute)
	r.runs(nil)
	if s.lists == asked {
		t.Error("not asked again after a day")
	}
	s.fail = nil
	s.put("a", shelved{pathOf(1), picture(1)})
	r.clock.Advance(absentPause)
	if f := r.runs(nil).Files; f.Off || f.Refused != "" || f.Kept != 1 {
		t.Errorf("when it is there again: %+v", f)
	}
	r.mustHave("a", 1)
}

// An answer in between begins the day anew.
func TestFileServiceThatAnswersNowAndThenIsNotOff(t *testing.T) {
	r, h, s := fileTrial(t, nil)
	h.put(photos("a", 1))
	gone := func(op, _, _ string) error {
		return &liveperson.APIError{Op: op, Status: 404, Err: liveperson.ErrNoFileService}
	}
	for range 6 {
		s.fail = gone
		r.tries()
		r.clock.Advance(longestLook / 2)
		s.fail = nil // and does not list the file
		if report := r.tries(); report.Files.Off {
			t.Fatal("off, though it answers")
		}
		r.clock.Advance(longestLook / 2)
	}
}
