package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
)

// listedFile is what a manifest says of a file.
type listedFile struct {
	Path   string
	Bytes  int
	SHA256 string
	Clear  *struct {
		Bytes  int
		SHA256 string
	}
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// manifests returns what the manifests list, by name in the place. Where the far
// side is given no manifests the state keeps them.
func (e *eleven) manifests(files []lying) map[string]listedFile {
	e.t.Helper()
	_, bundles := e.place.(*bucket)
	if !bundles {
		files = folder(filepath.Join(e.state, "manifests")).read(e.t)
	}
	byName := map[string][]byte{}
	for _, f := range files {
		byName[f.name] = f.data
	}
	all := map[string]listedFile{}
	for name, manifest := range byName {
		if path.Base(name) != archive.ManifestFile {
			continue
		}
		in, listed := path.Dir(name), e.listing(manifest, byName[path.Join(path.Dir(name), archive.SumsFile)])
		if !bundles {
			in = "" // a flat place, which has files alone
		}
		for _, l := range listed {
			all[path.Join(in, l.Path)] = l
		}
		if bundles {
			for _, own := range []string{name, path.Join(in, archive.SumsFile)} {
				all[own] = listedFile{Bytes: len(byName[own]), SHA256: sumOf(byName[own])}
			}
		}
	}
	return all
}

// listing returns the files that a manifest lists, which SHA256SUMS must name
// with the same sums.
func (e *eleven) listing(manifest, sums []byte) []listedFile {
	e.t.Helper()
	var decoded struct{ Files []listedFile }
	if err := json.Unmarshal(manifest, &decoded); err != nil {
		e.t.Fatal(err)
	}
	want, got := map[string]string{archive.ManifestFile: sumOf(manifest)}, map[string]string{}
	for _, l := range decoded.Files {
		want[l.Path] = l.SHA256
	}
	for line := range strings.Lines(string(sums)) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		got[name] = sum
	}
	if diff := cmp.Diff(want, got); diff != "" {
		e.t.Errorf("%s: %s", archive.SumsFile, diff)
	}
	return decoded.Files
}

// once makes sure that every file of the manifests is there, with the bytes that
// it was rendered with, and no other; at most again of them, in all, lie there
// once more. It returns each once, without manifests.
func (e *eleven) once(files []lying, again int) []lying {
	e.t.Helper()
	wanted := e.manifests(files)
	named := map[string]string{}
	for name, l := range wanted {
		named[l.SHA256] = name
	}
	var distinct []lying
	seen := map[string]bool{}
	endings := map[string]bool{}
	for _, f := range files {
		name := named[sumOf(f.data)]
		l := wanted[name]
		if name == "" || f.name != "" && f.name != name || l.Bytes != len(f.data) {
			e.t.Errorf("%q, of %d bytes, is not as any manifest says", f.name, len(f.data))
			continue
		}
		if seen[name] {
			again--
			continue
		}
		seen[name] = true
		if f.listed = l; l.Path == "" {
			continue // a manifest or sums
		}
		if f.name != "" {
			endings[name[strings.IndexByte(name, '.'):]] = true
		}
		f.name = name
		distinct = append(distinct, f)
	}
	if again < 0 {
		e.t.Errorf("%d more than may be lie there once more", -again)
	}
	if len(seen) != len(wanted) || len(distinct) == 0 {
		e.t.Errorf("%d files are there, the manifests name %d", len(seen), len(wanted))
	}
	if got := strings.Join(slices.Sorted(maps.Keys(endings)), " "); got != e.endings {
		e.t.Errorf("names end with %q, want %q", got, e.endings)
	}
	return distinct
}

// documents opens files as an archive does: it decrypts them, unzips them, and
// compares each zip with the .mf beside it.
func (e *eleven) documents(files []lying) (all []lying) {
	e.t.Helper()
	beside := map[string][]byte{}
	for _, f := range files {
		if stem, ok := strings.CutSuffix(f.name, ".mf"); ok {
			beside[stem] = f.data
		}
	}
	for _, f := range files {
		name, encrypted := strings.CutSuffix(f.name, ".pgp")
		if encrypted {
			f.data = e.key.decrypt(e.t, f.data)
			if c := f.listed.Clear; c == nil || c.Bytes != len(f.data) || c.SHA256 != sumOf(f.data) {
				e.t.Errorf("%s does not decrypt to what the manifest says", f.name)
			}
		}
		if stem, zipped := strings.CutSuffix(name, ".zip"); zipped {
			inside, names := unzip(e.t, f.data)
			want, is := beside[stem]
			if is != strings.Contains(e.endings, ".mf") || is && string(want) != fmt.Sprintf("Count: %d\n%s\n", len(names), strings.Join(names, "\n")) {
				e.t.Errorf("beside %s lies %q, inside are %q", f.name, want, names)
			}
			delete(beside, stem)
			all = append(all, inside...)
		} else if !strings.HasSuffix(name, ".mf") {
			all = append(all, f)
		}
	}
	if len(beside) > 0 {
		e.t.Errorf("%d .mf have no zip", len(beside))
	}
	return all
}

func unzip(t *testing.T, data []byte) (inside []lying, names []string) {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range in.File {
		r, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil || len(content) == 0 {
			t.Errorf("%s: %d bytes, %v", entry.Name, len(content), err)
		}
		r.Close()
		inside = append(inside, lying{name: entry.Name, data: content})
		names = append(names, entry.Name)
	}
	return inside, names
}
