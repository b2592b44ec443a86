package exporter

import (
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// TestAnEmptyListWithACountIsNoAnswer backfills into the present from an account
// that lists nobody in its first answer about the period, and counts all. Of
// another period it lists some, so that its answers are believed.
func TestAnEmptyListWithACountIsNoAnswer(t *testing.T) {
	r := newTrial(t, sandbox.Settings{Conversations: 40, Period: day, Messages: 3,
		Faults: []sandbox.Fault{{Kind: sandbox.Hollow, Route: sandbox.Search, Nth: []int{3}}}}, 20*time.Hour+3*time.Minute, nil)
	for _, to := range []time.Duration{time.Hour, 30 * time.Hour} {
		if report, err := r.backfill(0, to); err != nil || !report.Complete {
			t.Fatalf("backfill to %v: %+v, %v", to, report, err)
		}
	}
	r.mustHoldTruth("local")
}
