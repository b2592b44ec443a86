package archive_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"

	"lpexport/archive"
)

// Each zip can be taken alone: what its documents name is in it.
func TestZipsAreCompleteInThemselves(t *testing.T) {
	const n = 20
	a := newAlbum(n)
	for _, joined := range []string{"", "all.doc"} {
		for limit, least := range map[int64]int{3000: n, 6000: 4, 10_000: 2, 1 << 20: 1} {
			packing := archive.Packing{Zip: true, MaxBytes: limit, Manifest: archive.ManifestSmarsh}
			dir, made, err := pack(t, a.shape(joined, packing, nil, false), n)
			must(t, err)
			if len(made.Files) < 2*least || limit == 1<<20 && len(made.Files) != 2 || limit == 3000 && len(made.Files) != 2*n {
				t.Errorf("joined %q, %d bytes: %d files", joined, limit, len(made.Files))
			}
			for i, f := range made.Files {
				if path.Ext(f.Path) == ".zip" {
					wantComplete(t, dir, f, limit, string(read(t, dir, made.Files[i+1].Path)))
				}
			}
		}
	}
}

// A zip's limit is of the zip itself: entries are stored as they are.
func TestZipsKeepTheirLimit(t *testing.T) {
	contents := shelf{}
	doc := archive.Document{Bytes: bytes.Repeat([]byte("x"), 100), Inside: []archive.Splice{{50, contents.put(3000, 1)}}}
	zips := func(packing archive.Packing) []archive.Packed {
		packing.Zip = true
		_, made, err := pack(t, archive.Shape{Format: scripted{docs: always(doc)}, Packing: packing, Contents: contents.open}, 6)
		must(t, err)
		return made.Files
	}
	for _, together := range []int{1, 2, 3, 6} {
		size := zips(archive.Packing{MaxCount: together})[0].Bytes
		const room = 76 // for what a zip of very many entries has more at its end
		for limit, want := range map[int64]int{size + room: 6 / together, size + room - 1: 6 / max(together-1, 1)} {
			made := zips(archive.Packing{MaxBytes: limit})
			if len(made) < want || len(made) > want+1 {
				t.Errorf("%d bytes: %d zips, want %d", limit, len(made), want)
			}
			for _, f := range made {
				if f.Bytes > limit {
					t.Errorf("%s has %d bytes, the limit is %d", f.Path, f.Bytes, limit)
				}
			}
		}
	}
}

func wantComplete(t *testing.T, dir string, f archive.Packed, limit int64, manifest string) {
	t.Helper()
	entries := unpack(t, dir, archive.Rendered{Files: []archive.Packed{f}}, nil)
	var size int64
	documents, named := 0, map[string]bool{}
	for name, text := range entries {
		size += int64(len(text))
		if path.Ext(name) != ".doc" {
			continue
		}
		documents++
		if !strings.Contains(manifest, "\n"+name+"\n") {
			t.Errorf("%s: %s is not in its manifest", f.Path, name)
		}
		for pair := range strings.Lines(strings.TrimSuffix(strings.TrimPrefix(text, "<head>"), "<tail>")) {
			for one := range strings.SplitSeq(strings.TrimSpace(pair), ",") {
				named[one] = true
			}
		}
	}
	if got := slices.Sorted(maps.Keys(named)); len(got)+documents != len(entries) || slices.ContainsFunc(got, func(name string) bool { _, there := entries[name]; return !there }) {
		t.Errorf("%s holds %q, its documents name %q", f.Path, slices.Sorted(maps.Keys(entries)), got)
	}
	if alone := documents == 1 && strings.Count(entries["all.doc"], "\n") <= 1; size > limit+12 && !alone {
		t.Errorf("%s: %d bytes, the limit is %d", f.Path, size, limit)
	}
	if !strings.HasPrefix(manifest, fmt.Sprintf("Count: %d\n", documents)) || strings.Count(manifest, "\n") != documents+1 {
		t.Errorf("%s has %d documents, its manifest says %q", f.Path, documents, manifest)
	}
}

// Contents are streamed: an attachment of 16 MiB takes no memory of its size.
func TestPackerHoldsNoContent(t *testing.T) {
	const size = 16 << 20
	sum := sha256.New()
	io.CopyN(sum, zeros{}, size)
	sha := fmt.Sprintf("%x", sum.Sum(nil))
	a := &archive.Attachment{Name: archive.AttachmentName(sha, "pdf"), Bytes: size, SHA256: sha}
	doc := archive.Document{Bytes: []byte("text"), Inside: []archive.Splice{{2, a}}, Beside: []*archive.Attachment{a}}
	for _, zipped := range []bool{false, true} {
		shape := archive.Shape{Format: scripted{docs: always(doc)}, Packing: archive.Packing{Zip: zipped}}
		shape.Contents = func(string) (io.ReadCloser, error) { return io.NopCloser(io.LimitReader(zeros{}, size)), nil }
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := pack(t, shape, 1)
		must(t, err)
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		if allocated > size/4 {
			t.Errorf("zip %v: %d MiB were allocated", zipped, allocated>>20)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
