package s3

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"

	"lpexport/archive"
)

// Clean ends uploads in parts of this destination that a dead process left:
// nobody sees them, but their parts are paid for. Other unfinished work is not
// known to a bucket, since what a dead process had sent of a bundle is where it
// belongs, and the next Deliver adds the rest.
func (d *Destination) Clean(ctx context.Context) error {
	where := d.where(d.account)
	var left *archive.LeftError
	keyMarker, uploadMarker := "", ""
	for {
		page, err := d.uploads(ctx, keyMarker, uploadMarker)
		if answered(err, http.StatusNotImplemented) {
			return nil // no such list: then the bucket's lifecycle rules are all there is
		}
		if err != nil {
			return d.failure("clean", where, err)
		}
		for _, u := range page.Uploads {
			if !d.ownUpload(u.Key) {
				continue
			}
			err := d.abort(ctx, u.Key, u.UploadID)
			if err != nil && !denied(err) {
				return d.failure("clean", where, err)
			}
			if err != nil && left == nil {
				left = &archive.LeftError{Where: where, Err: err}
			}
			if err != nil {
				left.Names = append(left.Names, d.line(u.Key))
			}
		}
		switch {
		case !page.IsTruncated && left != nil:
			return left
		case !page.IsTruncated:
			return nil
		}
		if page.NextKeyMarker < keyMarker || page.NextKeyMarker == keyMarker && page.NextUploadIDMarker == uploadMarker {
			return d.failure("clean", where, errors.New("the store's list of uploads does not go on"))
		}
		keyMarker, uploadMarker = page.NextKeyMarker, page.NextUploadIDMarker
	}
}

func (d *Destination) uploads(ctx context.Context, keyMarker, uploadMarker string) (page minio.ListMultipartUploadsResult, err error) {
	prefix := d.root + d.account + "/"
	err = d.call(ctx, "list uploads", prefix, func(ctx context.Context) error {
		page, err = d.core.ListMultipartUploads(ctx, d.bucket, prefix, keyMarker, uploadMarker, "", 1000)
		return err
	})
	return page, err
}

// ownUpload tells whether a key is of a bundle of this destination: an "a" must
// not touch what "a-b" is sending.
func (d *Destination) ownUpload(key string) bool {
	path, ok := strings.CutPrefix(key, d.root)
	parts := strings.SplitN(path, "/", 6) // account, year, month, day, bundle, file
	return ok && len(parts) == 6 && d.ours(strings.Join(parts[:5], "/"))
}
