package exporter

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson/sandbox"
)

// reopenWith closes the exporter, lets change do something to its state, and
// opens it again.
func (r *trial) reopenWith(change func()) {
	r.t.Helper()
	if err := r.Exporter.Close(); err != nil {
		r.t.Fatal(err)
	}
	if change != nil {
		change()
	}
	r.open()
}

func (r *trial) lose() {
	r.reopenWith(func() {
		if err := os.RemoveAll(r.state); err != nil {
			r.t.Fatal(err)
		}
	})
}

// restore puts a backup in the place of the state.
func (r *trial) restore(backup string) {
	r.reopenWith(func() {
		if err := os.RemoveAll(r.state); err != nil {
			r.t.Fatal(err)
		}
		copyTo(r.t, backup, filepath.Join(r.state, checkpoint.File))
	})
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *trial) backup() string {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "backup.db")
	if err := r.Backup(context.Background(), path); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// files are the archive's files by path.
func (r *trial) files() map[string]string {
	r.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(r.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

// halts makes sure that a cycle cuts nothing for the destination, leaves the
// archive as it is and says that it is another's.
func (r *trial) halts(name string) {
	r.t.Helper()
	before := r.files()
	report, err := r.Cycle(context.Background(), nil)
	var halt *HaltError
	var fork *ForkError
	if !errors.As(err, &halt) || !errors.As(err, &fork) || halt.Destination != name || !strings.Contains(fork.Hint(), "recover --destination "+name) {
		r.t.Fatalf("cycle on a forked archive: %v", err)
	}
	for _, d := range report.Destinations {
		if d.Name == name && (d.Bundles != 0 || d.Pending == 0) {
			r.t.Errorf("a halted destination was cut for: %+v", d)
		}
	}
	if !maps.Equal(before, r.files()) {
		r.t.Error("the archive was touched")
	}
	row, found, err := r.cp.Destination(context.Background(), name)
	if err != nil || !found || row.Halted == "" {
		r.t.Errorf("the halted destination is not registered as halted: %+v, %v", row, err)
	}
}

func (r *trial) recovers(name string) Recovery {
	r.t.Helper()
	rec, err := r.Recover(context.Background(), name, anAcceptance)
	if err != nil {
		r.t.Fatalf("recover: %v", err)
	}
	return rec
}

// keeps makes sure that everything in before is still there as it was.
func (r *trial) keeps(before map[string]string) {
	r.t.Helper()
	now := r.files()
	for path, b := range before {
		if now[path] != b {
			r.t.Errorf("%s was changed", path)
		}
	}
}

func livingTrial(t *testing.T) *trial {
	set := sandbox.Settings{Seed: 11, Conversations: 40, Period: 48 * time.Hour, Messages: 6, Lively: 0.1, LateChanges: true}
	return newTrial(t, set, 12*time.Hour, func(s *Settings) { s.Reread = 0 })
}

// goOn lets the account live to its end, and compares.
func (r *trial) goOn() {
	r.t.Helper()
	for range 4 {
		r.clock.Advance(3 * time.Hour)
		r.cycle()
	}
	for range 7 {
		r.clock.Advance(26 * time.Hour)
		r.cycle()
	}
	r.mustHoldTruth("local")
}

func TestRecoverAfterTheStateWasLost(t *testing.T) {
	r := livingTrial(t)
	for range 6 {
		r.clock.Advance(3 * time.Hour)
		r.cycle()
	}
	before := r.files()
	r.lose()
	r.halts("local")
	r.halts("local")
	rec := r.recovers("local")
	if rec.Bundles < 3 || rec.Serial != rec.Bundles || rec.Messages < 50 || rec.Withdrawn != 0 {
		t.Errorf("recovered: %+v", rec)
	}
	// A first cycle reads everything, and so finds masks that a sweep would have
	// found later.
	if d := r.cycle().Destinations[0]; d.Messages != d.Amendments {
		t.Errorf("an account at rest was delivered again: %+v", d)
	}
	r.goOn()
	r.keeps(before)
}

func TestRecoverBeforeTheFirstCycle(t *testing.T) {
	r := livingTrial(t)
	r.cycle()
	r.clock.Advance(3 * time.Hour)
	r.cycle()
	r.lose()
	r.recovers("local")
	if d := r.cycle().Destinations[0]; d.Bundles != 0 {
		t.Errorf("an account at rest was delivered again: %+v", d)
	}
	r.goOn()
}

func TestRecoverAfterAnOlderCopyWasRestored(t *testing.T) {
	r := livingTrial(t)
	r.cycle()
	backup := r.backup()
	for range 4 {
		r.clock.Advance(3 * time.Hour)
		r.cycle()
	}
	before := r.files()
	r.restore(backup)
	r.halts("local")
	r.recovers("local")
	r.goOn()
	r.keeps(before)
}

func TestSecondStateIsKeptOut(t *testing.T) {
	r := livingTrial(t)
	r.cycle()
	first := r.state
	r.reopenWith(func() { r.state = filepath.Join(t.TempDir(), "second") })
	r.halts("local")
	r.reopenWith(func() { r.state = first })
	r.goOn() // the first is not disturbed
}

// Of two states that write in turn, each one after its recover, neither loses
// nor doubles anything.
func TestTwoStatesTakeTurns(t *testing.T) {
	r := livingTrial(t)
	r.cycle()
	states := []string{r.state, filepath.Join(t.TempDir(), "second")}
	for turn := range 4 {
		r.clock.Advance(5 * time.Hour)
		r.reopenWith(func() { r.state = states[(turn+1)%2] })
		r.halts("local")
		r.recovers("local")
		r.cycle()
	}
	r.goOn()
}

func TestRecoverOnAnEmptyArchive(t *testing.T) {
	r := livingTrial(t)
	r.cycle()
	r.clock.Advance(3 * time.Hour)
	r.cycle()
	if err := os.RemoveAll(r.root); err != nil {
		t.Fatal(err)
	}
	if rec := r.recovers("local"); rec.Bundles != 0 || rec.Serial != 0 || rec.Withdrawn != 2 {
		t.Errorf("recovered: %+v", rec)
	}
	r.goOn()
}

func TestRecoverWithBundlesThatWereNotDelivered(t *testing.T) {
	r := livingTrial(t)
	r.cycle()
	target := &moody{readable: r.Destinations[0].Target.(readable), err: retryLater}
	r.Destinations[0].Target = target
	for range 2 {
		r.clock.Advance(3 * time.Hour)
		if report, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrIncomplete) || report.Destinations[0].Failed == 0 {
			t.Fatalf("%+v, %v", report, err)
		}
	}
	if rec := r.recovers("local"); rec.Bundles != 1 || rec.Withdrawn != 2 {
		t.Errorf("recovered: %+v", rec)
	}
	target.set(nil)
	r.cycle()
	spooled, err := os.ReadDir(filepath.Join(r.state, "spool", "local"))
	if err != nil || len(spooled) != 0 {
		t.Errorf("spool: %v, %v", spooled, err)
	}
	r.goOn()
}

// What changed while the state was lost amends what the archive holds.
func TestRecoverThenAmend(t *testing.T) {
	r, h := handTrial(t, nil)
	put := func(texts ...string) {
		k := talk{id: "a"}
		for i, text := range texts {
			k.said = append(k.said, said{i, text})
		}
		h.put(k)
	}
	put("a", "b", "c")
	r.cycle()
	put("a", "B", "c", "d")
	r.cycle()
	r.lose()
	put("A", "B", "c", "d", "e")
	r.halts("local")
	r.recovers("local")
	r.cycle()
	want := []string{"0: a", "1: b", "2: c", "1 amends 1: B", "3: d", "0 amends 1: A", "4: e"}
	r.holds("local", "a", want...)
	put("A", "B!", "C", "d", "e")
	r.cycle()
	r.holds("local", "a", append(want, "1 amends 2: B!", "2 amends 1: C")...)
}

// A later slice that holds only another message of the same name must not make
// recover forget what it knows of the first.
func TestRecoverKnowsVariantsApart(t *testing.T) {
	r, h := handTrial(t, nil)
	h.put(talk{id: "a", said: []said{{0, "one"}, {1, "x"}}})
	r.cycle()
	h.put(talk{id: "a", said: []said{{0, "one"}, {0, "other"}, {1, "x"}}})
	r.cycle()
	want := []string{"0: one", "1: x", "0/2: other"}
	r.holds("local", "a", want...)
	r.lose()
	r.recovers("local")
	r.cycle()
	r.holds("local", "a", want...)
	r.lose()
	h.put(talk{id: "a", said: []said{{0, "one, changed"}, {0, "other"}, {1, "x"}}})
	r.recovers("local")
	r.cycle()
	r.holds("local", "a", append(want, "0 amends 1: one, changed")...)
}

// A recovered destination that began later is not given what came before it.
func TestRecoverKeepsTheBeginningOfALaterDestination(t *testing.T) {
	r, h := handTrial(t, nil)
	h.put(talk{id: "a", said: []said{{0, "old"}}})
	r.cycle()
	h.put(talk{id: "a", said: []said{{0, "old"}, {1, "new"}}})
	r.edit = also(r.edit, func(s *Settings) {
		d := r.destination("second")
		d.From = &From{New: true}
		s.Destinations = append(s.Destinations, d)
	})
	r.reopenWith(nil)
	r.cycle()
	r.holds("second", "a", "1: new")
	r.recovers("second")
	r.cycle()
	r.holds("second", "a", "1: new")
}

// also makes one edit of two.
func also(first, second func(*Settings)) func(*Settings) {
	return func(s *Settings) {
		if first != nil {
			first(s)
		}
		second(s)
	}
}

func TestRecoverUnknownDestination(t *testing.T) {
	r, _ := handTrial(t, nil)
	var unknown *UnknownDestinationError
	if _, err := r.Recover(context.Background(), "nobody", anAcceptance); !errors.As(err, &unknown) || unknown.Name != "nobody" {
		t.Errorf("recover: %v", err)
	}
}

// A damaged manifest in the archive fails recover as a whole: the state stays
// as it was.
func TestRecoverOfADamagedArchiveChangesNothing(t *testing.T) {
	r, h := handTrial(t, nil)
	h.put(talk{id: "a", said: []said{{0, "x"}}})
	r.cycle()
	manifests, err := filepath.Glob(filepath.Join(r.root, "local", "sandbox", "*", "*", "*", "*", archive.ManifestFile))
	if err != nil || len(manifests) != 1 {
		t.Fatal(manifests, err)
	}
	whole, err := os.ReadFile(manifests[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifests[0], whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Recover(context.Background(), "local", anAcceptance); err == nil {
		t.Error("recover took half a manifest")
	}
	if err := os.WriteFile(manifests[0], whole, 0o600); err != nil {
		t.Fatal(err)
	}
	r.acceptsAll() // that it was changed stays on record
	r.cycle()
	r.holds("local", "a", "0: x")
}
