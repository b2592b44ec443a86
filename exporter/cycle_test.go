package exporter

import (
	"context"
	"errors"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

func TestCycleCapturesEverythingOnce(t *testing.T) {
	r := newTrial(t, sandbox.Settings{Seed: 7, Rate: 40, LateChanges: true}, 5*24*time.Hour, nil)
	first := r.cycle()
	if first.Captured.Conversations < 150 || first.Destinations[0].Messages < 1000 {
		t.Fatalf("the account is too small to prove anything: %+v", first)
	}
	r.mustHoldTruth("local")
	second := r.cycle()
	if d := second.Destinations[0]; d.Bundles != 0 || second.Captured.Revisions != 0 {
		t.Errorf("a second cycle at rest wrote something: %+v", second)
	}
}

func TestCyclesFollowALivingAccount(t *testing.T) {
	set := sandbox.Settings{Seed: 3, Conversations: 90, Period: 40 * time.Hour, Lively: 0.2, LateChanges: true, Freshness: 30 * time.Second}
	r := newTrial(t, set, 24*time.Hour, nil)
	r.cycle()
	for range 40 {
		r.clock.Advance(23 * time.Minute)
		r.cycle()
	}
	// What no filter reports comes with looks by id and with the slow sweep: late
	// surveys up to a day and a half after the close, erasures after three days.
	for range 9 {
		r.clock.Advance(25 * time.Hour)
		r.cycle()
	}
	r.mustHoldTruth("local")
}

func TestBackfillCapturesItsPeriod(t *testing.T) {
	r := newTrial(t, sandbox.Settings{Seed: 5, Rate: 25, Messages: 6}, 40*24*time.Hour, nil)
	report, err := r.Backfill(context.Background(), epoch, epoch.Add(60*24*time.Hour), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Complete || report.Captured.Conversations < 900 {
		t.Errorf("report: %+v", report)
	}
	r.mustHoldTruth("local")
	again, err := r.Backfill(context.Background(), epoch, epoch.Add(60*24*time.Hour), nil)
	if err != nil || again.Captured.Revisions != 0 || again.Captured.Read < 900 {
		t.Errorf("again: %+v, %v", again, err)
	}
}

func TestBackfillGoesOnAfterBadPages(t *testing.T) {
	search := sandbox.Search
	// At rest, since the account's clock goes on while the client waits.
	set := sandbox.Settings{Seed: 5, Conversations: 600, Period: 15 * day, Messages: 6, Faults: []sandbox.Fault{
		{Kind: sandbox.Status, Route: search, Share: 0.1, Code: 429}, {Kind: sandbox.Status, Route: search, Share: 0.1},
		{Kind: sandbox.Cut, Route: search, Share: 0.1, Fraction: 0.7}, {Kind: sandbox.HTML, Route: search, Share: 0.05},
		{Kind: sandbox.Empty, Route: search, Share: 0.05}, {Kind: sandbox.PartialResult, Route: search, Share: 0.1},
		{Kind: sandbox.Shift, Route: search, Share: 0.05, By: 2}, {Kind: sandbox.CountOff, Route: search, Share: 0.05, By: -1},
		{Kind: sandbox.PartialRecord, Share: 0.05},
	}}
	r := newTrial(t, set, 20*24*time.Hour, nil)
	for range 30 {
		report, err := r.Backfill(context.Background(), epoch, epoch.Add(60*24*time.Hour), nil)
		if err == nil && report.Complete {
			r.mustHoldTruth("local")
			return
		}
		if !errors.Is(err, ErrIncomplete) {
			t.Fatal(err)
		}
	}
	t.Error("the backfill never came to its end")
}
