package exporter

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"lpexport/archive"
)

var (
	overloaded = &archive.Error{Class: archive.Retry, Op: "deliver", Err: errors.New("503 slow down")}
	gaveUp     = &archive.Error{Class: archive.Retry, Item: true, Op: "deliver", Err: errors.New("421 end of the mail")}
)

// A mail that is always answered 421, or ends the connection, stands before no other:
// they go on in the same run, and it has pauses of its own that grow.
func TestItemThatAlwaysFailsBlocksNobody(t *testing.T) {
	for name, fault := range map[string]*archive.Error{"its own": gaveUp, "as if the place's": overloaded} {
		r, _, office := refusingTrial(t, 6)
		office.says(func(name string) error {
			if name == firstLetter {
				return fault
			}
			return nil
		})
		if _, err := r.fails(); !errors.Is(err, ErrIncomplete) {
			t.Error(err)
		}
		if len(office.order) != 5 {
			t.Errorf("%s: took %q", name, office.order)
		}
		r.clock.Advance(30 * time.Second)
		offered := len(office.offered)
		if _, err := r.fails(); !errors.Is(err, ErrIncomplete) || len(office.offered) != offered {
			t.Errorf("%s: it was not left alone: %d more tries, %v", name, len(office.offered)-offered, err)
		}
		s, err := r.Status(context.Background())
		if err != nil || s.Destinations[0].Failed != 1 || !s.Destinations[0].FailingSince.IsZero() {
			t.Errorf("%s: status %+v, %v", name, s.Destinations[0], err)
		}
		office.says(func(string) error { return nil })
		r.clock.Advance(time.Hour)
		r.cycle()
		if len(office.order) != 6 || office.times(firstLetter) != 1 {
			t.Errorf("%s: took %q", name, office.order)
		}
	}
}

// A mail of which a process that died left nobody knows is counted once, however often
// it is tried after that.
func TestTriesAfterADeathAreNoMoreUncertain(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a")
	r.Exporter.Step = func(name string) {
		if name == "item taken" {
			panic("died")
		}
	}
	func() {
		defer func() { _ = recover() }()
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
	office.answers(func(string) error { return overloaded })
	_, _ = r.fails()
	s, err := r.Status(context.Background())
	if err != nil || s.Destinations[0].Uncertain != 1 {
		t.Errorf("%+v, %v", s.Destinations[0], err)
	}
}

// Nor do many of them: what was never tried comes first.
func TestManyItemsThatAlwaysFailBlockNobody(t *testing.T) {
	r, _, office := refusingTrial(t, 40)
	office.says(func(name string) error {
		if name <= "post-000000001-000020.letter" {
			return gaveUp
		}
		return nil
	})
	for range 6 {
		_, _ = r.fails()
		r.clock.Advance(2 * time.Hour) // longer than any pause
	}
	if len(office.order) != 20 {
		t.Errorf("took %d of 20: %q", len(office.order), office.order)
	}
}

// Where each third delivery fails, by whatever fault, one run delivers all.
func TestEveryThirdDeliveryFails(t *testing.T) {
	for name, fault := range map[string]*archive.Error{"its own": gaveUp, "the place's": overloaded,
		"asked to wait a second": {Class: archive.Retry, Op: "deliver", RetryAfter: time.Second, Err: errors.New("429")}} {
		r, _, office := refusingTrial(t, 50)
		n := 0
		office.says(func(string) error {
			if n++; n%3 == 0 {
				return fault
			}
			return nil
		})
		r.cycle()
		if len(office.order) != 50 || len(office.took) != 50 {
			t.Errorf("%s: took %d", name, len(office.order))
		}
	}
}

// Whole bundles go on likewise: one that fails alone holds up none of the others.
func TestBundleThatAlwaysFailsBlocksNoOther(t *testing.T) {
	r, h := handTrial(t, func(s *Settings) {
		s.Destinations[0].Bounds = Bounds{Conversations: 1, Bytes: 1 << 20, Wait: time.Hour}
	})
	target := &choosy{readable: r.Destinations[0].Target.(readable), refuses: "local-000000002"}
	r.Destinations[0].Target = target
	for i := range 4 {
		h.put(talk{id: fmt.Sprint("c", i), said: []said{{0, "x"}}})
	}
	var report Report
	var err error
	for range 3 { // whether it is the place shows when there is another one to try
		report, err = r.fails()
		r.clock.Advance(2 * time.Hour)
	}
	if !errors.Is(err, ErrIncomplete) || report.Destinations[0].Pending != 1 {
		t.Errorf("%+v, %v", report.Destinations, err)
	}
	target.refuses = ""
	r.clock.Advance(time.Hour)
	r.cycle()
	r.inOrder("local", 4)
	r.sound()
}

// choosy takes any bundle but one.
type choosy struct {
	readable
	refuses string
}

func (c *choosy) Deliver(ctx context.Context, item archive.Item) (archive.Receipt, error) {
	if c.refuses != "" && len(item.Path) > len(c.refuses) && item.Path[len(item.Path)-len(c.refuses):] == c.refuses {
		return archive.Receipt{}, overloaded
	}
	return c.readable.Deliver(ctx, item)
}

// A place that is down is left alone after a few short pauses, and so is one that asks
// for a long one: its items have not failed.
func TestOutageIsConcludedSoon(t *testing.T) {
	long := &archive.Error{Class: archive.Retry, Op: "deliver", RetryAfter: 10 * time.Minute, Err: errors.New("429")}
	for fault, tries := range map[*archive.Error]int{overloaded: len(shortPauses) + 2, long: 1, gaveUp: faultsInRow} {
		var slept []time.Duration
		r, _, office := refusingTrial(t, 30)
		r.Sleep = func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil }
		office.says(func(string) error { return fault })
		report, err := r.fails()
		if !errors.Is(err, ErrIncomplete) || len(office.offered) != tries || report.Destinations[0].Err == nil {
			t.Errorf("%v: %d tries, want %d: %v", fault, len(office.offered), tries, err)
		}
		total := time.Duration(0)
		for _, d := range slept {
			total += d
		}
		if total > 10*time.Second {
			t.Errorf("%v: a run waited %s", fault, total)
		}
		s, serr := r.Status(context.Background())
		if serr != nil || s.Destinations[0].FailingSince.IsZero() || s.Destinations[0].LastError != fault.Error() {
			t.Errorf("%v: status %+v, %v", fault, s.Destinations[0], serr)
		}
		office.says(func(string) error { return nil })
		r.clock.Advance(time.Hour)
		r.cycle()
		if len(office.order) != 30 || len(office.took) != 30 {
			t.Errorf("%v: took %d", fault, len(office.order))
		}
	}
}

// A run that is stopped in a short pause ends at once, with nothing lost or sent in
// secret: the item waits as if it had not been tried.
func TestStoppedInAShortPause(t *testing.T) {
	r, _, office := refusingTrial(t, 3)
	ctx, cancel := context.WithCancel(context.Background())
	r.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	office.says(func(string) error { return overloaded })
	if _, err := r.Cycle(ctx, nil); !errors.Is(err, context.Canceled) || len(office.offered) != 1 {
		t.Errorf("%v, offered %q", err, office.offered)
	}
	office.says(func(string) error { return nil })
	r.cycle()
	s, err := r.Status(context.Background())
	if err != nil || s.Destinations[0].Uncertain != 0 || len(office.order) != 3 {
		t.Errorf("%+v, %v, took %q", s.Destinations[0], err, office.order)
	}
}
