package s3

import (
	"context"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
)

// locking returns a bucket with object lock.
func locking() *fake {
	f := newFake()
	f.versions, f.locking = true, true
	return f
}

func TestObjectsAreKeptAsAsked(t *testing.T) {
	for _, test := range []struct {
		lock Lock
		hold bool
		sse  string
		want map[string]string
	}{
		{Lock{governance, 30}, false, "", map[string]string{
			"X-Amz-Object-Lock-Mode": "GOVERNANCE", "X-Amz-Object-Lock-Retain-Until-Date": "2026-03-05T04:05:06Z",
		}},
		{Lock{compliance, 1}, true, sseS3, map[string]string{
			"X-Amz-Object-Lock-Mode": "COMPLIANCE", "X-Amz-Object-Lock-Retain-Until-Date": "2026-02-04T04:05:06Z",
			"X-Amz-Object-Lock-Legal-Hold": "ON", "X-Amz-Server-Side-Encryption": "AES256",
		}},
		{Lock{}, true, sseKMS, map[string]string{"X-Amz-Object-Lock-Legal-Hold": "ON", "X-Amz-Server-Side-Encryption": "aws:kms"}},
		{Lock{}, false, "", map[string]string{}},
	} {
		for _, part := range []int64{partSize, 1000} {
			f := locking()
			c := serve(t, f)
			c.Lock, c.LegalHold, c.SSE = test.lock, test.hold, test.sse
			d := open(t, c)
			d.partSize = part
			item := spooled(t, 1)
			first := deliver(t, d, item)
			for key, all := range f.objects {
				if got := all[0].headers; len(got) != len(test.want) {
					t.Errorf("%s: %v, want %v", key, got, test.want)
				}
				for h, want := range test.want {
					if got := all[0].headers[h]; got != want {
						t.Errorf("%s: %s is %q, want %q", key, h, got, want)
					}
				}
			}
			// What is there is as it should be, so repeating changes nothing.
			if again := deliver(t, d, item); again != first {
				t.Errorf("receipt %+v, the first time %+v", again, first)
			}
			wantOnce(t, f, item)
		}
	}
}

// A store that does not do as asked, or does not say so, is not trusted.
func TestUnkeptPromisesHalt(t *testing.T) {
	for name, set := range map[string]func(c *Config){
		"governance": func(c *Config) { c.Lock = Lock{governance, 1} },
		"compliance": func(c *Config) { c.Lock = Lock{compliance, 1} },
		"hold":       func(c *Config) { c.LegalHold = true },
		"sse":        func(c *Config) { c.SSE = sseS3 },
		"kms":        func(c *Config) { c.SSE, c.KMSKey = sseKMS, "key" },
	} {
		f := locking()
		f.ignoresHeaders = true
		c := serve(t, f)
		set(&c)
		_, err := open(t, c).Deliver(context.Background(), spooled(t, 1))
		if e := classOf(t, err); e.Class != archive.Halt || e.Hint == "" || e.Op != "deliver" {
			t.Errorf("%s: class %s, hint %q: %v", name, e.Class, e.Hint, err)
		}
		for _, seen := range f.seen() {
			if strings.HasSuffix(seen, archive.ManifestFile) {
				t.Errorf("%s: delivered", name)
			}
		}
	}
}

// What an earlier try left is kept for as long as the configuration asks, from
// when it was left.
func TestLockOfWhatIsThere(t *testing.T) {
	item := spooled(t, 1)
	for _, test := range []struct {
		name   string
		before Lock
		after  Lock
		later  time.Duration
		halts  bool
	}{
		{"same", Lock{governance, 30}, Lock{governance, 30}, 0, false},
		{"same, long after", Lock{governance, 30}, Lock{governance, 30}, 400 * 24 * time.Hour, false},
		{"stricter than asked", Lock{compliance, 30}, Lock{governance, 30}, 0, false},
		{"longer than asked", Lock{compliance, 30}, Lock{compliance, 7}, 0, false},
		{"weaker", Lock{governance, 30}, Lock{compliance, 30}, 0, true},
		{"shorter", Lock{governance, 30}, Lock{governance, 60}, 0, true},
		{"none", Lock{}, Lock{governance, 30}, 0, true},
	} {
		f := locking()
		c := serve(t, f)
		c.Lock = test.before
		deliver(t, open(t, c), item)
		c.Lock, c.Now = test.after, func() time.Time { return epoch.Add(test.later) }
		_, err := open(t, c).Deliver(context.Background(), item)
		if (err != nil) != test.halts {
			t.Errorf("%s: %v", test.name, err)
		}
		if err != nil && classOf(t, err).Class != archive.Halt {
			t.Errorf("%s: class %s", test.name, classOf(t, err).Class)
		}
		wantOnce(t, f, item)
	}
}

func TestBucketWithoutLockHalts(t *testing.T) {
	f := newFake()
	c := serve(t, f)
	c.Lock = Lock{governance, 30}
	d := open(t, c)
	_, err := d.Deliver(context.Background(), spooled(t, 1))
	if e := classOf(t, err); e.Class != archive.Halt || !strings.Contains(e.Hint, "object lock") {
		t.Errorf("deliver: class %s, hint %q: %v", e.Class, e.Hint, err)
	}
	_, err = d.Probe(context.Background())
	if e := classOf(t, err); e.Class != archive.Halt || !strings.Contains(e.Hint, "object lock") {
		t.Errorf("probe: class %s, hint %q: %v", e.Class, e.Hint, err)
	}
	if len(f.objects) > 0 {
		t.Errorf("something is there: %q", f.keys())
	}
}
