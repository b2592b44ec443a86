package exporter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
)

// noDMARC is how a gateway refuses each mail of a sender that it does not trust.
var noDMARC = &archive.Error{Class: archive.Reject, Op: "deliver", Alike: "5.7", Hint: "see to DMARC", Err: errors.New("550 5.7.26 unauthenticated")}

// refusing is a post office that notes what it was offered.
type refusing struct {
	*postOffice
	offered []string
}

func (r *refusing) says(answer func(name string) error) {
	r.answers(func(name string) error {
		r.offered = append(r.offered, name)
		return answer(name)
	})
}

func refusingTrial(t *testing.T, letters int) (*trial, *handmade, *refusing) {
	t.Helper()
	r, h, office := postTrial(t)
	for i := range letters {
		h.putAll(fmt.Sprintf("c%02d", i))
	}
	return r, h, &refusing{postOffice: office}
}

// haltsAlike runs a cycle that must halt since everything is refused.
func (r *trial) haltsAlike() *HaltError {
	r.t.Helper()
	_, err := r.fails()
	var halt *HaltError
	var alike *RefusedAlikeError
	if !errors.As(err, &halt) || !errors.As(err, &alike) || errors.Is(err, ErrQuarantine) {
		r.t.Fatalf("not halted for refusals alike: %v", err)
	}
	return halt
}

