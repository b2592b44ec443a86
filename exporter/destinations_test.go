package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"lpexport/archive"
)

func TestCutAfterAWhile(t *testing.T) {
	r, h := handTrial(t, later)
	r.clock.Advance(-20 * time.Hour) // the messages are three hours old
	h.put(talk{id: "open", said: []said{{0, "x"}}})
	h.put(talk{id: "closed", said: []said{{0, "x"}}, closed: true})
	h.put(talk{id: "surveyed", said: []said{{0, "x"}}, closed: true, more: `,"fullDialogStatus":"OPEN"`})
	report := r.cycle()
	if d := report.Destinations[0]; d.Pending != 2 || d.Waiting != 0 {
		t.Errorf("what waits for its time is counted wrong: %+v", d)
	}
	r.holds("local", "closed", "0: x")
	r.holds("local", "open")
	r.holds("local", "surveyed")
	r.clock.Advance(22*time.Hour + time.Minute) // over a day old
	r.cycle()
	r.holds("local", "open", "0: x")
	r.holds("local", "surveyed", "0: x")
	h.put(talk{id: "open", said: []said{{0, "x"}, {1420, "y"}}}) // young again
	r.cycle()
	r.holds("local", "open", "0: x")
	r.clock.Advance(24 * time.Hour)
	r.cycle()
	r.holds("local", "open", "0: x", "1420: y")
}

func TestCutOfAnOpenSurveyWaitsADay(t *testing.T) {
	r, h := handTrial(t, func(s *Settings) { s.Destinations[0].Cut = Cut{After: 7 * 24 * time.Hour} })
	r.clock.Advance(-20 * time.Hour)
	h.put(talk{id: "a", said: []said{{0, "x"}}, closed: true, more: `,"fullDialogStatus":"OPEN"`})
	r.cycle()
	r.holds("local", "a")
	r.clock.Advance(24 * time.Hour)
	r.cycle()
	r.holds("local", "a", "0: x")
}

func TestBundleBounds(t *testing.T) {
	r, h := handTrial(t, func(s *Settings) {
		s.Destinations[0].Bounds = Bounds{Conversations: 3, Bytes: 1 << 20, Wait: time.Hour}
	})
	for i := range 8 {
		h.put(talk{id: fmt.Sprint("c", i), said: []said{{0, "x"}}})
	}
	if d := r.cycle().Destinations[0]; d.Bundles != 3 || d.Slices != 8 {
		t.Errorf("bound by number: %+v", d)
	}
	r.Destinations[0].Bounds = Bounds{Conversations: 100, Bytes: 1, Wait: time.Hour}
	for i := range 4 {
		h.put(talk{id: fmt.Sprint("d", i), said: []said{{0, "x"}}})
	}
	if d := r.cycle().Destinations[0]; d.Bundles != 4 || d.Slices != 4 {
		t.Errorf("bound by bytes: %+v", d)
	}
	r.sound()
}

// What fills a bundle is delivered while the capture goes on: a backfill of days
// must not keep everything to its end.
func TestFullBundlesAreDeliveredDuringTheCapture(t *testing.T) {
	taken := make(chan struct{})
	r, h := handTrial(t, func(s *Settings) {
		s.Destinations[0].Bounds.Conversations = 2
		s.Destinations[0].Target = &signalling{readable: s.Destinations[0].Target.(readable), taken: sync.OnceFunc(func() { close(taken) })}
	})
	for i := range 3 {
		h.put(talk{id: fmt.Sprint("c", i), said: []said{{0, "x"}}})
	}
	h.fail = func(op string) error {
		if op != "by id" { // the searches are over, the capture is not
			return nil
		}
		select {
		case <-taken:
		case <-time.After(time.Minute):
			t.Error("nothing was delivered before the capture ended")
		}
		return nil
	}
	r.cycle()
	r.inOrder("local", 2)
}

// signalling tells when its target has taken an item.
type signalling struct {
	readable
	taken func()
}

func (s *signalling) Deliver(ctx context.Context, item archive.Item) (archive.Receipt, error) {
	receipt, err := s.readable.Deliver(ctx, item)
	if err == nil {
		s.taken()
	}
	return receipt, err
}

func (r *trial) addDestination(name string, from *From) {
	r.edit = also(r.edit, func(s *Settings) {
		d := r.destination(name)
		d.From = from
		s.Destinations = append(s.Destinations, d)
	})
	r.reopenWith(nil)
}

