package exporter

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/archivetest"
	"lpexport/exporter/checkpoint"
)

// tampered is a trial with two bundles, the first of which somebody has changed. It
// gives the path of the changed file, and what it held.
func tampered(t *testing.T) (r *trial, h *handmade, path string, before []byte) {
	t.Helper()
	r, h = handTrial(t, nil)
	h.putAll("a")
	r.cycle()
	h.putAll("b")
	r.cycle()
	path = filepath.Join(r.bundlesAt("local")[0], archive.TranscriptsFile)
	return r, h, path, archivetest.Change(t, path, `"text":"`, `"text":"y`)
}

// names are the problems' paths, with their kinds.
func (r *trial) problemsNow() string {
	r.t.Helper()
	var list []string
	for _, p := range r.verifies() {
		list = append(list, p.Kind+" "+filepath.Base(p.Path))
	}
	return strings.Join(list, ", ")
}

const first = "local-000000001"

// What was found changed stays a problem: replaying, deleting and putting back launder
// nothing.
func TestChangedBundleStaysAProblem(t *testing.T) {
	for name, launder := range map[string]func(r *trial, path string, before []byte){
		"left":     func(*trial, string, []byte) {},
		"put back": func(r *trial, path string, before []byte) { must(r.t, os.WriteFile(path, before, 0o600)) },
		"deleted":  func(r *trial, path string, _ []byte) { must(r.t, os.RemoveAll(filepath.Dir(path))) },
		"all deleted, recovered": func(r *trial, path string, _ []byte) {
			for _, p := range r.bundlesAt("local") {
				must(r.t, os.RemoveAll(p))
			}
			r.recovers("local")
			r.cycle()
		},
	} {
		for _, noticed := range []string{"verify", "replay"} {
			t.Run(name+" after "+noticed, func(t *testing.T) {
				r, h, path, before := tampered(t)
				if noticed == "verify" {
					if r.problemsNow() == "" {
						t.Fatal("not found")
					}
				} else if got, err := r.Replay(context.Background(), "local", Replaying{}); err == nil || got.Differs != 1 || got.Same != 1 {
					t.Fatalf("%+v, %v", got, err)
				}
				launder(r, path, before)
				if got := r.problemsNow(); !strings.Contains(got, first) && !strings.Contains(got, archive.TranscriptsFile) {
					t.Errorf("problems: %q", got)
				}
				h.putAll("c")
				r.cycle() // one bundle's fault stops nothing
				if _, err := r.AcceptBundle(context.Background(), anAcceptance, first); err != nil {
					t.Fatal(err)
				}
				d := r.decided(checkpoint.DecidedBundle, first)
				if len(d.Was) != 64 || name != "deleted" && len(d.Found) != 64 || !strings.Contains(d.Facts, "hash") {
					t.Errorf("on record: %+v", d)
				}
				if got := r.problemsNow(); got != "" {
					t.Errorf("after it was accepted: %q", got)
				}
			})
		}
	}
}

// What is accepted is what was seen: another change is another problem.
func TestAcceptedBundleThatChangesAgainIsAProblem(t *testing.T) {
	r, _, path, before := tampered(t)
	var none *NothingToAcceptError
	if _, err := r.AcceptBundle(context.Background(), anAcceptance, first); !errors.As(err, &none) {
		t.Errorf("accepted before it was found: %v", err)
	}
	r.problemsNow()
	archivetest.Change(t, path, `"text":"`, `"text":"y`)
	if _, err := r.AcceptBundle(context.Background(), anAcceptance, first); !errors.As(err, &none) || !strings.Contains(none.Error(), "again") {
		t.Errorf("accepted what nobody has seen: %v", err)
	}
	r.problemsNow()
	if _, err := r.AcceptBundle(context.Background(), anAcceptance, first); err != nil {
		t.Fatal(err)
	}
	if got := r.problemsNow(); got != "" {
		t.Errorf("accepted: %q", got)
	}
	archivetest.Change(t, path, `"text":"`, `"text":"y`)
	if got := r.problemsNow(); got == "" {
		t.Error("a change after that is not found")
	}
	must(t, os.WriteFile(path, before, 0o600))
	if got := r.problemsNow(); !strings.Contains(got, first) {
		t.Errorf("put back: %q", got)
	}
}

// A recovery believes no bundle that this state knows otherwise.
func TestRecoverRefusesAChangedBundle(t *testing.T) {
	r, h, _, _ := tampered(t)
	manifest := filepath.Join(r.bundlesAt("local")[0], archive.ManifestFile)
	archivetest.Change(t, manifest, "lpexport test", "lpexport other")
	var changed *ChangedError
	for range 2 {
		if _, err := r.Recover(context.Background(), "local", anAcceptance); !errors.As(err, &changed) || changed.Bundle != first ||
			!strings.Contains(changed.Hint(), "lpexport accept bundle "+first) {
			t.Fatalf("recover: %v", err)
		}
	}
	r.acceptsAll()
	r.recovers("local")
	h.putAll("c")
	r.cycle()
	r.holds("local", "c", "0: x")
}

