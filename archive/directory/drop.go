package directory

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"lpexport/archive"
	"lpexport/archive/internal/hidden"
)

var (
	_ archive.Destination = (*Drop)(nil)
	_ archive.Watcher     = (*Drop)(nil)
	_ archive.Stander     = (*Drop)(nil)
)

// Drop is a flat folder that an importer empties. It takes single files and
// puts them there under their own last name. The folder must be there: one that
// is made here would be filled, and no importer would know of it.
type Drop struct {
	folder
	mounted func(path string) (bool, error) // but for tests isMountPoint
}

// NewDrop returns the flat folder for c. It touches nothing yet.
func NewDrop(c Config) *Drop { return &Drop{newFolder(c), isMountPoint} }

// Deliver copies a file to a hidden name and renames it. A file of that name
// with the same bytes is success; one with other bytes stays as it is.
func (d *Drop) Deliver(ctx context.Context, item archive.Item) (archive.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return archive.Receipt{}, failure("deliver", item.Path, err)
	}
	files, err := item.Files()
	if err != nil {
		return archive.Receipt{}, err
	}
	if item.File == nil || !hidden.Ours(d.account, d.name, item.Path) {
		err := fmt.Errorf("not a file of destination %q of account %q", d.name, d.account)
		return archive.Receipt{}, &archive.Error{Class: archive.Abort, Op: "deliver", Path: item.Path, Err: err}
	}
	where := d.below(path.Base(item.File.Path))
	if err := d.deliver(ctx, where, item, files[0]); err != nil {
		return archive.Receipt{}, failure("deliver", where, err)
	}
	return archive.Receipt{Where: where, Bytes: files[0].Bytes}, nil
}

func (d *Drop) deliver(ctx context.Context, where string, item archive.Item, file archive.ItemFile) error {
	if err := d.present(); err != nil {
		return err
	}
	if err := d.stands(item.After); err != nil {
		return err
	}
	there, err := existingFile(where, *item.File)
	if err != nil {
		return err
	}
	if !there {
		if err := d.place(ctx, where, item, file); err != nil {
			return err
		}
	}
	return d.settle(ctx, where)
}

// absentError says that the folder is not there.
type absentError struct{ err error }

func (e *absentError) Error() string { return e.err.Error() }
func (e *absentError) Unwrap() error { return e.err }

// present returns an error if the folder is not there.
func (d *Drop) present() error {
	info, err := os.Stat(d.root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &absentError{err}
	case err != nil:
		return err
	case !info.IsDir():
		return &notFolderError{d.root}
	}
	return nil
}

// Stand tells whether the folder begins a file system: one that does not any more
// has lost its mount.
func (d *Drop) Stand(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", failure("look at", d.root, err)
	}
	if err := d.present(); err != nil {
		if _, absent := errors.AsType[*absentError](err); absent {
			err = fmt.Errorf("%w: %w", archive.ErrGone, err)
		}
		return "", failure("look at", d.root, err)
	}
	mounted, err := d.mounted(d.root)
	if err != nil {
		return "", failure("look at", d.root, err)
	}
	if mounted {
		return archive.MountPoint, nil
	}
	return "", nil
}

// stands returns an error that is archive.ErrGone if the folder is not what it was
// known by any more.
func (d *Drop) stands(after string) error {
	if after != archive.MountPoint {
		return nil
	}
	mounted, err := d.mounted(d.root)
	if err == nil && !mounted {
		err = fmt.Errorf("%w: %s is no mount point any more", archive.ErrGone, d.root)
	}
	return err
}