func TestDestinationsAddedLater(t *testing.T) {
	r, h := handTrial(t, nil)
	h.put(talk{id: "a", said: []said{{0, "one"}, {5, "two"}}})
	h.put(talk{id: "b", said: []said{{0, "one"}}, closed: true})
	r.cycle()
	r.addDestination("every", &From{All: true})
	r.addDestination("fresh", &From{New: true})
	r.addDestination("dated", &From{Date: time.UnixMilli(talkStart + 5*60_000)})
	r.cycle()
	r.holds("every", "a", "0: one", "5: two")
	r.holds("every", "b", "0: one")
	r.holds("fresh", "a")
	r.holds("dated", "a", "5: two")
	r.holds("dated", "b")
	h.put(talk{id: "a", said: []said{{0, "one, changed"}, {5, "two"}, {6, "three"}}})
	r.cycle()
	r.holds("local", "a", "0: one", "5: two", "0 amends 1: one, changed", "6: three")
	r.holds("fresh", "a", "0: one, changed", "6: three") // it never had the first words
	r.holds("dated", "a", "5: two", "6: three")
	r.addDestination("nothing", nil)
	var required *FromRequiredError
	if _, err := r.Cycle(context.Background(), nil); !errors.As(err, &required) || required.Destination != "nothing" {
		t.Errorf("a destination added later without from: %v", err)
	}
}

// A message without a time is for a destination that begins at a date: nobody
// can say that it is older.
func TestMessageWithoutTimeIsForADatedDestination(t *testing.T) {
	r, h := handTrial(t, func(s *Settings) { s.Destinations[0].From = &From{Date: time.UnixMilli(talkStart + 60_000)} })
	h.mu.Lock()
	h.records["a"] = fmt.Sprintf(`{"info":{"conversationId":"a","startTimeL":%d,"status":"OPEN"},"messageRecords":[
		{"type":"TEXT_PLAIN","seq":0,"timeL":%d,"messageData":{"msg":{"text":"old"}}},
		{"type":"TEXT_PLAIN","seq":1,"messageData":{"msg":{"text":"no time"}}},
		{"type":"TEXT_PLAIN","seq":2,"timeL":%d,"messageData":{"msg":{"text":"young"}}}]}`, talkStart, talkStart, talkStart+120_000)
	h.mu.Unlock()
	r.cycle()
	r.holds("local", "a", "1: no time", "2: young")
}

func TestOneFailingDestinationDelaysNoOther(t *testing.T) {
	r, h := handTrial(t, func(s *Settings) {
		d := s.Destinations[0]
		d.Name = "moody"
		s.Destinations = append(s.Destinations, d)
	})
	bad := &moody{readable: r.destination("moody").Target.(readable), err: retryLater}
	r.Destinations[1].Target = bad
	for i := range 3 {
		h.put(talk{id: "a", said: []said{{0, "0"}, {1, "1"}, {2, "2"}}[:i+1]})
		r.clock.Advance(2 * time.Hour) // longer than any pause
		report, err := r.Cycle(context.Background(), nil)
		if !errors.Is(err, ErrIncomplete) || report.Complete {
			t.Fatalf("%+v, %v", report, err)
		}
		if d := report.Destinations[0]; d.Pending != 0 || d.Bundles != 1 {
			t.Errorf("the other was held up: %+v", d)
		}
		if d := report.Destinations[1]; d.Pending != i+1 || d.Failed != 1 || d.Bundles != 1 {
			t.Errorf("failing: %+v", d)
		}
	}
	r.holds("local", "a", "0: 0", "1: 1", "2: 2")
	r.reopenWith(nil) // retry state is in the checkpoint
	r.Destinations[1].Target = bad
	s, err := r.Status(context.Background())
	if err != nil || s.Destinations[1].LastError != retryLater.Error() || s.Destinations[1].Failed != 1 || s.Destinations[1].OldestPending < 2*time.Minute {
		t.Errorf("status: %+v, %v", s, err)
	}
	bundles, err := r.cp.Undelivered(context.Background(), 2)
	if err != nil || len(bundles) != 3 || r.attempts(bundles[0].ID) != 3 || r.attempts(bundles[1].ID) != 0 {
		t.Errorf("undelivered: %+v, %v", bundles, err)
	}
	bad.set(nil)
	if report, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrIncomplete) || report.Destinations[1].Pending != 3 {
		t.Errorf("it was not left alone for a while: %+v, %v", report, err)
	}
	r.clock.Advance(2 * time.Hour)
	r.cycle()
	r.holds("moody", "a", "0: 0", "1: 1", "2: 2")
	r.inOrder("moody", 3)
}

