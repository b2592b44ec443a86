package archive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
	"lpexport/archive/directory"
)

var twelve = archivetest.Archive{Account: "sandbox", Destination: "local", Bundles: 12, Slices: 6, Messages: 5, Seed: 3}

// verify returns the problems of what lies below root.
func verify(t testing.TB, root string) ([]archive.Problem, archive.Result) {
	t.Helper()
	var problems []archive.Problem
	src := directory.New(directory.Config{Path: root, Account: "sandbox", Name: "local"})
	result, err := archive.Verify(context.Background(), src, nil, func(p archive.Problem) { problems = append(problems, p) })
	if err != nil {
		t.Fatal(err)
	}
	return problems, result
}

// want fails unless there is exactly one problem, of the kind at the path.
func want(t testing.TB, problems []archive.Problem, kind, path string) {
	t.Helper()
	if len(problems) != 1 || problems[0].Kind != kind || problems[0].Path != path {
		t.Errorf("got %+v, want one %q at %s", problems, kind, path)
	}
}

func TestVerifyFindsNothingInASoundArchive(t *testing.T) {
	root := t.TempDir()
	archivetest.Write(t, root, twelve)
	other := twelve
	other.Destination = "local-b"
	archivetest.Write(t, root, other)
	problems, result := verify(t, root)
	if len(problems) > 0 {
		t.Errorf("problems: %+v", problems)
	}
	var size int64
	for _, name := range files(t, root) {
		size += int64(len(read(t, root, name)))
	}
	if want := (archive.Result{Bundles: 24, Files: 72, Bytes: size}); result != want {
		t.Errorf("result %+v, want %+v", result, want)
	}
}

