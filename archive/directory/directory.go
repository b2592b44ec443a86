// Package directory is the destination that is a folder of this machine or of a
// mounted share.
//
// A bundle is copied into a folder whose name starts with "." beside the other
// work of its account, synced, and renamed to where it belongs. A reader, and a
// power cut, thus see all of it or nothing. A file that is dropped into a flat
// folder takes the same way. Folders are made with mode 0750 and files with
// 0640, less the umask: the group may read the archive, nobody else.
package directory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"lpexport/archive"
	"lpexport/archive/internal/hidden"
)

var (
	_ archive.Destination = (*Destination)(nil)
	_ archive.Source      = (*Destination)(nil)
)

// Config says which folder, and whose work in it is ours.
type Config struct {
	Path    string // the root. It may be a symbolic link, nothing below it may
	Account string // whose items are taken and whose bundles Bundles returns
	Name    string // the destination's: Clean touches no other's work
}

// Destination is a directory of bundles. Its root is made when it is absent.
type Destination struct{ folder }

// New returns the destination for c. It touches nothing yet.
func New(c Config) *Destination { return &Destination{newFolder(c)} }

// folder is what both layouts share. It holds nothing open between calls.
type folder struct {
	root, account, name string

	// testOnlyBefore, if set, is asked before each step that touches a file; its
	// error stands for the step's own.
	testOnlyBefore func(op, path string) error
}

func newFolder(c Config) folder {
	return folder{root: filepath.Clean(c.Path), account: c.Account, name: c.Name}
}

// Close has nothing to end.
func (f *folder) Close() error { return nil }

// step reports whether a step may be made.
func (f *folder) step(ctx context.Context, op, path string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.testOnlyBefore != nil {
		return f.testOnlyBefore(op, path)
	}
	return nil
}

// below returns the file system's path of a slash separated path below the root.
func (f *folder) below(path string) string {
	return filepath.Join(f.root, filepath.FromSlash(path))
}

// clean removes what is ours of a folder's unfinished work.
func (f *folder) clean(ctx context.Context, dir string, ours func(name string) bool) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failure("clean", dir, err)
	}
	var left *archive.LeftError
	for _, e := range entries {
		if !ours(e.Name()) {
			continue
		}
		err := f.remove(ctx, filepath.Join(dir, e.Name()))
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			return failure("clean", dir, err)
		}
		if err != nil && left == nil {
			left = &archive.LeftError{Where: dir, Err: err}
		}
		if err != nil {
			left.Names = append(left.Names, e.Name())
		}
	}
	if left != nil {
		return left
	}
	return nil
}

// remove removes unfinished work of ours: of a symbolic link the link, and not
// what it points to. Nothing there is success.
func (f *folder) remove(ctx context.Context, name string) error {
	if err := f.step(ctx, "remove", name); err != nil {
		return err
	}
	return os.RemoveAll(name)
}

// probed says what became of a probe; it takes out of err that nobody may remove
// it, which is no fault.
func (f *folder) probed(ctx context.Context, where string, err error, names ...string) ([]string, error) {
	fact := "wrote and removed a probe in " + where
	for _, name := range names {
		gone := f.remove(context.WithoutCancel(ctx), name)
		if errors.Is(gone, fs.ErrPermission) && err == nil {
			fact, gone = "wrote a probe, which nobody may remove, in "+where+": what is cut off stays there too, under names that start with \".\"", nil
		}
		err = errors.Join(err, gone)
	}
	if err != nil {
		return nil, failure("probe", where, err)
	}
	return []string{fact}, nil
}

// Clean removes unfinished work of this destination.
func (d *Destination) Clean(ctx context.Context) error {
	return d.clean(ctx, d.below(d.account), func(name string) bool { return hidden.Left(d.name, name) })
}

// Probe writes a folder with a file as Deliver does, and removes it.
func (d *Destination) Probe(ctx context.Context) (facts []string, err error) {
	dir := d.below(d.account)
	if err := d.mkdirAll(ctx, d.account); err != nil {
		return nil, failure("probe", dir, err)
	}
	if _, err := os.ReadDir(dir); err != nil {
		return nil, failure("probe", dir, err)
	}
	temp, err := os.MkdirTemp(dir, hidden.Probe(d.name))
	if err != nil {
		return nil, failure("probe", dir, err)
	}
	// The second name is what the rename makes of the first.
	moved := temp + "x"
	return d.probed(ctx, dir, d.probe(ctx, temp, moved), temp, moved)
}

func (d *Destination) probe(ctx context.Context, temp, moved string) error {
	if err := os.WriteFile(filepath.Join(temp, "probe"), []byte("lpexport probe\n"), archive.FileMode); err != nil {
		return err
	}
	if err := archive.SyncDir(temp); err != nil {
		return err
	}
	if err := d.step(ctx, "rename", temp); err != nil {
		return err
	}
	return archive.Rename(temp, moved)
}

// mkdirAll makes the root and the folders of a slash separated path below it,
// and refuses to go through anything that is not a folder.
func (d *Destination) mkdirAll(ctx context.Context, path string) error {
	if err := d.step(ctx, "mkdir", path); err != nil {
		return err
	}
	if err := archive.MkdirAll(d.root); err != nil {
		return err
	}
	dir := d.root
	for part := range strings.SplitSeq(path, "/") {
		dir = filepath.Join(dir, part)
		info, err := os.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			err = archive.MkdirAll(dir)
		} else if err == nil && !info.IsDir() {
			err = &notFolderError{dir}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// notFolderError says that a link or a file stands where a folder belongs.
type notFolderError struct{ path string }

func (e *notFolderError) Error() string {
	return fmt.Sprintf("%s is not a folder (a file or a symbolic link)", e.path)
}

// failure puts an error into its class.
func failure(op, path string, err error) error {
	if e, ok := errors.AsType[*archive.Error](err); ok {
		return e
	}
	e := &archive.Error{Class: archive.Retry, Op: op, Path: path, Err: err}
	if _, ok := errors.AsType[*notFolderError](err); ok {
		e.Class = archive.Halt
		e.Hint = "move it away, or point the destination at another folder"
		return e
	}
	if errors.Is(err, archive.ErrGone) {
		e.Class = archive.Halt
		return e
	}
	if _, ok := errors.AsType[*absentError](err); ok {
		e.Hint = "make the folder that the importer reads, or mount it; delivery then goes on by itself"
		return e
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Hint = "the disk or the quota is full: make room, delivery then goes on by itself"
	case errors.Is(err, syscall.EROFS):
		e.Hint = "the file system is read-only: mount it writable, delivery then goes on by itself"
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "let the user that runs lpexport list the folder and write to it; delivery then goes on by itself"
	case errors.Is(err, syscall.ENOTDIR):
		e.Hint = "a file stands where a folder belongs: move it away, or point the destination at another folder"
	}
	return e
}
