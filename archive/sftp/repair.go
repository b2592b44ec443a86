package sftp

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
	"slices"

	"lpexport/archive"
	"lpexport/archive/internal/hidden"
)

var _ archive.Repairer = (*Destination)(nil)

// Repair mends a bundle file by file: each is sent beside the bundle and renamed to
// its place, manifest.json last.
func (d *Destination) Repair(ctx context.Context, item archive.Item, overwrite bool) (changed []string, err error) {
	files, err := item.Files()
	if err != nil {
		return nil, err
	}
	if item.File != nil || !hidden.Ours(d.account, d.name, item.Path) {
		return nil, notOurs("bundle", d.account, d.name, item.Path)
	}
	err = d.with(ctx, func(s *session) (err error) {
		changed, err = d.repair(ctx, s, item, files, overwrite)
		return err
	})
	if err != nil {
		return changed, failure("repair", d.where(item.Path), err)
	}
	return changed, nil
}

func (d *Destination) repair(ctx context.Context, s *session, item archive.Item, files []archive.ItemFile, overwrite bool) (changed []string, err error) {
	where := d.below(item.Path)
	if err := s.folders(append(d.wayTo(path.Dir(item.Path)), where)...); errors.Is(err, fs.ErrNotExist) {
		return paths(files), d.deliver(ctx, s, item, files)
	} else if err != nil {
		return nil, err
	}
	if err := d.stillThere(s, item.After); err != nil {
		return nil, err
	}
	wrong, extra, err := d.compare(ctx, s, item, files, overwrite)
	if err != nil || len(wrong)+len(extra) == 0 {
		return nil, err
	}
	part, err := d.part()
	if err != nil {
		return nil, err
	}
	temp := d.below(d.account + "/" + hidden.Bundle(path.Base(item.Path)) + part)
	if err := d.step(ctx, "mkdir", temp); err != nil {
		return nil, err
	}
	if err := s.Mkdir(temp); err != nil {
		return nil, err
	}
	defer func() { _ = s.removeAll(temp) }() // else Clean does
	if err := d.fill(ctx, s, temp, item, wrong); err != nil {
		return nil, err
	}
	for _, name := range extra {
		if err := d.step(ctx, "remove", name); err != nil {
			return changed, err
		}
		if err := s.Remove(path.Join(where, name)); err != nil {
			return changed, err
		}
		changed = append(changed, name)
	}
	for _, f := range wrong {
		if err := d.step(ctx, "rename", f.Path); err != nil {
			return changed, err
		}
		if err := d.replace(s, path.Join(temp, f.Path), where, f.Path); err != nil {
			return changed, err
		}
		changed = append(changed, f.Path)
	}
	slices.Sort(changed)
	return changed, nil
}

func paths(files []archive.ItemFile) []string {
	var list []string
	for _, f := range files {
		list = append(list, f.Path)
	}
	slices.Sort(list)
	return list
}

// replace renames a file to its place in a bundle, over what may be there. A server
// that cannot do so in one step does it in two.
func (d *Destination) replace(s *session, from, bundle, name string) error {
	for i, c := range name {
		if c == '/' {
			if err := s.mkdir(path.Join(bundle, name[:i])); err != nil {
				return err
			}
		}
	}
	to := path.Join(bundle, name)
	if _, ok := s.HasExtension("posix-rename@openssh.com"); ok {
		if err := s.PosixRename(from, to); err == nil || !answered(err) {
			return err
		}
	}
	if err := unlessAbsent(s.Remove(to)); err != nil {
		return err
	}
	return s.Rename(from, to)
}

// compare returns which files of a bundle are not there or, with overwrite, have
// other bytes, and with overwrite what is there and none of the bundle's.
func (d *Destination) compare(ctx context.Context, s *session, item archive.Item, files []archive.ItemFile, overwrite bool) (wrong []archive.ItemFile, extra []string, err error) {
	there, err := d.filesBelow(ctx, s, item.Path, "", 0)
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(there)
	for _, f := range files {
		if at, found := slices.BinarySearch(there, f.Path); found {
			there = slices.Delete(there, at, at+1)
			same, err := d.same(s, item, f)
			switch {
			case err != nil:
				return nil, nil, err
			case same:
				continue
			case !overwrite:
				return nil, nil, fmt.Errorf("%s: %w", f.Path, archive.ErrOther)
			}
		}
		wrong = append(wrong, f)
	}
	if len(there) > 0 && !overwrite {
		return nil, nil, fmt.Errorf("%s: %w", there[0], archive.ErrOther)
	}
	return wrong, there, nil
}

// same reports whether the server has a file's bytes.
func (d *Destination) same(s *session, item archive.Item, file archive.ItemFile) (bool, error) {
	in, err := os.Open(filepath.Join(item.Dir, filepath.FromSlash(file.Path)))
	if err != nil {
		return false, damaged(item, err)
	}
	defer in.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil {
		return false, damaged(item, err)
	}
	where := d.below(item.Path + "/" + file.Path)
	info, err := s.Lstat(where)
	if err != nil || info.Size() != file.Bytes {
		return false, unlessAbsent(err)
	}
	return s.hashes(where, file.Bytes, hex.EncodeToString(sum.Sum(nil)))
}
