package s3

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/internal/again"
)

// TestFaultAtEachRequest lets each request of a delivery fail in each way. The
// delivery gets over it, and the item is there once, whatever was lost.
func TestFaultAtEachRequest(t *testing.T) {
	for name, how := range map[string]fault{
		"error":       {status: 500, code: "InternalError"},
		"cut before":  {before: true},
		"answer lost": {late: true},
	} {
		for kind, part := range map[string]int64{"whole": partSize, "in parts": 1000, "poor": partSize, "poor in parts": 1001} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				item := spooled(t, 1)
				for n := 1; deliverWithFault(t, item, part, strings.HasPrefix(kind, "poor"), n, how); n++ {
				}
			})
		}
	}
}

// deliverWithFault reports whether the delivery had a request number n at all.
func deliverWithFault(t *testing.T, item archive.Item, part int64, poor bool, n int, how fault) (seen bool) {
	f := newFake()
	f.versions, f.refusesConditions, f.ignoresChecksums = true, poor, poor
	f.fault = func(i int, _ *http.Request) *fault {
		if i == n {
			return &how
		}
		return nil
	}
	d := open(t, serve(t, f))
	d.partSize = part
	_, err := d.Deliver(context.Background(), item)
	if f.requests() < n {
		return false
	}
	if err != nil {
		t.Errorf("request %d: %v", n, err)
	}
	wantOnce(t, f, item)
	if e := d.Clean(context.Background()); e != nil {
		t.Error(e)
	}
	deliver(t, d, item)
	wantOnce(t, f, item)
	if hidden := f.hidden(); len(hidden) > 0 {
		t.Errorf("request %d: left behind: %q", n, hidden)
	}
	return true
}

// onPut makes a fault of a fake that happens at uploads only.
func onPut(how func(put int) *fault) func(int, *http.Request) *fault {
	puts := 0
	return func(_ int, r *http.Request) *fault {
		if r.Method != http.MethodPut {
			return nil
		}
		puts++
		return how(puts)
	}
}

func always(f fault) func(int, *http.Request) *fault {
	return onPut(func(int) *fault { return &f })
}

func TestRefusalsAreClassed(t *testing.T) {
	item := spooled(t, 1)
	for _, test := range []struct {
		fault fault
		want  archive.Class
		hint  string
		after time.Duration
		puts  int
	}{
		{fault{status: 503, code: "SlowDown", header: map[string]string{"Retry-After": "7"}}, archive.Retry, "", 7 * time.Second, 6},
		{fault{status: 503, code: "SlowDown", header: map[string]string{"Retry-After": epoch.Add(time.Minute).Format(http.TimeFormat)}}, archive.Retry, "", time.Minute, 1},
		{fault{status: 503, code: "SlowDown", header: map[string]string{"Retry-After": "99999999"}}, archive.Retry, "", maxWait, 1},
		{fault{status: 429, code: "TooManyRequests", header: map[string]string{"Retry-After": "-3"}}, archive.Retry, "", 0, 6},
		{fault{status: 400, code: "RequestTimeout"}, archive.Retry, "", 0, 3},
		{fault{status: 502, text: "<html>Bad gateway"}, archive.Retry, "", 0, 6},
		{fault{status: 507, code: "InsufficientStorage"}, archive.Retry, "full", 0, 1},
		{fault{status: 403, code: "RequestTimeTooSkewed"}, archive.Retry, "clock", 0, 1},
		{fault{status: 409, code: codeConflict}, archive.Retry, "", 0, 3},
		{fault{status: 403, code: "SignatureDoesNotMatch"}, archive.Halt, "s3.secret_key", 0, 1},
		{fault{status: 403, code: "InvalidAccessKeyId"}, archive.Halt, "s3.access_key", 0, 1},
		{fault{status: 403, code: "AccessDenied"}, archive.Halt, "s3:PutObject", 0, 1},
		{fault{status: 403, text: "not XML"}, archive.Halt, "s3:PutObject", 0, 1},
		{fault{status: 401, text: "not XML"}, archive.Halt, "s3:PutObject", 0, 1},
		{fault{status: 400, code: "ExpiredToken"}, archive.Halt, "s3.session_token", 0, 1},
		{fault{status: 404, code: "NoSuchBucket"}, archive.Halt, "s3.bucket", 0, 1},
		{fault{status: 301, code: "PermanentRedirect"}, archive.Halt, "s3.region", 0, 1},
		{fault{status: 307, code: "", header: map[string]string{"Location": "https://elsewhere.invalid/"}}, archive.Halt, "s3.region", 0, 1},
		{fault{status: 400, code: "AuthorizationHeaderMalformed"}, archive.Halt, "s3.region", 0, 1},
		{fault{status: 501, code: "NotImplemented"}, archive.Halt, "s3.sse", 0, 4},
		{fault{status: 400, code: "InvalidRequest"}, archive.Halt, "s3.region", 0, 2},
	} {
		f, puts := newFake(), 0
		f.fault = onPut(func(int) *fault { puts++; return &test.fault })
		_, err := open(t, serve(t, f)).Deliver(context.Background(), item)
		e := classOf(t, err)
		if puts != test.puts {
			t.Errorf("%d %s: tried %d times", test.fault.status, test.fault.code, puts)
		}
		if e.Class != test.want || e.RetryAfter != test.after || !strings.Contains(e.Hint, test.hint) {
			t.Errorf("%d %s: class %s after %s, hint %q", test.fault.status, test.fault.code, e.Class, e.RetryAfter, e.Hint)
		}
		if gone := errors.Is(err, archive.ErrGone); gone != (test.fault.code == codeNoBucket) {
			t.Errorf("%d %s: says that the bucket is gone: %v", test.fault.status, test.fault.code, gone)
		}
		if len(f.seen()) > 0 {
			t.Errorf("%d %s: visible is %q", test.fault.status, test.fault.code, f.seen())
		}
	}
}

