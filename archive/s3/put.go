package s3

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"lpexport/archive"
	"lpexport/archive/internal/again"
)

// object is what an upload made.
type object struct {
	version string    // "" if the bucket keeps none
	at      time.Time // of our clock when it began; zero if it was there before
}

// put makes an object where none is, and returns its version. An object that
// somebody has made meanwhile, or that a request of ours has made whose answer
// was lost, is compared.
func (d *Destination) put(ctx context.Context, key string, c *content) (version string, err error) {
	err = d.taught(func(as manners) (err error) {
		version, err = d.putAs(ctx, key, c, as)
		return err
	})
	return version, err
}

// repeats is how often an upload as a whole is repeated.
const repeats = 2

func (d *Destination) putAs(ctx context.Context, key string, c *content, as manners) (string, error) {
	digests, repeated := 0, 0
	for {
		made, err := d.upload(ctx, key, c, as)
		switch {
		case err == nil:
			return d.settleNew(ctx, key, c, made)
		case as.conditional && answered(err, http.StatusPreconditionFailed):
			version, err := d.settle(ctx, key, c, object{})
			if !is(err, codeNoKey) {
				return version, err
			}
			as.conditional = false // some stores take a delete marker for an object
		case repeatable(err, as) && repeated < repeats:
			repeated++
			if err := d.pause(ctx, again.Wait(repeated)); err != nil {
				return "", err
			}
			// An answer that was lost may have been a yes.
			version, err := d.settle(ctx, key, c, object{})
			if !is(err, codeNoKey) {
				return version, err
			}
		case is(err, codeBadDigest, codeBadPayload) && digests == 0:
			digests++
		case is(err, codeBadDigest, codeBadPayload):
			return "", corrupted(ctx, c, err)
		default:
			return "", err
		}
	}
}

// repeatable reports whether an upload that failed may be repeated as a whole:
// for what the transport could not repeat by itself.
func repeatable(err error, as manners) bool {
	return is(err, codeConflict, codeTimeout, codeNoUpload, codeAborted) || lost(err) && !as.conditional
}

// settleNew is settle for an object that was just made. One that is not what it
// should be is removed if the bucket lets us: it would be in the way.
func (d *Destination) settleNew(ctx context.Context, key string, c *content, made object) (string, error) {
	version, err := d.settle(ctx, key, c, made)
	if e, ok := errors.AsType[*archive.Error](err); ok && e.Class == archive.Halt {
		_, _ = d.remove(ctx, key, []string{made.version}) // why it must go is the error that counts
	}
	return version, err
}

// corrupted finds out whether it was the spool that changed under the upload.
func corrupted(ctx context.Context, c *content, err error) error {
	if changed := c.unchanged(ctx); changed != nil {
		return c.fault(ctx, changed)
	}
	return err
}

// upload sends an object whole or in parts.
func (d *Destination) upload(ctx context.Context, key string, c *content, as manners) (made object, err error) {
	in, err := c.open()
	if err != nil {
		return object{}, c.fault(ctx, err)
	}
	defer in.Close()
	made.at = d.now()
	if c.parts == nil {
		made.version, err = d.single(ctx, key, c, in, d.options(made.at), as)
	} else {
		made.version, err = d.multipart(ctx, key, c, in, d.options(made.at), as)
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

// Headers of the checksums that a store compares and keeps. One that refuses them
// is sent Content-MD5, which all know.
const (
	headerChecksum  = "X-Amz-Checksum-Sha256"
	headerAlgorithm = "X-Amz-Checksum-Algorithm"
)

// single sends an object in one request.
func (d *Destination) single(ctx context.Context, key string, c *content, in reader, o minio.PutObjectOptions, as manners) (version string, err error) {
	md5 := ""
	if as.checksums {
		o.UserMetadata = map[string]string{headerChecksum: c.whole.base64()}
	} else if md5, err = c.md5(ctx, in, 0); err != nil {
		return "", err
	}
	if as.conditional {
		o.SetMatchETagExcept("*") // only where nothing is
	}
	body := &sending{content: c, in: in}
	x := exchange{answer: maxAnswer, sending: body, once: !as.conditional}
	err = d.exchange(ctx, "put", key, x, func(ctx context.Context) error {
		info, err := d.core.PutObject(ctx, d.bucket, key, body.open(), c.bytes, md5, c.whole.hex(), o)
		version = info.VersionID
		return err
	})
	return version, body.blame(ctx, err)
}

// multipart sends an object in parts. It is there when they are complete, and
// what was sent is taken back when they are not; what a dead process leaves is
// removed by Clean.
func (d *Destination) multipart(ctx context.Context, key string, c *content, in reader, o minio.PutObjectOptions, as manners) (version string, err error) {
	if as.checksums {
		o.UserMetadata = map[string]string{headerAlgorithm: "SHA256"}
	}
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
		if parts[i], err = d.sendPart(ctx, key, upload, c, i, in, as); err != nil {
			return "", err
		}
	}
	var done minio.PutObjectOptions
	if as.conditional {
		done.SetMatchETagExcept("*")
	}
	err = d.call(ctx, "complete", key, func(ctx context.Context) error {
		info, err := d.core.CompleteMultipartUpload(ctx, d.bucket, key, upload, parts, done)
		version = info.VersionID
		return err
	})
	return version, err
}

func (d *Destination) sendPart(ctx context.Context, key, upload string, c *content, i int, in reader, as manners) (sent minio.CompletePart, err error) {
	sum := c.parts[i]
	o := minio.PutObjectPartOptions{Sha256Hex: sum.hex(), DisableContentSha256: true}
	sent.PartNumber = i + 1
	if as.checksums {
		o.CustomHeader = http.Header{headerChecksum: {sum.base64()}}
		sent.ChecksumSHA256 = sum.base64()
	} else if o.Md5Base64, err = c.md5(ctx, in, i); err != nil {
		return sent, err
	}
	body := &sending{content: c, in: in, part: i}
	_, size := c.span(i)
	err = d.exchange(ctx, "part", key, exchange{answer: maxAnswer, sending: body}, func(ctx context.Context) error {
		part, err := d.core.PutObjectPart(ctx, d.bucket, key, upload, i+1, body.open(), size, o)
		sent.ETag = part.ETag
		return err
	})
	return sent, body.blame(ctx, err)
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