// attempts is how often a bundle, which is one item, was tried in vain.
func (r *trial) attempts(bundle int64) int {
	r.t.Helper()
	items, err := r.cp.Unsent(context.Background(), bundle)
	if err != nil || len(items) != 1 {
		r.t.Fatalf("items %+v, %v", items, err)
	}
	return items[0].Attempts
}

// inOrder makes sure that a destination holds the serials 1 to n.
func (r *trial) inOrder(name string, n int) {
	r.t.Helper()
	paths, err := filepath.Glob(filepath.Join(r.root, name, "sandbox", "*", "*", "*", name+"-*", archive.ManifestFile))
	if err != nil || len(paths) != n {
		r.t.Errorf("%s: %d bundles, want %d: %v", name, len(paths), n, err)
	}
	for i, p := range paths {
		raw, err := os.ReadFile(p)
		var m struct{ Serial int }
		if err = errors.Join(err, json.Unmarshal(raw, &m)); err != nil || m.Serial != i+1 {
			r.t.Errorf("%s: serial %d, want %d: %v", p, m.Serial, i+1, err)
		}
	}
}

// Faults of a real directory: a file in its place, and in the place of one of
// its folders.
func TestDirectoryThatIsAFile(t *testing.T) {
	for _, broken := range []string{"", "sandbox", "sandbox/2026"} {
		r, h := handTrial(t, nil)
		r.addDestination("broken", &From{All: true})
		path := filepath.Join(r.root, "broken", broken)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		h.put(talk{id: "a", said: []said{{0, "x"}}})
		report, err := r.Cycle(context.Background(), nil)
		if err == nil || report.Destinations[1].Pending != 1 {
			t.Errorf("%q: %+v, %v", broken, report, err)
		}
		if got := r.lines("local", "a"); !slices.Equal(got, []string{"0: x"}) {
			t.Errorf("%q: the other holds %q", broken, got)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Cycle(context.Background(), []string{"broken"}); err != nil { // named: at once
			t.Errorf("%q: %v", broken, err)
		}
		r.holds("broken", "a", "0: x")
	}
}

// A foreign bundle with a manifest that cannot be read is no reason to stop for
// the others.
func TestUnreadableManifestHaltsOnlyItsDestination(t *testing.T) {
	r, h := handTrial(t, nil)
	r.addDestination("second", &From{All: true})
	h.put(talk{id: "a", said: []said{{0, "x"}}})
	r.cycle()
	paths, err := filepath.Glob(filepath.Join(r.root, "second", "sandbox", "*", "*", "*", "second-*", archive.ManifestFile))
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	if err := os.Truncate(paths[0], archive.MaxManifest+1); err != nil {
		t.Fatal(err)
	}
	h.put(talk{id: "a", said: []said{{0, "x"}, {1, "y"}}})
	_, err = r.Cycle(context.Background(), nil)
	var halt *HaltError
	if !errors.As(err, &halt) || halt.Destination != "second" {
		t.Errorf("cycle: %v", err)
	}
	if got := r.lines("local", "a"); !slices.Equal(got, []string{"0: x", "1: y"}) {
		t.Errorf("the other holds %q", got)
	}
}

func TestOnlyTheNamedDestinationIsDeliveredTo(t *testing.T) {
	r, h := handTrial(t, nil)
	r.addDestination("second", &From{All: true})
	h.put(talk{id: "a", said: []said{{0, "x"}}})
	report, err := r.Cycle(context.Background(), []string{"second"})
	if err != nil || len(report.Destinations) != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	r.holds("second", "a", "0: x")
	if got := r.lines("local", "a"); len(got) != 0 {
		t.Errorf("local holds %q", got)
	}
	r.cycle()
	r.holds("local", "a", "0: x")
}

// A halt of one destination is over when its cause is: nobody has to say so.
func TestHaltEndsWithItsCause(t *testing.T) {
	r, h := handTrial(t, nil)
	h.put(talk{id: "a", said: []said{{0, "x"}}})
	r.cycle()
	foreign := filepath.Join(r.root, "local", "sandbox", "2026", "03", "02", "local-000000009")
	if err := os.MkdirAll(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(foreign, archive.ManifestFile), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.put(talk{id: "a", said: []said{{0, "x"}, {1, "y"}}})
	r.halts("local")
	if err := os.RemoveAll(foreign); err != nil {
		t.Fatal(err)
	}
	r.cycle()
	r.holds("local", "a", "0: x", "1: y")
}
