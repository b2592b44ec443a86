package archivetest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"lpexport/archive"
)

// Account and Name are what a Target's destination must be configured with.
const (
	Account = "sandbox"
	Name    = "local"
)

// Target is a far side, empty and its root absent, for one test.
type Target struct {
	// Open returns a new destination on the far side, for Account and Name.
	// before, if not nil, must be asked before each step that changes something
	// there, and its error must stand for the step's own.
	Open func(before func(op, path string) error) archive.Destination

	// Visible returns the paths below the root of all files that a reader sees:
	// those without a name that starts with ".". An absent root has none.
	Visible func() []string

	// Hidden returns the names below the account that start with ".".
	Hidden func() []string

	// Put makes or changes a file below the root behind the destination's back, and
	// with nil removes it.
	Put func(path string, body []byte)

	// Litter leaves what a process that died leaves of an unfinished bundle.
	Litter func(bundle string)
}

// Run holds a transport to what archive.Destination and, if it is one,
// archive.Source promise. begin makes a new far side.
func Run(t *testing.T, begin func(t *testing.T) Target) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Target)
	}{
		{"DeliverPutsTheWholeItem", testDeliver},
		{"DeliverPutsManyFiles", testManyFiles},
		{"RepeatIsSuccess", testRepeat},
		{"OtherBytesUnderTheNameHalt", testOther},
		{"TwoAtOnceBothSucceed", testTwo},
		{"SeveralAtOnceByOneDestination", testSeveral},
		{"GoesOnAfterClose", testClose},
		{"CancelledBeforeItBegins", testCancelled},
		{"CancelledAtEachStep", testCancelSteps},
		{"FaultAtEachStepShowsNothingHalf", testFaults},
		{"DamagedSpoolAborts", testSpool},
		{"ForeignItemAborts", testForeign},
		{"CleanRemovesOnlyItsOwn", testClean},
		{"ProbeLeavesNothing", testProbe},
		{"ReadsBack", testSource},
		{"GoneIsNotFilledAnew", testGone},
		{"RepairsABundle", testRepair},
		{"FaultAtEachStepOfARepair", testRepairFaults},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, begin(t)) })
	}
}

// items spools n items of the destination.
func items(t *testing.T, n int, seed uint64) []archive.Item {
	t.Helper()
	spool := t.TempDir()
	a := Archive{Account: Account, Destination: Name, Bundles: n, Slices: 3, Messages: 4, Files: 2, Seed: seed}
	var items []archive.Item
	for _, p := range Write(t, spool, a) {
		items = append(items, Item(t, spool, p))
	}
	return items
}

// Item returns the bundle that lies spooled at path below root.
func Item(t testing.TB, root, path string) archive.Item {
	t.Helper()
	dir := filepath.Join(root, filepath.FromSlash(path))
	return archive.Item{Path: path, Dir: dir, ManifestSHA256: sha256File(t, filepath.Join(dir, archive.ManifestFile))}
}

// names returns what a reader sees of an item once it is there, sorted.
func names(t *testing.T, item archive.Item) []string {
	t.Helper()
	spooled, err := os.ReadDir(item.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range spooled {
		names = append(names, item.Path+"/"+e.Name())
	}
	return names
}

func wantVisible(t *testing.T, target Target, want ...string) {
	t.Helper()
	slices.Sort(want)
	got := target.Visible()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("visible: %q, want %q", got, want)
	}
}

func wantClass(t *testing.T, err error, want archive.Class) {
	t.Helper()
	e, ok := errors.AsType[*archive.Error](err)
	if !ok {
		t.Fatalf("error %v is no *archive.Error", err)
	}
	if e.Class != want {
		t.Errorf("class %s of %v, want %s", e.Class, err, want)
	}
}

