package sftp

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/pkg/sftp"

	"lpexport/archive"
)

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
