package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// The tests of this file need a real S3 server: start it by
// .ci/servers/versitygw and source what it writes.

// environment returns a variable of the real server's, and skips without it.
func environment(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv("LPEXPORT_TEST_S3_" + name)
	if value == "" && os.Getenv("CI_REAL_SERVERS") == "1" {
		t.Fatal("LPEXPORT_TEST_S3_" + name + " is not set")
	}
	if value == "" {
		t.Skip("no real S3 server: LPEXPORT_TEST_S3_" + name + " is not set, see .ci/servers/versitygw")
	}
	return value
}

// real returns how the real server is reached, with a new bucket.
func real(t *testing.T, lock bool) Config {
	t.Helper()
	ca, err := os.ReadFile(environment(t, "CA"))
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Endpoint: environment(t, "ENDPOINT"), PathStyle: true, CA: ca,
		Bucket: "test-" + strings.ToLower(rand.Text()), Prefix: "a/root",
		AccessKey: environment(t, "ACCESS_KEY"), SecretKey: environment(t, "SECRET_KEY"),
		Account: archivetest.Account, Name: archivetest.Name,
	}
	makeBucket(t, c, lock)
	return c
}

func makeBucket(t *testing.T, c Config, lock bool) {
	t.Helper()
	client := open(t, c).core
	if err := client.MakeBucket(t.Context(), c.Bucket, minio.MakeBucketOptions{ObjectLocking: lock}); err != nil {
		t.Fatal(err)
	}
	if err := client.EnableVersioning(t.Context(), c.Bucket); err != nil {
		t.Fatal(err)
	}
}

// versionsOf returns all versions and delete markers below the root, as the
// server lists them.
func versionsOf(t *testing.T, c Config) []minio.ObjectInfo {
	t.Helper()
	var all []minio.ObjectInfo
	o := minio.ListObjectsOptions{Prefix: c.Prefix, Recursive: true, WithVersions: true}
	for object := range open(t, c).core.ListObjectsIter(context.Background(), c.Bucket, o) {
		if object.Err != nil {
			t.Fatal(object.Err)
		}
		all = append(all, object)
	}
	return all
}

// seenAt returns what a reader sees below the root.
func seenAt(t *testing.T, c Config) []string {
	t.Helper()
	var seen []string
	for _, o := range versionsOf(t, c) {
		if o.IsLatest && !o.IsDeleteMarker && !strings.HasPrefix(path.Base(o.Key), ".") {
			seen = append(seen, strings.TrimPrefix(o.Key, c.Prefix+"/"))
		}
	}
	return seen
}

// wantOnceAt checks that an item is there, whole and in one version.
func wantOnceAt(t *testing.T, c Config, item archive.Item) {
	t.Helper()
	files, err := item.Files()
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, f := range files {
		want = append(want, item.Path+"/"+f.Path)
	}
	for _, o := range versionsOf(t, c) {
		got = append(got, strings.TrimPrefix(o.Key, c.Prefix+"/"))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("versions of %q, want one of each of %q", got, want)
	}
}

