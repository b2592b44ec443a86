package sftp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"lpexport/archive"
)

// Bundles returns the complete bundles of the account, also those of other
// destinations that share the folder.
func (d *Destination) Bundles(ctx context.Context, since string) ([]string, error) {
	var bundles []string
	err := d.with(ctx, func(s *session) error {
		bundles = nil
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