// existingFile tells whether the file is there already. Anything else in its
// place is an error.
func existingFile(where string, file archive.FileInfo) (bool, error) {
	info, err := os.Lstat(where)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	same := info.Mode().IsRegular() && info.Size() == file.Bytes
	if same {
		same, err = hashes(where, file.Bytes, file.SHA256)
		if errors.Is(err, fs.ErrNotExist) { // just taken: whose it was is not known
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	if !same {
		return false, &archive.Error{
			Class: archive.Halt, Op: "deliver", Path: where, Err: errOtherFile,
			Hint: "another lpexport drops into this folder, or the state was restored from a copy: see lpexport recover",
		}
	}
	return true, nil
}

var errOtherFile = fmt.Errorf("another file of that name is there: %w", archive.ErrOther)

// place copies the file beside its target and renames it.
func (d *Drop) place(ctx context.Context, where string, item archive.Item, file archive.ItemFile) error {
	temp := d.hide()
	if err := d.copyFile(ctx, temp, item, file); err != nil {
		return err
	}
	err := d.move(ctx, temp, where, file.Bytes)
	if err == nil {
		return nil
	}
	gone := os.Remove(temp)
	// Somebody may have been quicker: with the same file that is success.
	there, other := existingFile(where, *item.File)
	switch {
	case there:
		return nil
	case errors.Is(gone, fs.ErrNotExist): // it was moved, and what became of it is not known
		return uncertain(where, err)
	}
	return errors.Join(err, gone, other)
}

// move reads the size back and renames.
func (d *Drop) move(ctx context.Context, temp, where string, size int64) error {
	info, err := os.Lstat(temp)
	if err != nil {
		return err
	}
	if info.Size() != size {
		return fmt.Errorf("%d bytes were written, %d are there", size, info.Size())
	}
	if err := d.step(ctx, "rename", where); err != nil {
		return err
	}
	return moveNew(temp, where)
}

// moveIfAbsent is moveNew where the system cannot do it in one step.
func moveIfAbsent(from, to string) error {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fs.ErrExist, err)
	}
	return os.Rename(from, to)
}

// hide returns a new name for unfinished work.
func (d *Drop) hide() string {
	return d.below(hidden.Dropped(d.account, d.name) + rand.Text())
}

// settle makes durable that the file is at its place.
func (d *Drop) settle(ctx context.Context, where string) error {
	err := d.step(ctx, "sync", d.root)
	if err == nil {
		err = archive.SyncDir(d.root)
	}
	if err != nil {
		return uncertain(where, err)
	}
	return nil
}

// uncertain says that the importer may have the file.
func uncertain(where string, err error) error {
	return &archive.Error{Class: archive.Uncertain, Op: "deliver", Path: where, Err: err}
}

// Left returns those of the names that still lie in the folder, sorted.
func (d *Drop) Left(ctx context.Context, names []string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, failure("list", d.root, err)
	}
	// An absent folder has not been emptied.
	if err := d.present(); err != nil {
		return nil, failure("list", d.root, err)
	}
	entries, err := os.ReadDir(d.root)
	if err != nil {
		return nil, failure("list", d.root, err)
	}
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
	}
	var left []string
	for _, e := range entries { // sorted
		if wanted[e.Name()] {
			left = append(left, e.Name())
		}
	}
	return left, nil
}

// Clean removes unfinished work of this destination.
func (d *Drop) Clean(ctx context.Context) error {
	ours := hidden.Dropped(d.account, d.name)
	return d.clean(ctx, d.root, func(name string) bool { return strings.HasPrefix(name, ours) })
}

// Probe writes a hidden file as Deliver does, and removes it.
func (d *Drop) Probe(ctx context.Context) (facts []string, err error) {
	if err := d.present(); err != nil {
		return nil, failure("probe", d.root, err)
	}
	if _, err := os.ReadDir(d.root); err != nil {
		return nil, failure("probe", d.root, err)
	}
	temp, moved := d.hide(), d.hide()
	return d.probed(ctx, d.root, d.probe(ctx, temp, moved), temp, moved)
}

func (d *Drop) probe(ctx context.Context, temp, moved string) error {
	if err := d.step(ctx, "create", temp); err != nil {
		return err
	}
	err := archive.CreateNew(temp, func(out io.Writer) error {
		_, err := io.WriteString(out, "lpexport probe\n")
		return err
	})
	if err != nil {
		return err
	}
	if err := d.step(ctx, "rename", temp); err != nil {
		return err
	}
	return moveNew(temp, moved)
}