// The last bundle rewritten whole is found by the next run.
func TestLastBundleChangedHalts(t *testing.T) {
	r, h, path, before := tampered(t)
	must(t, os.WriteFile(path, before, 0o600))
	archivetest.Change(t, filepath.Join(r.bundlesAt("local")[1], archive.ManifestFile), "lpexport test", "lpexport other")
	h.putAll("c")
	_, err := r.Cycle(context.Background(), nil)
	var changed *ChangedError
	if !errors.As(err, &changed) || changed.Bundle != "local-000000002" {
		t.Fatal(err)
	}
	r.acceptsAll()
	r.cycle()
	r.holds("local", "c", "0: x")
}

// A state that knows nothing takes names from a damaged bundle, not words, and says so.
func TestRecoverOfDamagedTranscriptsTakesNames(t *testing.T) {
	r, h, _, _ := tampered(t)
	r.lose()
	if rec := r.recovers("local"); rec.Damaged != 1 || rec.Conversations != 2 {
		t.Errorf("%+v", rec)
	}
	h.putAll("c")
	r.cycle()
	if got := r.lines("local", "c"); len(got) != 1 {
		t.Errorf("of what came after, it holds %q", got)
	}
	if got := r.problemsNow(); !strings.Contains(got, "damaged "+archive.TranscriptsFile) {
		t.Errorf("problems: %q", got)
	}
}

func TestReplayRepairsWhatIsMissing(t *testing.T) {
	for name, lose := range map[string]func(path string) error{
		"file":     os.Remove,
		"manifest": func(path string) error { return os.Remove(filepath.Join(filepath.Dir(path), archive.ManifestFile)) },
		"bundle":   func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			r, _, path, before := tampered(t)
			must(t, os.WriteFile(path, before, 0o600))
			all := r.files()
			must(t, lose(path))
			if r.problemsNow() == "" {
				t.Error("not found")
			}
			got, err := r.Replay(context.Background(), "local", Replaying{})
			if err != nil || got.Repaired != 1 || got.Same != 1 || len(got.Each) != 1 || got.Each[0].Bundle != first || got.Each[0].Result != ReplayRepaired {
				t.Fatalf("%+v, %v", got, err)
			}
			r.keeps(all)
			if got := r.problemsNow(); got != "" {
				t.Errorf("problems: %q", got)
			}
			r.spoolIsEmpty()
		})
	}
}

// spoolIsEmpty makes sure that a replay leaves nothing.
func (r *trial) spoolIsEmpty() {
	r.t.Helper()
	left, err := filepath.Glob(filepath.Join(r.state, "spool", "*", "*"))
	if err != nil || len(left) > 0 {
		r.t.Errorf("in the spool: %q, %v", left, err)
	}
}

// What was changed is overwritten only by a person's word, which is on record; what was
// overwritten does not count any more.
func TestReplayOverwritesByAPersonsWord(t *testing.T) {
	r, _, path, before := tampered(t)
	changed, err := os.ReadFile(path)
	must(t, err)
	extra := filepath.Join(filepath.Dir(path), "extra.txt")
	must(t, os.WriteFile(extra, nil, 0o600))
	var differs *DiffersError
	if _, err := r.Replay(context.Background(), "local", Replaying{}); !errors.As(err, &differs) || !strings.Contains(differs.Hint(), "--overwrite --reason TEXT") {
		t.Fatal(err)
	}
	var reason *ReasonError
	if _, err := r.Replay(context.Background(), "local", Replaying{Overwrite: &Acceptance{Person: "olga", Reason: " "}}); !errors.As(err, &reason) {
		t.Error(err)
	}
	by := anAcceptance
	got, err := r.Replay(context.Background(), "local", Replaying{Overwrite: &by})
	if err != nil || got.Overwritten != 1 || got.Same != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if d := r.decided(checkpoint.DecidedBundle, first); d.Was == d.Found || len(d.Was) != 64 || len(d.Found) != 64 || !strings.Contains(d.Facts, `"overwritten":true`) {
		t.Errorf("%+v", d)
	}
	now, err := os.ReadFile(path)
	if _, gone := os.Stat(extra); err != nil || string(now) != string(before) || gone == nil {
		t.Errorf("it was not overwritten: %v", err)
	}
	if got := r.problemsNow(); got != "" {
		t.Errorf("problems: %q", got)
	}
	must(t, os.WriteFile(path, changed, 0o600))
	if got := r.problemsNow(); got == "" {
		t.Error("the changed bytes are accepted")
	}
}

