//go:build unix

package exporter

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lpexport/archive"
)

// inspect looks at the archive as a stranger may see it at any instant, also
// while processes write to it: every bundle that is visible is whole, no number
// is left out, and what was seen before is as it was.
func (c *crash) inspect() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	serials := map[int]bool{}
	// Bundles that come while the folders are listed may show before those
	// numbered below them: the second list has these.
	before := c.visible()
	for _, dir := range c.visible() {
		sum, err := wholeBundle(dir, c.bundles[dir])
		if err != nil {
			c.t.Errorf("%s: %v", dir, err)
		}
		c.bundles[dir] = sum
		serials[serialOf(dir)] = true
	}
	last := 0
	for _, dir := range before {
		last = max(last, serialOf(dir))
	}
	for n := 1; n <= last; n++ {
		if !serials[n] {
			c.t.Errorf("bundle %d is not there, and %d is", n, last)
		}
	}
}

// visible lists the folders that a reader takes for bundles.
func (c *crash) visible() []string {
	c.t.Helper()
	dirs, err := filepath.Glob(filepath.Join(c.root, "local", "sandbox", "[0-9]*", "*", "*", "[^.]*"))
	if err != nil {
		c.t.Error(err)
	}
	return dirs
}

// serialOf is a bundle's number, 0 if it has none.
func serialOf(dir string) int {
	_, serial, _ := cutLast(filepath.Base(dir), "-")
	n, err := strconv.Atoi(serial)
	if err != nil {
		return 0
	}
	return n
}

// wholeBundle checks a bundle's files against its manifest and its SHA256SUMS,
// and returns the manifest's hash. One that was seen before, with that hash, is
// looked at only by its manifest.
func wholeBundle(dir, before string) (manifestSHA256 string, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, archive.ManifestFile))
	if err != nil {
		return before, err
	}
	sum := hexSum(raw)
	if before != "" {
		if before != sum {
			err = fmt.Errorf("its manifest was %s and is %s", before, sum)
		}
		return before, err
	}
	var m struct {
		Serial int
		Files  []struct {
			Path, SHA256 string
			Bytes        int
		}
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return sum, err
	}
	if m.Serial == 0 || m.Serial != serialOf(dir) {
		return sum, fmt.Errorf("its manifest has serial %d", m.Serial)
	}
	want := map[string]string{archive.ManifestFile: sum}
	for _, f := range m.Files {
		want[f.Path] = f.SHA256
	}
	return sum, sameSums(dir, want)
}

// sameSums checks that a folder holds exactly the files that are wanted and
// SHA256SUMS, which lists them.
func sameSums(dir string, want map[string]string) error {
	list, err := os.ReadFile(filepath.Join(dir, archive.SumsFile))
	if err != nil {
		return err
	}
	listed := map[string]string{}
	for line := range strings.Lines(string(list)) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		listed[name] = sum
	}
	if !maps.Equal(listed, want) {
		return fmt.Errorf("SHA256SUMS lists %v, the manifest %v", listed, want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == archive.SumsFile {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(raw)); got != want[e.Name()] {
			return fmt.Errorf("%s has the hash %s, want %s", e.Name(), got, want[e.Name()])
		}
		delete(want, e.Name())
	}
	if len(want) > 0 {
		return fmt.Errorf("not there: %v", slices.Sorted(maps.Keys(want)))
	}
	return nil
}
