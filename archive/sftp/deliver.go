package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/pkg/sftp"

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

// notOurs says that we were given what another destination, or layout, should
// have been given.
func notOurs(what, account, name, path string) error {
	err := fmt.Errorf("not a %s of destination %q of account %q", what, name, account)
	return &archive.Error{Class: archive.Abort, Op: "deliver", Path: path, Err: err}
}

func (d *Destination) deliver(ctx context.Context, s *session, item archive.Item, files []archive.ItemFile) error {
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
			return s.removeAll(temp)
		}
		err = errors.Join(err, other)
	}
	_ = s.removeAll(temp) // else Clean does, such as after a lost connection
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

// send makes files out of some of the item's, the last one last, and compares
// the sizes that the server has of them. They are synced when all are written:
// that takes a server less time.
func (r *remote) send(ctx context.Context, s *session, item archive.Item, files []archive.ItemFile, targets []string) error {
	out := make([]*sftp.File, len(files))
	write := func(i int) (err error) {
		if out[i], err = r.write(ctx, s, item, files[i], targets[i]); err != nil {
			err = fmt.Errorf("send %s: %w", files[i].Path, err)
		}
		return err
	}
	last, need := len(files)-1, int64(0)
	for _, f := range files {
		need += f.Bytes
	}
	err := atOnce(last, write)
	if err == nil {
		err = write(last)
	}
	if err == nil {
		err = atOnce(len(files), func(i int) error {
			if err := r.step(ctx, "sync", files[i].Path); err != nil {
				return err
			}
			return s.sync(out[i])
		})
	}
	closed := atOnce(len(files), func(i int) error {
		if out[i] == nil { // not begun
			return nil
		}
		return out[i].Close()
	})
	if err == nil {
		err = closed
	}
	if err == nil {
		err = s.sizes(targets, files)
	}
	return s.explained(path.Dir(targets[last]), need, err)
}

// write makes a file out of one of the item's. The caller closes it, also after
// an error if there is one.
func (r *remote) write(ctx context.Context, s *session, item archive.Item, file archive.ItemFile, target string) (*sftp.File, error) {
	if err := r.step(ctx, "open", file.Path); err != nil {
		return nil, err
	}
	in, err := os.Open(filepath.Join(item.Dir, filepath.FromSlash(file.Path)))
	if err != nil {
		return nil, damaged(item, err)
	}
	defer in.Close()
	if err := r.step(ctx, "create", file.Path); err != nil {
		return nil, err
	}
	out, err := s.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, err
	}
	if err := r.step(ctx, "write", file.Path); err != nil {
		return out, err
	}
	// A limit tells the library that it may send much at once.
	n, err := out.ReadFrom(io.LimitReader(in, file.Bytes+1))
	if err == nil && n != file.Bytes {
		err = damaged(item, fmt.Errorf("%s changed its size", file.Path))
	}
	return out, err
}

func damaged(item archive.Item, err error) error {
	return &archive.Error{Class: archive.Abort, Op: "read spooled item", Path: item.Path, Err: err}
}
