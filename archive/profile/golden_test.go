package profile_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lpexport/archive/profile"
)

// The same slices as every archive gets them. A change here is a change of what
// archives receive: look at each before -update.
func TestGolden(t *testing.T) {
	for _, p := range profile.All() {
		t.Run(p.Name, func(t *testing.T) {
			compare(t, filepath.Join(profiles, p.Name, "golden"), documents(t, p))
		})
	}
}

// documents renders the fixtures in each format of a row: a file for each
// document, or the one that they are joined in.
func documents(t *testing.T, p profile.Profile) map[string][]byte {
	files := make(map[string][]byte)
	for _, r := range renderings(p) {
		r = own(r)
		shape, err := r.Shape()
		if err != nil {
			t.Fatal(err)
		}
		docs := render(t, r, conversation(), closing())
		if file, head, tail := shape.Format.Joined(); file != "" {
			files[file] = slices.Concat([]byte(head), bytes.Join(docs, nil), []byte(tail))
			continue
		}
		for i, doc := range docs {
			files[fmt.Sprintf("%d%s", i+1, shape.Format.Extension())] = doc
		}
	}
	return files
}

func compare(t *testing.T, dir string, want map[string][]byte) {
	if *update {
		write(t, dir, want)
	}
	got := make(map[string][]byte)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if got[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if want[name] == nil {
			t.Errorf("%s is not rendered any more", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !bytes.Equal(got[name], want[name]) {
			t.Errorf("%s is rendered differently", filepath.Join(dir, name))
		}
	}
}

func write(t *testing.T, dir string, files map[string][]byte) {
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