// files returns all files below root.
func files(t testing.TB, root string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(root, func(name string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, rerr := filepath.Rel(root, name)
			names, err = append(names, filepath.ToSlash(rel)), rerr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestVerifyNamesTheFileOfEveryFlippedBit(t *testing.T) {
	root := t.TempDir()
	archivetest.Write(t, root, twelve)
	names := files(t, root)
	rng := rand.New(rand.NewPCG(1, 2))
	kinds := make(map[string]int)
	for range 1000 {
		name := names[rng.IntN(len(names))]
		kinds[filepath.Base(name)]++
		data := read(t, root, name)
		bit := rng.IntN(len(data) * 8)
		data[bit/8] ^= 1 << (bit % 8)
		write(t, data, root, name)
		problems, _ := verify(t, root)
		if len(problems) != 1 || problems[0].Path != name || problems[0].Kind != archive.Damaged {
			t.Errorf("bit %d of %s: %+v", bit, name, problems)
		}
		data[bit/8] ^= 1 << (bit % 8)
		write(t, data, root, name)
	}
	if len(kinds) != 3 {
		t.Errorf("only these files were damaged: %v", kinds)
	}
}

func write(t testing.TB, data []byte, path ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(path...), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestVerifyNamesWhatIsWrongWithFolders(t *testing.T) {
	const lines, manifest, sums = "/" + archive.TranscriptsFile, "/" + archive.ManifestFile, "/" + archive.SumsFile
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, root string, bundles []string)
		kind   string
		path   func(bundles []string) string
	}{
		{"bundle dropped", func(t *testing.T, root string, b []string) {
			must(t, os.RemoveAll(filepath.Join(root, b[4])))
		}, archive.Missing, func([]string) string { return "sandbox/local-000000005" }},
		{"first bundle dropped", func(t *testing.T, root string, b []string) {
			must(t, os.RemoveAll(filepath.Join(root, b[0])))
		}, archive.Missing, func([]string) string { return "sandbox/local-000000001" }},
		{"manifest dropped", func(t *testing.T, root string, b []string) {
			must(t, os.Remove(filepath.Join(root, b[4]+manifest)))
		}, archive.Missing, func([]string) string { return "sandbox/local-000000005" }},
		{"transcripts dropped", func(t *testing.T, root string, b []string) {
			must(t, os.Remove(filepath.Join(root, b[4]+lines)))
		}, archive.Missing, func(b []string) string { return b[4] + lines }},
		{"sums dropped", func(t *testing.T, root string, b []string) {
			must(t, os.Remove(filepath.Join(root, b[4]+sums)))
		}, archive.Missing, func(b []string) string { return b[4] + sums }},
		{"transcripts truncated", func(t *testing.T, root string, b []string) {
			must(t, os.Truncate(filepath.Join(root, b[4]+lines), 1000))
		}, archive.Damaged, func(b []string) string { return b[4] + lines }},
		{"transcripts a line short", func(t *testing.T, root string, b []string) {
			data := read(t, root, b[4]+lines)
			write(t, data[:bytes.LastIndexByte(data[:len(data)-1], '\n')+1], root, b[4]+lines)
		}, archive.Damaged, func(b []string) string { return b[4] + lines }},
		{"manifest emptied", func(t *testing.T, root string, b []string) {
			write(t, nil, root, b[4]+manifest)
		}, archive.Damaged, func(b []string) string { return b[4] + manifest }},
		{"manifest truncated", func(t *testing.T, root string, b []string) {
			must(t, os.Truncate(filepath.Join(root, b[4]+manifest), 700))
		}, archive.Damaged, func(b []string) string { return b[4] + manifest }},
		{"sums emptied", func(t *testing.T, root string, b []string) {
			write(t, nil, root, b[4]+sums)
		}, archive.Damaged, func(b []string) string { return b[4] + sums }},
		{"sums without the manifest", func(t *testing.T, root string, b []string) {
			data := read(t, root, b[4]+sums)
			write(t, data[:bytes.IndexByte(data, '\n')+1], root, b[4]+sums)
		}, archive.Damaged, func(b []string) string { return b[4] + sums }},
		{"extra file", func(t *testing.T, root string, b []string) {
			write(t, []byte("x"), root, b[4]+"/more.txt")
		}, archive.Extra, func(b []string) string { return b[4] + "/more.txt" }},
		{"link instead of a file", func(t *testing.T, root string, b []string) {
			must(t, os.Rename(filepath.Join(root, b[4]+lines), filepath.Join(root, "elsewhere")))
			must(t, os.Symlink(filepath.Join(root, "elsewhere"), filepath.Join(root, b[4]+lines)))
		}, archive.Unreadable, func(b []string) string { return b[4] + lines }},
		{"copied to another day", func(t *testing.T, root string, b []string) {
			to := filepath.Join(root, "sandbox/2027/01/01", filepath.Base(b[4]))
			must(t, os.MkdirAll(filepath.Dir(to), 0o700))
			must(t, os.CopyFS(to, os.DirFS(filepath.Join(root, b[4]))))
		}, archive.Misnumber, nil},
		{"unfinished work", func(t *testing.T, root string, b []string) {
			write(t, []byte("x"), root, b[4]+"/.left")
			must(t, os.Mkdir(filepath.Join(root, "sandbox/.local-000000013.1"), 0o700))
		}, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			bundles := archivetest.Write(t, root, twelve)
			test.damage(t, root, bundles)
			problems, _ := verify(t, root)
			switch {
			case test.kind == "":
				if len(problems) > 0 {
					t.Errorf("problems: %+v", problems)
				}
			case test.path != nil:
				want(t, problems, test.kind, test.path(bundles))
			default:
				if !slices.ContainsFunc(problems, func(p archive.Problem) bool { return p.Kind == test.kind }) {
					t.Errorf("got %+v, want a %q", problems, test.kind)
				}
			}
		})
	}
}

func TestVerifyNamesSwappedBundles(t *testing.T) {
	root := t.TempDir()
	bundles := archivetest.Write(t, root, twelve)
	a, b, temp := filepath.Join(root, bundles[3]), filepath.Join(root, bundles[7]), filepath.Join(root, "temp")
	must(t, errors.Join(os.Rename(a, temp), os.Rename(b, a), os.Rename(temp, b)))
	problems, _ := verify(t, root)
	var paths []string
	for _, p := range problems {
		paths = append(paths, p.Path)
	}
	if want := []string{bundles[3] + "/" + archive.ManifestFile, bundles[7] + "/" + archive.ManifestFile}; !slices.Equal(paths, want) {
		t.Errorf("got %+v, want one at each of %q", problems, want)
	}
}

// A bundle that is sound in itself, but not the one that was delivered.
func TestVerifyFindsAReplacedBundle(t *testing.T) {
	root, other := t.TempDir(), t.TempDir()
	bundles := archivetest.Write(t, root, twelve)
	changed := twelve
	changed.Seed, changed.Bundles = 4, 1
	first := archivetest.Write(t, other, changed)[0]
	must(t, os.RemoveAll(filepath.Join(root, bundles[0])))
	must(t, os.CopyFS(filepath.Join(root, bundles[0]), os.DirFS(filepath.Join(other, first))))
	problems, _ := verify(t, root)
	at := slices.IndexFunc(problems, func(p archive.Problem) bool { return p.Kind == archive.Broken })
	if at < 0 || problems[at].Path != bundles[0]+"/"+archive.ManifestFile {
		t.Errorf("got %+v", problems)
	}
}

// one makes an archive of one conversation with a bundle for each change of its
// slices, and returns its root and the bundles' paths.
func one(t *testing.T, heads func(i int, h *archive.Head), all ...[]archive.Slice) (string, []string) {
	t.Helper()
	root := t.TempDir()
	var paths []string
	var previous *archive.Previous
	for i, slices := range all {
		head := archive.Head{
			Serial: i + 1, Account: "sandbox", Destination: "local", Archive: "generic",
			SettingsSHA256: strings.Repeat("0", 64), Generator: "g", Origin: "o",
			Created: time.UnixMilli(int64(i + 1)), Previous: previous,
		}
		if heads != nil {
			heads(i, &head)
		}
		path := archive.BundlePath("sandbox", "local", i+1, head.Created)
		must(t, os.MkdirAll(filepath.Join(root, path), 0o700))
		r := archivetest.Render(t, filepath.Join(root, path), head, slices)
		previous = &archive.Previous{Bundle: archive.BundleName("local", i+1), SHA256: r.ManifestSHA256}
		paths = append(paths, path)
	}
	return root, paths
}

func sliceOf(number int, messages ...archive.Message) []archive.Slice {
	return []archive.Slice{{Account: "sandbox", Conversation: "c", Number: number, Revision: number, Messages: messages}}
}

func TestVerifyFindsWhatWasDeliveredWrongly(t *testing.T) {
	plain := archive.Message{Dialog: "d", Sequence: 5, Text: "x"}
	amended, variant, derived := plain, plain, plain
	amended.Amends = 1
	variant.Variant = 2
	derived.Derived = "ab"
	joined := sliceOf(1)
	joined[0].Happened = []archive.Happening{{Name: "joined@1/x", Kind: archive.Joined}}
	again := sliceOf(2)
	again[0].Happened = joined[0].Happened
	foreign := sliceOf(1)
	foreign[0].Account = "other"
	origins := func(i int, h *archive.Head) { h.Origin = fmt.Sprint(i) }
	previous := func(i int, h *archive.Head) {
		if i > 0 {
			h.Previous.Bundle = "local-000000009"
		}
	}
	for name, test := range map[string]struct {
		heads func(int, *archive.Head)
		all   [][]archive.Slice
		kind  string
		at    int
		file  string
	}{
		"sound":                  {nil, [][]archive.Slice{sliceOf(1, plain), sliceOf(2, amended, variant)}, "", 0, ""},
		"amended in one slice":   {nil, [][]archive.Slice{sliceOf(1, plain, amended)}, "", 0, ""},
		"message twice":          {nil, [][]archive.Slice{sliceOf(1, plain), sliceOf(2, plain)}, archive.Repeated, 1, archive.TranscriptsFile},
		"variant twice":          {nil, [][]archive.Slice{sliceOf(1, variant), sliceOf(2, variant)}, archive.Repeated, 1, archive.TranscriptsFile},
		"derived twice":          {nil, [][]archive.Slice{sliceOf(1, derived), sliceOf(2, derived)}, archive.Repeated, 1, archive.TranscriptsFile},
		"happening twice":        {nil, [][]archive.Slice{joined, again}, archive.Repeated, 1, archive.TranscriptsFile},
		"twice in a slice":       {nil, [][]archive.Slice{sliceOf(1, plain, plain)}, archive.Repeated, 0, archive.TranscriptsFile},
		"amends nothing":         {nil, [][]archive.Slice{sliceOf(1, amended)}, archive.Misnamed, 0, archive.TranscriptsFile},
		"slice left out":         {nil, [][]archive.Slice{sliceOf(1), sliceOf(3)}, archive.Misnumber, 1, archive.TranscriptsFile},
		"slice number again":     {nil, [][]archive.Slice{sliceOf(1), sliceOf(1)}, archive.Misnumber, 1, archive.TranscriptsFile},
		"another account":        {nil, [][]archive.Slice{foreign}, archive.Misnamed, 0, archive.TranscriptsFile},
		"another origin":         {origins, [][]archive.Slice{sliceOf(1), sliceOf(2)}, archive.Foreign, 1, archive.ManifestFile},
		"another bundle before":  {previous, [][]archive.Slice{sliceOf(1), sliceOf(2)}, archive.Broken, 1, archive.ManifestFile},
		"nothing but happenings": {nil, [][]archive.Slice{joined}, "", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			root, paths := one(t, test.heads, test.all...)
			problems, _ := verify(t, root)
			if test.kind == "" {
				if len(problems) > 0 {
					t.Errorf("problems: %+v", problems)
				}
				return
			}
			want(t, problems, test.kind, paths[test.at]+"/"+test.file)
		})
	}
}

