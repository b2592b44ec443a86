package s3

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// serve starts a store with TLS and returns how it is reached.
func serve(t *testing.T, f *fake) Config {
	t.Helper()
	s := httptest.NewUnstartedServer(f)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that were cut
	s.StartTLS()
	t.Cleanup(s.Close)
	return Config{
		Endpoint: s.Listener.Addr().String(), PathStyle: true, Bucket: "bucket", Prefix: "a/root",
		CA:        pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}),
		AccessKey: "access", SecretKey: "very-secret",
		Account: archivetest.Account, Name: archivetest.Name,
		Now:   func() time.Time { return epoch },
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

func open(t *testing.T, c Config) *Destination {
	t.Helper()
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// spooled returns an item of the destination.
func spooled(t *testing.T, seed uint64) archive.Item {
	t.Helper()
	spool := t.TempDir()
	a := archivetest.Archive{Account: archivetest.Account, Destination: archivetest.Name, Bundles: 1, Slices: 3, Messages: 4, Seed: seed}
	return archivetest.Item(t, spool, archivetest.Write(t, spool, a)[0])
}

// seen returns the paths below the root that a reader sees.
func (f *fake) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var seen []string
	for _, key := range f.keys() {
		if rel, ok := strings.CutPrefix(key, "a/root/"); ok && !strings.HasPrefix(path.Base(rel), ".") {
			seen = append(seen, rel)
		}
	}
	return seen
}

// hidden returns what no reader takes for a file: probes, and uploads that
// were not completed.
func (f *fake) hidden() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var hidden []string
	for _, u := range f.uploads {
		hidden = append(hidden, u.key)
	}
	for _, key := range f.keys() {
		if strings.HasPrefix(path.Base(key), ".") {
			hidden = append(hidden, key)
		}
	}
	return hidden
}

// target is a bucket with nothing in it.
func target(t *testing.T, f *fake, part int64) archivetest.Target {
	c := serve(t, f)
	return archivetest.Target{
		Open: func(before func(op, key string) error) archive.Destination {
			d := open(t, c)
			d.testOnlyBefore, d.partSize = before, part
			return d
		},
		Visible: f.seen,
		Hidden:  f.hidden,
		Put: func(name string, body []byte) {
			if body != nil {
				f.place("a/root/"+name, body)
				return
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			delete(f.objects, "a/root/"+name)
		},
		Litter: func(bundle string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.begin(nil, "a/root/"+archivetest.Account+"/2026/01/31/"+bundle+"/"+archive.TranscriptsFile)
		},
	}
}

func TestContract(t *testing.T) {
	for name, kind := range map[string]struct {
		part int64
		set  func(f *fake)
	}{
		"good":     {partSize, func(f *fake) { f.versions, f.locking = true, true }},
		"parts":    {1000, func(f *fake) { f.versions, f.page = true, 2 }},
		"poor":     {partSize, func(f *fake) { f.ignoresConditions, f.ignoresChecksums, f.page = true, true, 1 }},
		"refusing": {1000, func(f *fake) { f.refusesConditions, f.ignoresChecksums = true, true }},
		"old":      {1000, func(f *fake) { f.refusesChecksums, f.refusesConditions = 501, true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			archivetest.Run(t, func(t *testing.T) archivetest.Target {
				f := newFake()
				kind.set(f)
				return target(t, f, kind.part)
			})
		})
	}
}

func classOf(t *testing.T, err error) *archive.Error {
	t.Helper()
	e, ok := errors.AsType[*archive.Error](err)
	if !ok {
		t.Fatalf("%v is no *archive.Error", err)
	}
	return e
}

// wantOnce checks that an item is there, whole, and each object in one version.
func wantOnce(t *testing.T, f *fake, item archive.Item) {
	t.Helper()
	files, err := item.Files()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, file := range files {
		want = append(want, item.Path+"/"+file.Path)
	}
	slices.Sort(want)
	if seen := f.seen(); !slices.Equal(seen, want) {
		t.Errorf("visible: %q, want %q", seen, want)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, all := range f.objects {
		if len(all) != 1 {
			t.Errorf("%s has %d versions", key, len(all))
		}
	}
}

func deliver(t *testing.T, d *Destination, item archive.Item) archive.Receipt {
	t.Helper()
	r, err := d.Deliver(context.Background(), item)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
