package s3

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"

	"lpexport/archive"
)

var _ archive.Repairer = (*Destination)(nil)

// Repair mends a bundle object by object, manifest.json last. Where the bucket
// keeps versions, what is replaced stays as an older one.
func (d *Destination) Repair(ctx context.Context, item archive.Item, overwrite bool) ([]string, error) {
	files, err := item.Files()
	if err != nil {
		return nil, err
	}
	if err := d.takes(item); err != nil {
		return nil, &archive.Error{Class: archive.Abort, Op: "repair", Path: item.Path, Err: err}
	}
	changed, err := d.repair(ctx, item, files, overwrite)
	if err != nil {
		return changed, d.failure("repair", d.where(item.Path), err)
	}
	return changed, nil
}

func (d *Destination) repair(ctx context.Context, item archive.Item, files []archive.ItemFile, overwrite bool) (changed []string, err error) {
	if err := d.stillThere(ctx, item.After); err != nil {
		return nil, err
	}
	there, extra, err := d.found(ctx, item.Path, files)
	if err != nil {
		return nil, err
	}
	if len(extra) > 0 && !overwrite {
		return nil, d.other(d.root+item.Path+"/"+extra[0], "an object is there that is none of the bundle")
	}
	wrong, err := d.wrong(ctx, item, files, there, overwrite)
	if err != nil {
		return nil, err
	}
	for _, name := range extra {
		if err := d.delete(ctx, d.root+item.Path+"/"+name); err != nil {
			return changed, fmt.Errorf("%s: %w", name, err)
		}
		changed = append(changed, name)
	}
	for _, w := range wrong {
		key := d.root + item.Path + "/" + w.name
		if there[w.name] {
			err = d.replace(ctx, key, w.content)
		} else {
			_, err = d.put(ctx, key, w.content)
		}
		if err != nil {
			return changed, fmt.Errorf("%s: %w", w.name, err)
		}
		changed = append(changed, w.name)
	}
	slices.Sort(changed)
	return changed, nil
}

// mended is a file that is to be sent.
type mended struct {
	name    string
	content *content
}

// found returns which of the files are in the bundle's place, and what else is.
func (d *Destination) found(ctx context.Context, bundle string, files []archive.ItemFile) (there map[string]bool, extra []string, err error) {
	there = make(map[string]bool, len(files))
	for _, f := range files {
		there[f.Path] = false
	}
	err = d.list(ctx, bundle+"/", "", func(object minio.ObjectInfo) error {
		name := strings.TrimPrefix(object.Key, d.root+bundle+"/")
		if skipped(name) {
			return nil
		}
		if _, ours := there[name]; ours {
			there[name] = true
		} else {
			extra = append(extra, name)
		}
		return nil
	})
	return there, extra, err
}

// wrong returns what is not there or, with overwrite, has other bytes.
func (d *Destination) wrong(ctx context.Context, item archive.Item, files []archive.ItemFile, there map[string]bool, overwrite bool) (list []mended, err error) {
	for _, f := range files {
		c, err := d.spooled(ctx, item, f)
		if err != nil {
			return nil, err
		}
		key := d.root + item.Path + "/" + f.Path
		if there[f.Path] {
			info, err := d.stat(ctx, key, "")
			if err != nil {
				return nil, err
			}
			same, err := d.holds(ctx, key, info, c)
			if err != nil {
				return nil, err
			}
			if same {
				continue
			}
			if !overwrite {
				return nil, d.other(key, "another object of that name is there")
			}
		}
		list = append(list, mended{f.Path, c})
	}
	return list, nil
}

// replace sends an object over the one that is there.
func (d *Destination) replace(ctx context.Context, key string, c *content) error {
	return d.taught(func(as manners) error {
		as.conditional = false
		made, err := d.upload(ctx, key, c, as)
		if err == nil {
			_, err = d.settle(ctx, key, c, made)
		}
		return err
	})
}

func (d *Destination) delete(ctx context.Context, key string) error {
	return d.call(ctx, "remove", key, func(ctx context.Context) error {
		return d.core.RemoveObject(ctx, d.bucket, key, minio.RemoveObjectOptions{})
	})
}
