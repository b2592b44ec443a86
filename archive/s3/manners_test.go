package s3

import (
	"context"
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"lpexport/archive"
)

// TestStoreThatRefusesChecksums: such a store is sent Content-MD5 instead, each
// object is read back, and after the first object it is not asked again.
func TestStoreThatRefusesChecksums(t *testing.T) {
	for _, status := range []int{400, 501} {
		for _, part := range []int64{partSize, 1000} {
			for _, conditions := range []bool{true, false} {
				f := newFake()
				f.versions, f.refusesChecksums, f.refusesConditions = true, status, !conditions
				var mu sync.Mutex
				asked, read, without := 0, map[string]bool{}, 0
				f.fault = func(_ int, r *http.Request) *fault {
					mu.Lock()
					defer mu.Unlock()
					switch {
					case aboutChecksums(r.Header):
						asked++
					case r.Method == http.MethodPut && r.Header.Get("Content-Md5") == "":
						without++
					case r.Method == http.MethodGet && r.URL.RawQuery == "" || r.URL.Query().Has("versionId") && r.Method == http.MethodGet:
						read[path.Base(r.URL.Path)] = true
					}
					return nil
				}
				d, item := open(t, serve(t, f)), spooled(t, 1)
				d.partSize = part
				deliver(t, d, item)
				wantOnce(t, f, item)
				if most := 3; asked > most || asked == 0 || without > 0 || len(read) != 3 {
					t.Errorf("%d, parts of %d: asked %d times, %d uploads without Content-MD5, read back %v", status, part, asked, without, read)
				}
				// Another session finds it all there.
				deliver(t, open(t, serve(t, f)), item)
				wantOnce(t, f, item)
			}
		}
	}
}

// What such a store keeps in place of what was sent is noticed.
func TestStoreThatRefusesChecksumsAndSwaps(t *testing.T) {
	for _, part := range []int64{partSize, 1000} {
		f := newFake()
		f.refusesChecksums, f.swaps = 400, true
		d := open(t, serve(t, f))
		d.partSize = part
		_, err := d.Deliver(context.Background(), spooled(t, 1))
		if e := classOf(t, err); e.Class != archive.Halt || e.Hint != hintDigest {
			t.Errorf("class %s, hint %q: %v", e.Class, e.Hint, err)
		}
		if seen := f.seen(); len(seen) > 0 {
			t.Errorf("visible: %q", seen)
		}
	}
}

// TestOtherRefusalsTeachNothing: what is refused for another reason is refused,
// and the next object is sent with its checksum again.
func TestOtherRefusalsTeachNothing(t *testing.T) {
	for _, how := range []fault{
		{status: 400, code: "EntityTooLarge"}, {status: 400, code: codeBadDigest}, {status: 403, code: "AccessDenied"},
		{status: 400, code: "InvalidArgument"}, {status: 501, code: "NotImplemented"}, {status: 503},
	} {
		f, refusing, without := newFake(), true, 0
		f.fault = onPut(func(int) *fault {
			if refusing {
				return &how
			}
			return nil
		})
		d, item := open(t, serve(t, f)), spooled(t, 1)
		if _, err := d.Deliver(context.Background(), item); err == nil {
			t.Errorf("%d %s: delivered", how.status, how.code)
		}
		refusing = false
		before := f.fault
		f.fault = func(n int, r *http.Request) *fault {
			if r.Method == http.MethodPut && (r.Header.Get(headerChecksum) == "" || r.Header.Get("If-None-Match") == "") {
				without++
			}
			return before(n, r)
		}
		deliver(t, d, item)
		if without > 0 {
			t.Errorf("%d %s: %d objects without checksum or condition", how.status, how.code, without)
		}
	}
}

// TestUnkeptPromisesShowBeforeAnyContent: what a store does not keep or encrypt
// as it is asked to is the list of hashes, and nothing that anybody wrote.
func TestUnkeptPromisesShowBeforeAnyContent(t *testing.T) {
	for name, set := range map[string]func(f *fake, c *Config){
		"no lock":      func(_ *fake, c *Config) { c.Lock = Lock{compliance, 30} },
		"no hold":      func(_ *fake, c *Config) { c.LegalHold = true },
		"lock ignored": func(f *fake, c *Config) { f.locking, f.ignoresHeaders, c.Lock = true, true, Lock{governance, 30} },
		"hold ignored": func(f *fake, c *Config) { f.locking, f.ignoresHeaders, c.LegalHold = true, true, true },
		"sse ignored":  func(f *fake, c *Config) { f.ignoresHeaders, c.SSE = true, sseS3 },
		"kms ignored":  func(f *fake, c *Config) { f.ignoresHeaders, c.SSE, c.KMSKey = true, sseKMS, "key" },
		"kms refused": func(f *fake, c *Config) {
			c.SSE = sseKMS
			f.fault = always(fault{status: 501, code: "NotImplemented"})
		},
	} {
		for _, part := range []int64{partSize, 100} {
			f := newFake()
			f.versions = true
			c := serve(t, f)
			set(f, &c)
			var sent []string
			refuses := f.fault
			f.fault = func(n int, r *http.Request) *fault {
				if (r.Method == http.MethodPut || r.Method == http.MethodPost) && !slices.Contains(sent, path.Base(r.URL.Path)) {
					sent = append(sent, path.Base(r.URL.Path))
				}
				if refuses != nil {
					return refuses(n, r)
				}
				return nil
			}
			d := open(t, c)
			d.partSize = part
			_, err := d.Deliver(context.Background(), spooled(t, 1))
			if e := classOf(t, err); e.Class != archive.Halt || e.Hint == "" {
				t.Errorf("%s: class %s, hint %q: %v", name, e.Class, e.Hint, err)
			}
			if !slices.Equal(sent, []string{archive.SumsFile}) {
				t.Errorf("%s: sent before it was known: %q", name, sent)
			}
			// Nothing is in the way of another try.
			if seen := f.seen(); len(seen) > 0 {
				t.Errorf("%s: visible: %q", name, seen)
			}
		}
	}
}

func TestProbeTellsOfRefusedChecksums(t *testing.T) {
	f := newFake()
	f.refusesChecksums = 501
	facts, err := open(t, serve(t, f)).Probe(context.Background())
	if err != nil || !slices.ContainsFunc(facts, func(s string) bool {
		return strings.HasPrefix(s, "checksums: SHA-256 is refused") && strings.Contains(s, "Content-MD5")
	}) {
		t.Errorf("%q, %v", facts, err)
	}
}

// Uploads in parts that the key may not end stay, and stop nothing.
func TestUploadsThatNobodyMayEndAreLeft(t *testing.T) {
	f := newFake()
	item := spooled(t, 1)
	for _, id := range []string{"x", "y"} {
		f.begin(nil, "a/root/"+item.Path+"/"+id)
	}
	f.fault = func(_ int, r *http.Request) *fault {
		if r.Method == http.MethodDelete {
			return &fault{status: 403, code: "AccessDenied"}
		}
		return nil
	}
	d := open(t, serve(t, f))
	left, ok := errors.AsType[*archive.LeftError](d.Clean(context.Background()))
	if !ok || len(left.Names) != 2 || !strings.Contains(left.Error(), "and 1 more") {
		t.Errorf("left %v", left)
	}
	deliver(t, d, item)
}
