package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/minio/minio-go/v7"

	"lpexport/archive"
	"lpexport/archive/internal/reach"
)

// Codes of refusals that mean something to us, as Amazon lists them. Other
// stores use the same.
const (
	codeConflict   = "ConditionalRequestConflict" // somebody else is just writing that key
	codeInvalid    = "InvalidRequest"             // a lock where the bucket has none, among others
	codeNoLock     = "ObjectLockConfigurationNotFoundError"
	codeNoKey      = "NoSuchKey"
	codeNoBucket   = "NoSuchBucket"
	codeNoUpload   = "NoSuchUpload"
	codeBadDigest  = "BadDigest"
	codeBadPayload = "XAmzContentSHA256Mismatch"
	codeTimeout    = "RequestTimeout"   // the body did not come
	codeAborted    = "OperationAborted" // by another operation on the same key
)

// refusal is a store's answer that is no success.
type refusal struct {
	status int
	code   string // one of S3's, or what stands there
	text   string // one line, without secrets
	after  time.Duration
}

func (r *refusal) Error() string {
	text := cmp.Or(r.text, http.StatusText(r.status))
	if r.code != "" {
		text = r.code + ": " + text
	}
	return strconv.Itoa(r.status) + " " + text
}

// Is says that a bucket which is not there has lost what it took.
func (r *refusal) Is(target error) bool { return target == archive.ErrGone && r.code == codeNoBucket }

// is tells whether the store refused for one of these codes.
func is(err error, codes ...string) bool {
	r, ok := errors.AsType[*refusal](err)
	for _, code := range codes {
		if ok && r.code == code {
			return true
		}
	}
	return false
}

// answered tells whether the store refused with one of these statuses.
func answered(err error, statuses ...int) bool {
	r, ok := errors.AsType[*refusal](err)
	for _, status := range statuses {
		if ok && r.status == status {
			return true
		}
	}
	return false
}

// denied tells whether the key may not do what was asked, or the store cannot.
func denied(err error) bool {
	return answered(err, http.StatusForbidden, http.StatusNotImplemented, http.StatusMethodNotAllowed)
}

// refused makes one of our errors of what minio returns.
func (d *Destination) refused(err error, x *exchange) error {
	r, ok := errors.AsType[minio.ErrorResponse](err)
	if !ok {
		return err
	}
	code := d.line(r.Code)
	if strings.HasPrefix(code, strconv.Itoa(r.StatusCode)+" ") {
		code = "" // the answer had none
	}
	text := strings.TrimPrefix(d.line(r.Message), strconv.Itoa(r.StatusCode)+" ")
	return &refusal{r.StatusCode, code, text, waiting(x.retryAfter, d.now())}
}

// maxWait is the longest wait that is granted to a store.
const maxWait = time.Hour

// waiting reads a Retry-After header: seconds or a time (RFC 9110, 10.2.3).
func waiting(header string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxWait)
}

// redacting takes what must not be shown out of a text.
func redacting(secrets ...string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		if s != "" {
			pairs = append(pairs, s, "[redacted]")
		}
	}
	return strings.NewReplacer(pairs...)
}

// line makes one short line of what came from outside.
func (d *Destination) line(text string) string {
	const most = 300
	text = d.redact.Replace(text)
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strings.TrimSpace(text)
}

// said is an error whose text came from outside and was made a line.
type said struct {
	text string
	err  error
}

func (s *said) Error() string { return s.text }
func (s *said) Unwrap() error { return s.err }

// failure puts an error into its class.
func (d *Destination) failure(op, where string, err error) error {
	if e, ok := errors.AsType[*archive.Error](err); ok {
		e.Op = cmp.Or(e.Op, op)
		return e
	}
	e := &archive.Error{Class: archive.Retry, Op: op, Path: d.line(where), Err: err}
	if text := d.line(err.Error()); text != err.Error() {
		e.Err = &said{text, err}
	}
	if errors.Is(err, errNotThere) {
		e.Class = archive.Halt
		return e
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		e.Class, e.Hint = r.class()
		e.RetryAfter = r.after
		if r.code == codeInvalid && (d.lock.Mode != "" || d.hold) {
			e.Hint = hintLock
		}
		return e
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case reach.Certificate(err, "", "") != "":
		e.Class, e.Hint = archive.Halt, reach.Certificate(err, "s3.endpoint", "s3.ca_file")
	case errors.Is(err, http.ErrSchemeMismatch):
		e.Class = archive.Halt
		e.Hint = "the store speaks http where https is required: check the port in s3.endpoint"
	default:
		e.Hint = cmp.Or(reach.Hint(err, "s3.endpoint"), "the store does not answer as a store does: check s3.endpoint if this lasts; delivery goes on by itself")
	}
	return e
}

