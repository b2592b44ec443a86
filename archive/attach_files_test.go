package archive_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
)

// mask is a seal that anybody can open: what it makes follows from its key, the
// name and the bytes. The name stands in front.
type mask struct{ key byte }

func (mask) Extension() string { return ".mask" }

func (m mask) Encrypt(w io.Writer, name string) (io.WriteCloser, error) {
	_, err := fmt.Fprintf(w, "%c%s\n", m.key, name)
	return masking{w, m.key}, err
}

type masking struct {
	w   io.Writer
	key byte
}

func (m masking) Write(p []byte) (int, error) {
	q := bytes.Clone(p)
	for i := range q {
		q[i] ^= m.key
	}
	return m.w.Write(q)
}

func (masking) Close() error { return nil }

// unmask returns the name and the bytes that were sealed.
func unmask(data []byte) (name string, clear []byte) {
	head, rest, _ := bytes.Cut(data, []byte("\n"))
	clear = bytes.Clone(rest)
	for i := range clear {
		clear[i] ^= head[0]
	}
	return string(head[1:]), clear
}

// unpack returns everything that a bundle holds by its name, the entries of zips
// without that of their zip. Of what is sealed it is the name inside.
func unpack(t testing.TB, dir string, made archive.Rendered, seal archive.Seal) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, f := range made.Files {
		name, data := f.Path, read(t, dir, f.Path)
		if seal != nil && path.Ext(name) == seal.Extension() {
			name, data = unmask(data)
		}
		if path.Ext(name) != ".zip" {
			all[name] = string(data)
			continue
		}
		in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		must(t, err)
		for _, e := range in.File {
			r, err := e.Open()
			must(t, err)
			text, err := io.ReadAll(r)
			must(t, err)
			all[e.Name] = string(text)
		}
	}
	return all
}

