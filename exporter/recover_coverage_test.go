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
	"sync/atomic"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
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

// mustProve makes sure that a destination that was just recovered holds all that its
// manifests prove: of each conversation that began in a proven period, all messages
// of before the time from which the first cycle reads on.
func (r *trial) mustProve(name string) {
	r.t.Helper()
	read, err := r.readings(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	i := slices.IndexFunc(read.served, func(d served) bool { return d.name == name })
	proven := read.of(read.served[i].id)
	until := time.UnixMilli(readOn(proven, r.clock.Now())).Add(-r.Overlap).UnixMilli()
	has := map[string]bool{}
	for _, s := range r.delivered(name) {
		for _, m := range s.Messages {
			has[m.ID] = true
		}
	}
	periods, lacks := spansOf(proven, (*checkpoint.Coverage).Covers), 0
	for c := range r.account.Truth(r.clock.Now()) {
		for _, m := range c.Messages {
			if periods.hold(span{c.StartedAt, c.StartedAt + 1}) && m.SentAt < until && !has[m.ID] {
				lacks++
			}
		}
	}
	if lacks > 0 {
		r.t.Errorf("%d messages of what %s is proven to hold are missing", lacks, name)
	}
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
	if want := "lpexport export --from 2026-03-01T00:00:00Z --to 2026-03-11T00:00:00Z"; !strings.HasSuffix(gap.Hint(), ": "+want) {
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
			set := sandbox.Settings{Seed: 12, Conversations: 50, Period: 5 * day, Messages: 6, Lively: 0.3}
			r := newTrial(t, set, day, func(s *Settings) { s.Since, s.Destinations[0].Cut = lastDay, cut })
			for range 14 {
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
			r.mustProve("local")
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
		if older { // what this state knows otherwise is believed only when a person says so
			r.makeOlder("local")
			var changed *ChangedError
			if _, err := r.Recover(context.Background(), "local", anAcceptance); !errors.As(err, &changed) {
				t.Errorf("recover: %v", err)
			}
			r.verifies()
			r.acceptsAll()
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
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 1))
			cut := []Cut{{Immediately: true}, {After: day}}[rng.IntN(2)]
			set := sandbox.Settings{Seed: seed, Conversations: 40, Period: 9 * day, Messages: 5, Lively: 0.2}
			r := newTrial(t, set, 2*day, func(s *Settings) {
				s.Since, s.Destinations[0].Cut, s.Destinations[0].Bounds.Conversations = lastDay, cut, 1+rng.IntN(12)
			})
			for range 3 {
				var left atomic.Int64
				left.Store(int64(rng.IntN(60)))
				for left.Load() > 0 {
					ctx, stop := context.WithCancel(context.Background())
					r.Step = func(string) {
						if left.Add(-1) == 0 {
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
				r.mustProve("local")
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

// A conversation whose file waits is not proven: its file comes after a loss, too.
func TestRecoverFilesThatWaited(t *testing.T) {
	set := sandbox.Settings{Seed: 23, Conversations: 60, Period: 5 * day, Messages: 6}
	broken := true
	r := newTrial(t, set, 6*day, func(s *Settings) {
		s.Since = lastDay
		s.Files = fetching(s.Source.(FileSource))
		if broken {
			s.Files.Source = noFiles{}
		}
	})
	var gap *HoleError
	if _, err := r.Backfill(context.Background(), epoch, r.clock.Now(), nil); err != nil && !errors.Is(err, ErrIncomplete) && !errors.As(err, &gap) {
		t.Fatal(err)
	}
	if r.status().Files.Waiting == 0 {
		t.Fatal("no file waits")
	}
	broken = false
	r.clock.Advance(day)
	r.lose()
	r.recovers("local")
	for range 3 {
		if _, err := r.Cycle(context.Background(), nil); err != nil && !errors.As(err, &gap) {
			t.Fatal(err)
		}
		r.fill()
		r.clock.Advance(day)
	}
	for _, f := range r.holdsTruth("local") {
		t.Error(f)
	}
}

// noFiles is a file service that is down.
type noFiles struct{}

var errNoFiles = &liveperson.APIError{Op: "list files", Status: 503}

func (noFiles) ConversationFiles(context.Context, string) ([]liveperson.Link, error) {
	return nil, errNoFiles
}

func (noFiles) File(context.Context, liveperson.Link, int64, liveperson.FileSink) (string, error) {
	return "", errNoFiles
}

// A record that nobody can read is in no archive: manifests prove nothing new until
// it is resolved.
func TestManifestsProveNoRecordThatNobodyCanRead(t *testing.T) {
	r, h := handTrial(t, nil)
	proves := func() int { return len(r.manifest(r.manifests("local")[len(r.manifests("local"))-1]).Coverage) }
	h.put(talk{id: "a", said: []said{{0, "x"}}})
	good := h.records["a"]
	h.records["b"] = `{"info":[]}`
	if _, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrQuarantine) {
		t.Fatal(err)
	}
	if n := proves(); n != 0 {
		t.Errorf("%d periods are proven", n)
	}
	h.records = map[string]string{"a": good}
	if err := r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error { return tx.Resolve(1, r.millis()) }); err != nil {
		t.Fatal(err)
	}
	h.put(talk{id: "a", said: []said{{0, "x"}, {1, "y"}}})
	r.clock.Advance(time.Hour)
	r.cycle()
	if n := proves(); n != 1 {
		t.Errorf("%d periods are proven", n)
	}
}

// What is cut and not delivered yet is in a bundle that is missing at the archive:
// what the next one proves does not count for it.
func TestRecoverWithABundleThatWasNotDelivered(t *testing.T) {
	r := seldomTrial(t, day, nil)
	target := &moody{readable: r.Destinations[0].Target.(readable)}
	r.Destinations[0].Target = target
	r.cycle()
	r.clock.Advance(day)
	target.set(retryLater)
	if _, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrIncomplete) {
		t.Fatal(err)
	}
	r.clock.Advance(5 * day)
	r.lose()
	rec := r.recovers("local")
	if want := []Period{{epoch, epoch.Add(day)}}; !slices.Equal(rec.Proven, want) {
		t.Errorf("proven: %v, want %v", rec.Proven, want)
	}
	r.mustProve("local")
	r.cycle()
	r.clock.Advance(time.Hour)
	r.cycle() // sweeps what no filter reports
	for _, f := range r.holdsTruth("local") {
		t.Error(f)
	}
}
