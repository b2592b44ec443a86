package directory

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
	"strings"

	"lpexport/archive"
)

// Bundles returns the complete bundles of the account, also those of other
// destinations that share the folder.
func (d *Destination) Bundles(ctx context.Context, since string) ([]string, error) {
	var bundles []string
	days, err := d.days(ctx, since)
	if err != nil {
		return nil, failure("list", d.below(d.account), err)
	}
	for _, day := range days {
		names, err := d.folders(ctx, day)
		if err != nil {
			return nil, failure("list", d.below(day), err)
		}
		for _, name := range names {
			bundle := day + "/" + name
			if !archive.IsBundlePath(bundle) {
				continue
			}
			_, err := os.Lstat(filepath.Join(d.below(bundle), archive.ManifestFile))
			if err == nil {
				bundles = append(bundles, bundle)
			} else if !errors.Is(err, fs.ErrNotExist) {
				return nil, failure("list", d.below(bundle), err)
			}
		}
	}
	slices.Sort(bundles)
	return bundles, nil
}

// days returns the folders of the days from since on, sorted.
func (d *Destination) days(ctx context.Context, since string) ([]string, error) {
	level := []string{d.account}
	for range 3 { // year, month, day
		var next []string
		for _, dir := range level {
			names, err := d.folders(ctx, dir)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				next = append(next, dir+"/"+name)
			}
		}
		level = next
	}
	return slices.DeleteFunc(level, func(day string) bool { return strings.TrimPrefix(day, d.account+"/") < since }), nil
}

// folders returns the names of the folders in a folder, sorted, without those
// that start with "."; none if it is absent. A link is no folder.
func (d *Destination) folders(ctx context.Context, dir string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(d.below(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Files returns the paths of all files in a bundle. A link counts as a file:
// it is nothing that we have put there.
func (d *Destination) Files(ctx context.Context, bundle string) ([]string, error) {
	var files []string
	err := fs.WalkDir(os.DirFS(d.below(bundle)), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case name != "." && strings.HasPrefix(path.Base(name), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !e.IsDir():
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		return nil, failure("list", d.below(bundle), err)
	}
	slices.Sort(files)
	return files, nil
}

// Open opens one file of a bundle. No link leads out of the root, and a link in
// a file's place is refused.
func (d *Destination) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, failure("open", d.below(name), err)
	}
	f, err := d.open(name)
	if err != nil {
		return nil, failure("open", d.below(name), err)
	}
	return f, nil
}

func (d *Destination) open(name string) (*os.File, error) {
	root, err := os.OpenRoot(d.root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	name = filepath.FromSlash(name)
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", name)
	}
	return root.Open(name)
}