// A manifest that is sound in itself and was rendered with its bundle, but does
// not say what the transcripts hold.
func TestVerifyComparesManifestAndTranscripts(t *testing.T) {
	slice := sliceOf(1, archive.Message{Dialog: "d", Sequence: 5, SentAt: 7, Text: "x"})[0]
	line, err := archive.AppendLine(nil, &slice)
	must(t, err)
	for name, test := range map[string]struct {
		change func(*archive.Listing, *archive.Counts)
		kind   string
		file   string
	}{
		"dialog":       {func(l *archive.Listing, _ *archive.Counts) { l.Dialogs[0].ID = "e" }, archive.Misnamed, archive.TranscriptsFile},
		"sequence":     {func(l *archive.Listing, _ *archive.Counts) { l.Dialogs[0].Sequences.Add(6) }, archive.Misnamed, archive.TranscriptsFile},
		"revision":     {func(l *archive.Listing, _ *archive.Counts) { l.Revision++ }, archive.Misnamed, archive.TranscriptsFile},
		"conversation": {func(l *archive.Listing, _ *archive.Counts) { l.Conversation += "x" }, archive.Misnamed, archive.TranscriptsFile},
		"happened":     {func(l *archive.Listing, _ *archive.Counts) { l.Happened = []string{"closed@1/x"} }, archive.Misnamed, archive.TranscriptsFile},
		"totals":       {func(_ *archive.Listing, c *archive.Counts) { c.Messages++ }, archive.Miscounted, archive.ManifestFile},
		"period":       {func(_ *archive.Listing, c *archive.Counts) { c.To++ }, archive.Miscounted, archive.ManifestFile},
	} {
		t.Run(name, func(t *testing.T) {
			root, paths := one(t, nil, nil)
			dir := filepath.Join(root, paths[0])
			must(t, os.RemoveAll(dir))
			must(t, os.Mkdir(dir, 0o700))
			w, err := archive.NewWriter(dir, archive.Head{
				Serial: 1, Account: "sandbox", Destination: "local", Archive: "generic",
				SettingsSHA256: strings.Repeat("0", 64), Generator: "g", Origin: "o", Created: time.UnixMilli(1),
			}, archive.Shape{Format: archive.JSONL{}})
			must(t, err)
			l, c := archive.ListingOf(&slice), archive.CountsOf(&slice)
			test.change(&l, &c)
			must(t, w.Add(line, l.Append(nil), c))
			_, err = w.Close()
			must(t, err)
			problems, _ := verify(t, root)
			want(t, problems, test.kind, paths[0]+"/"+test.file)
		})
	}
}

// stop is a Source whose reading is cancelled after some bytes.
type stop struct {
	archive.Source
	cancel context.CancelFunc
}

func (s *stop) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	if strings.HasSuffix(path, archive.TranscriptsFile) {
		s.cancel()
	}
	return s.Source.Open(ctx, path)
}

func TestVerifyStops(t *testing.T) {
	root := t.TempDir()
	archivetest.Write(t, root, twelve)
	ctx, cancel := context.WithCancel(context.Background())
	src := &stop{directory.New(directory.Config{Path: root, Account: "sandbox"}), cancel}
	result, err := archive.Verify(ctx, src, nil, func(p archive.Problem) { t.Errorf("reported on the way out: %+v", p) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if result.Bundles == 12 {
		t.Error("went on to the end")
	}
}

func TestProblemsAreJSONAsAgreed(t *testing.T) {
	got, err := json.Marshal(archive.Problem{Kind: archive.Missing, Path: "p", Detail: "d"})
	if want := `{"kind":"missing","path":"p","detail":"d"}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}
