package sftp

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lpexport/archive"
	"lpexport/archive/archivetest"
	"lpexport/archive/internal/hidden"
)

// newFolder returns a server with a flat folder, and where it lies here.
func newFolder(t *testing.T) (*testServer, string) {
	t.Helper()
	s := newServer(t)
	folder := filepath.Join(s.root, "drop")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	return s, folder
}

// filesOn is a flat folder that c reaches, and that is the folder here.
func filesOn(t *testing.T, c Config, folder string) archivetest.FileTarget {
	c.Account, c.Name = archivetest.Account, archivetest.Name
	return archivetest.FileTarget{
		Open: func() archive.Destination { return openDrop(t, c) },
		Received: func() [][]byte {
			var files [][]byte
			for _, name := range all(t, folder) {
				data, err := os.ReadFile(filepath.Join(folder, name))
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, data)
			}
			return files
		},
	}
}

func TestDropContract(t *testing.T) {
	archivetest.RunFiles(t, func(t *testing.T) archivetest.FileTarget {
		s, folder := newFolder(t)
		return filesOn(t, s.configFor(), folder)
	})
}

// What an importer has not taken yet must not be replaced, also if it comes
// while we write.
func TestDropReplacesNothing(t *testing.T) {
	for _, op := range []string{"open", "rename"} {
		s, folder := newFolder(t)
		target := filepath.Join(folder, archive.TranscriptsFile)
		d := openDrop(t, s.configFor())
		d.testOnlyBefore = func(step, _ string) error {
			if step == op {
				return os.WriteFile(target, []byte("somebody's"), 0o600)
			}
			return nil
		}
		_, err := d.Deliver(context.Background(), dropped(t))
		if e := wantClass(t, err, archive.Halt); e.Hint == "" {
			t.Errorf("no hint what to do about %v", err)
		}
		if got, err := os.ReadFile(target); err != nil || string(got) != "somebody's" {
			t.Errorf("replaced by %q, %v", got, err)
		}
		if left := all(t, folder); len(left) != 1 {
			t.Errorf("left behind: %q", left)
		}
	}
}

// The same file is success, whether it was there or came while we wrote.
func TestDropOfWhatIsThere(t *testing.T) {
	s, folder := newFolder(t)
	item, c := dropped(t), s.configFor()
	first, second := openDrop(t, c), openDrop(t, c)
	first.testOnlyBefore = func(op, _ string) error {
		if op == "rename" {
			_, err := second.Deliver(context.Background(), item)
			return err
		}
		return nil
	}
	for range 2 {
		if _, err := first.Deliver(context.Background(), item); err != nil {
			t.Error(err)
		}
	}
	if seen := all(t, folder); !slices.Equal(seen, []string{archive.TranscriptsFile}) {
		t.Errorf("in the folder: %q", seen)
	}
}

// A folder that is not there is no folder that was emptied, and one that is
// made here is read by no importer.
func TestDropFolderMustBeThere(t *testing.T) {
	s := newServer(t)
	d := openDrop(t, s.configFor())
	_, delivered := d.Deliver(context.Background(), dropped(t))
	_, probed := d.Probe(context.Background())
	_, left := d.Left(context.Background(), []string{"x"})
	for _, err := range []error{delivered, probed, left} {
		if e := wantClass(t, err, archive.Retry); e.Hint == "" || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("hint %q: %v", e.Hint, err)
		}
	}
	if entries, err := os.ReadDir(s.root); err != nil || len(entries) > 0 {
		t.Errorf("made: %q, %v", entries, err)
	}
}

// What an importer has taken is gone, and only that.
func TestDropLeft(t *testing.T) {
	s, folder := newFolder(t)
	d := openDrop(t, s.configFor())
	if _, err := d.Deliver(context.Background(), dropped(t)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"other", ".hidden"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"taken", archive.TranscriptsFile, "other", "../drop"}
	left, err := d.Left(context.Background(), names)
	if want := []string{"other", archive.TranscriptsFile}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left: %q, %v, want %q", left, err, want)
	}
	// A list that was cut off would say that the rest was taken.
	for what, name := range map[fault]string{refuse: "refused", cutBefore: "cut before", cutAfter: "cut after"} {
		s.inject(only("list", what))
		if left, err := d.Left(context.Background(), names); err == nil {
			t.Errorf("list %s: %q", name, left)
		}
	}
}

func TestDropCleanRemovesOnlyItsOwn(t *testing.T) {
	s, folder := newFolder(t)
	kept := []string{hidden.Dropped("a", "d-b") + "1", hidden.Dropped("b", "d") + "1", ".d-000000001.x", "visible"}
	for _, name := range append([]string{hidden.Dropped("a", "d") + "1"}, kept...) {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := openDrop(t, s.configFor()).Clean(context.Background()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(kept)
	if got := all(t, folder); !slices.Equal(got, kept) {
		t.Errorf("left after Clean: %q, want %q", got, kept)
	}
}

func TestBundlesTakeNoSingleFile(t *testing.T) {
	s, folder := newFolder(t)
	_, err := open(t, s.configFor()).Deliver(context.Background(), dropped(t))
	wantClass(t, err, archive.Abort)
	if seen := all(t, folder); len(seen) > 0 {
		t.Errorf("delivered: %q", seen)
	}
}