// A file of ours that was changed in a flat folder does not stop what comes after it.
func TestReplayIntoADropFolderWithOtherBytes(t *testing.T) {
	r, h, _ := dropTrial(t)
	h.putAll("a")
	r.cycle()
	files, err := filepath.Glob(filepath.Join(r.root, "drop", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	archivetest.Change(t, files[0], "x", "y")
	if _, err := r.Replay(context.Background(), "local", Replaying{}); err != nil {
		t.Fatal(err)
	}
	if got := r.problemsNow(); !strings.Contains(got, "damaged "+first) {
		t.Errorf("problems: %q", got)
	}
	by := anAcceptance
	var unread *NotReadableError
	if _, err := r.Replay(context.Background(), "local", Replaying{Overwrite: &by}); !errors.As(err, &unread) {
		t.Errorf("overwritten: %v", err)
	}
	n := r.empty("drop")
	h.putAll("b")
	r.cycle()
	if got := r.empty("drop"); got != n {
		t.Errorf("%d files were dropped, want %d", got, n)
	}
	if _, err := r.AcceptBundle(context.Background(), anAcceptance, first); err != nil {
		t.Fatal(err)
	}
	if got := r.problemsNow(); got != "" {
		t.Errorf("problems: %q", got)
	}
}

func TestAcceptItem(t *testing.T) {
	r, _ := handTrial(t, nil)
	bad := checkpoint.Quarantined{Kind: checkpoint.KindRecord, SourceID: "bad", Reason: "no JSON", SHA256: []byte{1}, Bytes: 3}
	quarantine := func() {
		must(t, r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error { return tx.Quarantine(bad, r.millis()) }))
	}
	waiting := func() int {
		n, err := r.cp.CountQuarantined(context.Background())
		must(t, err)
		return n
	}
	quarantine()
	for _, reason := range []string{"", " ", "a\nb", "\xff", strings.Repeat("x", maxReason+1)} {
		var wrong *ReasonError
		if _, err := r.AcceptItem(context.Background(), Acceptance{"olga", reason}, 1); !errors.As(err, &wrong) {
			t.Errorf("reason %.10q: %v", reason, err)
		}
	}
	if len(r.decisions(checkpoint.DecidedItem)) != 0 || waiting() != 1 {
		t.Error("something was decided")
	}
	if _, err := r.AcceptItem(context.Background(), anAcceptance, 1); err != nil {
		t.Fatal(err)
	}
	if d := r.decided(checkpoint.DecidedItem, "1"); d.Was != "01" || !strings.Contains(d.Facts, `"source":"bad"`) {
		t.Errorf("%+v", d)
	}
	quarantine() // the next cycle reads the same bytes
	if waiting() != 0 {
		t.Error("what was given up is back")
	}
	bad.SHA256 = []byte{2}
	quarantine()
	if waiting() != 1 {
		t.Error("other bytes of it do not wait")
	}
	var none *NothingToAcceptError
	if _, err := r.AcceptItem(context.Background(), anAcceptance, 1); !errors.As(err, &none) {
		t.Errorf("once more: %v", err)
	}
}

// A rejected item that is given up is not counted any more, and a replay leaves it alone.
func TestAcceptedItemIsNotHandedOver(t *testing.T) {
	r, h, office := postTrial(t)
	h.putAll("a")
	office.answer = func(string) error {
		return &archive.Error{Class: archive.Reject, Op: "deliver", Err: errors.New("550 no")}
	}
	if _, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrQuarantine) {
		t.Fatal(err)
	}
	office.answer = nil
	list, err := r.QuarantineList(context.Background())
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if _, err := r.AcceptItem(context.Background(), anAcceptance, list[0].ID); err != nil {
		t.Fatal(err)
	}
	r.cycle()
	if s := r.status(); s.Destinations[0].Rejected != 0 {
		t.Errorf("%+v", s.Destinations[0])
	}
	if _, err := r.Replay(context.Background(), "post", Replaying{}); err != nil {
		t.Error(err)
	}
	if len(office.order) != 0 {
		t.Errorf("took %q", office.order)
	}
}

func TestAcceptHole(t *testing.T) {
	r := coverageTrial(t, nil)
	r.backfills(epoch.Add(day), epoch.Add(2*day))
	if _, err := r.Backfill(context.Background(), epoch.Add(3*day), epoch.Add(4*day), nil); err == nil {
		t.Fatal("no hole")
	}
	hole := r.status().Holes[0]
	var none *NothingToAcceptError
	for _, id := range []string{"", "x", "2026-03-01/2026-03-02", hole.ID() + "/x", "2026-03-05/2026-03-01"} {
		if _, err := r.AcceptHole(context.Background(), anAcceptance, id); !errors.As(err, &none) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := r.AcceptHole(context.Background(), anAcceptance, hole.ID()); err != nil {
		t.Fatal(err)
	}
	r.decided(checkpoint.DecidedHole, hole.ID())
	s := r.status()
	if len(s.Holes) != 0 || len(s.GivenUp) != 1 || s.GivenUp[0].Period != hole.Period || s.GivenUp[0].Person != "olga" {
		t.Errorf("holes %v, given up %v", s.Holes, s.GivenUp)
	}
	if len(s.Coverage) != 2 {
		t.Errorf("what was given up counts as captured: %v", s.Coverage)
	}
	r.reopenWith(nil)
	r.backfills(epoch.Add(3*day), epoch.Add(4*day))
	r.edit = also(r.edit, func(s *Settings) { s.Skills = nil })
	if _, err := r.AcceptHole(context.Background(), anAcceptance, hole.ID()); !errors.As(err, &none) {
		t.Errorf("once more: %v", err)
	}
}
