package sftp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lpexport/archive"
)

// delivered returns a server that has a bundle, and the bundle.
func delivered(t *testing.T, slices int) (*testServer, archive.Item) {
	t.Helper()
	s, item := newServer(t), spooledMany(t, 1, slices)[0]
	if _, err := open(t, s.configFor()).Deliver(context.Background(), item); err != nil {
		t.Fatal(err)
	}
	return s, item
}

// read reads one file of a bundle.
func read(d *Destination, name string) ([]byte, error) {
	f, err := d.Open(context.Background(), name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	return data, errors.Join(err, f.Close())
}

// A server may answer less than was asked for, which is not the file's end, and
// may go away, which is not its end either: half a file is never whole.
func TestReadIsWholeOrAnError(t *testing.T) {
	s, item := delivered(t, 120)
	name := item.Path + "/" + archive.TranscriptsFile
	want, err := os.ReadFile(filepath.Join(item.Dir, archive.TranscriptsFile))
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, s.configFor())
	s.inject(only("read", dawdle))
	if got, err := read(d, name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d from a server that gives few at once: %v", len(got), len(want), err)
	}
	// The bundle is compared by reading it.
	if _, err := d.Deliver(context.Background(), item); err != nil {
		t.Errorf("delivered again: %v", err)
	}
	for what, kind := range map[fault]string{cutBefore: "cut before", cutAfter: "cut after", refuse: "refused"} {
		for n := 1; ; n++ {
			inject, count := nth(n, what)
			s.inject(func(op, p string) fault {
				if op == "read" {
					return inject(op, p)
				}
				return serve
			})
			got, err := read(d, name)
			if err == nil && !bytes.Equal(got, want) {
				t.Errorf("read %d %s: %d bytes of %d are said to be all", n, kind, len(got), len(want))
			}
			if err != nil {
				wantClass(t, err, archive.Retry)
			}
			if count() < n {
				break
			}
		}
	}
}

// A lost connection while the manifest is compared must not look like another
// bundle, which would halt the destination.
func TestCompareIsWholeOrAnError(t *testing.T) {
	s, item := delivered(t, 1)
	for _, what := range []fault{cutBefore, cutAfter, refuse} {
		s.inject(only("read", what))
		_, err := open(t, s.configFor()).Deliver(context.Background(), item)
		wantClass(t, err, archive.Retry)
	}
}

// A link or a file anywhere on the way would send the archive elsewhere.
func TestNotAFolderHalts(t *testing.T) {
	item := spooled(t)
	elsewhere := t.TempDir()
	place := map[string]func(string) error{
		"link": func(name string) error { return os.Symlink(elsewhere, name) },
		"file": func(name string) error { return os.WriteFile(name, nil, 0o600) },
	}
	for kind, put := range place {
		for _, at := range []string{"a", "a/2026", filepath.ToSlash(filepath.Dir(item.Path)), item.Path} {
			s := newServer(t)
			name := filepath.Join(s.root, "drop", filepath.FromSlash(at))
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := put(name); err != nil {
				t.Fatal(err)
			}
			d := open(t, s.configFor())
			_, err := d.Deliver(context.Background(), item)
			if e := wantClass(t, err, archive.Halt); e.Hint == "" {
				t.Errorf("%s at %s: no hint: %v", kind, at, err)
			}
			if kind == "link" {
				if _, err := d.Files(context.Background(), item.Path); err == nil {
					t.Errorf("listed through a link at %s", at)
				}
			}
		}
	}
	if seen := all(t, elsewhere); len(seen) > 0 {
		t.Errorf("written through a link: %q", seen)
	}
}

func TestOpenRefusesLinksAndWaysOut(t *testing.T) {
	s, item := delivered(t, 1)
	name := filepath.Join(s.root, "drop", filepath.FromSlash(item.Path), archive.TranscriptsFile)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(archive.SumsFile, name); err != nil {
		t.Fatal(err)
	}
	d := open(t, s.configFor())
	for _, name := range []string{
		item.Path + "/" + archive.TranscriptsFile, "../drop/" + item.Path + "/" + archive.SumsFile,
		"/drop/" + item.Path + "/" + archive.SumsFile, item.Path, "",
	} {
		if data, err := read(d, name); err == nil {
			t.Errorf("%q was read: %q", name, data)
		}
	}
	files, err := d.Files(context.Background(), item.Path)
	if want := []string{archive.SumsFile, archive.ManifestFile, archive.TranscriptsFile}; err != nil || !slices.Equal(files, want) {
		t.Errorf("files %q, %v: a link counts as a file", files, err)
	}
}

// Names that lead elsewhere are a trap, above all where we remove things.
func TestCrookedNamesAreIgnored(t *testing.T) {
	s, item := delivered(t, 1)
	d := open(t, s.configFor())
	left := filepath.Join(s.root, "drop", "a", ".d-000000002.x", "below")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	s.inject(only("list", dressUp))
	if bundles, err := d.Bundles(context.Background(), ""); err != nil || !slices.Equal(bundles, []string{item.Path}) {
		t.Errorf("bundles %q, %v", bundles, err)
	}
	// "x" and "y" are on every list, and in none of the folders.
	if err := d.Clean(context.Background()); err != nil {
		t.Error(err)
	}
	if files, err := d.Files(context.Background(), item.Path); err == nil {
		t.Errorf("files of folders that are not there: %q", files)
	}
	if seen := all(t, s.root); !slices.Equal(seen, inDrop(item)) {
		t.Errorf("still there: %q", seen)
	}
	if _, err := os.Stat(filepath.Dir(left)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("not removed: %v", err)
	}
}

// A list that does not end would fill the memory.
func TestFloodEndsTheSession(t *testing.T) {
	ended := 0
	w := &watch{timeout: 1 << 40, end: func() { ended++ }}
	w.begin()
	done := w.allow(100)
	w.arrived(100)
	if ended > 0 {
		t.Error("ended within the limit")
	}
	w.arrived(1)
	if err := w.finish(); !errors.Is(err, errFlood) || ended != 1 {
		t.Errorf("not ended above the limit: %v", err)
	}
	done()
	w = &watch{timeout: 1 << 40, end: func() { ended++ }}
	w.begin()
	w.allow(100)()
	w.arrived(1000)
	if err := w.finish(); err != nil || ended != 1 {
		t.Errorf("limited when no list is read: %v", err)
	}
}
