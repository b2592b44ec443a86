package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Modes of what is written: the owner writes, the group may read (so that a
// compliance officer's account can be given the archive), others see nothing.
// The process's umask may take away more.
const (
	DirMode  fs.FileMode = 0o750
	FileMode fs.FileMode = 0o640
)

// The verbs below are the only ones that make something durable. A nil error
// means that what the verb names survives a power cut, as far as the file
// system keeps its word. After an error nothing is promised about durability,
// only what the verb's own comment says about visibility.

// CreateNew makes the file path, which must not exist, with what write gives,
// and syncs the file. Its entry in the folder is durable only after SyncDir of
// the folder, so that a folder of many files is synced once. After an error the
// file is gone; an error that is fs.ErrExist left the existing file alone.
func CreateNew(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, FileMode)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	// Some file systems report a failed write only here.
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// SyncDir makes durable which names the folder dir holds. On Windows it does
// nothing: there a folder cannot be synced, and NTFS journals its names.
func SyncDir(dir string) error {
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

// MkdirAll makes the folder path and every parent that is missing, and syncs
// each folder that got a new entry. A folder that exists already is success,
// but its entry is then not synced again: use SyncDir where a process that died
// in between matters. After an error some of the parents may exist, empty.
func MkdirAll(path string) error {
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	if err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: errNotFolder}
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := MkdirAll(parent); err != nil {
			return err
		}
	}
	// Another process may have been quicker: that is success too.
	if err := os.Mkdir(path, DirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return SyncDir(parent)
}

var errNotFolder = errors.New("not a folder")

// Rename moves from to to and syncs the folders of both. A file replaces a file
// as one step; a folder replaces nothing but an empty folder. After an error
// the move may have happened or not, but is never half visible.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	source, target := filepath.Dir(from), filepath.Dir(to)
	// The target first: between the two syncs a crash may show both names, never none.
	if err := SyncDir(target); err != nil {
		return err
	}
	if source == target {
		return nil
	}
	return SyncDir(source)
}
