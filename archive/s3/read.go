package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"

	"lpexport/archive"
)

// Bundles returns the complete bundles of the account, also those of other
// destinations that share the prefix. What was deleted or hidden by a delete
// marker is not there.
func (d *Destination) Bundles(ctx context.Context, since string) ([]string, error) {
	var bundles []string
	err := d.list(ctx, d.account+"/", since, func(object minio.ObjectInfo) error {
		path := strings.TrimPrefix(object.Key, d.root)
		bundle, ok := strings.CutSuffix(path, "/"+archive.ManifestFile)
		// A store need not know where we want to begin.
		if ok && archive.IsBundlePath(bundle) && strings.TrimPrefix(bundle, d.account+"/") >= since {
			bundles = append(bundles, bundle)
		}
		return nil
	})
	if err != nil {
		return nil, d.failure("list", d.where(d.account), err)
	}
	slices.Sort(bundles)
	return bundles, nil
}

// Files returns the paths of all objects in a bundle.
func (d *Destination) Files(ctx context.Context, bundle string) ([]string, error) {
	var files []string
	err := d.list(ctx, bundle+"/", "", func(object minio.ObjectInfo) error {
		if name := strings.TrimPrefix(object.Key, d.root+bundle+"/"); !skipped(name) {
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		return nil, d.failure("list", d.where(bundle), err)
	}
	slices.Sort(files)
	return files, nil
}

// skipped tells whether an object is no file to a reader: the marker of a
// folder, as some programs make it, or a name that starts with ".".
func skipped(name string) bool {
	return name == "" || strings.HasSuffix(name, "/") || strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// Open opens the current version of one file of a bundle.
func (d *Destination) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if !fs.ValidPath(name) {
		return nil, d.failure("open", d.where(name), fs.ErrInvalid)
	}
	body, err := d.get(ctx, d.root+name, "")
	if is(err, codeNoKey) {
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	if err != nil {
		return nil, d.failure("open", d.where(name), err)
	}
	return body, nil
}

var errCircle = errors.New("the store's listing comes back to where it was")

// list calls each with the objects below a path that ends in "/", after the
// name since in it, as far as the store can do that.
func (d *Destination) list(ctx context.Context, path, since string, each func(minio.ObjectInfo) error) error {
	prefix, owner := d.root+path, false
	o := minio.ListObjectsOptions{Prefix: prefix, Recursive: true, FetchOwner: &owner}
	if since != "" {
		o.StartAfter = prefix + since
	}
	return d.call(ctx, "list", prefix, func(ctx context.Context) error {
		before, n := "", 0
		for object := range d.core.ListObjectsIter(ctx, d.bucket, o) {
			if object.Err != nil {
				return object.Err
			}
			if n++; object.Key == before {
				return errCircle
			}
			if n&(n-1) == 0 { // at powers of two, so that a circle of any length is found
				before = object.Key
			}
			if !strings.HasPrefix(object.Key, prefix) {
				continue // nothing that was asked for
			}
			if err := each(object); err != nil {
				return err
			}
		}
		return ctx.Err() // which ends the listing without a word
	})
}
