package directory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"lpexport/archive"
	"lpexport/archive/internal/hidden"
)

var _ archive.Repairer = (*Destination)(nil)

// Repair mends a bundle file by file: each is copied beside the bundle, synced and
// renamed to its place, manifest.json last.
func (d *Destination) Repair(ctx context.Context, item archive.Item, overwrite bool) ([]string, error) {
	files, err := item.Files()
	if err != nil {
		return nil, err
	}
	where := d.below(item.Path)
	if item.File != nil || !hidden.Ours(d.account, d.name, item.Path) {
		err := fmt.Errorf("not a bundle of destination %q of account %q", d.name, d.account)
		return nil, &archive.Error{Class: archive.Abort, Op: "repair", Path: item.Path, Err: err}
	}
	changed, err := d.repair(ctx, where, item, files, overwrite)
	if err != nil {
		return changed, failure("repair", where, err)
	}
	return changed, nil
}

func (d *Destination) repair(ctx context.Context, where string, item archive.Item, files []archive.ItemFile, overwrite bool) (changed []string, err error) {
	if _, err := os.Lstat(where); errors.Is(err, fs.ErrNotExist) {
		return paths(files), d.deliver(ctx, where, item, files)
	}
	if err := d.stillThere(item.After); err != nil {
		return nil, err
	}
	if err := d.mkdirAll(ctx, item.Path); err != nil {
		return nil, err
	}
	wrong, extra, err := d.compare(ctx, where, item, files, overwrite)
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp(d.below(d.account), hidden.Bundle(path.Base(item.Path)))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	for _, f := range wrong {
		if err := d.copy(ctx, temp, item, f); err != nil {
			return nil, fmt.Errorf("copy %s: %w", f.Path, err)
		}
	}
	for _, name := range extra {
		if err := d.step(ctx, "remove", name); err != nil {
			return changed, err
		}
		if err := os.Remove(filepath.Join(where, filepath.FromSlash(name))); err != nil {
			return changed, err
		}
		changed = append(changed, name)
	}
	for _, f := range wrong {
		if err := d.step(ctx, "rename", f.Path); err != nil {
			return changed, err
		}
		target := filepath.Join(where, filepath.FromSlash(f.Path))
		if err := archive.MkdirAll(filepath.Dir(target)); err != nil {
			return changed, err
		}
		if err := archive.Rename(filepath.Join(temp, filepath.FromSlash(f.Path)), target); err != nil {
			return changed, err
		}
		changed = append(changed, f.Path)
	}
	slices.Sort(changed)
	return changed, d.settle(ctx, item)
}

func paths(files []archive.ItemFile) []string {
	var list []string
	for _, f := range files {
		list = append(list, f.Path)
	}
	slices.Sort(list)
	return list
}

// compare returns which files of a bundle are not there or, with overwrite, have
// other bytes, and with overwrite what is there and none of the bundle's.
func (d *Destination) compare(ctx context.Context, where string, item archive.Item, files []archive.ItemFile, overwrite bool) (wrong []archive.ItemFile, extra []string, err error) {
	there, err := d.Files(ctx, item.Path)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		at, found := slices.BinarySearch(there, f.Path)
		if found {
			there = slices.Delete(there, at, at+1)
			same, err := sameFile(filepath.Join(where, filepath.FromSlash(f.Path)), filepath.Join(item.Dir, filepath.FromSlash(f.Path)), f.Bytes)
			switch {
			case err != nil:
				return nil, nil, err
			case same:
				continue
			case !overwrite:
				return nil, nil, other(where, f.Path)
			}
		}
		wrong = append(wrong, f)
	}
	if len(there) > 0 && !overwrite {
		return nil, nil, other(where, there[0])
	}
	return wrong, there, nil
}

func other(where, name string) error {
	return &archive.Error{Class: archive.Halt, Op: "repair", Path: filepath.Join(where, filepath.FromSlash(name)), Err: archive.ErrOther}
}

// sameFile reports whether a file has the bytes of a spooled one. A link has not.
func sameFile(name, spooled string, size int64) (bool, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() || info.Size() != size {
		return false, nil
	}
	sum, err := sumOf(spooled, size)
	if err != nil {
		return false, &archive.Error{Class: archive.Abort, Op: "read spooled item", Path: spooled, Err: err}
	}
	same, err := hashes(name, size, sum)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return same, err
}