func TestRealContract(t *testing.T) {
	environment(t, "ENDPOINT")
	archivetest.Run(t, func(t *testing.T) archivetest.Target {
		c := real(t, false)
		return archivetest.Target{
			Open: func(before func(op, key string) error) archive.Destination {
				d := open(t, c)
				d.testOnlyBefore = before
				return d
			},
			Visible: func() []string { return seenAt(t, c) },
			Hidden:  func() []string { return hiddenAt(t, c) },
			Put: func(name string, body []byte) {
				core, key := open(t, c).core, c.Prefix+"/"+name
				err := core.RemoveObject(context.Background(), c.Bucket, key, minio.RemoveObjectOptions{})
				if body != nil {
					_, err = core.Client.PutObject(context.Background(), c.Bucket, key, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{})
				}
				if err != nil {
					t.Fatal(err)
				}
			},
			Litter: func(bundle string) {
				key := c.Prefix + "/" + archivetest.Account + "/2026/01/31/" + bundle + "/" + archive.TranscriptsFile
				if _, err := open(t, c).core.NewMultipartUpload(context.Background(), c.Bucket, key, minio.PutObjectOptions{}); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

func hiddenAt(t *testing.T, c Config) []string {
	t.Helper()
	var hidden []string
	for u := range open(t, c).core.ListIncompleteUploads(context.Background(), c.Bucket, c.Prefix, true) {
		if u.Err != nil {
			t.Fatal(u.Err)
		}
		hidden = append(hidden, u.Key)
	}
	for _, o := range versionsOf(t, c) {
		if strings.HasPrefix(path.Base(o.Key), ".") {
			hidden = append(hidden, o.Key)
		}
	}
	return hidden
}

func TestRealLock(t *testing.T) {
	for name, set := range map[string]func(c *Config){
		"governance": func(c *Config) { c.Lock = Lock{governance, 30} },
		"compliance": func(c *Config) { c.Lock = Lock{compliance, 30} },
		"hold":       func(c *Config) { c.LegalHold = true },
		"both":       func(c *Config) { c.Lock, c.LegalHold = Lock{compliance, 30}, true },
	} {
		c := real(t, true)
		set(&c)
		d := open(t, c)
		facts, err := d.Probe(t.Context())
		if err != nil || !slices.Contains(facts, "wrote and removed a probe") {
			t.Errorf("%s: probe: %q, %v", name, facts, err)
		}
		item := spooled(t, 1)
		d.partSize = 5 << 20
		before := time.Now()
		r := deliver(t, d, item)
		if again := deliver(t, d, item); again != r {
			t.Errorf("%s: receipt %+v, the first time %+v", name, again, r)
		}
		if versions := strings.Fields(r.Answer); len(versions) != 3 || r.ID == "" || versions[2] != "manifest.json="+r.ID {
			t.Errorf("%s: receipt %+v", name, r)
		}
		wantLocked(t, c, before)
		wantOnceAt(t, c, item)
	}
}

// wantLocked checks what the server says of each version, and that it does not
// let go of any.
func wantLocked(t *testing.T, c Config, before time.Time) {
	t.Helper()
	client := open(t, c).core
	for _, o := range versionsOf(t, c) {
		if c.Lock.Mode != "" {
			info, err := client.StatObject(t.Context(), c.Bucket, o.Key, minio.StatObjectOptions{VersionID: o.VersionID})
			if mode := info.Headers.Get("X-Amz-Object-Lock-Mode"); err != nil || !strings.EqualFold(mode, c.Lock.Mode) {
				t.Fatalf("%s: mode %q, %v", o.Key, mode, err)
			}
			until, err := time.Parse(time.RFC3339, info.Headers.Get("X-Amz-Object-Lock-Retain-Until-Date"))
			if err != nil {
				t.Fatal(err)
			}
			if kept := until.Sub(before); kept < 30*24*time.Hour-time.Second || kept > 31*24*time.Hour {
				t.Errorf("%s: kept for %s", o.Key, kept)
			}
		}
		if c.LegalHold {
			hold, err := client.GetObjectLegalHold(t.Context(), c.Bucket, o.Key, minio.GetObjectLegalHoldOptions{VersionID: o.VersionID})
			if err != nil || *hold != minio.LegalHoldEnabled {
				t.Errorf("%s: hold %v, %v", o.Key, hold, err)
			}
		}
		err := client.RemoveObject(t.Context(), c.Bucket, o.Key, minio.RemoveObjectOptions{VersionID: o.VersionID})
		if minio.ToErrorResponse(err).StatusCode != http.StatusForbidden {
			t.Errorf("%s: removed: %v", o.Key, err)
		}
	}
}

func TestRealProbeOfABucketThatLocksByItself(t *testing.T) {
	c := real(t, true)
	d := open(t, c)
	mode, days, unit := minio.Governance, uint(7), minio.Days
	if err := d.core.SetObjectLockConfig(t.Context(), c.Bucket, &mode, &days, &unit); err != nil {
		t.Fatal(err)
	}
	facts, err := d.Probe(t.Context())
	for _, want := range []string{
		"versioning: on", "object lock: on, what comes without a retention is kept for 7 DAYS, GOVERNANCE", "If-None-Match: honoured",
		"checksums: SHA-256 is kept and read back", "wrote a probe, which the bucket does not let us remove",
	} {
		if err != nil || !slices.ContainsFunc(facts, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("no %q in %q, %v", want, facts, err)
		}
	}
}

// A delete without a version hides a locked object from a reader; the next
// delivery puts it back, and the locked version is still there.
func TestRealDeleteMarker(t *testing.T) {
	c := real(t, true)
	c.Lock = Lock{governance, 1}
	d, item := open(t, c), spooled(t, 1)
	first := deliver(t, d, item)
	err := d.core.RemoveObject(t.Context(), c.Bucket, d.root+item.Path+"/"+archive.ManifestFile, minio.RemoveObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.Bundles(t.Context(), ""); err != nil || len(got) > 0 {
		t.Errorf("hidden bundles %q, %v", got, err)
	}
	if again := deliver(t, d, item); again.ID == first.ID || again.ID == "" {
		t.Errorf("receipt %+v, the first time %+v", again, first)
	}
	if got, err := d.Bundles(t.Context(), ""); err != nil || len(got) != 1 {
		t.Errorf("bundles %q, %v", got, err)
	}
	if all := versionsOf(t, c); len(all) != 5 {
		t.Errorf("%d versions and markers, want 5", len(all))
	}
}

func TestRealRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(c *Config)
		hint string
	}{
		"wrong secret":   {func(c *Config) { c.SecretKey = "another" }, "s3.secret_key"},
		"wrong key":      {func(c *Config) { c.AccessKey = "another" }, "s3.access_key"},
		"no bucket":      {func(c *Config) { c.Bucket = "absent" }, "s3.bucket"},
		"no lock":        {func(c *Config) { c.Lock = Lock{governance, 1} }, "object lock"},
		"no hold":        {func(c *Config) { c.LegalHold = true }, "object lock"},
		"not trusted":    {func(c *Config) { c.CA = nil }, "s3.ca_file"},
		"not encrypting": {func(c *Config) { c.SSE = sseKMS }, "s3.sse"},
	} {
		c := real(t, false)
		good := c
		test.set(&c)
		d := open(t, c)
		_, err := d.Deliver(t.Context(), spooled(t, 1))
		if e := classOf(t, err); e.Class != archive.Halt || !strings.Contains(e.Hint, test.hint) || strings.Contains(err.Error(), c.SecretKey) {
			t.Errorf("%s: class %s, hint %q: %v", name, e.Class, e.Hint, err)
		}
		_, err = d.Probe(t.Context())
		if e := classOf(t, err); e.Class != archive.Halt || e.Hint == "" {
			t.Errorf("%s: probe: class %s, hint %q: %v", name, e.Class, e.Hint, err)
		}
		if slices.ContainsFunc(seenAt(t, good), func(p string) bool { return path.Base(p) == archive.ManifestFile }) {
			t.Errorf("%s: delivered", name)
		}
	}
}

func TestRealOtherBytesHalt(t *testing.T) {
	c := real(t, false)
	d, item, other := open(t, c), spooled(t, 1), spooled(t, 2)
	deliver(t, d, item)
	_, err := d.Deliver(t.Context(), other)
	if e := classOf(t, err); e.Class != archive.Halt {
		t.Errorf("class %s: %v", e.Class, err)
	}
	wantOnceAt(t, c, item)
}

// TestRealObjectInParts sends an object in parts, whose checksum is that of the
// parts', and compares it.
func TestRealObjectInParts(t *testing.T) {
	c := real(t, true)
	c.Lock = Lock{governance, 1}
	d, item := open(t, c), large(t)
	d.partSize = 5 << 20
	first := deliver(t, d, item)
	if again := deliver(t, d, item); again != first {
		t.Errorf("receipt %+v, the first time %+v", again, first)
	}
	d.partSize = 6 << 20 // other parts prove nothing: it is read back
	if again := deliver(t, d, item); again != first {
		t.Errorf("receipt %+v, the first time %+v", again, first)
	}
	info, err := d.stat(t.Context(), d.root+item.Path+"/"+archive.TranscriptsFile, "")
	if err != nil || !strings.Contains(info.ChecksumSHA256, "-") {
		t.Errorf("checksum %q, %v", info.ChecksumSHA256, err)
	}
	wantOnceAt(t, c, item)
}

// large spools an item with a file of several parts.
func large(t *testing.T) archive.Item {
	t.Helper()
	spool := t.TempDir()
	a := archivetest.Archive{Account: archivetest.Account, Destination: archivetest.Name, Bundles: 1, Slices: 40, Messages: 1000}
	item := archivetest.Item(t, spool, archivetest.Write(t, spool, a)[0])
	info, err := os.Stat(item.Dir + "/" + archive.TranscriptsFile)
	if err != nil || info.Size() < 11<<20 {
		t.Fatalf("%v, %v", info, err)
	}
	return item
}
