package archivetest

import (
	"context"
	"errors"
	"path"
	"slices"
	"testing"

	"lpexport/archive"
)

// testGone holds a destination to writing nothing where what it took before is not
// there any more: a missing mount leaves a place that looks new.
func testGone(t *testing.T, target Target) {
	all, d := items(t, 3, 1), open(t, target, nil)
	deliver(t, d, all[0])
	next := all[1]
	next.After = all[0].Path
	deliver(t, d, next)
	next = all[2]
	next.After = all[1].Path
	target.Put(all[1].Path+"/"+archive.ManifestFile, nil) // the bundle is not there without it
	left := target.Visible()
	wantGone(t, d, next)
	wantVisible(t, target, left...)
	for _, name := range left {
		target.Put(name, nil)
	}
	wantGone(t, d, next)
	wantVisible(t, target)
	if hidden := target.Hidden(); len(hidden) > 0 {
		t.Errorf("left behind: %q", hidden)
	}
	next.After = "" // a person has accepted that
	deliver(t, d, next)
	wantVisible(t, target, names(t, next)...)
}

func wantGone(t *testing.T, d archive.Destination, item archive.Item) {
	t.Helper()
	_, err := d.Deliver(context.Background(), item)
	wantClass(t, err, archive.Halt)
	if !errors.Is(err, archive.ErrGone) {
		t.Errorf("%v does not say that what was there is gone", err)
	}
}

// testRepair damages a bundle in each way, and has it mended.
func testRepair(t *testing.T, target Target) {
	item, other := items(t, 1, 1)[0], items(t, 1, 1)[0]
	deliver(t, open(t, target, nil), item)
	whole := names(t, item)
	sums, manifest, lines := item.Path+"/"+archive.SumsFile, item.Path+"/"+archive.ManifestFile, item.Path+"/"+archive.TranscriptsFile
	for _, test := range []struct {
		name    string
		damage  func()
		differs bool
		changed []string
	}{
		{"nothing", func() {}, false, nil},
		{"a file", func() { target.Put(lines, nil) }, false, []string{lines}},
		{"the manifest", func() { target.Put(manifest, nil) }, false, []string{manifest}},
		{"all of it", func() {
			for _, name := range whole {
				target.Put(name, nil)
			}
		}, false, whole},
		{"other bytes", func() { target.Put(lines, []byte("x")); target.Put(sums, nil) }, true, []string{sums, lines}},
		{"another manifest", func() { target.Put(manifest, []byte("{}")) }, true, []string{manifest}},
		{"a file too many", func() { target.Put(item.Path+"/extra", []byte("x")) }, true, []string{item.Path + "/extra"}},
	} {
		test.damage()
		before := target.Visible()
		repairer := open(t, target, nil).(archive.Repairer)
		changed, err := repairer.Repair(context.Background(), item, false)
		if test.differs {
			wantClass(t, err, archive.Halt)
			if !errors.Is(err, archive.ErrOther) {
				t.Errorf("%s: %v", test.name, err)
			}
			wantVisible(t, target, before...)
			changed, err = repairer.Repair(context.Background(), item, true)
		}
		for i := range changed {
			changed[i] = path.Join(item.Path, changed[i])
		}
		want := slices.Sorted(slices.Values(test.changed))
		if slices.Sort(changed); err != nil || !slices.Equal(changed, want) {
			t.Errorf("%s: changed %q, want %q, %v", test.name, changed, want, err)
		}
		wantVisible(t, target, whole...)
		for _, name := range whole {
			wantBytes(t, repairer.(archive.Source), other, path.Base(name))
		}
	}
	if hidden := target.Hidden(); len(hidden) > 0 {
		t.Errorf("left behind: %q", hidden)
	}
}

// testRepairFaults lets the first step of a repair fail, the second, and so on. What
// was not mended is by the next one.
func testRepairFaults(t *testing.T, target Target) {
	item := items(t, 1, 1)[0]
	deliver(t, open(t, target, nil), item)
	for n := 0; ; n++ {
		if t.Failed() || n > 200 {
			t.Fatalf("it is not mended after %d steps", n)
		}
		target.Put(item.Path+"/"+archive.TranscriptsFile, []byte("x"))
		target.Put(item.Path+"/"+archive.ManifestFile, nil)
		step := -1
		_, err := open(t, target, func(string, string) error {
			if step++; step == n {
				return errFault
			}
			return nil
		}).(archive.Repairer).Repair(context.Background(), item, true)
		if err == nil {
			break
		}
		if !errors.Is(err, errFault) {
			t.Errorf("step %d: %v", n, err)
		}
		d := open(t, target, nil)
		if _, err := d.(archive.Repairer).Repair(context.Background(), item, true); err != nil {
			t.Errorf("after step %d: %v", n, err)
		}
		wantVisible(t, target, names(t, item)...)
	}
	if err := open(t, target, nil).Clean(context.Background()); err != nil {
		t.Error(err)
	}
	if hidden := target.Hidden(); len(hidden) > 0 {
		t.Errorf("left behind: %q", hidden)
	}
}
