package s3

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lpexport/archive"
)

func TestProbeTellsWhatTheBucketIs(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(f *fake, c *Config)
		want []string // at the start of a fact
		left bool     // the probe cannot be removed
	}{
		"good": {
			func(f *fake, _ *Config) { f.versions = true },
			[]string{"versioning: on", "object lock: off", "If-None-Match: honoured", "checksums: SHA-256 is kept", "wrote and removed"}, false,
		},
		"poor": {
			func(f *fake, _ *Config) { f.ignoresConditions, f.ignoresChecksums = true, true },
			[]string{"versioning: off", "If-None-Match: ignored", "checksums: SHA-256 is not kept", "wrote and removed"}, false,
		},
		"poor with versions": {
			func(f *fake, _ *Config) { f.ignoresConditions, f.versions = true, true },
			[]string{"If-None-Match: ignored", "wrote and removed"}, false,
		},
		"refusing": {
			func(f *fake, _ *Config) { f.refusesConditions = true },
			[]string{"If-None-Match: refused", "wrote and removed"}, false,
		},
		"locked": {
			func(f *fake, c *Config) {
				f.versions, f.locking = true, true
				c.Lock, c.LegalHold, c.SSE = Lock{compliance, 30}, true, sseS3
			},
			[]string{"object lock: on, what comes without a retention gets none", "encryption: AES256", "wrote and removed"}, false,
		},
		"locked by itself": {
			func(f *fake, c *Config) {
				f.versions, f.locking, f.keeps, c.Lock = true, true, "GOVERNANCE", Lock{governance, 30}
			},
			[]string{"object lock: on, what comes without a retention is kept for 7 DAYS, GOVERNANCE", "wrote a probe, which the bucket does not let us remove"}, true,
		},
		"no deleting": {
			func(f *fake, _ *Config) { f.noDelete = true },
			[]string{"wrote a probe, which the bucket does not let us remove: a/root/sandbox/.local-probe-20260203T040506.000000000Z"}, true,
		},
		"no looking": {
			func(f *fake, c *Config) {
				c.Lock, f.locking = Lock{governance, 30}, true
				f.fault = func(_ int, r *http.Request) *fault {
					if q := r.URL.Query(); q.Has("versioning") || q.Has("object-lock") {
						return &fault{status: 403, code: "AccessDenied"}
					}
					return nil
				}
			},
			[]string{"versioning: the store does not say", "object lock: the store does not say", "wrote and removed"}, false,
		},
	} {
		f := newFake()
		c := serve(t, f)
		test.set(f, &c)
		facts, err := open(t, c).Probe(context.Background())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range append(test.want, "bucket bucket answers at "+c.Endpoint+", TLS 1.3") {
			if !slices.ContainsFunc(facts, func(s string) bool { return strings.HasPrefix(s, want) }) {
				t.Errorf("%s: no %q in %q", name, want, facts)
			}
		}
		if left := len(f.hidden()) > 0; left != test.left {
			t.Errorf("%s: left behind: %q", name, f.hidden())
		}
		if seen := f.seen(); len(seen) > 0 {
			t.Errorf("%s: a reader sees %q", name, seen)
		}
		if !test.left && len(f.objects["a/root/sandbox/.local-probe-20260203T040506.000000000Z"]) > 0 {
			t.Errorf("%s: a version is left", name)
		}
	}
}

// TestProbeLocksNothing: what is under our own retention could never be removed.
func TestProbeLocksNothing(t *testing.T) {
	f := locking()
	c := serve(t, f)
	c.Lock, c.LegalHold = Lock{compliance, 30}, true
	f.fault = func(_ int, r *http.Request) *fault {
		for h := range r.Header {
			if regexp.MustCompile("(?i)object-lock").MatchString(h) {
				t.Errorf("%s %s: %s", r.Method, r.URL, h)
			}
		}
		return nil
	}
	if _, err := open(t, c).Probe(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestProbeFindsWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(f *fake, c *Config)
		want archive.Class
		hint string
	}{
		"no bucket":      {func(_ *fake, c *Config) { c.Bucket = "absent" }, archive.Halt, "s3.bucket"},
		"no such key":    {func(_ *fake, c *Config) { c.AccessKey = "another" }, archive.Halt, "s3.access_key"},
		"not encrypting": {func(f *fake, c *Config) { f.ignoresHeaders, c.SSE = true, sseKMS }, archive.Halt, "s3.sse"},
		"no writing":     {func(f *fake, _ *Config) { f.fault = always(fault{status: 403, code: "AccessDenied"}) }, archive.Halt, "s3:PutObject"},
		"wrong CA":       {func(_ *fake, c *Config) { c.CA = nil }, archive.Halt, "s3.ca_file"},
		"http":           {func(_ *fake, c *Config) { c.Plain = true }, archive.Halt, ""},
		"down":           {func(_ *fake, c *Config) { c.Endpoint = "127.0.0.1:1" }, archive.Retry, "s3.endpoint"},
	} {
		f := newFake()
		c := serve(t, f)
		test.set(f, &c)
		facts, err := open(t, c).Probe(context.Background())
		if e := classOf(t, err); e.Class != test.want || e.Op != "probe" || !strings.Contains(e.Hint, test.hint) || facts != nil {
			t.Errorf("%s: class %s, op %s, hint %q, facts %q: %v", name, e.Class, e.Op, e.Hint, facts, err)
		}
	}
}
