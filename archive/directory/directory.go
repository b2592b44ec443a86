// Package directory is the destination that is a folder of this machine or of a
// mounted share.
//
// An item is copied into a folder whose name starts with "." beside the other
// work of its account, synced, and renamed to where it belongs. A reader, and a
// power cut, thus see all of it or nothing. Folders are made with mode 0750 and
// files with 0640, less the umask: the group may read the archive, nobody else.
package directory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"lpexport/archive"
)

var (
	_ archive.Destination = (*Destination)(nil)
	_ archive.Source      = (*Destination)(nil)
)

// Config says which folder, and whose work in it is ours.
type Config struct {
	Path    string // the root; made when it is absent. It may be a symbolic link, nothing below it may
	Account string // whose bundles Bundles returns
	Name    string // the destination's: Clean touches no other's work
}

// Destination is a directory destination. It holds nothing open between calls.
type Destination struct {
	root, account, name string

	// testOnlyBefore, if set, is asked before each step that touches a file; its
	// error stands for the step's own.
	testOnlyBefore func(op, path string) error
}

// New returns the destination for c. It touches nothing yet.
func New(c Config) *Destination {
	return &Destination{root: filepath.Clean(c.Path), account: c.Account, name: c.Name}
}

// step reports whether a step may be made.
func (d *Destination) step(ctx context.Context, op, path string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.testOnlyBefore != nil {
		return d.testOnlyBefore(op, path)
	}
	return nil
}

// below returns the file system's path of a slash separated path below the root.
func (d *Destination) below(path string) string {
	return filepath.Join(d.root, filepath.FromSlash(path))
}

// temporary is the name of unfinished work on the bundle name. It lies in the
// account's folder, so that Clean has one folder to look at.
func temporary(name string) string { return "." + name + "." }

// Clean removes unfinished work of this destination.
func (d *Destination) Clean(ctx context.Context) error {
	dir := d.below(d.account)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failure("clean", dir, err)
	}
	for _, e := range entries {
		if !d.unfinished(e.Name()) {
			continue
		}
		if err := d.step(ctx, "remove", e.Name()); err != nil {
			return failure("clean", dir, err)
		}
		// RemoveAll removes a symbolic link and not what it points to.
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return failure("clean", dir, err)
		}
	}
	return nil
}

// unfinished tells whether a name is unfinished work of this destination: a
// destination "a" must not touch what "a-b" is writing.
func (d *Destination) unfinished(name string) bool {
	bundle, ok := strings.CutPrefix(name, ".")
	if i := strings.LastIndexByte(bundle, '.'); ok && i > 0 {
		bundle = bundle[:i]
		return bundle == d.name+probe || archive.IsBundlePath(path.Join("x/2000/01/01", bundle)) &&
			bundle[:strings.LastIndexByte(bundle, '-')] == d.name
	}
	return false
}

// probe follows the destination's name where Probe writes.
const probe = "-probe"

// Probe writes a folder with a file as Deliver does, and removes it.
func (d *Destination) Probe(ctx context.Context) (facts []string, err error) {
	dir := d.below(d.account)
	if err := d.probe(ctx, dir); err != nil {
		return nil, failure("probe", dir, err)
	}
	return []string{"wrote and removed a probe in " + dir}, nil
}

// Close has nothing to end.
func (d *Destination) Close() error { return nil }

func (d *Destination) probe(ctx context.Context, dir string) (err error) {
	if err := d.mkdirAll(ctx, d.account); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(dir, temporary(d.name+probe))
	if err != nil {
		return err
	}
	// The second name is what the rename makes of the first.
	moved := temp + "x"
	defer func() { err = errors.Join(err, os.RemoveAll(temp), os.RemoveAll(moved)) }()
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
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Hint = "the disk or the quota is full: make room, delivery then goes on by itself"
	case errors.Is(err, syscall.EROFS):
		e.Hint = "the file system is read-only: mount it writable, delivery then goes on by itself"
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "let the user that runs lpexport write to the folder, delivery then goes on by itself"
	}
	return e
}
