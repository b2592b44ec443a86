package exporter

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"lpexport/archive"
)

// letters is a format that makes a document of each slice, for tests. A slice
// whose line holds "UNFIT" cannot be written in it.
type letters struct{}

func (letters) Extension() string                 { return ".letter" }
func (letters) Joined() (file, head, tail string) { return "", "", "" }
func (letters) Documents(line []byte, emit func(archive.Document) error) error {
	if bytes.Contains(line, []byte("UNFIT")) {
		return &archive.TooLargeError{Bytes: 2, Limit: 1}
	}
	return emit(archive.Document{Bytes: line, At: talkStart})
}

// postOffice takes single files, one after the other, as a mail server does.
type postOffice struct {
	mu     sync.Mutex
	took   map[string][][]byte // by name: the bytes of each time
	order  []string
	answer func(name string) error // nil: yes
	hang   chan struct{}           // not nil: nothing is answered until it is closed
	asked  func()                  // not nil: told that it hangs
	closed int
}

func (p *postOffice) Deliver(ctx context.Context, item archive.Item) (archive.Receipt, error) {
	if item.File == nil {
		return archive.Receipt{}, &archive.Error{Class: archive.Abort, Op: "deliver", Path: item.Path, Err: errors.New("not a single file")}
	}
	if _, err := item.Files(); err != nil {
		return archive.Receipt{}, err
	}
	if p.hang != nil {
		p.asked()
		select {
		case <-p.hang:
		case <-ctx.Done():
			return archive.Receipt{}, &archive.Error{Class: archive.Retry, Op: "deliver", Err: ctx.Err()}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	name := item.File.Path
	var err error
	if p.answer != nil {
		err = p.answer(name)
	}
	var at *archive.Error
	if err == nil || errors.As(err, &at) && at.Class == archive.Uncertain {
		raw, rerr := os.ReadFile(filepath.Join(item.Dir, name))
		if rerr != nil {
			return archive.Receipt{}, rerr
		}
		if p.took == nil {
			p.took = map[string][][]byte{}
		}
		p.took[name] = append(p.took[name], raw)
		p.order = append(p.order, name)
	}
	return archive.Receipt{Where: "post", ID: name, Bytes: item.File.Bytes}, err
}

func (p *postOffice) Clean(context.Context) error             { return nil }
func (p *postOffice) Probe(context.Context) ([]string, error) { return []string{"open"}, nil }
func (p *postOffice) Close() error                            { p.mu.Lock(); defer p.mu.Unlock(); p.closed++; return nil }

// answers sets what the post office says to the nth file of a bundle.
func (p *postOffice) answers(answer func(name string) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *postOffice) times(name string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.took[name])
}

// postTrial has the post office as its only destination.
func postTrial(t *testing.T) (*trial, *handmade, *postOffice) {
	t.Helper()
	office := &postOffice{}
	r, h := handTrial(t, func(s *Settings) {
		d := &s.Destinations[0]
		d.Name, d.Target, d.Files, d.Where = "post", office, true, "post office"
		d.Shape = func(_, _ []byte) (archive.Shape, error) { return archive.Shape{Format: letters{}}, nil }
		s.Random = func() float64 { return 0.5 }
	})
	return r, h, office
}

func (h *handmade) putAll(ids ...string) {
	for _, id := range ids {
		h.put(talk{id: id, said: []said{{0, "x"}}})
	}
}

// fails runs a cycle that must end with an error, and returns it.
func (r *trial) fails() (Report, error) {
	r.t.Helper()
	report, err := r.Cycle(context.Background(), nil)
	if err == nil {
		r.t.Fatalf("the cycle ended well: %+v", report)
	}
	return report, err
}

const (
	firstLetter  = "post-000000001-000001.letter"
	secondLetter = "post-000000001-000002.letter"
	thirdLetter  = "post-000000001-000003.letter"
)

func TestFilesAreHandedOverOneByOne(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a", "b", "c")
	r.cycle()
	if want := []string{firstLetter, secondLetter, thirdLetter}; !slices.Equal(office.order, want) {
		t.Errorf("took %q, want %q", office.order, want)
	}
	if office.closed == 0 {
		t.Error("the connection was left open")
	}
	kept, err := filepath.Glob(filepath.Join(r.state, "manifests", "sandbox", "*", "*", "*", "post-000000001", "*"))
	if err != nil || len(kept) != 2 {
		t.Errorf("kept of the manifest: %q, %v", kept, err)
	}
	if left, err := os.ReadDir(filepath.Join(r.state, "spool", "post")); err != nil || len(left) != 0 {
		t.Errorf("spool: %v, %v", left, err)
	}
	r.sound()
	r.cycle()
	if len(office.order) != 3 {
		t.Errorf("a cycle at rest sent something: %q", office.order)
	}
	if err := os.WriteFile(kept[0], []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := 0
	if _, err := r.Verify(context.Background(), func(archive.Problem) { damaged++ }); err != nil || damaged != 1 && filepath.Base(kept[0]) == archive.ManifestFile {
		t.Errorf("verify saw %d problems, %v", damaged, err)
	}
}

func TestRejectedItemStopsNoOther(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a", "b", "c")
	office.answers(func(name string) error {
		if name == secondLetter {
			return &archive.Error{Class: archive.Reject, Op: "deliver", Err: errors.New("554 refused by content")}
		}
		return nil
	})
	report, err := r.fails()
	if !errors.Is(err, ErrQuarantine) || errors.Is(err, ErrIncomplete) || report.Quarantined != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	if office.times(firstLetter) != 1 || office.times(thirdLetter) != 1 || office.times(secondLetter) != 0 {
		t.Errorf("took %q", office.order)
	}
	list, err := r.QuarantineList(context.Background())
	if err != nil || len(list) != 1 || list[0].Kind != "item" || list[0].Destination != "post" || list[0].Item != "post-000000001/"+secondLetter ||
		list[0].Reason != "deliver: 554 refused by content" {
		t.Fatalf("quarantine: %+v, %v", list, err)
	}
	office.answers(nil)
	if got, err := r.QuarantineRetry(context.Background()); err != nil || got.Resolved != 1 {
		t.Errorf("retried: %+v, %v", got, err)
	}
	r.cycle()
	if office.times(secondLetter) != 1 || len(office.order) != 3 {
		t.Errorf("took %q", office.order)
	}
	r.sound()
}

func TestUncertainEndIsCountedAndSentAgain(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a", "b")
	office.answers(func(name string) error {
		return &archive.Error{Class: archive.Uncertain, Op: "deliver", Err: errors.New("the connection ended before the reply")}
	})
	if _, err := r.fails(); !errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
	if len(office.order) != 1 {
		t.Errorf("went on after an uncertain end: %q", office.order)
	}
	office.answers(nil)
	r.clock.Advance(2 * time.Hour)
	r.cycle()
	if office.times(firstLetter) != 2 || office.times(secondLetter) != 1 {
		t.Errorf("took %q", office.order)
	}
	if sent := office.took[firstLetter]; !bytes.Equal(sent[0], sent[1]) {
		t.Error("other bytes the second time")
	}
	s, err := r.Status(context.Background())
	if err != nil || s.Destinations[0].Uncertain != 1 || s.Destinations[0].Pending != 0 || !s.Destinations[0].FailingSince.IsZero() {
		t.Errorf("status: %+v, %v", s.Destinations, err)
	}
}

// A mail on which a server dies each time must not stop the others for ever, nor
// be sent for ever.
func TestItemThatEndsUncertainEachTimeWaitsForAPerson(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a", "b")
	office.answers(func(name string) error {
		if name == firstLetter {
			return &archive.Error{Class: archive.Uncertain, Op: "deliver", Err: errors.New("the connection ended before the reply")}
		}
		return nil
	})
	for range 2 {
		if _, err := r.fails(); !errors.Is(err, ErrIncomplete) {
			t.Error(err)
		}
		r.clock.Advance(2 * time.Hour)
	}
	if _, err := r.fails(); !errors.Is(err, ErrQuarantine) || errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
	if office.times(firstLetter) != 3 || office.times(secondLetter) != 1 {
		t.Errorf("took %q", office.order)
	}
	s, err := r.Status(context.Background())
	if err != nil || s.Destinations[0].Uncertain != 3 || s.Destinations[0].Rejected != 1 {
		t.Errorf("status: %+v, %v", s.Destinations, err)
	}
}

// A process that dies between the announcement and the receipt cannot tell
// whether the far side has the file: the next one counts that.
func TestDeathWhileSendingIsUncertain(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a")
	died := errors.New("died")
	r.Exporter.Step = func(name string) {
		if name == "item taken" {
			panic(died)
		}
	}
	func() {
		defer func() {
			if got := recover(); got == nil {
				t.Error("the step was not reached")
			}
		}()
		w := r.workers(nil)[0]
		norm, err := r.Exporter.names(context.Background(), w.dest)
		if err != nil {
			t.Fatal(err)
		}
		w.norm = norm
		captureOnly(t, r)
		_ = w.turn(context.Background(), true)
	}()
	r.reopenWith(nil)
	r.cycle()
	if office.times(firstLetter) != 2 {
		t.Errorf("took %q", office.order)
	}
	s, err := r.Status(context.Background())
	if err != nil || s.Destinations[0].Uncertain != 1 {
		t.Errorf("status: %+v, %v", s.Destinations, err)
	}
}

// captureOnly captures without delivering.
func captureOnly(t *testing.T, r *trial) {
	t.Helper()
	ctx := context.Background()
	if err := r.register(ctx); err != nil {
		t.Fatal(err)
	}
	c, err := r.begin(ctx, func() {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.cycle(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestItemThatFailsByItselfIsTriedLater(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a", "b", "c")
	office.answers(func(name string) error {
		if name == firstLetter {
			return &archive.Error{Class: archive.Retry, Item: true, Op: "deliver", Err: errors.New("451 later")}
		}
		return nil
	})
	if _, err := r.fails(); !errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
	if office.times(secondLetter) != 1 || office.times(thirdLetter) != 1 {
		t.Errorf("took %q", office.order)
	}
	office.answers(nil)
	if _, err := r.fails(); !errors.Is(err, ErrIncomplete) || len(office.order) != 2 {
		t.Errorf("it was not left alone: %q, %v", office.order, err)
	}
	r.clock.Advance(2 * time.Minute)
	r.cycle()
	if len(office.order) != 3 {
		t.Errorf("took %q", office.order)
	}
}

func TestItemsTooOldForTheWayWaitForAPerson(t *testing.T) {
	r, h, office := postTrial(t)
	r.Destinations[0].MaxAge, r.Destinations[0].OlderGo = 30*24*time.Hour, "import them as files"
	h.putAll("young")
	r.cycle()
	r.clock.Advance(31 * 24 * time.Hour)
	h.putAll("old") // filed under the same time, captured a month later
	report, err := r.fails()
	if !errors.Is(err, ErrQuarantine) || report.Quarantined != 1 || len(office.order) != 1 {
		t.Errorf("%+v, %v, took %q", report, err, office.order)
	}
	list, err := r.QuarantineList(context.Background())
	if err != nil || len(list) != 1 || !bytes.Contains([]byte(list[0].Reason), []byte("import them as files")) {
		t.Errorf("quarantine: %+v, %v", list, err)
	}
}

func TestReplaySendsTheSameBytes(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a", "b")
	r.cycle()
	r.clock.Advance(time.Hour)
	h.put(talk{id: "a", said: []said{{0, "x"}, {1, "later"}}})
	r.cycle()
	if got, err := r.Replay(context.Background(), "post", Replaying{To: r.clock.Now().Add(-30 * time.Minute)}); err != nil || got.Bundles != 1 || got.Pending != 0 {
		t.Errorf("replay: %+v, %v", got, err)
	}
	if office.times(firstLetter) != 2 || office.times(secondLetter) != 2 || len(office.order) != 5 {
		t.Errorf("took %q", office.order)
	}
	if sent := office.took[secondLetter]; !bytes.Equal(sent[0], sent[1]) {
		t.Error("other bytes the second time")
	}
	r.sound()
	r.cycle()
	if len(office.order) != 5 {
		t.Errorf("a cycle after a replay sent something: %q", office.order)
	}
}

func TestUnfitConversationWaitsAndComesLater(t *testing.T) {
	r, h, office := postTrial(t)
	h.put(talk{id: "a", said: []said{{0, "UNFIT"}}})
	h.putAll("b")
	report, err := r.fails()
	if !errors.Is(err, ErrQuarantine) || len(office.order) != 1 || report.Destinations[0].Slices != 1 {
		t.Errorf("%+v, %v, took %q", report, err, office.order)
	}
	h.put(talk{id: "a", said: []said{{0, "fits now"}}})
	if report, err := r.Cycle(context.Background(), nil); err == nil {
		t.Errorf("the first words were forgotten: %+v", report) // its first version is still due
	}
	r.Destinations[0].Shape = func(_, _ []byte) (archive.Shape, error) { return archive.Shape{Format: archive.JSONL{}}, nil }
	if report, err := r.Cycle(context.Background(), nil); err != nil || report.Quarantined != 0 {
		t.Errorf("after the format took it: %+v, %v", report, err)
	}
}

// A destination that hangs costs the others nothing: they are delivered to, and
// the next cycle captures and delivers while it still hangs.
func TestHangingDestinationHoldsUpNoCycle(t *testing.T) {
	r, h, office := postTrial(t)
	hangs := make(chan struct{})
	office.hang, office.asked = make(chan struct{}), sync.OnceFunc(func() { close(hangs) })
	r.addDestination("local", &From{All: true})
	h.putAll("a")
	first := make(chan error, 1)
	go func() {
		_, err := r.Cycle(context.Background(), []string{"post"})
		first <- err
	}()
	<-hangs
	other := &trial{t: t, clock: r.clock, account: r.account, state: r.state, root: r.root, edit: r.edit}
	other.open()
	h.putAll("b")
	if _, err := other.Cycle(context.Background(), []string{"local"}); err != nil && !errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
	other.holds("local", "a", "0: x")
	other.holds("local", "b", "0: x")
	close(office.hang)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if len(office.order) == 0 {
		t.Error("the hanging one took nothing in the end")
	}
}

func TestChangedTargetWaitsForAPerson(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a")
	r.cycle()
	r.Destinations[0].Where = "another post office"
	h.putAll("b")
	var moved *TargetChangedError
	if _, err := r.fails(); !errors.As(err, &moved) || moved.Was != "post office" || moved.Is != "another post office" {
		t.Error(err)
	}
	if len(office.order) != 1 {
		t.Errorf("took %q", office.order)
	}
	if _, err := r.AcceptPlace(context.Background(), anAcceptance, "post"); err != nil {
		t.Fatal(err)
	}
	r.cycle()
	if len(office.order) != 2 {
		t.Errorf("took %q", office.order)
	}
}

func TestRetiredDestinationIsDueNothing(t *testing.T) {
	r, h := handTrial(t, nil)
	r.addDestination("old", &From{All: true})
	h.putAll("a")
	r.cycle()
	var configured *StillConfiguredError
	if err := r.Retire(context.Background(), "old", false); !errors.As(err, &configured) {
		t.Error(err)
	}
	both := slices.Clone(r.Destinations)
	r.Destinations = both[:1]
	h.putAll("b")
	r.cycle()
	var pending *StillPendingError
	if err := r.Retire(context.Background(), "old", false); !errors.As(err, &pending) || pending.Pending != 1 {
		t.Error(err)
	}
	if err := r.Retire(context.Background(), "old", true); err != nil {
		t.Fatal(err)
	}
	h.putAll("c")
	r.cycle()
	row, _, err := r.cp.Destination(context.Background(), "old")
	waiting, werr := r.cp.Waiting(context.Background(), row.ID)
	if err = errors.Join(err, werr); err != nil || waiting.Due != 0 || !row.Retired {
		t.Errorf("due: %+v, %v", waiting, err)
	}
	r.Destinations = both
	var retired *RetiredError
	if _, err := r.Cycle(context.Background(), nil); !errors.As(err, &retired) {
		t.Error(err)
	}
}

func TestDryRunCutsNumbersAndDeliversNothing(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a", "b")
	dir := t.TempDir()
	bundles, err := r.DryRun(context.Background(), dir, nil)
	if err != nil || len(bundles) != 1 || bundles[0].Slices != 2 {
		t.Fatalf("%+v, %v", bundles, err)
	}
	looked, err := os.ReadFile(filepath.Join(bundles[0].Path, firstLetter))
	if err != nil || len(office.order) != 0 {
		t.Errorf("%v, took %q", err, office.order)
	}
	row, _, err := r.cp.Destination(context.Background(), "post")
	if err != nil || row.Serial != 0 {
		t.Errorf("serial %d, %v", row.Serial, err)
	}
	r.cycle()
	if sent := office.took[firstLetter]; len(sent) != 1 || !bytes.Equal(sent[0], looked) {
		t.Error("what was delivered is not what was looked at")
	}
}
