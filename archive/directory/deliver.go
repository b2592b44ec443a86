package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"lpexport/archive"
	"lpexport/archive/internal/hidden"
)

// Deliver copies an item to its place. See archive.Destination for what it
// promises. Copies are never hard links: the spool is removed one day by a
// process that must not be able to touch the archive.
func (d *Destination) Deliver(ctx context.Context, item archive.Item) (archive.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return archive.Receipt{}, failure("deliver", item.Path, err)
	}
	files, err := item.Files()
	if err != nil {
		return archive.Receipt{}, err
	}
	if item.File != nil || !hidden.Ours(d.account, d.name, item.Path) {
		err := fmt.Errorf("not a bundle of destination %q of account %q", d.name, d.account)
		return archive.Receipt{}, &archive.Error{Class: archive.Abort, Op: "deliver", Path: item.Path, Err: err}
	}
	where := d.below(item.Path)
	if err := d.deliver(ctx, where, item, files); err != nil {
		return archive.Receipt{}, failure("deliver", where, err)
	}
	receipt := archive.Receipt{Where: where}
	for _, f := range files {
		receipt.Bytes += f.Bytes
	}
	return receipt, nil
}

func (d *Destination) deliver(ctx context.Context, where string, item archive.Item, files []archive.ItemFile) error {
	if err := d.stillThere(item.After); err != nil {
		return err
	}
	// First, so that nothing is looked up through a link.
	if err := d.mkdirAll(ctx, path.Dir(item.Path)); err != nil {
		return err
	}
	there, err := d.existing(where, item)
	if err != nil {
		return err
	}
	if there {
		return d.settle(ctx, item)
	}
	return d.place(ctx, where, item, files)
}

// stillThere returns an error that is archive.ErrGone if the bundle at a path is
// not there. What a missing mount leaves is an empty folder like any other.
func (d *Destination) stillThere(bundle string) error {
	if bundle == "" {
		return nil
	}
	manifest := filepath.Join(d.below(bundle), archive.ManifestFile)
	_, err := os.Lstat(manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", archive.ErrGone, manifest)
	}
	return err
}

// existing tells whether the item is there already. Other bytes in its place
// are an error.
func (d *Destination) existing(where string, item archive.Item) (bool, error) {
	info, err := os.Lstat(where)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !info.IsDir() {
		return false, &notFolderError{where}
	}
	same, err := hashes(filepath.Join(where, archive.ManifestFile), archive.MaxManifest, item.ManifestSHA256)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if !same {
		return false, &archive.Error{
			Class: archive.Halt, Op: "deliver", Path: where, Err: errOther,
			Hint: "another lpexport writes to this folder, or the state was restored from a copy: see lpexport recover",
		}
	}
	return true, nil
}

var errOther = fmt.Errorf("another bundle of that name is there: %w", archive.ErrOther)

// hashes tells whether a file of at most limit bytes has the given SHA-256.
func hashes(name string, limit int64, want string) (bool, error) {
	sum, err := sumOf(name, limit)
	return sum == want, err
}

// sumOf returns the SHA-256 of a file in hex; of one over limit bytes, that of
// its first ones and one more.
func sumOf(name string, limit int64) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(f, limit+1)); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// place copies the item beside its target and renames it.
func (d *Destination) place(ctx context.Context, where string, item archive.Item, files []archive.ItemFile) (err error) {
	account := d.below(d.account)
	if err := d.step(ctx, "mkdir", account); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(account, hidden.Bundle(path.Base(item.Path)))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	if err := d.fill(ctx, temp, item, files); err != nil {
		return err
	}
	if err := d.step(ctx, "rename", where); err != nil {
		return err
	}
	if err := os.Rename(temp, where); err != nil {
		// Somebody may have been quicker: with the same item that is success.
		if there, other := d.existing(where, item); !there {
			return errors.Join(err, other)
		}
		if err := d.remove(ctx, temp); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return d.settle(ctx, item)
}

// settle makes durable that the item is at its place, also if it was another
// process that put it there and died before it could.
func (d *Destination) settle(ctx context.Context, item archive.Item) error {
	for dir := path.Dir(item.Path); ; dir = path.Dir(dir) {
		if err := d.step(ctx, "sync", dir); err != nil {
			return err
		}
		if err := archive.SyncDir(d.below(dir)); err != nil {
			return err
		}
		if dir == "." {
			return nil
		}
	}
}

// fill copies the files, manifest.json last, and makes the folder durable.
func (d *Destination) fill(ctx context.Context, temp string, item archive.Item, files []archive.ItemFile) error {
	if err := d.step(ctx, "chmod", temp); err != nil {
		return err
	}
	// MkdirTemp lets nobody else in.
	if err := os.Chmod(temp, archive.DirMode); err != nil {
		return err
	}
	for _, f := range files {
		if err := d.copy(ctx, temp, item, f); err != nil {
			return fmt.Errorf("copy %s: %w", f.Path, err)
		}
	}
	if err := d.step(ctx, "sync", temp); err != nil {
		return err
	}
	return archive.SyncDir(temp)
}

// copy copies one file of the bundle, and makes its folder durable.
func (d *Destination) copy(ctx context.Context, temp string, item archive.Item, file archive.ItemFile) error {
	target := filepath.Join(temp, filepath.FromSlash(file.Path))
	dir := filepath.Dir(target)
	if dir == temp {
		return d.copyFile(ctx, target, item, file)
	}
	if err := d.step(ctx, "mkdir", dir); err != nil {
		return err
	}
	if err := archive.MkdirAll(dir); err != nil {
		return err
	}
	if err := d.copyFile(ctx, target, item, file); err != nil {
		return err
	}
	return archive.SyncDir(dir)
}

// copyFile makes the file target out of one of the item's, syncs it and
// compares the size of what was copied.
func (f *folder) copyFile(ctx context.Context, target string, item archive.Item, file archive.ItemFile) error {
	if err := f.step(ctx, "open", file.Path); err != nil {
		return err
	}
	in, err := os.Open(filepath.Join(item.Dir, filepath.FromSlash(file.Path)))
	if err != nil {
		return &archive.Error{Class: archive.Abort, Op: "read spooled item", Path: item.Path, Err: err}
	}
	defer in.Close()
	if err := f.step(ctx, "create", file.Path); err != nil {
		return err
	}
	return archive.CreateNew(target, func(out io.Writer) error {
		if err := f.step(ctx, "write", file.Path); err != nil {
			return err
		}
		n, err := stream(ctx, out, in)
		if err == nil && n != file.Bytes {
			err = &archive.Error{Class: archive.Abort, Op: "read spooled item", Path: item.Path, Err: fmt.Errorf("%s changed its size", file.Path)}
		}
		if err != nil {
			return err
		}
		return f.step(ctx, "sync", file.Path)
	})
}

// portion is copied between two looks at whether to stop.
const portion = 16 << 20

// stream copies from file to file, which the kernel can do by itself.
func stream(ctx context.Context, out io.Writer, in *os.File) (int64, error) {
	total := int64(0)
	for {
		n, err := io.CopyN(out, in, portion)
		total += n
		if err == io.EOF {
			return total, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return total, err
		}
	}
}
