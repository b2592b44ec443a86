package s3

import (
	"context"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
)

// object is what an upload made.
type object struct {
	version string    // "" if the bucket keeps none
	at      time.Time // of our clock when it began; zero if it was there before
}

// put makes an object where none is, and returns its version. An object that
// somebody has made meanwhile, or that a request of ours has made whose answer
// was lost, is compared.
func (d *Destination) put(ctx context.Context, key string, c *content) (string, error) {
	conditional := !d.refusesConditions.Load()
	digests, conflicts := 0, 0
	for {
		made, err := d.upload(ctx, key, c, conditional)
		switch {
		case err == nil:
			return d.settle(ctx, key, c, made)
		case conditional && answered(err, http.StatusPreconditionFailed):
			version, err := d.settle(ctx, key, c, object{})
			if !is(err, codeNoKey) {
				return version, err
			}
			conditional = false // some stores take a delete marker for an object
		case conditional && answered(err, http.StatusNotImplemented):
			conditional = false // that nothing is there was seen before
			d.refusesConditions.Store(true)
		case answered(err, http.StatusNotImplemented):
			d.refusesConditions.Store(false) // it was something else
			return "", err
		case is(err, codeConflict) && conflicts < 2:
			conflicts++
		case is(err, codeBadDigest, codeBadPayload) && digests == 0:
			digests++
		case is(err, codeBadDigest, codeBadPayload):
			return "", corrupted(ctx, c, err)
		default:
			return "", err
		}
	}
}

// corrupted finds out whether it was the spool that changed under the upload.
func corrupted(ctx context.Context, c *content, err error) error {
	if changed := c.unchanged(ctx); changed != nil {
		return c.fault(ctx, changed)
	}
	return err
}

// upload sends an object whole or in parts.
func (d *Destination) upload(ctx context.Context, key string, c *content, conditional bool) (made object, err error) {
	in, err := c.open()
	if err != nil {
		return object{}, c.fault(ctx, err)
	}
	defer in.Close()
	made.at = d.now()
	if c.parts == nil {
		made.version, err = d.single(ctx, key, c, in, d.options(made.at), conditional)
	} else {
		made.version, err = d.multipart(ctx, key, c, in, d.options(made.at), conditional)
	}
	return made, err
}

// options says how an object that is uploaded now is to be kept.
func (d *Destination) options(now time.Time) minio.PutObjectOptions {
	o := minio.PutObjectOptions{
		ServerSideEncryption: d.seal,
		// The payload's hash is known before, and is signed.
		DisableContentSha256: true,
	}
	switch d.lock.Mode {
	case governance:
		o.Mode = minio.Governance
	case compliance:
		o.Mode = minio.Compliance
	}
	if d.lock.Mode != "" {
		o.RetainUntilDate = d.until(now)
	}
	if d.hold {
		o.LegalHold = minio.LegalHoldEnabled
	}
	return o
}

// until is when the retention of what was uploaded then ends.
func (d *Destination) until(uploaded time.Time) time.Time {
	return uploaded.UTC().Truncate(time.Second).Add(time.Duration(d.lock.Days) * 24 * time.Hour)
}

// Headers of the checksums that a store compares and keeps.
const (
	headerChecksum  = "X-Amz-Checksum-Sha256"
	headerAlgorithm = "X-Amz-Checksum-Algorithm"
)

// single sends an object in one request.
func (d *Destination) single(ctx context.Context, key string, c *content, in reader, o minio.PutObjectOptions, conditional bool) (version string, err error) {
	o.UserMetadata = map[string]string{headerChecksum: c.whole.base64()}
	if conditional {
		o.SetMatchETagExcept("*") // only where nothing is
	}
	body := c.section(in, 0)
	err = d.call(ctx, "put", key, func(ctx context.Context) error {
		info, err := d.core.PutObject(ctx, d.bucket, key, body, c.bytes, "", c.whole.hex(), o)
		version = info.VersionID
		return err
	})
	return version, c.blame(ctx, body, err)
}

// multipart sends an object in parts. It is there when they are complete, and
// what was sent is taken back when they are not; what a dead process leaves is
// removed by Clean.
func (d *Destination) multipart(ctx context.Context, key string, c *content, in reader, o minio.PutObjectOptions, conditional bool) (version string, err error) {
	o.UserMetadata = map[string]string{headerAlgorithm: "SHA256"}
	upload := ""
	err = d.call(ctx, "begin", key, func(ctx context.Context) error {
		upload, err = d.core.NewMultipartUpload(ctx, d.bucket, key, o)
		return err
	})
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			d.takeBack(ctx, key, upload)
		}
	}()
	parts := make([]minio.CompletePart, len(c.parts))
	for i := range c.parts {
		if parts[i], err = d.sendPart(ctx, key, upload, c, i, in); err != nil {
			return "", err
		}
	}
	var done minio.PutObjectOptions
	if conditional {
		done.SetMatchETagExcept("*")
	}
	err = d.call(ctx, "complete", key, func(ctx context.Context) error {
		info, err := d.core.CompleteMultipartUpload(ctx, d.bucket, key, upload, parts, done)
		version = info.VersionID
		return err
	})
	return version, err
}

func (d *Destination) sendPart(ctx context.Context, key, upload string, c *content, i int, in reader) (minio.CompletePart, error) {
	sum := c.parts[i]
	body := c.section(in, i)
	var part minio.ObjectPart
	err := d.call(ctx, "part", key, func(ctx context.Context) (err error) {
		part, err = d.core.PutObjectPart(ctx, d.bucket, key, upload, i+1, body, body.left, minio.PutObjectPartOptions{
			Sha256Hex: sum.hex(), DisableContentSha256: true,
			CustomHeader: http.Header{headerChecksum: {sum.base64()}},
		})
		return err
	})
	if err != nil {
		return minio.CompletePart{}, c.blame(ctx, body, err)
	}
	return minio.CompletePart{PartNumber: i + 1, ETag: part.ETag, ChecksumSHA256: sum.base64()}, nil
}

// takeBack ends an upload in parts, as well as it can: why it must is the error
// that counts.
func (d *Destination) takeBack(ctx context.Context, key, upload string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.timeout)
	defer cancel()
	_ = d.abort(ctx, key, upload)
}

func (d *Destination) abort(ctx context.Context, key, upload string) error {
	err := d.call(ctx, "abort", key, func(ctx context.Context) error {
		return d.core.AbortMultipartUpload(ctx, d.bucket, key, upload)
	})
	if is(err, codeNoUpload) {
		return nil
	}
	return err
}
