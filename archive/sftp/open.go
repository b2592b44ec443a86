package sftp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/pkg/sftp"
)

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
	f := &file{ctx: ctx, remote: &d.remote, where: d.where(name)}
	return f, d.repeat(ctx, func() (err error) {
		if f.session, err = d.acquire(ctx); err != nil {
			return err
		}
		if err = f.session.run(ctx, func() error { return f.open(d.wayTo(name)) }); err != nil {
			d.release(f.session, false)
		}
		return err
	})
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
