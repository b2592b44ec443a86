package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"

	"github.com/minio/minio-go/v7"

	"lpexport/archive"
	"lpexport/archive/internal/again"
)

// Probe asks the bucket how it keeps objects, and writes and removes a small
// one below the account, named "." + the destination's name + "-probe-" + the
// time. It never has a retention of our own. Where it cannot be removed, as an
// archive's bucket may well have it, it stays, and a fact says so.
func (d *Destination) Probe(ctx context.Context) (facts []string, err error) {
	for _, part := range []func(context.Context) ([]string, error){d.probeBucket, d.probeVersions, d.probeLock, d.probeList, d.probeObject} {
		more, err := part(ctx)
		if err != nil {
			return nil, d.failure("probe", d.where(d.account), err)
		}
		facts = append(facts, more...)
	}
	return facts, nil
}

func (d *Destination) probeBucket(ctx context.Context) ([]string, error) {
	there := false
	err := d.call(ctx, "head", "", func(ctx context.Context) (err error) {
		there, err = d.core.BucketExists(ctx, d.bucket)
		return err
	})
	if err == nil && !there {
		err = &refusal{status: http.StatusNotFound, code: "NoSuchBucket"}
	}
	if isType[*refusal](err) && !is(err, "NoSuchBucket") {
		// An answer to HEAD has no room for the reason.
		if _, reason := d.probeList(ctx); isType[*refusal](reason) {
			err = reason
		}
	}
	if err != nil {
		return nil, err
	}
	how := "without TLS"
	if version := d.watch.tls.Load(); version != 0 {
		how = tls.VersionName(uint16(version))
	}
	return []string{fmt.Sprintf("bucket %s answers at %s, %s", d.bucket, d.endpoint, how)}, nil
}

func (d *Destination) probeVersions(ctx context.Context) ([]string, error) {
	var c minio.BucketVersioningConfiguration
	err := d.call(ctx, "versioning", "", func(ctx context.Context) (err error) {
		c, err = d.core.GetBucketVersioning(ctx, d.bucket)
		return err
	})
	switch {
	case denied(err):
		return []string{"versioning: the store does not say"}, nil
	case err != nil:
		return nil, err
	case c.Enabled():
		return []string{"versioning: on"}, nil
	}
	return []string{"versioning: off, so what is deleted in the bucket is gone"}, nil
}

func (d *Destination) probeLock(ctx context.Context) ([]string, error) {
	enabled := ""
	var mode *minio.RetentionMode
	var validity *uint
	var unit *minio.ValidityUnit
	err := d.call(ctx, "object lock", "", func(ctx context.Context) (err error) {
		enabled, mode, validity, unit, err = d.core.GetObjectLockConfig(ctx, d.bucket)
		return err
	})
	wanted := d.lock.Mode != "" || d.hold
	switch {
	case denied(err):
		return []string{"object lock: the store does not say"}, nil
	case err != nil && !is(err, codeNoLock):
		return nil, err
	case enabled == minio.Enabled && (mode == nil || validity == nil || unit == nil):
		return []string{"object lock: on, what comes without a retention gets none"}, nil
	case enabled == minio.Enabled:
		return []string{d.line(fmt.Sprintf("object lock: on, what comes without a retention is kept for %d %s, %s", *validity, *unit, *mode))}, nil
	case wanted:
		return nil, &archive.Error{
			Class: archive.Halt, Op: "probe", Path: d.where(""), Hint: hintLock,
			Err: errors.New("the bucket has no object lock, and the configuration asks for it"),
		}
	}
	return []string{"object lock: off"}, nil
}

// probeList asks for what lies there: an export compares it with what was sent.
func (d *Destination) probeList(ctx context.Context) ([]string, error) {
	err := d.list(ctx, d.account+"/", "9999", func(minio.ObjectInfo) error { return errEnough })
	if errors.Is(err, errEnough) {
		err = nil
	}
	return nil, err
}

var errEnough = errors.New("one is enough")