func (r *trial) quarantined() int {
	r.t.Helper()
	list, err := r.QuarantineList(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return len(list)
}

// Whom a gateway does not trust, it refuses mail by mail. That is the place's fault:
// after a few it halts, nothing waits for a person by itself, and a run in vain costs
// one refusal. Once the gateway is set right, everything is delivered, once.
func TestRefusalsAlikeHaltTheDestination(t *testing.T) {
	r, _, office := refusingTrial(t, 12)
	office.says(func(string) error { return noDMARC })
	halt := r.haltsAlike()
	var at *archive.Error
	if !errors.As(halt, &at) || at.Class != archive.Halt || at.Hint != noDMARC.Hint {
		t.Errorf("halted with %+v", at)
	}
	if len(office.offered) != mostAlike || r.quarantined() != 0 {
		t.Errorf("offered %q, %d in quarantine", office.offered, r.quarantined())
	}
	s, err := r.Status(context.Background())
	if err != nil || !s.Destinations[0].Halted || s.Destinations[0].Rejected != 0 || s.Destinations[0].Pending != 1 {
		t.Errorf("status: %+v, %v", s.Destinations, err)
	}
	stands, err := r.StandsFor(context.Background(), "post")
	if err != nil || stands == nil || stands.Hint != noDMARC.Hint || stands.Error() != "deliver post office: 3 items in a row were refused, and none was taken in between: 550 5.7.26 unauthenticated" {
		t.Errorf("stands for %+v, %v", stands, err)
	}
	for n := range 4 {
		r.clock.Advance(5 * time.Minute)
		r.haltsAlike()
		if len(office.offered) != mostAlike+n+1 || r.quarantined() != 0 {
			t.Fatalf("run %d: offered %q, %d in quarantine", n, office.offered, r.quarantined())
		}
	}
	if probes := office.offered[mostAlike:]; len(slices.Compact(slices.Sorted(slices.Values(probes)))) != len(probes) {
		t.Errorf("the same item each time: %q", probes)
	}
	office.says(func(string) error { return nil })
	r.cycle()
	if stands, err := r.StandsFor(context.Background(), "post"); err != nil || stands != nil {
		t.Errorf("stands for %+v, %v", stands, err)
	}
	if len(office.order) != 12 || len(office.took) != 12 || r.quarantined() != 0 {
		t.Errorf("took %q, %d in quarantine", office.order, r.quarantined())
	}
	r.sound()
}

// The row of refusals goes on from run to run: one new mail a run fills no quarantine.
func TestRefusalsAlikeCountOverRuns(t *testing.T) {
	r, h, office := refusingTrial(t, 0)
	office.says(func(string) error { return noDMARC })
	for i := range 12 {
		h.putAll(fmt.Sprintf("c%02d", i))
		_, _ = r.fails()
		r.reopenWith(nil)
		if want := min(i+1, mostAlike-1); i < mostAlike-1 && r.quarantined() != want || i >= mostAlike-1 && r.quarantined() != 0 {
			t.Errorf("run %d: %d in quarantine", i, r.quarantined())
		}
		r.clock.Advance(5 * time.Minute)
	}
	if len(office.offered) != 12 {
		t.Errorf("offered %q", office.offered)
	}
	office.says(func(string) error { return nil })
	r.cycle()
	if len(office.order) != 12 || len(office.took) != 12 {
		t.Errorf("took %q", office.order)
	}
}

// What a person has tried again is counted anew, and holds up nothing.
func TestRetriedItemsAreCountedAnew(t *testing.T) {
	r, h, office := refusingTrial(t, 2)
	office.says(func(string) error { return noDMARC })
	_, _ = r.fails()
	if _, err := r.QuarantineRetry(context.Background()); err != nil {
		t.Fatal(err)
	}
	if stands, err := r.StandsFor(context.Background(), "post"); err != nil || stands != nil {
		t.Errorf("stands for %+v, %v", stands, err)
	}
	h.putAll("x", "y")
	office.says(func(name string) error {
		if strings.HasPrefix(name, "post-000000001") {
			return noDMARC
		}
		return nil
	})
	if _, err := r.fails(); !errors.Is(err, ErrQuarantine) || errors.Is(err, ErrIncomplete) || len(office.order) != 2 || r.quarantined() != 2 {
		t.Errorf("%v, took %q, %d in quarantine", err, office.order, r.quarantined())
	}
}

// Mails that are refused for what they hold may stand in a row too. They hold nobody
// up for good: once another one is taken, each of them waits for a person.
func TestRefusedRowOfBadItemsHoldsUpNobody(t *testing.T) {
	r, _, office := refusingTrial(t, 12)
	bad := func(name string) bool { return name <= "post-000000001-000005.letter" }
	office.says(func(name string) error {
		if bad(name) {
			return noDMARC
		}
		return nil
	})
	r.haltsAlike()
	var err error
	for range 3 {
		r.clock.Advance(2 * time.Hour)
		_, err = r.fails()
	}
	if !errors.Is(err, ErrQuarantine) || errors.Is(err, ErrIncomplete) || len(office.order) != 7 || r.quarantined() != 5 {
		t.Errorf("took %q, %d in quarantine: %v", office.order, r.quarantined(), err)
	}
	list, err := r.QuarantineList(context.Background())
	for _, q := range list {
		if q.Kind != "item" || !bad(q.Item[len("post-000000001/"):]) {
			t.Errorf("%+v, %v", q, err)
		}
	}
}

// Between refusals of which each has its own reason, nothing halts, until it is clear
// that nothing is taken at all.
func TestRefusalsOfAllKindsHaltInTheEnd(t *testing.T) {
	r, _, office := refusingTrial(t, 2*mostRefused)
	n := 0
	office.says(func(string) error {
		n++
		return &archive.Error{Class: archive.Reject, Op: "deliver", Alike: fmt.Sprint("5.6.", n), Err: errors.New("no")}
	})
	r.haltsAlike()
	if len(office.offered) != mostRefused || r.quarantined() != 0 {
		t.Errorf("offered %q, %d in quarantine", office.offered, r.quarantined())
	}
}

// A refusal of its own here and there waits for a person and halts nobody.
func TestScatteredRefusalsHaltNobody(t *testing.T) {
	r, _, office := refusingTrial(t, 20)
	n := 0
	office.says(func(string) error {
		if n++; n%3 != 0 {
			return noDMARC
		}
		return nil
	})
	if _, err := r.fails(); !errors.Is(err, ErrQuarantine) || errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
	if len(office.offered) != 20 || r.quarantined() != 14 {
		t.Errorf("offered %d, %d in quarantine", len(office.offered), r.quarantined())
	}
}