func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// class says what a refusal means, and what a person can do.
func (r *refusal) class() (archive.Class, string) {
	if known, ok := refusals[r.code]; ok {
		return known.class, known.hint
	}
	switch {
	case r.status == http.StatusInsufficientStorage:
		return archive.Retry, "the store is full: make room, delivery then goes on by itself"
	case r.status == http.StatusNotImplemented:
		return archive.Halt, "the store cannot do what the configuration asks for: compare s3.lock, s3.legal_hold and s3.sse with what it offers"
	case r.status >= 500, r.status == http.StatusTooManyRequests, r.status == http.StatusRequestTimeout, r.status == http.StatusConflict:
		return archive.Retry, ""
	case r.status == http.StatusForbidden, r.status == http.StatusUnauthorized:
		return archive.Halt, hintDenied
	case r.status >= 300 && r.status < 400:
		return archive.Halt, hintRegion
	}
	return archive.Halt, "the store takes no request of this kind: compare s3.region, s3.path_style, s3.sse and s3.lock with what it offers, or show its operator this answer"
}

const (
	hintDenied = "the owner of s3.access_key may not do this in s3.bucket: it needs s3:ListBucket, s3:GetObject, s3:PutObject, " +
		"s3:AbortMultipartUpload and s3:ListBucketMultipartUploads, with s3.lock and s3.legal_hold also " +
		"s3:PutObjectRetention, s3:GetObjectRetention, s3:PutObjectLegalHold and s3:GetObjectLegalHold"
	hintRegion = "the bucket is elsewhere: check s3.region and s3.endpoint"
	hintToken  = "the temporary credentials are at their end: renew s3.access_key, s3.secret_key and s3.session_token"
	hintLock   = "make the bucket with object lock (it cannot always be added later), or remove s3.lock and s3.legal_hold"
	hintKMS    = "check s3.kms_key, and that the owner of s3.access_key may use it: kms:GenerateDataKey and kms:Decrypt"
)

// refusals by code. Retry is also here for codes that can come with status 200
// or 400.
var refusals = map[string]struct {
	class archive.Class
	hint  string
}{
	"SignatureDoesNotMatch": {archive.Halt, "check s3.secret_key, and that nothing on the way changes requests"},
	"InvalidAccessKeyId":    {archive.Halt, "the store does not know s3.access_key"},
	"XAdminUserNotFound":    {archive.Halt, "the store does not know s3.access_key"}, // versitygw
	"AccessDenied":          {archive.Halt, hintDenied},
	"ExpiredToken":          {archive.Halt, hintToken},
	"InvalidToken":          {archive.Halt, hintToken},
	codeNoBucket:            {archive.Halt, "the store has no such bucket: check s3.bucket, s3.endpoint and s3.region"},
	"RequestTimeTooSkewed":  {archive.Retry, "the clocks of the store and of this machine differ: set this machine's, delivery then goes on by itself"},

	"PermanentRedirect":            {archive.Halt, hintRegion},
	"TemporaryRedirect":            {archive.Retry, ""},
	"AuthorizationHeaderMalformed": {archive.Halt, hintRegion},
	"InvalidRegion":                {archive.Halt, hintRegion},

	codeNoLock:      {archive.Halt, hintLock},
	"KMS.NotFound":  {archive.Halt, hintKMS},
	"KMS.Disabled":  {archive.Halt, hintKMS},
	codeBadDigest:   {archive.Halt, hintDigest},
	codeBadPayload:  {archive.Halt, hintDigest},
	"InvalidDigest": {archive.Halt, hintDigest},

	codeNoKey:            {archive.Retry, "the store does not have what it has just said it has"},
	codeNoUpload:         {archive.Retry, "somebody has ended our upload in parts: check the bucket's lifecycle rules if this lasts"},
	codeConflict:         {archive.Retry, ""},
	codeAborted:          {archive.Retry, ""},
	"InternalError":      {archive.Retry, ""},
	codeTimeout:          {archive.Retry, ""},
	"SlowDown":           {archive.Retry, ""},
	"ServiceUnavailable": {archive.Retry, ""},
	"QuotaExceeded":      {archive.Retry, "the quota is full: make room, delivery then goes on by itself"},
}

const hintDigest = "what arrives at the store is not what was sent: look for a proxy that changes requests"

// refuse is an error of class Halt about an object; failure adds its Op.
func (d *Destination) refuse(key, hint, text string, values ...any) error {
	where := "s3://" + d.bucket + "/" + d.line(key)
	return &archive.Error{Class: archive.Halt, Path: where, Hint: hint, Err: fmt.Errorf(text, values...)}
}

// other says that other bytes lie under our name.
func (d *Destination) other(key, text string) error {
	return d.refuse(key, hintOther, text+": %w", archive.ErrOther)
}
