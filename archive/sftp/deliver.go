package sftp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"lpexport/archive"
	"lpexport/archive/internal/hidden"
)

// Deliver sends a bundle to its place. See archive.Destination for what it
// promises.
func (d *Destination) Deliver(ctx context.Context, item archive.Item) (archive.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return archive.Receipt{}, failure("deliver", item.Path, err)
	}
	files, err := item.Files()
	if err != nil {
		return archive.Receipt{}, err
	}
	if item.File != nil || !hidden.Ours(d.account, d.name, item.Path) {
		return archive.Receipt{}, notOurs("bundle", d.account, d.name, item.Path)
	}
	receipt := archive.Receipt{Where: d.where(item.Path)}
	err = d.with(ctx, func(s *session) error { return d.deliver(ctx, s, item, files) })
	if err != nil {
		return archive.Receipt{}, failure("deliver", receipt.Where, err)
	}
	for _, f := range files {
		receipt.Bytes += f.Bytes
	}
	return receipt, nil
}

// stillThere returns an error that is archive.ErrGone if the bundle at a path is
// not there.
func (d *Destination) stillThere(s *session, bundle string) error {
	if bundle == "" {
		return nil
	}
	manifest := path.Join(d.below(bundle), archive.ManifestFile)
	err := s.look(manifest)[0].err
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", archive.ErrGone, manifest)
	}
	return err
}

// notOurs says that we were given what another destination, or layout, should
// have been given.
func notOurs(what, account, name, path string) error {
	err := fmt.Errorf("not a %s of destination %q of account %q", what, name, account)
	return &archive.Error{Class: archive.Abort, Op: "deliver", Path: path, Err: err}
}

func (d *Destination) deliver(ctx context.Context, s *session, item archive.Item, files []archive.ItemFile) error {
	if err := d.stillThere(s, item.After); err != nil {
		return err
	}
	// First, so that nothing is looked up through a link.
	if err := d.makeFolders(ctx, s, path.Dir(item.Path)); err != nil {
		return err
	}
	there, err := d.existing(s, item)
	if err != nil || there {
		return err
	}
	return d.place(ctx, s, item, files)
}

// makeFolders makes the root and the folders of a path below it, and refuses to
// go through anything that is not a folder.
func (d *Destination) makeFolders(ctx context.Context, s *session, name string) error {
	if err := d.step(ctx, "mkdir", name); err != nil {
		return err
	}
	folders := d.wayTo(name)
	for i, f := range s.look(folders...) {
		switch {
		case errors.Is(f.err, fs.ErrNotExist):
			if i == 0 {
				if err := s.makeRoot(d.root); err != nil {
					return err
				}
			}
			if err := s.mkdir(folders[i]); err != nil {
				return err
			}
		case f.err != nil:
			return f.err
		case !f.info.IsDir():
			return &notFolderError{folders[i]}
		}
	}
	return nil
}

// wayTo returns the server's paths of a path below the root and of all above it
// but the root, from the top.
func (r *remote) wayTo(name string) []string {
	var way []string
	for i, c := range name {
		if c == '/' {
			way = append(way, r.below(name[:i]))
		}
	}
	return append(way, r.below(name))
}

// existing tells whether the bundle is there already. Other bytes in its place
// are an error.
func (d *Destination) existing(s *session, item archive.Item) (bool, error) {
	where := d.below(item.Path)
	err := s.folders(where)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	same, err := s.hashes(path.Join(where, archive.ManifestFile), archive.MaxManifest, item.ManifestSHA256)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if !same {
		return false, &otherError{"bundle"}
	}
	return true, nil
}

// place sends the bundle beside its target and renames it.
func (d *Destination) place(ctx context.Context, s *session, item archive.Item, files []archive.ItemFile) error {
	part, err := d.part()
	if err != nil {
		return err
	}
	temp := d.below(d.account + "/" + hidden.Bundle(path.Base(item.Path)) + part)
	if err := d.step(ctx, "mkdir", temp); err != nil {
		return err
	}
	if err := s.Mkdir(temp); err != nil {
		return err
	}
	err = d.fill(ctx, s, temp, item, files)
	if err == nil {
		err = d.step(ctx, "rename", item.Path)
	}
	if err == nil {
		err = s.Rename(temp, d.below(item.Path))
		if err == nil || !answered(err) {
			return err
		}
		// Somebody may have been quicker: with the same bundle that is success.
		there, other := d.existing(s, item)
		if there {
			err = nil
		} else {
			err = errors.Join(err, other)
		}
	}
	d.discard(s, temp)
	return err
}

// groupSize is how many files are sent at once: few enough for servers that let
// a user open only some.
const groupSize = 8

// fill sends the files, manifest.json last.
func (d *Destination) fill(ctx context.Context, s *session, temp string, item archive.Item, files []archive.ItemFile) error {
	made := make(map[string]bool)
	for _, f := range files {
		for i, c := range f.Path {
			if c != '/' || made[f.Path[:i]] {
				continue
			}
			made[f.Path[:i]] = true
			if err := d.step(ctx, "mkdir", f.Path[:i]); err != nil {
				return err
			}
			if err := s.mkdir(path.Join(temp, f.Path[:i])); err != nil {
				return err
			}
		}
	}
	for group := range slices.Chunk(files, groupSize) {
		targets := make([]string, len(group))
		for i, f := range group {
			targets[i] = path.Join(temp, f.Path)
		}
		if err := d.send(ctx, s, item, group, targets); err != nil {
			return err
		}
	}
	return nil
}
