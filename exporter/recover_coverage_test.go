package exporter

import (
	"context"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// lastDay is the usual poll.since.
func lastDay(now time.Time) time.Time { return now.Add(-24 * time.Hour) }

// seldomTrial is an account of ten days whose exporter begins, as configured by
// default, with what was updated in the last 24 hours.
func seldomTrial(t *testing.T, after time.Duration, edit func(*Settings)) *trial {
	set := sandbox.Settings{Seed: 23, Conversations: 120, Period: 10 * 24 * time.Hour, Messages: 6}
	return newTrial(t, set, after, also(edit, func(s *Settings) { s.Since = lastDay }))
}

func (r *trial) backfills(from, to time.Time) {
	r.t.Helper()
	if _, err := r.Backfill(context.Background(), from, to, nil); err != nil {
		r.t.Fatalf("backfill: %v", err)
	}
}

// What came between the newest proven coverage and the loss is read again without
// being asked for.
func TestRecoverReadsOnFromWhatTheManifestsProve(t *testing.T) {
	r := seldomTrial(t, 5*24*time.Hour, nil)
	r.backfills(epoch, r.clock.Now())
	r.mustHoldTruth("local")
	r.clock.Advance(6 * 24 * time.Hour)
	r.lose()
	r.recovers("local")
	r.cycle()
	r.clock.Advance(time.Hour)
	r.cycle() // sweeps what no filter reports
	r.mustHoldTruth("local")
}
