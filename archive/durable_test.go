package archive_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"lpexport/archive"
)

func TestCreateNewLeavesNothingAfterAnError(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	fault := errors.New("fault")
	err := archive.CreateNew(name, func(w io.Writer) error {
		if _, err := w.Write([]byte("half")); err != nil {
			return err
		}
		return fault
	})
	if !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the half file is still there: %v", err)
	}
}

func TestCreateNewNeverOverwrites(t *testing.T) {
	dir := t.TempDir()
	write(t, []byte("first"), dir, "f")
	err := archive.CreateNew(filepath.Join(dir, "f"), func(io.Writer) error {
		t.Error("asked for bytes though the file is there")
		return nil
	})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	if got := string(read(t, dir, "f")); got != "first" {
		t.Errorf("the file holds %q now", got)
	}
}

func TestMkdirAll(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "a", "b", "c")
	for range 2 {
		if err := archive.MkdirAll(deep); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(deep); err != nil || !info.IsDir() {
		t.Errorf("no folder: %v", err)
	}
	write(t, nil, root, "file")
	if err := archive.MkdirAll(filepath.Join(root, "file")); err == nil {
		t.Error("a file passed for a folder")
	}
	if err := archive.MkdirAll(filepath.Join(root, "file", "x")); err == nil {
		t.Error("a folder in a file")
	}
}

func TestRenameKeepsWhatIsThere(t *testing.T) {
	root := t.TempDir()
	from, to := filepath.Join(root, "from"), filepath.Join(root, "to", "x")
	must(t, errors.Join(os.Mkdir(from, 0o700), os.MkdirAll(to, 0o700)))
	write(t, nil, to, "kept")
	if err := archive.Rename(from, to); err == nil {
		t.Error("a folder with something in it was replaced")
	}
	read(t, to, "kept")
	if err := archive.Rename(from, filepath.Join(root, "to", "y")); err != nil {
		t.Error(err)
	}
}