// What a store says is one short line and never a secret of ours.
func TestHostileAnswers(t *testing.T) {
	long := strings.Repeat("é", 1000)
	for _, text := range []string{
		"<Error><Code>Access\r\nDenied</Code><Message>said &#x202e; very-secret a-token " + long + "</Message></Error>",
		"<Error><Code>very-secret</Code><Message>said\n" + strings.Repeat("-", 290) + " very-secret</Message></Error>",
		"said \x1b[31m very-secret a-token " + long,
	} {
		f := newFake()
		f.fault = always(fault{status: 418, text: text})
		c := serve(t, f)
		c.SessionToken = "a-token"
		_, err := open(t, c).Deliver(context.Background(), spooled(t, 1))
		e := classOf(t, err)
		for _, bad := range []string{"very-", "a-token", "\n", "\r", "\x1b", "\u202e", long} {
			if strings.Contains(err.Error(), bad) || strings.Contains(e.Hint, bad) {
				t.Errorf("%q is in %q", bad, err)
			}
		}
		if e.Class != archive.Halt || len(err.Error()) > 1000 || !strings.Contains(err.Error(), "said") {
			t.Errorf("class %s, %d bytes: %v", e.Class, len(err.Error()), err)
		}
	}
}

func TestCookiesAreNotKept(t *testing.T) {
	f := newFake()
	f.fault = func(n int, r *http.Request) *fault {
		if len(r.Cookies()) > 0 {
			t.Errorf("%s %s: %v", r.Method, r.URL, r.Cookies())
		}
		return &fault{status: 404, code: codeNoKey, header: map[string]string{"Set-Cookie": "a=b"}}
	}
	d := open(t, serve(t, f))
	for range 2 {
		_, _ = d.Open(context.Background(), "x")
	}
}

// A store that stays busy is left alone soon: who delivers has longer pauses.
func TestBusyStoreIsGivenUp(t *testing.T) {
	for name, how := range map[string]fault{"busy": {status: 503, code: "SlowDown"}, "closing": {before: true}} {
		f := newFake()
		f.fault = func(int, *http.Request) *fault { return &how }
		c, paused := serve(t, f), time.Duration(0)
		c.Pause = func(_ context.Context, wait time.Duration) error { paused += wait; return nil }
		_, err := open(t, c).Deliver(context.Background(), spooled(t, 1))
		if e := classOf(t, err); e.Class != archive.Retry || f.requests() != again.Tries || paused < 10*time.Second || paused > time.Minute {
			t.Errorf("%s: class %s after %d requests and %s: %v", name, e.Class, f.requests(), paused, err)
		}
	}
}

// A pause that is cut short ends the delivery.
func TestPauseEndsWithTheDelivery(t *testing.T) {
	f := newFake()
	f.fault = func(int, *http.Request) *fault { return &fault{status: 503} }
	c := serve(t, f)
	ctx, cancel := context.WithCancel(context.Background())
	c.Pause = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	if _, err := open(t, c).Deliver(ctx, spooled(t, 1)); !errors.Is(err, context.Canceled) || f.requests() != 1 {
		t.Errorf("%v after %d requests", err, f.requests())
	}
}

