package exporter

import (
	"context"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// A first cycle that ends between its updates and its sweep must not leave
// sweeps that ask for all time since 1970, which LivePerson refuses for good.
func TestCycleAfterAFirstOneThatEndedInItsMiddle(t *testing.T) {
	set := sandbox.Settings{Seed: 7, Rate: 20, OpenShare: 0.2, Faults: []sandbox.Fault{
		{Kind: sandbox.Status, Route: sandbox.ByID, Code: 403, Until: epoch.Add(25 * time.Hour)},
	}}
	r := newTrial(t, set, 24*time.Hour, func(s *Settings) { s.Reread = 0 })
	if _, err := r.Cycle(context.Background(), nil); err == nil {
		t.Fatal("the first cycle was not stopped in its middle")
	}
	place, err := r.cp.Place(context.Background())
	if err != nil || place.Watermark == 0 {
		t.Fatalf("it was stopped too early: %+v, %v", place, err)
	}
	r.clock.Advance(4 * time.Hour)
	r.cycle()
	r.mustHoldTruth("local")
}

func TestCycleAfterAPauseOfMonths(t *testing.T) {
	r := newTrial(t, sandbox.Settings{Seed: 7, Rate: 2}, 24*time.Hour, nil)
	r.cycle()
	r.clock.Advance(100 * 24 * time.Hour)
	if report := r.cycle(); !report.Complete {
		t.Errorf("not complete: %+v", report)
	}
	r.mustHoldTruth("local")
}
