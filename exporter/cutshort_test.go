package exporter

import (
	"context"
	"errors"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// cutAccount is an account at rest whose records searches give cut short, so that
// all of them have to be asked for by id.
func cutAccount(faults ...sandbox.Fault) sandbox.Settings {
	return sandbox.Settings{Seed: 8, Conversations: 60, Period: 20 * time.Hour, Messages: 12,
		Faults: append([]sandbox.Fault{{Kind: sandbox.PartialRecord}}, faults...)}
}

// What an answer by id leaves out, gives twice, gives of somebody else, cuts short
// among others or refuses as a whole is asked for alone, and nothing is missing.
func TestAnswersByIDThatAreNotWhatWasAskedFor(t *testing.T) {
	for name, faults := range map[string][]sandbox.Fault{
		"left out":        {{Kind: sandbox.LeftOut, Share: 0.4, Together: true}},
		"all left out":    {{Kind: sandbox.LeftOut, Together: true}},
		"others instead":  {{Kind: sandbox.Mistaken, Share: 0.4, Together: true}},
		"twice":           {{Kind: sandbox.Twice, Share: 0.6}},
		"one unknown":     {{Kind: sandbox.NotFound, Numbers: []int{7}, Together: true}},
		"three refused":   {{Kind: sandbox.NotFound, Code: 400, Numbers: []int{0, 7, 31}, Together: true}},
		"two break it":    {{Kind: sandbox.NotFound, Code: 500, Numbers: []int{7, 44}, Together: true}},
		"cut in a crowd":  {{Kind: sandbox.PartialTogether, Share: 0.5}},
		"each in its way": {{Kind: sandbox.LeftOut, Share: 0.2, Together: true}, {Kind: sandbox.Mistaken, Share: 0.2, Together: true}, {Kind: sandbox.Twice, Share: 0.2}, {Kind: sandbox.PartialTogether, Share: 0.2}, {Kind: sandbox.NotFound, Numbers: []int{11}, Together: true}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTrial(t, cutAccount(faults...), 24*time.Hour, nil)
			if report, err := r.Cycle(context.Background(), nil); err != nil || !report.Complete {
				t.Errorf("complete %v, %v", report.Complete, err)
			}
			r.mustHoldTruth("local")
			if s, err := r.Status(context.Background()); err != nil || s.Partial != 0 {
				t.Errorf("%d cut short, %v", s.Partial, err)
			}
			if again := r.cycle(); again.Captured.Revisions != 0 || again.Destinations[0].Bundles != 0 {
				t.Errorf("at rest: %+v", again)
			}
		})
	}
}

// What not even the look at it alone gives whole stays due: the run says so, and
// when it comes whole, however late, nothing is missing and nothing comes twice.
func TestWhatStaysCutIsAskedForUntilItIsWhole(t *testing.T) {
	healed := epoch.Add(9 * day)
	for name, faults := range map[string][]sandbox.Fault{
		"cut":                 {{Kind: sandbox.PartialAlways, Share: 0.4, Until: healed}},
		"statuses without":    {{Kind: sandbox.MessagesGone, Share: 0.4, Until: healed}},
		"not found":           {{Kind: sandbox.NotFound, Share: 0.2, Until: healed}},
		"a fault of the host": {{Kind: sandbox.NotFound, Code: 500, Numbers: []int{5, 17}, Until: healed}},
		"refused":             {{Kind: sandbox.NotFound, Code: 400, Numbers: []int{5, 17}, Until: healed}},
		"somebody else":       {{Kind: sandbox.Mistaken, Share: 0.2, Until: healed}},
	} {
		t.Run(name, func(t *testing.T) {
			set := cutAccount(faults...)
			r := newTrial(t, set, 40*time.Hour, nil) // all are closed and still
			for r.clock.Now().Before(healed) {
				report, err := r.Cycle(context.Background(), nil)
				if !errors.Is(err, ErrIncomplete) || report.Complete {
					t.Fatalf("at %s: complete %v, %v", r.clock.Now().Sub(epoch), report.Complete, err)
				}
				if report.Watermark.IsZero() {
					t.Fatal("the whole window stays open")
				}
				r.clock.Advance(7 * time.Hour)
			}
			if len(r.holdsTruth("local")) == 0 {
				t.Fatal("nothing was missing: this proves nothing")
			}
			for range 3 {
				r.clock.Advance(25 * time.Hour)
				_, _ = r.Cycle(context.Background(), nil)
			}
			if report := r.cycle(); !report.Complete {
				t.Errorf("%+v", report)
			}
			r.mustHoldTruth("local")
			if s, err := r.Status(context.Background()); err != nil || s.Partial != 0 {
				t.Errorf("%d cut short, %v", s.Partial, err)
			}
		})
	}
}