// inMemory is a content's bytes.
type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// probeObject writes an object twice, reads back what the store says of it, and
// removes it.
func (d *Destination) probeObject(ctx context.Context) (facts []string, err error) {
	text := []byte("lpexport probe\n")
	in := inMemory{bytes.NewReader(text)}
	c := &content{name: "probe", bytes: int64(len(text)), whole: sha256.Sum256(text), part: partSize}
	key := d.root + d.account + "/." + d.name + "-probe-" + d.now().UTC().Format("20060102T150405.000000000Z")
	o := minio.PutObjectOptions{ServerSideEncryption: d.seal, DisableContentSha256: true}

	versions, fact, err := d.writeTwice(ctx, key, c, in, o)
	defer func() {
		removed, err2 := d.remove(ctx, key, versions)
		facts, err = append(facts, removed...), errors.Join(err, err2)
	}()
	if err != nil {
		return nil, err
	}
	info, err := d.stat(ctx, key, versions[0])
	if err != nil {
		return nil, err
	}
	facts = append(facts, fact, "checksums: SHA-256 is kept and read back")
	if !c.proves(info.ChecksumSHA256) {
		facts[1] = "checksums: SHA-256 is not kept, so each object is read back whole"
		if d.refusesChecksums.Load() {
			facts[1] = "checksums: SHA-256 is refused, so each object is sent with Content-MD5 and read back whole"
		}
		if same, err := d.holds(ctx, key, info, c); err != nil || !same {
			return nil, errors.Join(err, d.refuse(key, hintDigest, "the store holds other bytes than were sent"))
		}
	}
	if d.seal != nil {
		facts = append(facts, "encryption: "+d.line(info.Headers.Get("X-Amz-Server-Side-Encryption")))
	}
	return facts, d.sealed(key, info)
}

// writeTwice returns the versions that were made, one or two, and what the
// store makes of If-None-Match.
func (d *Destination) writeTwice(ctx context.Context, key string, c *content, in reader, o minio.PutObjectOptions) ([]string, string, error) {
	const only = ", so only a look before each upload keeps others from writing the same object"
	first, how := "", manners{}
	err := d.taught(func(as manners) (err error) {
		how = as
		first, err = d.writeOne(ctx, key, c, in, o, as)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if !how.conditional {
		return []string{first}, "If-None-Match: refused" + only, nil
	}
	second, err := d.single(ctx, key, c, in, o, how)
	switch {
	case answered(err, http.StatusPreconditionFailed):
		return []string{first}, "If-None-Match: honoured", nil
	case err != nil:
		return []string{first}, "", err
	}
	return []string{first, second}, "If-None-Match: ignored" + only, nil
}

// writeOne writes a probe. What is there when the answer was lost is it: nobody
// else writes under its name.
func (d *Destination) writeOne(ctx context.Context, key string, c *content, in reader, o minio.PutObjectOptions, as manners) (string, error) {
	for n := 1; ; n++ {
		version, err := d.single(ctx, key, c, in, o, as)
		there := as.conditional && answered(err, http.StatusPreconditionFailed)
		if !there && !repeatable(err, as) || n > repeats {
			return version, err
		}
		if err := d.pause(ctx, again.Wait(n)); err != nil {
			return "", err
		}
		if info, err := d.stat(ctx, key, ""); !is(err, codeNoKey) {
			return info.VersionID, err
		}
	}
}

// remove removes the versions of a probe. Stores answer in different ways that
// something is locked.
func (d *Destination) remove(ctx context.Context, key string, versions []string) ([]string, error) {
	for _, version := range versions {
		err := d.call(ctx, "remove", key, func(ctx context.Context) error {
			return d.core.RemoveObject(ctx, d.bucket, key, minio.RemoveObjectOptions{VersionID: version})
		})
		if r, ok := errors.AsType[*refusal](err); ok && r.status < 500 {
			return []string{"wrote a probe, which the bucket does not let us remove: " + d.line(key)}, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return []string{"wrote and removed a probe"}, nil
}
