package s3

import (
	"cmp"
	"context"
	"crypto/sha256"
	"io"
	"math"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"lpexport/archive/internal/again"
)

// settle asks the store what it holds, compares it with what it should hold and
// returns its version. made is the zero object for one that was there before.
func (d *Destination) settle(ctx context.Context, key string, c *content, made object) (string, error) {
	info, err := d.stat(ctx, key, made.version)
	if err != nil {
		return "", err
	}
	same, err := d.holds(ctx, key, info, c)
	switch {
	case err != nil:
		return "", err
	case !same && made.at.IsZero():
		return "", d.other(key, "another object of that name is there")
	case !same:
		return "", d.refuse(key, hintDigest, "the store holds other bytes than were sent")
	}
	if err := d.kept(key, info, made.at); err != nil {
		return "", err
	}
	if err := d.sealed(key, info); err != nil {
		return "", err
	}
	version := cmp.Or(info.VersionID, made.version)
	if !wordLike(version) {
		return "", d.refuse(key, "", "the store names a version that is no word")
	}
	return version, nil
}

// wordLike tells whether a version id can stand in a receipt as it is.
func wordLike(version string) bool {
	const most = 1024 // Amazon's bound
	return len(version) <= most && strings.IndexFunc(version, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// stat asks what an object is, and for its checksum unless the store refuses that.
func (d *Destination) stat(ctx context.Context, key, version string) (minio.ObjectInfo, error) {
	checksums := !d.refusesChecksums.Load()
	info, err := d.statAs(ctx, key, version, checksums)
	if !checksums || !unwilling(err) {
		return info, err
	}
	plain, other := d.statAs(ctx, key, version, false)
	if unwilling(other) {
		return info, err
	}
	if other == nil {
		d.refusesChecksums.Store(true)
	}
	return plain, other
}

func (d *Destination) statAs(ctx context.Context, key, version string, checksums bool) (info minio.ObjectInfo, err error) {
	o := minio.StatObjectOptions{VersionID: version, Checksum: checksums}
	err = d.call(ctx, "stat", key, func(ctx context.Context) error {
		info, err = d.core.StatObject(ctx, d.bucket, key, o)
		return err
	})
	return info, err
}

// holds reports whether an object has these bytes: by its checksum, or where that
// is none or says nothing, by reading it.
func (d *Destination) holds(ctx context.Context, key string, info minio.ObjectInfo, c *content) (bool, error) {
	if info.Size != c.bytes {
		return false, nil
	}
	if c.proves(info.ChecksumSHA256) {
		return true, nil
	}
	for n := 1; ; n++ {
		same, err := d.reads(ctx, key, info.VersionID, c)
		if err == nil || !lost(err) || n == again.Tries {
			return same, err
		}
		if err := d.pause(ctx, again.Wait(n)); err != nil {
			return false, err
		}
	}
}

// reads compares an object's bytes by reading all of them.
func (d *Destination) reads(ctx context.Context, key, version string, c *content) (bool, error) {
	body, err := d.get(ctx, key, version)
	if err != nil {
		return false, err
	}
	defer body.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(body, c.bytes+1))
	if err != nil {
		return false, err
	}
	return n == c.bytes && digest(sum.Sum(nil)) == c.whole, nil
}

// get opens an object's content; version may be "" for the current one.
func (d *Destination) get(ctx context.Context, key, version string) (body io.ReadCloser, err error) {
	err = d.exchange(ctx, "get", key, exchange{answer: math.MaxInt64}, func(ctx context.Context) error {
		body, _, _, err = d.core.GetObject(ctx, d.bucket, key, minio.GetObjectOptions{VersionID: version})
		return err
	})
	return body, err
}

// slack is what the clocks of the store and of this machine may differ.
const slack = 24 * time.Hour

// kept compares how the store says that it keeps an object with what the
// configuration asks for. An object that was there before must be kept from
// the day on which it was made.
func (d *Destination) kept(key string, info minio.ObjectInfo, at time.Time) error {
	if at.IsZero() {
		at = info.LastModified.Add(-slack)
	}
	if d.lock.Mode != "" {
		mode := info.Headers.Get("X-Amz-Object-Lock-Mode")
		if !strings.EqualFold(mode, d.lock.Mode) && !strings.EqualFold(mode, compliance) {
			return d.refuse(key, hintUnlocked, "the store does not say that it keeps the object in mode %s", d.lock.Mode)
		}
		until, err := time.Parse(time.RFC3339, info.Headers.Get("X-Amz-Object-Lock-Retain-Until-Date"))
		if err != nil || until.Before(d.until(at)) {
			return d.refuse(key, hintUnlocked, "the store does not say that it keeps the object until %s", d.until(at).Format(time.RFC3339))
		}
	}
	if d.hold && !strings.EqualFold(info.Headers.Get("X-Amz-Object-Lock-Legal-Hold"), "ON") {
		return d.refuse(key, hintUnlocked, "the store does not say that the object is under legal hold")
	}
	return nil
}

const hintUnlocked = "the bucket needs object lock, and the owner of s3.access_key s3:GetObjectRetention and s3:GetObjectLegalHold; " +
	"an object from before a change of s3.lock or s3.legal_hold has to be locked by hand, as the new values say"

// sealed compares how the store says that it encrypts an object.
func (d *Destination) sealed(key string, info minio.ObjectInfo) error {
	says := info.Headers.Get("X-Amz-Server-Side-Encryption")
	ok := true
	switch d.sse {
	case sseS3:
		ok = says != "" // by a default of the bucket it may be more than was asked for
	case sseKMS:
		ok = strings.HasPrefix(says, "aws:kms")
	}
	if !ok {
		return d.refuse(key, "choose another s3.sse, or \"\" where the store encrypts without being asked", "the store does not say that it has encrypted the object as s3.sse asks")
	}
	return nil
}