// TestStoreThatFailsNowAndThen fails every third request: everything arrives in
// one delivery, each object once.
func TestStoreThatFailsNowAndThen(t *testing.T) {
	for name, how := range map[string]fault{
		"503": {status: 503, code: "SlowDown"}, "500": {status: 500, code: "InternalError"}, "429": {status: 429, header: map[string]string{"Retry-After": "2"}},
		"502": {status: 502, text: "<html>"}, "cut": {before: true}, "answer lost": {late: true}, "late body": {status: 400, code: codeTimeout},
	} {
		for _, part := range []int64{partSize, 1000} {
			for _, poor := range []bool{false, true} {
				f := newFake()
				f.versions, f.refusesConditions, f.page = true, poor, 1
				f.fault = func(n int, r *http.Request) *fault {
					if n%3 != 0 || how.status == 400 && (r.Method != http.MethodPut || r.URL.Query().Has("partNumber")) {
						return nil
					}
					return &how
				}
				d, item := open(t, serve(t, f)), spooled(t, 1)
				d.partSize = part
				if _, err := d.Deliver(context.Background(), item); err != nil {
					t.Errorf("%s, parts of %d, poor %v: %v", name, part, poor, err)
					continue
				}
				wantOnce(t, f, item)
				if got, err := d.Bundles(context.Background(), ""); err != nil || len(got) != 1 {
					t.Errorf("%s: bundles %q, %v", name, got, err)
				}
				if _, err := d.Probe(context.Background()); err != nil && how.status != 400 {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func TestConflictsAndDigestsAreTriedAgain(t *testing.T) {
	for _, test := range []struct {
		code   string
		faults int
		want   archive.Class // of the error, if there is one
		fails  bool
	}{
		{codeConflict, 2, 0, false},
		{codeConflict, 3, archive.Retry, true},
		{codeBadDigest, 1, 0, false},
		{codeBadPayload, 2, archive.Halt, true},
	} {
		f := newFake()
		f.fault = onPut(func(put int) *fault {
			if put <= test.faults {
				return &fault{status: 409, code: test.code}
			}
			return nil
		})
		item := spooled(t, 1)
		_, err := open(t, serve(t, f)).Deliver(context.Background(), item)
		if test.fails {
			if e := classOf(t, err); e.Class != test.want {
				t.Errorf("%s %d times: class %s", test.code, test.faults, e.Class)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %d times: %v", test.code, test.faults, err)
		}
		wantOnce(t, f, item)
	}
}

// A spool that changes while it is sent is never delivered.
func TestSpoolThatChangesAborts(t *testing.T) {
	for name, damage := range map[string]func(file string) error{
		"gone":    os.Remove,
		"shorter": func(file string) error { return os.Truncate(file, 3) },
		"other": func(file string) error {
			data, err := os.ReadFile(file)
			data[0] ^= 1
			return errors.Join(err, os.WriteFile(file, data, 0o600))
		},
	} {
		for _, part := range []int64{partSize, 1000} {
			f := newFake()
			item := spooled(t, 1)
			d := open(t, serve(t, f))
			d.partSize = part
			var once sync.Once
			d.testOnlyBefore = func(op, key string) error {
				if strings.HasSuffix(key, archive.TranscriptsFile) && (op == "put" && part == partSize || op == "begin" || op == "part") {
					// After it was hashed; of parts it is open already, or not.
					once.Do(func() {
						if err := damage(filepath.Join(item.Dir, archive.TranscriptsFile)); err != nil {
							t.Error(err)
						}
					})
				}
				return nil
			}
			_, err := d.Deliver(context.Background(), item)
			if name == "gone" && err == nil {
				continue // an open file can be read to its end
			}
			if e := classOf(t, err); e.Class != archive.Abort {
				t.Errorf("%s: class %s of %v", name, e.Class, err)
			}
			if slices.ContainsFunc(f.seen(), func(p string) bool { return strings.HasSuffix(p, archive.ManifestFile) }) {
				t.Errorf("%s: delivered", name)
			}
		}
	}
}

// The manifest is the bundle's identity: another one is not sent in its name.
func TestManifestThatChangesAborts(t *testing.T) {
	f := newFake()
	item := spooled(t, 1)
	d := open(t, serve(t, f))
	d.testOnlyBefore = func(op, _ string) error {
		if op == "list" {
			name := filepath.Join(item.Dir, archive.ManifestFile)
			return os.WriteFile(name, append([]byte(" "), read(t, item, archive.ManifestFile)[1:]...), 0o600)
		}
		return nil
	}
	_, err := d.Deliver(context.Background(), item)
	if e := classOf(t, err); e.Class != archive.Abort {
		t.Errorf("class %s of %v", e.Class, err)
	}
}

func TestHangingStoreIsRetried(t *testing.T) {
	f, free := newFake(), make(chan struct{})
	f.fault = always(fault{hang: free})
	c := serve(t, f)
	t.Cleanup(func() { close(free) })
	c.Timeout = 50 * time.Millisecond
	_, err := open(t, c).Deliver(context.Background(), spooled(t, 1))
	if e := classOf(t, err); e.Class != archive.Retry || !errors.Is(err, errHangs) || e.Hint == "" {
		t.Errorf("class %s: %v", e.Class, err)
	}
}
