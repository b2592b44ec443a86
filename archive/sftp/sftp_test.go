package sftp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// open returns a destination for c that is closed at the end.
func open(t *testing.T, c Config) *Destination {
	t.Helper()
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func openDrop(t *testing.T, c Config) *Drop {
	t.Helper()
	d, err := NewDrop(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// targetOn is a folder that does not exist yet, on a server that c reaches and
// that lies at root here.
func targetOn(t *testing.T, c Config, root string) archivetest.Target {
	c.Account, c.Name = archivetest.Account, archivetest.Name
	account := filepath.Join(root, archivetest.Account)
	return archivetest.Target{
		Open: func(before func(op, path string) error) archive.Destination {
			d := open(t, c)
			d.testOnlyBefore = before
			return d
		},
		Visible: func() []string { return walk(t, root) },
		Hidden: func() []string {
			hidden, err := filepath.Glob(filepath.Join(account, ".*"))
			if err != nil {
				t.Fatal(err)
			}
			for i, name := range hidden {
				hidden[i] = filepath.Base(name)
			}
			return hidden
		},
		Put: func(name string, body []byte) {
			d := open(t, c) // the user of the server may be another one
			err := d.with(context.Background(), func(s *session) error {
				if err := unlessAbsent(s.Remove(d.below(name))); err != nil || body == nil {
					return err
				}
				return s.create(d.below(name), body)
			})
			if err != nil {
				t.Fatal(err)
			}
		},
		Litter: func(bundle string) {
			dir := filepath.Join(account, "."+bundle+".123")
			err := errors.Join(os.MkdirAll(filepath.Join(dir, "below"), 0o700),
				os.WriteFile(filepath.Join(dir, "below", "half"), []byte("x"), 0o600),
				// The user of the server may be another one.
				os.Chmod(dir, 0o777), os.Chmod(filepath.Join(dir, "below"), 0o777))
			if err != nil {
				t.Fatal(err)
			}
		},
	}
}

// walk returns what a reader sees below root.
func walk(t *testing.T, root string) []string {
	t.Helper()
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
	slices.Sort(seen)
	return seen
}

// spooledMany returns bundles of destination d of account a.
func spooledMany(t testing.TB, bundles, slices int) []archive.Item {
	t.Helper()
	spool := t.TempDir()
	a := archivetest.Archive{Account: "a", Destination: "d", Bundles: bundles, Slices: slices, Messages: 3}
	var items []archive.Item
	for _, name := range archivetest.Write(t, spool, a) {
		items = append(items, archivetest.Item(t, spool, name))
	}
	return items
}

func spooled(t *testing.T) archive.Item {
	t.Helper()
	return spooledMany(t, 1, 1)[0]
}

// dropped returns one file of such a bundle as an item.
func dropped(t *testing.T) archive.Item {
	t.Helper()
	item := spooled(t)
	content, err := os.ReadFile(filepath.Join(item.Dir, archive.TranscriptsFile))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	item.File = &archive.FileInfo{Path: archive.TranscriptsFile, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
	return item
}

// wantClass returns err as the error it must be.
func wantClass(t *testing.T, err error, want archive.Class) *archive.Error {
	t.Helper()
	e, ok := errors.AsType[*archive.Error](err)
	if !ok {
		t.Fatalf("%v is no *archive.Error", err)
	}
	if e.Class != want {
		t.Errorf("class %s of %v, want %s", e.Class, err, want)
	}
	return e
}

// wantHint wants words in the hint.
func wantHint(t *testing.T, e *archive.Error, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(e.Hint, word) {
			t.Errorf("the hint %q of %v does not name %q", e.Hint, e, word)
		}
	}
}

func TestContract(t *testing.T) {
	archivetest.Run(t, func(t *testing.T) archivetest.Target {
		s := newServer(t)
		c := s.configFor()
		c.Path = "/not/there"
		return targetOn(t, c, filepath.Join(s.root, "not", "there"))
	})
}
