package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"lpexport/archive"
)

func TestBundlesAreTheCurrentOnes(t *testing.T) {
	f := newFake()
	f.versions, f.page = true, 2
	for _, key := range []string{
		"sandbox/2026/01/31/local-000000001/manifest.json",
		"sandbox/2026/01/31/local-000000001/x.jsonl",
		"sandbox/2026/01/31/local-000000002/x.jsonl", // not there yet
		"sandbox/2026/02/01/other-000000001/manifest.json",
		"sandbox/2026/02/01/.local-000000009/manifest.json",
		"sandbox/2026/02/01/local-3/manifest.json",
		"sandbox/2026/02/30/local-000000004/manifest.json",
		"sandbox/2026/02/02/local-000000005/manifest.json",
		"sandbox/2026/02/02/local-000000006/below/manifest.json",
		"sandboxes/2026/02/02/local-000000007/manifest.json",
		"sandbox/../sandbox/2026/02/02/local-000000008/manifest.json",
	} {
		f.place("a/root/"+key, []byte("x"))
	}
	f.place("sandbox/2026/02/02/local-000000010/manifest.json", nil) // not below the root
	f.remove("a/root/sandbox/2026/02/02/local-000000005/manifest.json", "")
	d := open(t, serve(t, f))
	if _, err := d.Bundles(context.Background(), "2026/02/02"); err != nil || f.requests() > 1 {
		t.Errorf("%d requests for one day, %v: the listing does not begin there", f.requests(), err)
	}
	f.ignoresStart = true
	for since, want := range map[string][]string{
		"":           {"sandbox/2026/01/31/local-000000001", "sandbox/2026/02/01/other-000000001"},
		"2026/02/01": {"sandbox/2026/02/01/other-000000001"},
		"2026/02/02": nil,
	} {
		got, err := d.Bundles(context.Background(), since)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("since %q: %q, %v, want %q", since, got, err, want)
		}
	}
	files, err := d.Files(context.Background(), "sandbox/2026/02/02/local-000000006")
	if err != nil || !slices.Equal(files, []string{"below/manifest.json"}) {
		t.Errorf("files %q, %v", files, err)
	}
}

func TestOpen(t *testing.T) {
	f := newFake()
	f.versions = true
	f.place("a/root/x/y", []byte("first"))
	f.place("a/root/x/y", []byte("second"))
	f.place("a/secret", []byte("not below the root"))
	f.place("a/root/gone", nil)
	f.remove("a/root/gone", "")
	d := open(t, serve(t, f))
	body, err := d.Open(context.Background(), "x/y")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || string(got) != "second" {
		t.Errorf("%q, %v", got, err)
	}
	for name, want := range map[string]error{"../secret": fs.ErrInvalid, "/x/y": fs.ErrInvalid, "x//y": fs.ErrInvalid, "gone": fs.ErrNotExist, "x": fs.ErrNotExist} {
		if _, err := d.Open(context.Background(), name); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A body that is cut is an error and not a shorter file.
func TestCutBodyIsAnError(t *testing.T) {
	f := newFake()
	f.place("a/root/x", []byte("whole"))
	d := open(t, serve(t, f))
	f.fault = func(int, *http.Request) *fault {
		return &fault{status: 200, text: "who", header: map[string]string{"Content-Length": "5", "Last-Modified": epoch.Format(http.TimeFormat)}}
	}
	body, err := d.Open(context.Background(), "x")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadAll(body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func TestListingsOfAHostileStoreEnd(t *testing.T) {
	page := func(truncated bool, keys ...string) string {
		s := fmt.Sprintf("<ListBucketResult><IsTruncated>%t</IsTruncated><NextContinuationToken>t</NextContinuationToken>", truncated)
		for _, k := range keys {
			s += "<Contents><Key>" + k + "</Key></Contents>"
		}
		return s + "</ListBucketResult>"
	}
	const manifest = "a/root/sandbox/2026/01/31/local-00000000%d/manifest.json"
	circle := page(true, fmt.Sprintf(manifest, 1), fmt.Sprintf(manifest, 2), fmt.Sprintf(manifest, 3))
	for name, text := range map[string]string{
		"circle": circle,
		"long":   page(false, strings.Repeat("k", 2*maxAnswer)),
		"no XML": "<ListBucketResult><Contents>",
	} {
		f := newFake()
		f.fault = func(int, *http.Request) *fault { return &fault{status: 200, text: text} }
		_, err := open(t, serve(t, f)).Bundles(context.Background(), "")
		if e := classOf(t, err); e.Class != archive.Retry {
			t.Errorf("%s: class %s: %v", name, e.Class, err)
		}
	}
	f := newFake()
	f.fault = func(int, *http.Request) *fault {
		return &fault{status: 200, text: page(false, "sandbox/x/manifest.json")}
	}
	if got, err := open(t, serve(t, f)).Files(context.Background(), "sandbox/2026/01/31/local-000000001"); err != nil || len(got) > 0 {
		t.Errorf("what was not asked for: %q, %v", got, err)
	}
}

func TestCancelledListingIsNoEnd(t *testing.T) {
	f := newFake()
	f.page = 1
	f.place("a/root/x/1", nil)
	f.place("a/root/x/2", nil)
	ctx, cancel := context.WithCancel(context.Background())
	err := open(t, serve(t, f)).list(ctx, "x/", "", func(minio.ObjectInfo) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestClean(t *testing.T) {
	f := newFake()
	f.page = 2
	const bundle = "a/root/sandbox/2026/01/31/local-00000000"
	kept := []string{
		"a/root/sandbox/2026/01/31/local-b-000000001/x", "a/root/other/2026/01/31/local-000000001/x",
		"a/root/sandbox/2026/01/31/local-000000001", "sandbox/2026/01/31/local-000000001/x", "a/root/sandbox/x",
	}
	for _, key := range append([]string{bundle + "1/x", bundle + "1/x", bundle + "2/deep/x", bundle + "3/y"}, kept...) {
		f.begin(nil, key)
	}
	d := open(t, serve(t, f))
	if err := d.Clean(context.Background()); err != nil {
		t.Fatal(err)
	}
	left := f.hidden()
	slices.Sort(left)
	slices.Sort(kept)
	if !slices.Equal(left, kept) {
		t.Errorf("left %q, want %q", left, kept)
	}
	// Somebody else may be cleaning too.
	f.begin(nil, bundle+"1/x")
	d.testOnlyBefore = func(op, _ string) error {
		if op == "abort" {
			clear(f.uploads)
		}
		return nil
	}
	if err := d.Clean(context.Background()); err != nil {
		t.Error(err)
	}
	// A store without such a list has nothing to clean; one that repeats a page
	// is not asked for ever.
	f.fault = func(int, *http.Request) *fault { return &fault{status: 501, code: "NotImplemented"} }
	if err := d.Clean(context.Background()); err != nil {
		t.Error(err)
	}
	f.fault = func(int, *http.Request) *fault {
		return &fault{status: 200, text: "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker></ListMultipartUploadsResult>"}
	}
	if err := d.Clean(context.Background()); err == nil {
		t.Error("a list that does not go on was taken")
	}
}