func deliver(t *testing.T, d archive.Destination, item archive.Item) archive.Receipt {
	t.Helper()
	receipt, err := d.Deliver(context.Background(), item)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// open returns a new destination that is closed when the test ends.
func open(t *testing.T, target Target, before func(op, path string) error) archive.Destination {
	t.Helper()
	d := target.Open(before)
	t.Cleanup(func() { wantClosed(t, d) })
	return d
}

func wantClosed(t *testing.T, d archive.Destination) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// hand delivers by a destination that is closed at once: some tests need many.
func hand(ctx context.Context, t *testing.T, target Target, before func(op, path string) error, item archive.Item) error {
	t.Helper()
	d := target.Open(before)
	defer wantClosed(t, d)
	_, err := d.Deliver(ctx, item)
	return err
}

func testDeliver(t *testing.T, target Target) {
	item := items(t, 1, 1)[0]
	receipt := deliver(t, open(t, target, nil), item)
	wantVisible(t, target, names(t, item)...)
	var size int64
	for _, name := range names(t, item) {
		info, err := os.Stat(filepath.Join(item.Dir, path.Base(name)))
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if receipt.Bytes != size || receipt.Where == "" {
		t.Errorf("receipt %+v, want %d bytes", receipt, size)
	}
	if hidden := target.Hidden(); len(hidden) > 0 {
		t.Errorf("left behind: %q", hidden)
	}
}

// loose writes each slice as a file of its own.
type loose struct{ archive.JSONL }

func (loose) Joined() (file, head, tail string) { return "", "", "" }

// looseItem spools a bundle of so many files beside five attachments, SHA256SUMS
// and manifest.json.
func looseItem(t *testing.T, files int) archive.Item {
	t.Helper()
	a := Archive{Account: Account, Destination: Name, Bundles: 1, Slices: files, Messages: 2, Files: 5}
	head, rng := a.head(1, nil), rand.New(rand.NewPCG(1, 1))
	spool := t.TempDir()
	bundle := archive.BundlePath(Account, Name, 1, head.Created)
	dir := filepath.Join(spool, filepath.FromSlash(bundle))
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	w, err := archive.NewWriter(dir, head, archive.Shape{Format: loose{}, Contents: Contents})
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		s := a.slice(rng, i, 1)
		line, err := archive.AppendLine(nil, &s)
		l := archive.ListingOf(&s)
		if err := errors.Join(err, w.Add(line, l.Append(nil), archive.CountsOf(&s))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return Item(t, spool, bundle)
}

func testManyFiles(t *testing.T, target Target) {
	item, d := looseItem(t, 50), open(t, target, nil)
	deliver(t, d, item)
	want := names(t, item)
	if len(want) != 57 {
		t.Fatalf("%d files are spooled", len(want))
	}
	wantVisible(t, target, want...)
	if source, ok := d.(archive.Source); ok {
		for _, name := range want {
			wantBytes(t, source, item, path.Base(name))
		}
	}
}

func testRepeat(t *testing.T, target Target) {
	item := items(t, 1, 1)[0]
	first := deliver(t, open(t, target, nil), item)
	if again := deliver(t, open(t, target, nil), item); again != first {
		t.Errorf("receipt %+v, the first time %+v", again, first)
	}
	wantVisible(t, target, names(t, item)...)
}

func testOther(t *testing.T, target Target) {
	item, other := items(t, 1, 1)[0], items(t, 1, 2)[0]
	deliver(t, open(t, target, nil), item)
	_, err := open(t, target, nil).Deliver(context.Background(), other)
	wantClass(t, err, archive.Halt)
	if e, ok := errors.AsType[*archive.Error](err); ok && e.Hint == "" {
		t.Error("no hint what to do")
	}
	deliver(t, open(t, target, nil), item) // still the first one
}

func testTwo(t *testing.T, target Target) {
	item := items(t, 1, 1)[0]
	// Each waits for the other before its last steps, so that both have found
	// the place empty and have copied everything.
	var meet sync.WaitGroup
	meet.Add(2)
	errs := make([]error, 2)
	var done sync.WaitGroup
	for i := range errs {
		var once sync.Once
		d := open(t, target, func(op, _ string) error {
			if op == "rename" {
				once.Do(func() { meet.Done(); meet.Wait() })
			}
			return nil
		})
		done.Go(func() { _, errs[i] = d.Deliver(context.Background(), item) })
	}
	done.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	wantVisible(t, target, names(t, item)...)
	if hidden := target.Hidden(); len(hidden) > 0 {
		t.Errorf("left behind: %q", hidden)
	}
}

func testSeveral(t *testing.T, target Target) {
	d, all := open(t, target, nil), items(t, 8, 1)
	var want []string
	errs := make([]error, len(all))
	var done sync.WaitGroup
	for i, item := range all {
		want = append(want, names(t, item)...)
		done.Go(func() { _, errs[i] = d.Deliver(context.Background(), item) })
	}
	done.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	wantVisible(t, target, want...)
}

func testClose(t *testing.T, target Target) {
	d, all := open(t, target, nil), items(t, 3, 1)
	var want []string
	for i, item := range all {
		if i > 0 {
			wantClosed(t, d)
		}
		deliver(t, d, item)
		want = append(want, names(t, item)...)
	}
	wantVisible(t, target, want...)
}

func testCancelled(t *testing.T, target Target) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := open(t, target, nil).Deliver(ctx, items(t, 1, 1)[0])
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	wantVisible(t, target)
}

// testCancelSteps cancels before the first step, the second, and so on until
// the item is delivered in spite of it.
func testCancelSteps(t *testing.T, target Target) {
	item := items(t, 1, 1)[0]
	for n := 1; ; n++ {
		ctx, cancel := context.WithCancel(context.Background())
		steps := 0
		err := hand(ctx, t, target, func(string, string) error {
			if steps++; steps == n {
				cancel()
			}
			return nil
		}, item)
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled at step %d: %v", n, err)
		}
		wantNothingHalf(t, target, item)
	}
	wantVisible(t, target, names(t, item)...)
}

var errFault = errors.New("fault made by the test")

// testFaults lets the first step fail, the second, and so on until none is left.
func testFaults(t *testing.T, target Target) {
	all := items(t, 200, 1)
	n := 0
	for ; ; n++ {
		if n == len(all) {
			t.Fatal("more steps than expected")
		}
		item, step := all[n], -1
		err := hand(context.Background(), t, target, func(string, string) error {
			wantNothingHalf(t, target, item)
			if step++; step == n {
				return errFault
			}
			return nil
		}, item)
		wantNothingHalf(t, target, item)
		if err == nil {
			break
		}
		wantClass(t, err, archive.Retry)
		if !errors.Is(err, errFault) {
			t.Errorf("step %d: cause lost: %v", n, err)
		}
		if err := hand(context.Background(), t, target, nil, item); err != nil {
			t.Fatal(err)
		}
		wantWhole(t, target, item)
	}
	if n < 5 {
		t.Errorf("only %d steps were seen: the destination does not ask before each", n)
	}
	if err := open(t, target, nil).Clean(context.Background()); err != nil {
		t.Error(err)
	}
	if hidden := target.Hidden(); len(hidden) > 0 {
		t.Errorf("left behind: %q", hidden)
	}
}

// ofItem returns what a reader sees of an item.
func ofItem(target Target, item archive.Item) []string {
	seen := target.Visible()
	return slices.DeleteFunc(seen, func(p string) bool { return !strings.HasPrefix(p, item.Path+"/") })
}

func wantNothingHalf(t *testing.T, target Target, item archive.Item) {
	t.Helper()
	seen := ofItem(target, item)
	whole := slices.ContainsFunc(seen, func(p string) bool { return path.Base(p) == archive.ManifestFile })
	if whole && len(seen) != len(names(t, item)) {
		t.Errorf("a manifest without its files: %q", seen)
	}
}

func wantWhole(t *testing.T, target Target, item archive.Item) {
	t.Helper()
	if seen := ofItem(target, item); len(seen) != len(names(t, item)) {
		t.Errorf("visible: %q", seen)
	}
}

func testSpool(t *testing.T, target Target) {
	for name, damage := range map[string]func(item *archive.Item) error{
		"manifest gone": func(i *archive.Item) error { return os.Remove(filepath.Join(i.Dir, archive.ManifestFile)) },
		"sums gone":     func(i *archive.Item) error { return os.Remove(filepath.Join(i.Dir, archive.SumsFile)) },
		"attached gone": func(i *archive.Item) error { return os.Remove(filepath.Join(i.Dir, File(0).Name)) },
		"attached cut":  func(i *archive.Item) error { return os.Truncate(filepath.Join(i.Dir, File(0).Name), 10) },
		"cut short":     func(i *archive.Item) error { return os.Truncate(filepath.Join(i.Dir, archive.TranscriptsFile), 10) },
		"other hash":    func(i *archive.Item) error { i.ManifestSHA256 = hash; return nil },
		"bad path":      func(i *archive.Item) error { i.Path = "../" + i.Path; return nil },
	} {
		item := items(t, 1, 1)[0]
		if err := damage(&item); err != nil {
			t.Fatal(err)
		}
		_, err := open(t, target, nil).Deliver(context.Background(), item)
		t.Log(name)
		wantClass(t, err, archive.Abort)
	}
	wantVisible(t, target)
}

func testForeign(t *testing.T, target Target) {
	for _, a := range []Archive{
		{Account: "other", Destination: Name, Bundles: 1, Slices: 1, Messages: 1},
		{Account: Account, Destination: Name + "-b", Bundles: 1, Slices: 1, Messages: 1},
	} {
		spool := t.TempDir()
		_, err := open(t, target, nil).Deliver(context.Background(), Item(t, spool, Write(t, spool, a)[0]))
		wantClass(t, err, archive.Abort)
	}
	wantVisible(t, target)
}

func testClean(t *testing.T, target Target) {
	d := open(t, target, nil)
	if err := d.Clean(context.Background()); err != nil {
		t.Errorf("absent root: %v", err)
	}
	item := items(t, 1, 1)[0]
	deliver(t, d, item)
	target.Litter(archive.BundleName(Name, 2))
	target.Litter(archive.BundleName(Name+"-b", 2))
	if err := d.Clean(context.Background()); err != nil {
		t.Fatal(err)
	}
	hidden := target.Hidden()
	if len(hidden) != 1 || !strings.Contains(hidden[0], Name+"-b") {
		t.Errorf("hidden after Clean: %q, want only what belongs to %s-b", hidden, Name)
	}
	wantVisible(t, target, names(t, item)...)
}

func testProbe(t *testing.T, target Target) {
	d := open(t, target, nil)
	facts, err := d.Probe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(facts) == 0 {
		t.Error("a probe that tells nothing")
	}
	wantVisible(t, target)
	if hidden := target.Hidden(); len(hidden) > 0 {
		t.Errorf("left behind: %q", hidden)
	}
	steps := 0
	_, err = open(t, target, func(string, string) error { steps++; return errFault }).Probe(context.Background())
	if steps == 0 || !errors.Is(err, errFault) {
		t.Errorf("a destination that cannot be written passed its probe: %v", err)
	}
}

func testSource(t *testing.T, target Target) {
	d := open(t, target, nil)
	source, ok := d.(archive.Source)
	if !ok {
		t.Skip("cannot be read back")
	}
	ctx := context.Background()
	if got, err := source.Bundles(ctx, ""); err != nil || len(got) != 0 {
		t.Errorf("absent root: %q, %v", got, err)
	}
	var want []string
	all := items(t, 4, 1)
	for _, item := range all {
		deliver(t, d, item)
		want = append(want, item.Path)
	}
	target.Litter(archive.BundleName(Name, 9))
	if got, err := source.Bundles(ctx, ""); err != nil || !slices.Equal(got, want) {
		t.Errorf("bundles %q, %v, want %q", got, err, want)
	}
	// The first was cut on the 31st of January, the third on the day after.
	if got, err := source.Bundles(ctx, "2026/02/01"); err != nil || len(got) == 0 || got[0] <= all[0].Path {
		t.Errorf("bundles since the second day: %q, %v", got, err)
	}
	testReadBack(t, source, all[0])
}

func testReadBack(t *testing.T, source archive.Source, item archive.Item) {
	ctx := context.Background()
	files, err := source.Files(ctx, item.Path)
	var want []string
	for _, name := range names(t, item) {
		want = append(want, path.Base(name))
	}
	if err != nil || len(want) != 5 || !slices.Equal(files, want) {
		t.Fatalf("files %q, %v, want %q", files, err, want)
	}
	for _, name := range files {
		wantBytes(t, source, item, name)
	}
	if _, err := source.Open(ctx, item.Path+"/absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
}

// wantBytes wants that a file reads back as it was spooled.
func wantBytes(t *testing.T, source archive.Source, item archive.Item, name string) {
	t.Helper()
	f, err := source.Open(context.Background(), item.Path+"/"+name)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	f.Close()
	want, err2 := os.ReadFile(filepath.Join(item.Dir, name))
	if err := errors.Join(err, err2); err != nil || string(got) != string(want) {
		t.Errorf("%s: other bytes than were delivered (%v)", name, err)
	}
}
