package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
	"lpexport/archive/directory"
	"lpexport/exporter/checkpoint"
)

// anAcceptance is a person with a reason.
var anAcceptance = Acceptance{Person: "olga", Reason: "agreed with compliance"}

// decisions are those of a kind, the newest last.
func (r *trial) decisions(kind string) []checkpoint.Decision {
	r.t.Helper()
	list, err := r.cp.Decisions(context.Background(), kind)
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

// decided makes sure that the last decision of a kind is on record with who, when and
// why.
func (r *trial) decided(kind, subject string) checkpoint.Decision {
	r.t.Helper()
	list := r.decisions(kind)
	if len(list) == 0 {
		r.t.Fatalf("no decision on a %s is on record", kind)
	}
	d := list[len(list)-1]
	if d.Person != anAcceptance.Person || d.Reason != anAcceptance.Reason || d.Subject != subject || d.At != r.clock.Now().UnixMilli() || !json.Valid([]byte(d.Facts)) {
		r.t.Errorf("on record is %+v", d)
	}
	return d
}

// isGone makes sure that a cycle says that the place has lost what it took, and writes
// nothing there.
func (r *trial) isGone(empty bool) *GoneError {
	r.t.Helper()
	before := r.allBelow()
	_, err := r.Cycle(context.Background(), nil)
	var halt *HaltError
	var gone *GoneError
	if !errors.As(err, &halt) || !errors.As(err, &gone) || gone.Empty != empty || gone.Hint() == "" {
		r.t.Fatalf("cycle: %v", err)
	}
	if err := r.CheckPlace(context.Background(), "local"); !errors.As(err, &gone) {
		r.t.Errorf("check: %v", err)
	}
	if now := r.allBelow(); !slices.Equal(before, now) {
		r.t.Errorf("below the root there was %q, and is %q", before, now)
	}
	return gone
}

// allBelow lists all files and folders of the archive, hidden ones too.
func (r *trial) allBelow() (list []string) {
	r.t.Helper()
	err := filepath.WalkDir(r.root, func(path string, _ os.DirEntry, err error) error {
		list = append(list, path)
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		r.t.Fatal(err)
	}
	return list
}

// unmount leaves an empty folder in the place of the root, and moves what it held.
func (r *trial) unmount() (elsewhere string) {
	r.t.Helper()
	root := filepath.Join(r.root, "local")
	elsewhere = filepath.Join(r.t.TempDir(), "moved")
	if err := errors.Join(os.Rename(root, elsewhere), os.Mkdir(root, 0o700)); err != nil {
		r.t.Fatal(err)
	}
	return elsewhere
}

func TestEmptyPlaceHalts(t *testing.T) {
	for name, lose := range map[string]func(r *trial){
		"not mounted": func(r *trial) { r.unmount() },
		"no root": func(r *trial) {
			must(r.t, os.Rename(filepath.Join(r.root, "local"), filepath.Join(r.t.TempDir(), "x")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, h := handTrial(t, nil)
			h.putAll("a")
			r.cycle()
			lose(r)
			r.isGone(true) // with nothing to deliver
			h.putAll("b")
			gone := r.isGone(true)
			for _, command := range []string{"lpexport accept place local", "lpexport recover --destination local"} {
				if !strings.Contains(gone.Hint(), command) {
					t.Errorf("the hint %q does not name %q", gone.Hint(), command)
				}
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A mount that comes back ends the halt by itself.
func TestPlaceThatComesBackGoesOn(t *testing.T) {
	r, h := handTrial(t, nil)
	h.putAll("a")
	r.cycle()
	elsewhere := r.unmount()
	h.putAll("b")
	r.isGone(true)
	root := filepath.Join(r.root, "local")
	must(t, errors.Join(os.Remove(root), os.Rename(elsewhere, root)))
	r.cycle()
	r.holds("local", "a", "0: x")
	r.holds("local", "b", "0: x")
	r.sound()
}

// A mount that vanishes between the look and the delivery is noticed by the latter.
func TestPlaceIsLookedAtWithEachBundle(t *testing.T) {
	r, h := handTrial(t, nil)
	h.putAll("a")
	r.cycle()
	h.putAll("b")
	r.edit = also(r.edit, func(s *Settings) {
		s.Step = func(name string) {
			if name == "item handed over" {
				r.unmount()
			}
		}
	})
	r.reopenWith(nil)
	_, err := r.Cycle(context.Background(), nil)
	var gone *GoneError
	if !errors.As(err, &gone) || !gone.Empty {
		t.Fatalf("cycle: %v", err)
	}
	if entries, err := os.ReadDir(filepath.Join(r.root, "local")); err != nil || len(entries) > 0 {
		t.Errorf("the empty folder holds %v, %v", entries, err)
	}
}

func TestEmptiedPlaceGoesOnAfterAccept(t *testing.T) {
	r, h := handTrial(t, nil)
	h.putAll("a")
	r.cycle()
	var none *NothingToAcceptError
	if _, err := r.AcceptPlace(context.Background(), anAcceptance, "local"); !errors.As(err, &none) {
		t.Errorf("nothing to accept: %v", err)
	}
	r.unmount()
	h.putAll("b")
	r.isGone(true)
	if _, err := r.AcceptPlace(context.Background(), Acceptance{Person: "olga"}, "local"); err == nil {
		t.Error("accepted without a reason")
	}
	if _, err := r.AcceptPlace(context.Background(), anAcceptance, "local"); err != nil {
		t.Fatal(err)
	}
	r.decided(checkpoint.DecidedPlace, "local")
	r.cycle()
	r.holds("local", "a")
	r.holds("local", "b", "0: x")
	if problems := r.verifies(); len(problems) > 0 {
		t.Errorf("problems: %+v", problems)
	}
	paths := r.bundlesAt("local")
	if len(paths) != 1 || !strings.HasSuffix(paths[0], "local-000000002") {
		t.Errorf("it holds %q: the numbers did not go on", paths)
	}
	r.unmount() // once more
	r.isGone(true)
}

func TestEmptiedPlaceIsGivenAllAgainAfterRecover(t *testing.T) {
	r, h := handTrial(t, nil)
	h.putAll("a")
	r.cycle()
	r.unmount()
	r.isGone(true)
	r.recovers("local")
	if d := r.decided(checkpoint.DecidedPlace, "local"); !strings.Contains(d.Facts, "local-000000001") {
		t.Errorf("what was withdrawn is not on record: %s", d.Facts)
	}
	r.cycle()
	r.holds("local", "a", "0: x")
	if problems := r.verifies(); len(problems) > 0 {
		t.Errorf("problems: %+v", problems)
	}
}

// verifies returns what Verify reports.
func (r *trial) verifies() (problems []archive.Problem) {
	r.t.Helper()
	if _, err := r.Verify(context.Background(), func(p archive.Problem) { problems = append(problems, p) }); err != nil {
		r.t.Fatal(err)
	}
	return problems
}

// bundlesAt are the folders of a destination's bundles, in order.
func (r *trial) bundlesAt(name string) []string {
	r.t.Helper()
	paths, err := filepath.Glob(filepath.Join(r.root, name, "sandbox", "*", "*", "*", name+"-*"))
	must(r.t, err)
	return paths
}

// Where other bundles are left, it is one bundle that is gone.
func TestLastBundleGoneHalts(t *testing.T) {
	r, h := handTrial(t, nil)
	h.putAll("a")
	r.cycle()
	h.putAll("b")
	r.cycle()
	must(t, os.RemoveAll(r.bundlesAt("local")[1]))
	gone := r.isGone(false)
	if gone.Bundle != "local-000000002" || !strings.Contains(gone.Hint(), "lpexport accept bundle local-000000002") {
		t.Errorf("%v: %s", gone, gone.Hint())
	}
	if _, err := r.AcceptBundle(context.Background(), anAcceptance, "local-000000002"); err != nil {
		t.Fatal(err)
	}
	h.putAll("c")
	r.cycle()
	r.holds("local", "b")
	r.holds("local", "c", "0: x")
	if problems := r.verifies(); len(problems) > 0 {
		t.Errorf("problems: %+v", problems)
	}
}

func TestLostAndMovedPlaceIsAcceptedInOne(t *testing.T) {
	r, h := handTrial(t, func(s *Settings) { s.Destinations[0].Where = "here" })
	h.putAll("a")
	r.cycle()
	r.edit = also(r.edit, func(s *Settings) {
		d := r.destination("local")
		d.Target = directory.New(directory.Config{Path: filepath.Join(r.root, "new"), Account: "sandbox", Name: "local"})
		d.Where = "there"
		s.Destinations[0] = d
	})
	r.reopenWith(nil)
	h.putAll("b")
	_, err := r.Cycle(context.Background(), nil)
	var moved *TargetChangedError
	if !errors.As(err, &moved) || !strings.Contains(moved.Hint(), "lpexport accept place local") {
		t.Fatal(err)
	}
	done, err := r.AcceptPlace(context.Background(), anAcceptance, "local")
	if err != nil || !strings.Contains(done.Done, "there") || !strings.Contains(done.Done, "local-000000001") {
		t.Errorf("%+v, %v", done, err)
	}
	r.cycle()
	if paths, err := filepath.Glob(filepath.Join(r.root, "new", "sandbox", "*", "*", "*", "local-*")); err != nil || len(paths) != 1 {
		t.Errorf("%q, %v", paths, err)
	}
}

// flatFolder is a flat folder whose mount the test takes away.
type flatFolder struct {
	*directory.Drop
	stands string
	after  []string // of what was delivered
}

func (d *flatFolder) Stand(context.Context) (string, error) { return d.stands, nil }

func (d *flatFolder) Deliver(ctx context.Context, item archive.Item) (archive.Receipt, error) {
	d.after = append(d.after, item.After)
	item.After = ""
	return d.Drop.Deliver(ctx, item)
}

// dropTrial has a destination with a flat folder.
func dropTrial(t *testing.T) (*trial, *handmade, *flatFolder) {
	target := &flatFolder{stands: archive.MountPoint}
	r, h := handTrial(t, nil)
	r.edit = also(r.edit, func(s *Settings) {
		root := filepath.Join(r.root, "drop")
		must(t, os.MkdirAll(root, 0o700))
		target.Drop = directory.NewDrop(directory.Config{Path: root, Account: "sandbox", Name: "local"})
		s.Destinations[0].Target, s.Destinations[0].Files = target, true
	})
	r.reopenWith(nil)
	return r, h, target
}

// Files that an importer took are no loss; a mount point that is none any more is,
// and what is not seen there has not been taken.
func TestDropFolderWithoutItsMountHalts(t *testing.T) {
	r, h, target := dropTrial(t)
	h.putAll("a")
	r.cycle()
	r.empty("drop")
	r.cycle() // all was taken
	h.putAll("b")
	r.cycle()
	lying := r.empty("drop")
	target.stands = ""
	_, err := r.Cycle(context.Background(), nil)
	var gone *GoneError
	if !errors.As(err, &gone) || !strings.Contains(gone.Hint(), "lpexport accept place local") {
		t.Fatal(err)
	}
	var untaken int
	for _, state := range r.itemStates() {
		if state == checkpoint.ItemTaken {
			untaken++
		}
	}
	if untaken != lying {
		t.Errorf("%d files wait for the importer, want %d", untaken, lying)
	}
	h.putAll("c")
	if _, err := r.Cycle(context.Background(), nil); !errors.As(err, &gone) {
		t.Fatal(err)
	}
	if n := r.empty("drop"); n > 0 {
		t.Errorf("%d files were dropped into what the mount left", n)
	}
	if _, err := r.AcceptPlace(context.Background(), anAcceptance, "local"); err != nil {
		t.Fatal(err)
	}
	r.cycle()
	if n := r.empty("drop"); n == 0 {
		t.Error("nothing was dropped after the folder was accepted")
	}
	if want := []string{archive.MountPoint, archive.MountPoint, ""}; !slices.Equal(slices.Compact(target.after), slices.Compact(want)) {
		t.Errorf("each delivery expected %q, want %q", target.after, want)
	}
}

// empty removes the files of a folder, and tells how many there were.
func (r *trial) empty(folder string) (n int) {
	r.t.Helper()
	entries, err := os.ReadDir(filepath.Join(r.root, folder))
	must(r.t, err)
	for _, e := range entries {
		must(r.t, os.Remove(filepath.Join(r.root, folder, e.Name())))
	}
	return len(entries)
}

// itemStates are those of all items of all bundles.
func (r *trial) itemStates() (states []string) {
	r.t.Helper()
	items, err := r.cp.Untaken(context.Background(), 1, 1000)
	must(r.t, err)
	for _, i := range items {
		states = append(states, i.State)
	}
	return states
}

// A drop folder that is not there and has taken something is a loss, too.
func TestAbsentDropFolderHalts(t *testing.T) {
	r, h := handTrial(t, nil)
	root := filepath.Join(r.root, "drop")
	r.edit = also(r.edit, func(s *Settings) {
		s.Destinations[0].Target = directory.NewDrop(directory.Config{Path: root, Account: "sandbox", Name: "local"})
		s.Destinations[0].Files = true
	})
	r.reopenWith(nil)
	h.putAll("a")
	_, err := r.Cycle(context.Background(), nil)
	var gone *GoneError
	if errors.As(err, &gone) || !errors.Is(err, ErrIncomplete) {
		t.Fatalf("one that has taken nothing: %v", err)
	}
	must(t, os.MkdirAll(root, 0o700))
	r.clock.Advance(2 * time.Hour)
	r.cycle()
	must(t, os.RemoveAll(root))
	if _, err := r.Cycle(context.Background(), nil); !errors.As(err, &gone) {
		t.Errorf("one that has: %v", err)
	}
	if _, err := os.Stat(root); !errors.Is(err, os.ErrNotExist) {
		t.Error("it was made anew")
	}
}

func TestRenamedDestinationIsQuestioned(t *testing.T) {
	r, h := handTrial(t, func(s *Settings) { s.Destinations[0].Where = "here" })
	h.putAll("a")
	r.cycle()
	before := r.files()
	r.edit = also(r.edit, func(s *Settings) {
		d := r.destination("renamed")
		d.Where, d.From = "here", &From{All: true}
		s.Destinations = []Destination{d}
	})
	r.reopenWith(nil)
	_, err := r.Cycle(context.Background(), nil)
	var renamed *RenamedError
	if !errors.As(err, &renamed) || renamed.Former != "local" || !renamed.Place || !strings.Contains(renamed.Hint(), "renamed_from: local") ||
		!strings.Contains(renamed.Hint(), "lpexport retire local") {
		t.Fatal(err)
	}
	if !maps.Equal(before, r.files()) {
		t.Error("something was delivered")
	}
	must(t, r.Retire(context.Background(), "local", true))
	r.cycle()
	r.holds("renamed", "a", "0: x")
}

// acceptsAll accepts each bundle that was found changed or missing, as it is.
func (r *trial) acceptsAll() {
	r.t.Helper()
	open, err := r.cp.OpenFindings(context.Background(), 1)
	must(r.t, err)
	for _, f := range open {
		if _, err := r.AcceptBundle(context.Background(), anAcceptance, f.Path); err != nil {
			r.t.Fatal(err)
		}
	}
}

// A service looks at the place all the time, also with nothing to deliver.
func TestServiceFindsAPlaceThatIsGone(t *testing.T) {
	r, h := handTrial(t, nil)
	h.putAll("a")
	r.cycle()
	w := r.workers(nil)[0]
	w.lasts = true
	look := func() error {
		r.clock.Advance(checkEvery)
		_, err := w.tendOnce(context.Background())
		must(t, err)
		return w.report.Err
	}
	must(t, look())
	elsewhere := r.unmount()
	var gone *GoneError
	if err := look(); !errors.As(err, &gone) {
		t.Errorf("gone: %v", err)
	}
	if s := r.status(); !s.Destinations[0].Halted {
		t.Error("status does not say that it halts")
	}
	root := filepath.Join(r.root, "local")
	must(t, errors.Join(os.Remove(root), os.Rename(elsewhere, root)))
	if err := look(); err != nil || r.status().Destinations[0].Halted {
		t.Errorf("back again: %v", err)
	}
}

// unheld is a store that says that the whole bucket is gone.
type unheld struct{ readable }

func (unheld) Bundles(context.Context, string) ([]string, error) {
	return nil, &archive.Error{Class: archive.Halt, Op: "list", Err: archive.ErrGone, Hint: "the store has no such bucket"}
}

func TestBucketThatIsGoneHalts(t *testing.T) {
	r, h := handTrial(t, nil)
	good := r.Destinations[0].Target.(readable)
	r.Destinations[0].Target = unheld{good}
	h.putAll("a")
	var gone *GoneError
	if _, err := r.Cycle(context.Background(), nil); err == nil || errors.As(err, &gone) {
		t.Errorf("one that has taken nothing: %v", err)
	}
	r.Destinations[0].Target = good
	r.cycle()
	r.Destinations[0].Target = unheld{good}
	r.isGone(true)
}

// A replay that an earlier version left behind, and that its destination refuses, blocks
// the destination no longer.
func TestFormerReplayDoesNotBlock(t *testing.T) {
	r, h, _, _ := tampered(t)
	archivetest.Change(t, filepath.Join(r.bundlesAt("local")[0], archive.ManifestFile), "lpexport test", "lpexport other")
	must(t, r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error { return tx.Replay(1) }))
	h.putAll("c")
	r.cycle()
	if got := r.lines("local", "c"); len(got) != 1 {
		t.Errorf("it holds %q of what came after", got)
	}
	if got := r.problemsNow(); !strings.Contains(got, archive.ManifestFile) {
		t.Errorf("problems: %q", got)
	}
}
