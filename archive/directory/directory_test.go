package directory

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// target is a folder that does not exist yet.
func target(t *testing.T) archivetest.Target {
	root := filepath.Join(t.TempDir(), "not", "there")
	account := filepath.Join(root, archivetest.Account)
	return archivetest.Target{
		Open: func(before func(op, path string) error) archive.Destination {
			d := New(Config{Path: root, Account: archivetest.Account, Name: archivetest.Name})
			d.testOnlyBefore = before
			return d
		},
		Visible: func() []string { return walk(t, root) },
		Hidden: func() []string {
			hidden, err := filepath.Glob(filepath.Join(account, ".*"))
			if err != nil {
				t.Fatal(err)
			}
			return hidden
		},
		Put: func(name string, body []byte) {
			name = filepath.Join(root, filepath.FromSlash(name))
			err := os.Remove(name)
			if body != nil {
				err = os.WriteFile(name, body, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		Litter: func(bundle string) {
			if err := os.MkdirAll(filepath.Join(account, "."+bundle+".123"), 0o700); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// walk returns what a reader sees below root.
func walk(t *testing.T, root string) []string {
	var seen []string
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // nothing there, or just renamed
		case err != nil:
			return err
		case strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
		case !e.IsDir():
			rel, err := filepath.Rel(root, name)
			seen = append(seen, filepath.ToSlash(rel))
			return err
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return seen
}

func TestContract(t *testing.T) { archivetest.Run(t, target) }

// spooled returns an item and an empty root.
func spooled(t *testing.T) (archive.Item, string) {
	spool := t.TempDir()
	a := archivetest.Archive{Account: "a", Destination: "d", Bundles: 1, Slices: 1, Messages: 1}
	return archivetest.Item(t, spool, archivetest.Write(t, spool, a)[0]), t.TempDir()
}

func open(root string) *Destination { return New(Config{Path: root, Account: "a", Name: "d"}) }

func classOf(t *testing.T, err error) *archive.Error {
	t.Helper()
	e, ok := errors.AsType[*archive.Error](err)
	if !ok {
		t.Fatalf("%v is no *archive.Error", err)
	}
	return e
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes")
	}
	item, root := spooled(t)
	if _, err := open(root).Deliver(context.Background(), item); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{"": 0o750, archive.ManifestFile: 0o640} {
		info, err := os.Stat(filepath.Join(root, item.Path, name))
		if err != nil {
			t.Fatal(err)
		}
		// The umask of whoever runs the test may take away more.
		if got := info.Mode().Perm(); got&^want != 0 || got&0o600 != 0o600 {
			t.Errorf("%q has mode %o, want %o", name, got, want)
		}
	}
}

// A link or a file anywhere on the way would send the archive elsewhere.
func TestNotAFolderHalts(t *testing.T) {
	item, _ := spooled(t)
	elsewhere := t.TempDir()
	place := map[string]func(string) error{
		"link": func(name string) error { return os.Symlink(elsewhere, name) },
		"file": func(name string) error { return os.WriteFile(name, nil, 0o600) },
	}
	for kind, put := range place {
		for _, at := range []string{"a", "a/2026", filepath.ToSlash(filepath.Dir(item.Path)), item.Path} {
			root := t.TempDir()
			name := filepath.Join(root, filepath.FromSlash(at))
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := put(name); err != nil {
				t.Fatal(err)
			}
			_, err := open(root).Deliver(context.Background(), item)
			if e := classOf(t, err); e.Class != archive.Halt || e.Hint == "" {
				t.Errorf("%s at %s: class %s, hint %q: %v", kind, at, e.Class, e.Hint, err)
			}
		}
	}
	if seen := walk(t, elsewhere); len(seen) > 0 {
		t.Errorf("written through a link: %q", seen)
	}
}

func TestFolderWithoutManifestHalts(t *testing.T) {
	item, root := spooled(t)
	if err := os.MkdirAll(filepath.Join(root, item.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := open(root).Deliver(context.Background(), item)
	if e := classOf(t, err); e.Class != archive.Halt {
		t.Errorf("class %s: %v", e.Class, err)
	}
}

func TestWhatTheFileSystemRefusesIsRetriedWithAHint(t *testing.T) {
	item, root := spooled(t)
	for _, fault := range []error{syscall.ENOSPC, syscall.EROFS, syscall.EACCES} {
		d := open(root)
		d.testOnlyBefore = func(op, _ string) error {
			if op == "write" {
				return &fs.PathError{Op: op, Path: "x", Err: fault}
			}
			return nil
		}
		_, err := d.Deliver(context.Background(), item)
		if e := classOf(t, err); e.Class != archive.Retry || e.Hint == "" || !errors.Is(err, fault) {
			t.Errorf("%v: class %s, hint %q", fault, e.Class, e.Hint)
		}
	}
}

func TestOpenRefusesLinks(t *testing.T) {
	item, root := spooled(t)
	d := open(root)
	if _, err := d.Deliver(context.Background(), item); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(root, item.Path, archive.TranscriptsFile)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(item.Dir, archive.TranscriptsFile), name); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(context.Background(), item.Path+"/"+archive.TranscriptsFile); err == nil {
		t.Error("a link was read as a file of the bundle")
	}
	if _, err := d.Open(context.Background(), "../"+filepath.Base(root)+"/"+item.Path+"/"+archive.SumsFile); err == nil {
		t.Error("a path left the root")
	}
}

func TestCleanRemovesAProbeThatDied(t *testing.T) {
	_, root := spooled(t)
	left := filepath.Join(root, "a", ".d-probe.123")
	kept := filepath.Join(root, "a", ".d-b-probe.123")
	for _, dir := range []string{left, kept} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(root).Clean(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
	if _, err := os.Lstat(kept); err != nil {
		t.Errorf("another destination's probe: %v", err)
	}
}
