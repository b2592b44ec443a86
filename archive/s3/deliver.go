package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"

	"lpexport/archive"
)

// Deliver sends an item's files. See archive.Destination for what it promises.
// The receipt's ID is the version of manifest.json, its Answer the versions of
// all files as "name=version", as many as fit; both are "" where the bucket
// keeps no versions.
func (d *Destination) Deliver(ctx context.Context, item archive.Item) (archive.Receipt, error) {
	where := d.where(item.Path)
	if err := ctx.Err(); err != nil {
		return archive.Receipt{}, d.failure("deliver", where, err)
	}
	files, err := item.Files()
	if err != nil {
		return archive.Receipt{}, err
	}
	if err := d.takes(item); err != nil {
		return archive.Receipt{}, &archive.Error{Class: archive.Abort, Op: "deliver", Path: item.Path, Err: err}
	}
	versions, err := d.deliver(ctx, item, files)
	if err != nil {
		return archive.Receipt{}, d.failure("deliver", where, err)
	}
	return receipt(where, files, versions), nil
}

// takes returns why an item is none of this destination.
func (d *Destination) takes(item archive.Item) error {
	if item.File != nil {
		return errors.New("a bucket takes whole bundles, no single files")
	}
	if !d.ours(item.Path) {
		return fmt.Errorf("not a bundle of destination %q of account %q", d.name, d.account)
	}
	return nil
}

// ours tells whether a bundle's path is of this destination and account.
func (d *Destination) ours(bundle string) bool {
	account, _, _ := strings.Cut(bundle, "/")
	name := path.Base(bundle)
	return archive.IsBundlePath(bundle) && account == d.account && name[:strings.LastIndexByte(name, '-')] == d.name
}

// deliver sends what is not there yet and returns the versions of all files.
func (d *Destination) deliver(ctx context.Context, item archive.Item, files []archive.ItemFile) ([]string, error) {
	if err := d.stillThere(ctx, item.After); err != nil {
		return nil, err
	}
	there, err := d.present(ctx, item.Path, files)
	if err != nil {
		return nil, err
	}
	versions := make([]string, len(files))
	// All that is there is compared before anything is added to it.
	for _, add := range []bool{false, true} {
		for _, i := range sendingOrder(files) {
			f := files[i]
			if there[f.Path] == add {
				continue
			}
			c, err := d.spooled(ctx, item, f)
			if err != nil {
				return nil, err
			}
			key := d.root + item.Path + "/" + f.Path
			if add {
				versions[i], err = d.put(ctx, key, c)
			} else {
				versions[i], err = d.settle(ctx, key, c, object{})
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.Path, err)
			}
		}
	}
	return versions, nil
}

// sendingOrder returns the files' places in the order in which they are sent:
// SHA256SUMS first, since it holds no content.
func sendingOrder(files []archive.ItemFile) []int {
	order := make([]int, 0, len(files))
	for i, f := range files {
		if f.Path == archive.SumsFile {
			order = slices.Insert(order, 0, i)
			continue
		}
		order = append(order, i)
	}
	return order
}

// errNotThere is the error of a bucket that has lost what it took.
var errNotThere = fmt.Errorf("%w: the manifest of the bundle before", archive.ErrGone)

// stillThere returns an error that is archive.ErrGone if the bundle at a path is
// not there.
func (d *Destination) stillThere(ctx context.Context, bundle string) error {
	if bundle == "" {
		return nil
	}
	key := d.root + bundle + "/" + archive.ManifestFile
	_, err := d.stat(ctx, key, "")
	if is(err, codeNoKey) || answered(err, http.StatusNotFound) && !is(err, codeNoBucket) {
		return fmt.Errorf("%w, %s", errNotThere, d.line(key))
	}
	return err
}

// present returns which of the files are in the bundle's place. Anything else
// there is an error: the bundle would not be what its manifest says.
func (d *Destination) present(ctx context.Context, bundle string, files []archive.ItemFile) (map[string]bool, error) {
	known := make(map[string]bool, len(files))
	for _, f := range files {
		known[f.Path] = false
	}
	err := d.list(ctx, bundle+"/", "", func(object minio.ObjectInfo) error {
		name := strings.TrimPrefix(object.Key, d.root+bundle+"/")
		if skipped(name) {
			return nil
		}
		if _, ok := known[name]; !ok {
			return d.other(object.Key, "an object is there that is none of the bundle")
		}
		known[name] = true
		return nil
	})
	return known, err
}

const hintOther = "another lpexport writes to this bucket and prefix, or the state was restored from a copy: see lpexport recover"

// maxVersions is how long an Answer may be. A bundle can have any number of files.
const maxVersions = 4096

// receipt says where the item is and which versions are ours.
func receipt(where string, files []archive.ItemFile, versions []string) archive.Receipt {
	r := archive.Receipt{Where: where}
	var answer strings.Builder
	more := 0
	for i, f := range files {
		r.Bytes += f.Bytes
		if f.Path == archive.ManifestFile {
			r.ID = versions[i]
		}
		if versions[i] == "" {
			continue
		}
		pair := f.Path + "=" + versions[i]
		if more > 0 || answer.Len()+len(pair) > maxVersions {
			more++
			continue
		}
		if answer.Len() > 0 {
			answer.WriteByte(' ')
		}
		answer.WriteString(pair)
	}
	if more > 0 {
		fmt.Fprintf(&answer, " and %d more", more)
	}
	r.Answer = answer.String()
	return r
}
