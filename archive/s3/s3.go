// Package s3 is the destination that is a bucket of any S3 compatible store.
//
// An item becomes objects whose keys are its files' paths below the prefix.
// SHA256SUMS is sent first: it holds nothing that anybody wrote, so that a store
// which does not keep or encrypt objects as it is asked to shows it before it has
// any content. manifest.json is sent last, and a bundle without it is not there
// yet: a reader sees all of it or nothing, though a store knows no rename.
//
// Nothing is overwritten. What lies in the bundle's place is compared first,
// and each object is sent with If-None-Match, so that repeating is harmless
// and other bytes are noticed. Each object is sent with its SHA-256, which the
// store compares and is asked for again. Of a store that does not keep checksums
// the object is read back whole; one that refuses them compares Content-MD5
// besides. A store's word that it keeps (object lock) or encrypts an object is
// read back too.
//
// A request that meets a busy store or a closed connection is made again a few
// times, with pauses of seconds.
package s3

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"lpexport/archive"
	"lpexport/archive/internal/again"
)

var (
	_ archive.Destination = (*Destination)(nil)
	_ archive.Source      = (*Destination)(nil)
)

// Config says which bucket, and whose work in it is ours.
type Config struct {
	Endpoint  string // host:port, or host for the usual port
	Plain     bool   // http in place of https; for loopback addresses only
	PathStyle bool   // the bucket always in the path; else in the host name where the store is known to want it there
	CA        []byte // PEM of the authorities to trust in place of the system's; or nil
	Region    string // "" is the one that Amazon's host name says, else us-east-1
	Bucket    string // must exist
	Prefix    string // the root below it, without a slash at its ends; may be ""

	AccessKey, SecretKey string
	SessionToken         string // of temporary credentials, or ""

	Lock      Lock
	LegalHold bool   // put every object under legal hold
	SSE       string // encryption by the store: "", "s3" or "kms"
	KMSKey    string // with "kms": which key, or "" for the store's own

	Account string           // whose bundles Bundles returns
	Name    string           // the destination's: Clean touches no other's work
	Timeout time.Duration    // for how long nothing may move in a request; 0 is a minute
	Now     func() time.Time // nil is time.Now

	Pause func(context.Context, time.Duration) error // between two tries; nil waits
}

// Lock is the retention that is put on every object: from its upload on for
// that many days of 24 hours.
type Lock struct {
	Mode string // "" for none, "governance" or "compliance"
	Days int
}

// Destination is a bucket. It keeps connections open between calls.
type Destination struct {
	core      *minio.Core
	transport *http.Transport
	watch     *watch
	redact    *strings.Replacer // takes secrets out of what the store says
	now       func() time.Time
	pause     func(context.Context, time.Duration) error
	timeout   time.Duration

	endpoint, bucket string
	root             string // of all keys: the prefix and a slash, or ""
	account, name    string

	lock Lock
	hold bool
	sse  string
	seal encrypt.ServerSide // what sse asks for, or nil

	partSize int64 // what is longer is sent in parts

	// What the store was found to refuse, and so is no longer asked for.
	refusesConditions atomic.Bool
	refusesChecksums  atomic.Bool

	// testOnlyBefore, if set, is asked before each request; its error stands for
	// the request's own.
	testOnlyBefore func(op, key string) error
}

// New returns the destination for c. It connects to nothing yet. The error
// says what is wrong in c.
func New(c Config) (*Destination, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	d := &Destination{
		now: c.Now, pause: c.Pause, timeout: cmp.Or(c.Timeout, time.Minute),
		endpoint: c.Endpoint, bucket: c.Bucket, account: c.Account, name: c.Name,
		lock: c.Lock, hold: c.LegalHold, sse: c.SSE, partSize: partSize,
	}
	if d.now == nil {
		d.now = time.Now
	}
	if d.pause == nil {
		d.pause = again.Pause
	}
	if c.Prefix != "" {
		d.root = c.Prefix + "/"
	}
	var err error
	if d.seal, err = c.seal(); err != nil {
		return nil, err
	}
	if d.transport, err = newTransport(c.CA); err != nil {
		return nil, err
	}
	d.redact = redacting(c.SecretKey, c.SessionToken)
	d.watch = &watch{next: d.transport, limit: d.timeout}
	options := &minio.Options{
		Creds:  credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken),
		Secure: !c.Plain, Region: c.region(),
		Transport:  &patient{next: d.watch, pause: d.pause, now: d.now},
		MaxRetries: 1, // that is up to the transport
	}
	if c.PathStyle {
		options.BucketLookup = minio.BucketLookupPath
	}
	d.core, err = minio.NewCore(c.Endpoint, options)
	return d, err
}

// Close ends the connections that wait for another call.
func (d *Destination) Close() error {
	d.transport.CloseIdleConnections()
	return nil
}

// where names a bundle, a file or a folder below the root for people.
func (d *Destination) where(path string) string {
	return "s3://" + d.bucket + "/" + d.root + path
}

// step reports whether a request may be made.
func (d *Destination) step(ctx context.Context, op, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.testOnlyBefore != nil {
		return d.testOnlyBefore(op, key)
	}
	return nil
}

// call makes one request, or the few that one listing takes, and returns what
// the store refuses as a *refusal.
func (d *Destination) call(ctx context.Context, op, key string, request func(context.Context) error) error {
	return d.exchange(ctx, op, key, exchange{answer: maxAnswer}, request)
}

// exchange is call with what the transport has to know of the request.
func (d *Destination) exchange(ctx context.Context, op, key string, x exchange, request func(context.Context) error) error {
	if err := d.step(ctx, op, key); err != nil {
		return err
	}
	err := request(context.WithValue(ctx, exchangeKey{}, &x))
	if err != nil && x.lost {
		return &lostError{err}
	}
	return d.refused(err, &x)
}
