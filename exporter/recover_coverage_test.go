package exporter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
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

// manifests are the paths of a destination's manifests, in order of their serials.
func (r *trial) manifests(name string) []string {
	r.t.Helper()
	paths, err := filepath.Glob(filepath.Join(r.root, name, "sandbox", "*", "*", "*", name+"-*", archive.ManifestFile))
	if err != nil {
		r.t.Fatal(err)
	}
	slices.SortFunc(paths, func(a, b string) int {
		return strings.Compare(filepath.Base(filepath.Dir(a)), filepath.Base(filepath.Dir(b)))
	})
	return paths
}

func (r *trial) manifest(path string) *archive.Manifest {
	r.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	m, err := archive.ParseManifest(b)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// makeOlder gives the manifests of a destination the form that those had which
// proved no coverage.
func (r *trial) makeOlder(name string) {
	r.t.Helper()
	coverage, previous := regexp.MustCompile(`(?m)^"coverage":.*\n`), regexp.MustCompile(`("previous":\{.*"sha256":")[0-9a-f]+`)
	before := ""
	for _, path := range r.manifests(name) {
		b, err := os.ReadFile(path)
		if err != nil {
			r.t.Fatal(err)
		}
		was := hexSum(b)
		b = previous.ReplaceAll(coverage.ReplaceAll(b, nil), []byte("${1}"+before))
		before = hexSum(b)
		sums := filepath.Join(filepath.Dir(path), archive.SumsFile)
		listed, err := os.ReadFile(sums)
		if err != nil || !bytes.Contains(listed, []byte(was)) {
			r.t.Fatalf("%s: %v", sums, err)
		}
		if err := errors.Join(os.WriteFile(path, b, 0o600), os.WriteFile(sums, bytes.ReplaceAll(listed, []byte(was), []byte(before)), 0o600)); err != nil {
			r.t.Fatal(err)
		}
	}
}

// Manifests that prove nothing leave a hole from their first message to the time
// of the recovery, which ends every run until it is filled.
func TestRecoverFromOlderManifests(t *testing.T) {
	r := seldomTrial(t, 5*day, nil)
	r.backfills(epoch, r.clock.Now())
	r.clock.Advance(6 * day)
	r.makeOlder("local")
	r.lose()
	rec := r.recovers("local")
	if len(rec.Proven) != 0 || rec.Unproven != (Period{epoch, r.clock.Now()}) {
		t.Errorf("recovered: %+v", rec)
	}
	r.mustTell("hole 0s 264h0m0s []")
	gap := r.cycleWithGap()
	if want := "lpexport export --from 2026-03-01T00:00:00Z --to 2026-03-11T00:00:00Z"; gap.Hint() != want {
		t.Errorf("%s, want %s", gap.Hint(), want)
	}
	if faults := r.holdsTruth("local"); len(faults) == 0 {
		t.Error("nothing was lacking before the hole was filled")
	}
	r.fill()
	r.clock.Advance(time.Hour)
	r.cycle()
	r.mustHoldTruth("local")
}

// A manifest whose predecessor is missing proves nothing of what lies before. What
// the missing bundle held is captured and delivered again.
func TestRecoverWithABundleMissing(t *testing.T) {
	for _, missing := range []int{0, 1, 2} {
		t.Run(fmt.Sprint(missing), func(t *testing.T) {
			r := seldomTrial(t, day, nil)
			for range 4 {
				r.cycle()
				r.clock.Advance(day)
			}
			paths := r.manifests("local")
			if len(paths) != 4 {
				t.Fatal(paths)
			}
			last := r.manifest(paths[3])
			if n := len(last.Coverage); n != 1 || last.Coverage[0] != (archive.Coverage{From: epoch.UnixMilli(), To: epoch.Add(4 * day).UnixMilli(), ReadAt: epoch.Add(4 * day).UnixMilli(), By: archive.ByCycles}) {
				t.Errorf("coverage: %+v", last.Coverage)
			}
			if err := os.RemoveAll(filepath.Dir(paths[missing])); err != nil {
				t.Fatal(err)
			}
			r.lose()
			rec := r.recovers("local")
			if len(rec.Proven) == 0 {
				t.Errorf("recovered: %+v", rec)
			}
			for _, p := range rec.Proven {
				if gone := (Period{epoch.Add(time.Duration(missing) * day), epoch.Add(time.Duration(missing+1) * day)}); p.From.Before(gone.To) && p.To.After(gone.From) {
					t.Errorf("%v is proven, and of %v a bundle is missing", p, gone)
				}
			}
			var gap *HoleError
			if _, err := r.Cycle(context.Background(), nil); err != nil && !errors.As(err, &gap) {
				t.Fatal(err)
			}
			r.fill()
			r.clock.Advance(day)
			r.cycle()
			for _, f := range r.holdsTruth("local") {
				t.Error(f)
			}
		})
	}
}

// What was captured and waits to be cut is not proven: it is read again.
func TestRecoverWhatWaitedToBeCut(t *testing.T) {
	for name, cut := range map[string]Cut{"after a day": {After: day}, "when closed": {After: 7 * day}} {
		t.Run(name, func(t *testing.T) {
			set := sandbox.Settings{Seed: 12, Conversations: 80, Period: 8 * day, Messages: 6, Lively: 0.3}
			r := newTrial(t, set, day, func(s *Settings) { s.Since, s.Destinations[0].Cut = lastDay, cut })
			for range 30 {
				r.clock.Advance(5 * time.Hour)
				if _, err := r.Cycle(context.Background(), nil); err != nil {
					t.Fatal(err)
				}
			}
			if s := r.status(); s.Destinations[0].Pending == 0 {
				t.Fatal("nothing waits")
			}
			r.clock.Advance(30 * time.Hour)
			r.lose()
			r.recovers("local")
			for range 12 {
				r.fill()
				r.clock.Advance(day)
				if _, err := r.Cycle(context.Background(), nil); err != nil {
					t.Fatal(err)
				}
			}
			r.mustHoldTruth("local")
		})
	}
}

// Of several destinations only the one that can be read back is recovered: what
// the other one had is not known, and that is told until it was given all, or
// is said to want none.
func TestRecoverOneOfSeveralDestinations(t *testing.T) {
	var from *From
	r := seldomTrial(t, 5*day, nil)
	r.edit = also(r.edit, func(s *Settings) {
		d := r.destination("mail")
		d.Target, d.From = unreadable{d.Target}, from
		s.Destinations = append(s.Destinations, d)
	})
	r.reopenWith(nil)
	r.backfills(epoch, r.clock.Now())
	r.clock.Advance(2 * day)
	r.lose()
	if err := os.RemoveAll(filepath.Join(r.root, "mail")); err != nil {
		t.Fatal(err)
	}
	r.recovers("local")
	gap := r.cycleWithGap()
	if got := gap.Holes[len(gap.Holes)-1].Destinations; !slices.Equal(got, []string{"mail"}) {
		t.Errorf("the hole is that of %v", got)
	}
	r.clock.Advance(time.Hour)
	r.cycleWithGap()
	r.fill()
	r.clock.Advance(time.Hour)
	r.cycle()
	for _, name := range []string{"local", "mail"} {
		for _, f := range r.holdsTruth(name) {
			t.Errorf("%s: %s", name, f)
		}
	}
	r.lose()
	if err := os.RemoveAll(filepath.Join(r.root, "mail")); err != nil {
		t.Fatal(err)
	}
	from = &From{New: true}
	r.reopenWith(nil)
	r.recovers("local")
	r.cycle()
}

// unreadable is a destination that cannot be read back, as a mail server.
type unreadable struct{ archive.Destination }

// Recover on a state that is still there forgets nothing of what it knows, and
// finds nothing lacking.
func TestRecoverKeepsCoverage(t *testing.T) {
	for _, older := range []bool{false, true} {
		r := seldomTrial(t, 5*day, nil)
		r.backfills(epoch, r.clock.Now())
		r.cycle()
		before := r.told()
		if older {
			r.makeOlder("local")
		}
		r.recovers("local")
		r.mustTell(before...)
		r.clock.Advance(time.Hour)
		r.cycle()
		r.mustHoldTruth("local")
	}
}

// An archive of a selection proves nothing of what that left out.
func TestRecoverUnderAnotherSelection(t *testing.T) {
	var skills []string
	r := seldomTrial(t, 5*day, func(s *Settings) { s.Skills = skills })
	known, err := r.Source.Skills(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	skills = []string{known[0].Name}
	r.reopenWith(nil)
	r.backfills(epoch, r.clock.Now())
	r.clock.Advance(3 * day)
	skills = nil
	r.lose()
	r.recovers("local")
	r.cycleWithGap()
	r.fill()
	r.clock.Advance(time.Hour)
	r.cycle()
	r.mustHoldTruth("local")
}

// A state that is lost at any moment of its work, and recovered, leaves nothing
// out once its holes are filled.
func TestRecoverAfterALossAtAnyMoment(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 1))
			cut := []Cut{{Immediately: true}, {After: day}}[rng.IntN(2)]
			set := sandbox.Settings{Seed: seed, Conversations: 60, Period: 9 * day, Messages: 5, Lively: 0.2}
			r := newTrial(t, set, 2*day, func(s *Settings) {
				s.Since, s.Destinations[0].Cut, s.Destinations[0].Bounds.Conversations = lastDay, cut, 1+rng.IntN(12)
			})
			for range 3 {
				left := rng.IntN(60)
				for left > 0 {
					ctx, stop := context.WithCancel(context.Background())
					r.Step = func(string) {
						if left--; left == 0 {
							stop()
						}
					}
					if now := r.clock.Now(); rng.IntN(4) == 0 {
						from := epoch.Add(time.Duration(rng.IntN(int(now.Sub(epoch)/time.Hour))) * time.Hour)
						_, _ = r.Backfill(ctx, from, from.Add(time.Duration(1+rng.IntN(48))*time.Hour), nil)
					} else {
						_, _ = r.Cycle(ctx, nil)
					}
					stop()
					r.clock.Advance(time.Duration(rng.IntN(30)) * time.Hour)
				}
				r.lose()
				r.recovers("local")
			}
			r.Step = func(string) {}
			_, _ = r.Cycle(context.Background(), nil)
			first := r.status()
			for range 14 {
				r.fill()
				r.clock.Advance(day)
				r.cycle()
			}
			if len(first.Coverage) == 0 {
				t.Fatal("nothing is covered")
			}
			// What began before the first covered time was never asked for.
			since := first.Coverage[0].From
			if len(first.Holes) > 0 && first.Holes[0].From.Before(since) {
				since = first.Holes[0].From
			}
			for _, f := range compareTruth(r.account, r.clock.Now(), r.delivered("local")) {
				if !r.aboutEarlier(f, since) {
					t.Error(f)
				}
			}
		})
	}
}

// aboutEarlier reports whether a fault is of a conversation that began before a time.
func (r *trial) aboutEarlier(fault string, since time.Time) bool {
	for c := range r.account.Truth(r.clock.Now()) {
		if strings.Contains(fault, c.ID) {
			return c.StartedAt < since.UnixMilli()
		}
	}
	return false
}