func wantFiles(t testing.TB, what string, got, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

// album makes of conversation n a document that names its own attachment, one
// that all share, twice, and one without content.
type album struct {
	contents shelf
	shared   *archive.Attachment
	own      map[string]*archive.Attachment
}

func newAlbum(n int) *album {
	a := &album{contents: shelf{}, own: map[string]*archive.Attachment{}}
	a.shared = a.contents.put(3000, 99)
	for i := range n {
		a.own[fmt.Sprint(i+1)] = a.contents.put(1000*(i%3), byte(i)) // each third one the empty file
	}
	return a
}

func (a *album) docs(s *archive.Slice) []archive.Document {
	own := a.own[s.Conversation]
	return []archive.Document{{Bytes: []byte(own.Name + "," + a.shared.Name + "\n"), Beside: []*archive.Attachment{own, a.shared, own}}}
}

func (a *album) shape(joined string, packing archive.Packing, seal archive.Seal, unique bool) archive.Shape {
	return archive.Shape{Format: scripted{joined, a.docs}, Packing: packing, Seal: seal, Unique: unique, Contents: a.contents.open}
}

// want is what lies there in the end, however it is packed.
func (a *album) want(n int, joined string) map[string]string {
	want := map[string]string{a.shared.Name: string(a.contents[a.shared.SHA256])}
	for i := range n {
		own := a.own[fmt.Sprint(i+1)]
		want[own.Name] = string(a.contents[own.SHA256])
		text := own.Name + "," + a.shared.Name + "\n"
		if joined == "" {
			want[fmt.Sprintf("local-000000001-%06d.doc", i+1)] = text
		} else {
			want[joined] += text
		}
	}
	if joined != "" {
		want[joined] = "<head>" + want[joined] + "<tail>"
	}
	return want
}

func TestAttachmentsBesideLieThereOnce(t *testing.T) {
	const n = 7
	a := newAlbum(n)
	for _, joined := range []string{"", "all.doc"} {
		for _, zipped := range []bool{false, true} {
			for _, seal := range []archive.Seal{nil, mask{5}} {
				what := fmt.Sprintf("joined %q, zip %v, seal %v", joined, zipped, seal)
				shape := a.shape(joined, archive.Packing{Zip: zipped}, seal, false)
				dir, made, err := pack(t, shape, n)
				must(t, err)
				wantFiles(t, what, unpack(t, dir, made, seal), a.want(n, joined))
				again, _, err := pack(t, shape, n)
				must(t, err)
				wantFiles(t, what+", again", folder(t, again), folder(t, dir))
				wantListed(t, what, dir, made)
			}
		}
	}
}

// folder returns the files of a folder.
func folder(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range files(t, dir) {
		all[name] = string(read(t, dir, name))
	}
	return all
}

// wantListed wants every file in the manifest and in SHA256SUMS, with the hash
// that it has.
func wantListed(t *testing.T, what, dir string, made archive.Rendered) {
	t.Helper()
	m, err := archive.ParseManifest(read(t, dir, archive.ManifestFile))
	must(t, err)
	sums := map[string]string{}
	for text := range strings.Lines(string(read(t, dir, archive.SumsFile))) {
		sha, name, _ := strings.Cut(strings.TrimSuffix(text, "\n"), "  ")
		sums[name] = sha
	}
	var size int64
	for i, f := range m.Files {
		data := read(t, dir, f.Path)
		if sha := fmt.Sprintf("%x", sha256.Sum256(data)); sha != f.SHA256 || sha != sums[f.Path] || int64(len(data)) != f.Bytes {
			t.Errorf("%s: %s is listed as %+v and %s", what, f.Path, f, sums[f.Path])
		}
		if diff := cmp.Diff(made.Files[i].FileInfo, f); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
		if f.Clear != nil {
			_, clear := unmask(data)
			if sha := fmt.Sprintf("%x", sha256.Sum256(clear)); sha != f.Clear.SHA256 || int64(len(clear)) != f.Clear.Bytes {
				t.Errorf("%s: %s has other clear bytes", what, f.Path)
			}
		}
		size += f.Bytes
	}
	if there := len(files(t, dir)); there != len(m.Files)+2 || len(sums) != len(m.Files)+1 || m.Totals.Files != len(m.Files) || m.Totals.Bytes != size {
		t.Errorf("%s: %d files are there, %d listed, %d in SHA256SUMS, totals %+v", what, there, len(m.Files), len(sums), m.Totals)
	}
}

// An importer of a flat folder must not meet a document whose files are still to come.
func TestAttachmentsComeBeforeTheirDocuments(t *testing.T) {
	const n = 4
	a := newAlbum(n)
	for _, joined := range []string{"", "all.doc"} {
		dir, made, err := pack(t, a.shape(joined, archive.Packing{}, nil, true), n)
		must(t, err)
		seen := map[string]bool{}
		for _, f := range made.Files {
			seen[f.Path] = true
			if path.Ext(f.Path) != ".doc" {
				continue
			}
			for name := range strings.FieldsFuncSeq(strings.NewReplacer("<head>", "", "<tail>", "").Replace(string(read(t, dir, f.Path))),
				func(r rune) bool { return strings.ContainsRune(",\n", r) }) {
				if !seen[name] {
					t.Errorf("joined %q: %s stands before %s", joined, f.Path, name)
				}
			}
		}
	}
}

// In one folder, a name is never used for other bytes: what two bundles share is
// the same file, or has a name of each.
func TestAttachmentsOfTwoBundlesInOneFolder(t *testing.T) {
	const n = 3
	a := newAlbum(n)
	for _, seals := range [][2]archive.Seal{{nil, nil}, {mask{5}, mask{6}}} {
		together := map[string]string{}
		for i, seal := range seals {
			dir, err := t.TempDir(), error(nil)
			made := packInto(t, dir, i+1, a.shape("all.doc", archive.Packing{}, seal, true), n, &err)
			must(t, err)
			for _, f := range made.Files {
				data := string(read(t, dir, f.Path))
				if other, there := together[f.Path]; there && other != data {
					t.Errorf("%s has other bytes in the second bundle", f.Path)
				}
				together[f.Path] = data
			}
			inside := unpack(t, dir, made, seal)
			if _, there := inside[a.shared.Name]; !there {
				t.Errorf("%s is called otherwise inside: %q", a.shared.Name, slices.Sorted(maps.Keys(inside)))
			}
		}
		if want := 2 + n + 1; seals[0] == nil && len(together) != want {
			t.Errorf("%d files in the clear, want %d: %q", len(together), want, slices.Sorted(maps.Keys(together)))
		}
	}
}
