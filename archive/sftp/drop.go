package sftp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
type Drop struct{ remote }

// NewDrop returns the flat folder for c, or everything that is wrong with c. It
// reads the known_hosts file and connects to nothing yet.
func NewDrop(c Config) (*Drop, error) {
	d := &Drop{}
	return d, d.configure(c)
}

// Deliver sends a file under a hidden name and renames it. A file of that name
// with the same bytes is success; one with other bytes stays as it is. When the
// connection is lost while it is renamed, the error is of class Uncertain.
func (d *Drop) Deliver(ctx context.Context, item archive.Item) (archive.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return archive.Receipt{}, failure("deliver", item.Path, err)
	}
	files, err := item.Files()
	if err != nil {
		return archive.Receipt{}, err
	}
	if item.File == nil || !hidden.Ours(d.account, d.name, item.Path) {
		return archive.Receipt{}, notOurs("file", d.account, d.name, item.Path)
	}
	name := path.Base(item.File.Path)
	err = d.with(ctx, func(s *session) error {
		if err := d.present(s); err != nil {
			return err
		}
		if err := d.stands(s, item.After); err != nil {
			return err
		}
		there, err := d.existing(s, name, *item.File)
		if err != nil || there {
			return err
		}
		return d.place(ctx, s, name, item, files)
	})
	if err != nil {
		return archive.Receipt{}, failure("deliver", d.where(name), err)
	}
	return archive.Receipt{Where: d.where(name), Bytes: files[0].Bytes}, nil
}

// present returns an error if the folder is not there.
func (d *Drop) present(s *session) error {
	info, err := s.Stat(d.root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &absentError{d.root}
	case err != nil:
		return err
	case !info.IsDir():
		return &notFolderError{d.root}
	}
	return nil
}

// Stand tells whether the folder begins a file system, as far as the server tells
// of that: one that does not any more has lost its mount.
func (d *Drop) Stand(ctx context.Context) (stands string, err error) {
	err = d.with(ctx, func(s *session) error {
		if err := d.present(s); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%w: %w", archive.ErrGone, err)
			}
			return err
		}
		if s.mounted(d.root) {
			stands = archive.MountPoint
		}
		return nil
	})
	if err != nil {
		return "", failure("look at", d.where(""), err)
	}
	return stands, nil
}

// stands returns an error that is archive.ErrGone if the folder is not what it was
// known by any more.
func (d *Drop) stands(s *session, after string) error {
	if after == archive.MountPoint && !s.mounted(d.root) {
		return fmt.Errorf("%w: %s is no mount point any more", archive.ErrGone, d.root)
	}
	return nil
}

// existing tells whether the file is there already. Anything else in its place
// is an error.
func (d *Drop) existing(s *session, name string, file archive.FileInfo) (bool, error) {
	where := d.below(name)
	info, err := s.Lstat(where)
	if err == nil && info.Mode().IsRegular() && info.Size() == file.Bytes {
		same := false
		if same, err = s.hashes(where, file.Bytes, file.SHA256); same {
			return true, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) { // or just taken: whose it was is not known
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return false, &otherError{"file"}
}

// place sends the file beside its target and renames it.
func (d *Drop) place(ctx context.Context, s *session, name string, item archive.Item, file []archive.ItemFile) error {
	part, err := d.part()
	if err != nil {
		return err
	}
	temp := d.below(hidden.Dropped(d.account, d.name) + part)
	err = d.send(ctx, s, item, file, []string{temp})
	if err == nil {
		err = d.step(ctx, "rename", name)
	}
	if err != nil {
		d.discard(s, temp)
		return err
	}
	if err := s.Rename(temp, d.below(name)); err != nil {
		return d.settle(s, temp, name, *item.File, err)
	}
	return nil
}

// settle finds out what became of a rename that ended with err. What the
// importer may have is an error of class Uncertain.
func (d *Drop) settle(s *session, temp, name string, file archive.FileInfo, err error) error {
	uncertain := &archive.Error{Class: archive.Uncertain, Op: "deliver", Path: d.where(name), Err: shortened(err)}
	if !answered(err) {
		return uncertain
	}
	// Somebody may have been quicker: with the same file that is success.
	there, other := d.existing(s, name, file)
	_, left := s.Lstat(temp)
	switch {
	case there:
		d.discard(s, temp)
		return nil
	case left != nil: // gone, or nobody knows
		return uncertain
	}
	d.discard(s, temp)
	return errors.Join(err, other)
}

// Left returns those of the names that still lie in the folder, sorted.
func (d *Drop) Left(ctx context.Context, names []string) ([]string, error) {
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
	}
	var left []string
	err := d.with(ctx, func(s *session) error {
		left = nil
		// An absent folder has not been emptied.
		if err := d.present(s); err != nil {
			return err
		}
		entries, err := s.list(d.root)
		for _, e := range entries { // sorted
			if wanted[e.Name()] {
				left = append(left, e.Name())
			}
		}
		return err
	})
	if err != nil {
		return nil, failure("list", d.where(""), err)
	}
	return left, nil
}

// Clean removes unfinished work of this destination.
func (d *Drop) Clean(ctx context.Context) error {
	ours := hidden.Dropped(d.account, d.name)
	return d.clean(ctx, "", func(name string) bool { return strings.HasPrefix(name, ours) })
}

// Probe logs in, writes a hidden file as Deliver does, and removes it.
func (d *Drop) Probe(ctx context.Context) (facts []string, err error) {
	err = d.with(ctx, func(s *session) error {
		if err := d.present(s); err != nil {
			return err
		}
		if _, err := s.list(d.root); err != nil {
			return fmt.Errorf("list the folder: %w", err)
		}
		left, err := d.probe(ctx, s)
		facts = append(s.facts(d.root), probed(d.where(""), left))
		return err
	})
	if err != nil {
		return nil, failure("probe", d.where(""), err)
	}
	return facts, nil
}

func (d *Drop) probe(ctx context.Context, s *session) (left, err error) {
	part, err := d.part()
	if err != nil {
		return nil, err
	}
	temp := d.below(hidden.Dropped(d.account, d.name) + part)
	moved := temp + "x"
	if err := d.step(ctx, "create", temp); err != nil {
		return nil, err
	}
	defer func() {
		refused, gone := unremoved(s.removeAll(temp), s.removeAll(moved))
		left, err = refused, errors.Join(err, gone)
	}()
	if err := s.create(temp, []byte("lpexport probe\n")); err != nil {
		return nil, err
	}
	if err := d.step(ctx, "rename", temp); err != nil {
		return nil, err
	}
	return nil, s.Rename(temp, moved)
}
