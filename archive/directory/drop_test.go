package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// dropped returns one file of a spooled bundle as an item, and an empty
// folder.
func dropped(t *testing.T) (archive.Item, string) {
	t.Helper()
	item, root := spooled(t)
	content, err := os.ReadFile(filepath.Join(item.Dir, archive.TranscriptsFile))
	if err != nil {
		t.Fatal(err)
	}
	item.File = fileInfo(archive.TranscriptsFile, content)
	return item, root
}

func fileInfo(name string, content []byte) *archive.FileInfo {
	sum := sha256.Sum256(content)
	return &archive.FileInfo{Path: name, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
}

func openDrop(root string) *Drop { return NewDrop(Config{Path: root, Account: "a", Name: "d"}) }

func TestDropContract(t *testing.T) {
	archivetest.RunFiles(t, func(t *testing.T) archivetest.FileTarget {
		root := t.TempDir()
		return archivetest.FileTarget{
			Open: func() archive.Destination {
				return NewDrop(Config{Path: root, Account: archivetest.Account, Name: archivetest.Name})
			},
			Received: func() [][]byte {
				var files [][]byte
				for _, name := range all(t, root) {
					data, err := os.ReadFile(filepath.Join(root, name))
					if err != nil {
						t.Fatal(err)
					}
					files = append(files, data)
				}
				return files
			},
		}
	})
}

// all returns the names in a folder, hidden ones too.
func all(t *testing.T, root string) []string {
	t.Helper()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// What an importer has not taken yet must not be replaced, also if it comes
// while we write.
func TestDropReplacesNothing(t *testing.T) {
	for _, op := range []string{"create", "rename"} {
		item, root := dropped(t)
		target := filepath.Join(root, archive.TranscriptsFile)
		d := openDrop(root)
		d.testOnlyBefore = func(step, _ string) error {
			if step == op {
				return os.WriteFile(target, []byte("somebody's"), 0o600)
			}
			return nil
		}
		_, err := d.Deliver(context.Background(), item)
		if e := classOf(t, err); e.Class != archive.Halt || e.Hint == "" {
			t.Errorf("class %s: %v", e.Class, err)
		}
		if got, err := os.ReadFile(target); err != nil || string(got) != "somebody's" {
			t.Errorf("replaced by %q, %v", got, err)
		}
		if left := all(t, root); len(left) != 1 {
			t.Errorf("left behind: %q", left)
		}
	}
}

// A folder that is not there is no folder that was emptied, and one that is
// made here is read by no importer.
func TestDropFolderMustBeThere(t *testing.T) {
	item, root := dropped(t)
	d := openDrop(filepath.Join(root, "absent"))
	_, delivered := d.Deliver(context.Background(), item)
	_, probed := d.Probe(context.Background())
	_, left := d.Left(context.Background(), []string{"x"})
	for _, err := range []error{delivered, probed, left} {
		if e := classOf(t, err); e.Class != archive.Retry || e.Hint == "" || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("class %s, hint %q: %v", e.Class, e.Hint, err)
		}
	}
	if seen := all(t, root); len(seen) > 0 {
		t.Errorf("made: %q", seen)
	}
}

func TestDropRefusesLinks(t *testing.T) {
	item, root := dropped(t)
	if err := os.Symlink(filepath.Join(item.Dir, archive.TranscriptsFile), filepath.Join(root, archive.TranscriptsFile)); err != nil {
		t.Fatal(err)
	}
	_, err := openDrop(root).Deliver(context.Background(), item)
	if e := classOf(t, err); e.Class != archive.Halt {
		t.Errorf("class %s: %v", e.Class, err)
	}
}

// An importer may take a file at once: then what goes wrong afterwards must not
// be read as "not delivered".
func TestDropIsUncertainOnceItIsVisible(t *testing.T) {
	item, root := dropped(t)
	fault := errors.New("fault made by the test")
	d := openDrop(root)
	d.testOnlyBefore = func(op, path string) error {
		if op == "sync" && path == root {
			return fault
		}
		return nil
	}
	_, err := d.Deliver(context.Background(), item)
	if e := classOf(t, err); e.Class != archive.Uncertain || !errors.Is(err, fault) {
		t.Errorf("class %s: %v", e.Class, err)
	}
	if _, err := openDrop(root).Deliver(context.Background(), item); err != nil {
		t.Errorf("delivered again: %v", err)
	}
	if seen := all(t, root); !slices.Equal(seen, []string{archive.TranscriptsFile}) {
		t.Errorf("in the folder: %q", seen)
	}
}

// An importer that takes hidden files too has taken it: never say that it has not.
func TestDropTakenBeforeItsTimeIsUncertain(t *testing.T) {
	item, root := dropped(t)
	d := openDrop(root)
	d.testOnlyBefore = func(op, path string) error {
		if op == "rename" {
			for _, name := range all(t, root) {
				if err := os.Remove(filepath.Join(root, name)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	_, err := d.Deliver(context.Background(), item)
	if e := classOf(t, err); e.Class != archive.Uncertain {
		t.Errorf("class %s: %v", e.Class, err)
	}
}

// Bundles and single files are never mixed up.
func TestLayoutsAbortOnEachOthersItems(t *testing.T) {
	item, root := dropped(t)
	_, single := open(root).Deliver(context.Background(), item)
	item.File = nil
	_, bundle := openDrop(root).Deliver(context.Background(), item)
	for _, err := range []error{single, bundle} {
		if e := classOf(t, err); e.Class != archive.Abort {
			t.Errorf("class %s: %v", e.Class, err)
		}
	}
	if seen := all(t, root); len(seen) > 0 {
		t.Errorf("delivered: %q", seen)
	}
}

// What an importer has taken is gone, and only that.
func TestDropLeft(t *testing.T) {
	item, root := dropped(t)
	d := openDrop(root)
	if _, err := d.Deliver(context.Background(), item); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"other", ".hidden"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"taken", archive.TranscriptsFile, "other", "../" + filepath.Base(root)}
	left, err := d.Left(context.Background(), names)
	if want := []string{"other", archive.TranscriptsFile}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left: %q, %v, want %q", left, err, want)
	}
}

func TestDropCleanRemovesOnlyItsOwn(t *testing.T) {
	_, root := dropped(t)
	mine := openDrop(root)
	other := NewDrop(Config{Path: root, Account: "a", Name: "d-b"})
	elsewhere := NewDrop(Config{Path: root, Account: "b", Name: "d"})
	kept := []string{filepath.Base(other.hide()), filepath.Base(elsewhere.hide()), ".d-000000001.x", "visible"}
	for _, name := range append([]string{filepath.Base(mine.hide())}, kept...) {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := mine.Clean(context.Background()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(kept)
	if got := all(t, root); !slices.Equal(got, kept) {
		t.Errorf("left after Clean: %q, want %q", got, kept)
	}
}
