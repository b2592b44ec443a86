package sftp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pkg/sftp"

	"lpexport/archive"
)

// Bundles returns the complete bundles of the account, also those of other
// destinations that share the folder.
func (d *Destination) Bundles(ctx context.Context, since string) ([]string, error) {
	var bundles []string
	err := d.with(ctx, func(s *session) error {
		days, err := d.days(ctx, s, since)
		if err != nil {
			return err
		}
		for _, day := range days {
			complete, err := d.bundlesOf(ctx, s, day)
			if err != nil {
				return err
			}
			bundles = append(bundles, complete...)
		}
		return nil
	})
	if err != nil {
		return nil, failure("list", d.where(d.account), err)
	}
	slices.Sort(bundles)
	return bundles, nil
}

// days returns the folders of the days from since on, sorted.
func (d *Destination) days(ctx context.Context, s *session, since string) ([]string, error) {
	// Not through a link.
	if err := s.folders(d.below(d.account)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, err
	}
	level := []string{d.account}
	for range 3 { // year, month, day
		var next []string
		for _, dir := range level {
			names, err := d.subfolders(ctx, s, dir)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				// What is earlier than since is not looked into.
				day := strings.TrimPrefix(dir+"/"+name, d.account+"/")
				if day >= since[:min(len(day), len(since))] {
					next = append(next, dir+"/"+name)
				}
			}
		}
		level = next
	}
	return level, nil
}

// bundlesOf returns the bundles of a day that have a manifest.
func (d *Destination) bundlesOf(ctx context.Context, s *session, day string) ([]string, error) {
	names, err := d.subfolders(ctx, s, day)
	if err != nil {
		return nil, err
	}
	var bundles, manifests []string
	for _, name := range names {
		if bundle := day + "/" + name; archive.IsBundlePath(bundle) {
			bundles = append(bundles, bundle)
			manifests = append(manifests, d.below(bundle+"/"+archive.ManifestFile))
		}
	}
	var complete []string
	for i, f := range s.look(manifests...) {
		if f.err == nil {
			complete = append(complete, bundles[i])
		} else if !errors.Is(f.err, fs.ErrNotExist) {
			return nil, f.err
		}
	}
	return complete, nil
}

// subfolders returns the names of the folders in a folder, sorted, without those
// that start with "."; none if it is absent. A link is no folder.
func (d *Destination) subfolders(ctx context.Context, s *session, dir string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := s.list(d.below(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// Files returns the paths of all files in a bundle. A link counts as a file:
// it is nothing that we have put there.
func (d *Destination) Files(ctx context.Context, bundle string) ([]string, error) {
	var files []string
	err := d.with(ctx, func(s *session) (err error) {
		if !fs.ValidPath(bundle) {
			return &fs.PathError{Op: "list", Path: bundle, Err: fs.ErrInvalid}
		}
		if err := s.folders(d.wayTo(bundle)...); err != nil {
			return err
		}
		files, err = d.filesBelow(ctx, s, bundle, "", 0)
		return err
	})
	if err != nil {
		return nil, failure("list", d.where(bundle), err)
	}
	slices.Sort(files)
	return files, nil
}

func (d *Destination) filesBelow(ctx context.Context, s *session, bundle, folder string, depth int) ([]string, error) {
	if depth == maxDepth {
		return nil, fmt.Errorf("list %s: folders too deep in one another", folder)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := s.list(d.below(path.Join(bundle, folder)))
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			below, err := d.filesBelow(ctx, s, bundle, name, depth+1)
			if err != nil {
				return nil, err
			}
			files = append(files, below...)
		default:
			files = append(files, name)
		}
	}
	return files, nil
}

// Open opens one file of a bundle. No link leads out of the root, and a link in
// a file's place is refused. The file has a session of its own until it is
// closed; when ctx is done it can no longer be read.
func (d *Destination) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	f, err := d.open(ctx, name)
	if err != nil {
		return nil, failure("open", d.where(name), err)
	}
	return f, nil
}

func (d *Destination) open(ctx context.Context, name string) (*file, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	s, err := d.acquire(ctx)
	if err != nil {
		return nil, err
	}
	f := &file{ctx: ctx, remote: &d.remote, session: s, where: d.where(name)}
	if err := s.run(ctx, func() error { return f.open(d.wayTo(name)) }); err != nil {
		d.release(s, false)
		return nil, err
	}
	return f, nil
}

// file is a file of a bundle that is read.
type file struct {
	ctx     context.Context
	remote  *remote
	session *session
	where   string
	file    *sftp.File
	whole   whole
	buffer  *bufio.Reader
	failed  bool // the session is of no more use
	closed  bool
}

func (f *file) open(way []string) error {
	last := len(way) - 1
	var size int64
	for i, found := range f.session.look(way...) {
		switch {
		case found.err != nil:
			return found.err
		case i < last && !found.info.IsDir():
			return &notFolderError{way[i]}
		case i == last && !found.info.Mode().IsRegular():
			return fmt.Errorf("%s is not a file", way[i])
		}
		size = found.info.Size()
	}
	var err error
	f.file, err = f.session.Open(way[last])
	f.whole = whole{f.file, size}
	f.buffer = bufio.NewReaderSize(source{f}, int(readSize(size)))
	return err
}

// Read returns io.EOF at the end of the file; any other error is an *archive.Error.
func (f *file) Read(p []byte) (int, error) { return f.buffer.Read(p) }

// source is what the buffer of a file is filled from.
type source struct{ *file }

func (f source) Read(p []byte) (n int, err error) {
	err = f.session.run(f.ctx, func() error {
		n, err = f.whole.Read(p)
		return err
	})
	if err == nil || err == io.EOF {
		return n, err
	}
	f.failed = true
	return n, failure("read", f.where, err)
}

// Close gives the session back.
func (f *file) Close() error {
	if f.closed {
		return failure("close", f.where, fs.ErrClosed)
	}
	f.closed = true
	err := f.session.run(f.ctx, f.file.Close)
	f.remote.release(f.session, err == nil && !f.failed)
	if err != nil {
		return failure("close", f.where, err)
	}
	return nil
}
