package profile_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
	"lpexport/archive/archivetest"
	"lpexport/archive/pgp"
	"lpexport/archive/profile"
)

// goldenBundles are bundles as they were frozen, and what they were rendered to.
type goldenBundles struct {
	Renderer int             `json:"renderer"`
	Bundles  []*goldenBundle `json:"bundles"`
}

type goldenBundle struct {
	Name      string            `json:"name"`
	Unique    bool              `json:"unique"`
	Rendering json.RawMessage   `json:"rendering"` // frozen
	Seal      json.RawMessage   `json:"seal,omitempty"`
	Files     map[string]string `json:"files"` // SHA-256 by name, the manifest among them
}

var goldenFile = filepath.Join(root, "testdata", "renderer.json")

// TestRendererGivesTheSameBytes renders bundles of every archive again that were
// frozen before, on whatever machine, with whatever Go, this is. Where a file has
// other bytes, archive.Renderer must be raised; then -update writes the new ones.
func TestRendererGivesTheSameBytes(t *testing.T) {
	golden := readGolden(t)
	if *update {
		golden = updateGolden(t, golden)
	}
	if golden.Renderer != archive.Renderer {
		t.Fatalf("these are bundles of renderer %d, this is %d: run with -update", golden.Renderer, archive.Renderer)
	}
	var names []string
	for _, g := range golden.Bundles {
		names = append(names, g.Name)
		if len(g.Files) < 2 {
			t.Errorf("%s has no files", g.Name)
		}
		if diff := cmp.Diff(g.Files, g.render(t)); diff != "" {
			t.Errorf("%s: its bytes have changed: raise archive.Renderer, then run with -update\n%s", g.Name, diff)
		}
	}
	var want []string
	for _, g := range frozenToday(t) {
		want = append(want, g.Name)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("other archives, ways or formats: run with -update\n%s", diff)
	}
}

// otherZones tells the test below that it is the one with other time zones.
const otherZones = "LPEXPORT_TEST_OTHER_ZONES"

// TestRendererAsksNoTimeZones renders them where London keeps the time of India,
// and where no zone is known.
func TestRendererAsksNoTimeZones(t *testing.T) {
	if os.Getenv(otherZones) != "" {
		london, err := time.LoadLocation("Europe/London")
		if err != nil {
			t.Fatal(err)
		}
		if _, seconds := time.UnixMilli(begin).In(london).Zone(); seconds != 19800 {
			t.Fatalf("London is %d s ahead of UTC: the other zones are not used", seconds)
		}
		TestRendererGivesTheSameBytes(t)
		return
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "Europe"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Europe", "London"), zoneFile(19800), 0o644); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestRendererAsksNoTimeZones$")
	cmd.Env = append(os.Environ(), otherZones+"=1", "ZONEINFO="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// zoneFile is a zone that never changes (RFC 8536).
func zoneFile(seconds int32) []byte {
	b := append([]byte("TZif"), make([]byte, 16)...)
	for _, count := range []uint32{0, 0, 0, 0, 1, 4} {
		b = binary.BigEndian.AppendUint32(b, count)
	}
	return append(binary.BigEndian.AppendUint32(b, uint32(seconds)), 0, 0, 'I', 'S', 'T', 0)
}

func readGolden(t *testing.T) (golden goldenBundles) {
	t.Helper()
	data, err := os.ReadFile(goldenFile)
	if err == nil {
		err = json.Unmarshal(data, &golden)
	}
	if err != nil && !*update {
		t.Fatal(err)
	}
	return golden
}

// updateGolden writes the bundles of today. Bytes never change under one number.
func updateGolden(t *testing.T, golden goldenBundles) goldenBundles {
	t.Helper()
	kept := map[string]*goldenBundle{}
	for _, g := range golden.Bundles {
		if golden.Renderer == archive.Renderer {
			kept[g.Name] = g
		}
	}
	updated := goldenBundles{Renderer: archive.Renderer, Bundles: frozenToday(t)}
	for i, g := range updated.Bundles {
		if before := kept[g.Name]; before != nil {
			updated.Bundles[i] = before
		} else {
			g.Files = g.render(t)
		}
	}
	var lines []string
	for _, g := range updated.Bundles {
		line, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	data := fmt.Appendf(nil, "{\"renderer\": %d, \"bundles\": [\n%s\n]}\n", updated.Renderer, strings.Join(lines, ",\n"))
	if err := os.WriteFile(goldenFile, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return updated
}

// frozenToday freezes a bundle for every way and format of every archive, and of
// one a bundle that is encrypted.
func frozenToday(t *testing.T) (all []*goldenBundle) {
	t.Helper()
	add := func(name string, r profile.Rendering, w profile.Way) *goldenBundle {
		r = own(r)
		if r.Mail != nil {
			r.Mail.Zone = "Europe/London"
		}
		r, err := r.Frozen(time.UnixMilli(begin))
		if err != nil {
			t.Fatal(err)
		}
		frozen, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		g := &goldenBundle{Name: name, Unique: w.Layout != profile.LayoutBundle, Rendering: frozen}
		all = append(all, g)
		return g
	}
	for _, p := range profile.All() {
		for _, w := range p.Ways {
			for _, f := range renderings(p) {
				r, ok := p.As(f.Format(), w)
				if !ok {
					continue
				}
				add(fmt.Sprintf("%s by %s, %s, %s", p.Name, w.Transport, w.Layout, r.Format()), r, w)
				if r.Packing.Zip = !w.Zip; r.Format() != profile.FormatJSONL && w.Layout != profile.LayoutMails {
					add(fmt.Sprintf("%s by %s, %s, %s, zip %t", p.Name, w.Transport, w.Layout, r.Format(), !w.Zip), r, w)
				}
			}
		}
	}
	seal, err := os.ReadFile(filepath.Join(root, "archive", "pgp", "testdata", "seal.json"))
	if err != nil {
		t.Fatal(err)
	}
	aca := find(t, "aca-compliancealpha")
	w, _ := aca.On("sftp", "")
	r, _ := aca.As("", w)
	add("encrypted", r, w).Seal = seal
	return all
}

// render writes the bundle as it was frozen.
func (g *goldenBundle) render(t *testing.T) map[string]string {
	t.Helper()
	var r profile.Rendering
	if err := json.Unmarshal(g.Rendering, &r); err != nil {
		t.Fatal(err)
	}
	shape, err := r.Shape()
	if err != nil {
		t.Fatalf("%s: %v", g.Name, err)
	}
	if len(g.Seal) > 0 {
		var sealed pgp.Sealed
		if err := json.Unmarshal(g.Seal, &sealed); err != nil {
			t.Fatal(err)
		}
		shape.Seal = sealed
	}
	shape.Unique, shape.Contents = g.Unique, contentsOf(letter)
	dir := t.TempDir()
	made := archivetest.RenderAs(t, dir, archive.Head{
		Serial: 7, Account: "12345678", Destination: "compliance", Archive: "any", SettingsSHA256: strings.Repeat("0", 64),
		Generator: "lpexport test", Origin: "origin", Created: time.UnixMilli(begin),
		Previous: &archive.Previous{Bundle: "compliance-000000006", SHA256: strings.Repeat("1", 64)},
	}, shape, goldenSlices())
	files := map[string]string{archive.ManifestFile: made.ManifestSHA256}
	for _, f := range made.Files {
		files[f.Path] = f.SHA256
	}
	return files
}

// goldenSlices have files, other scripts, times of summer, a long id, and no small
// number of entries and of people.
func goldenSlices() []archive.Slice {
	summer, long := closing(), conversation()
	summer.Conversation = "in summer"
	const halfYear = 182 * 24 * 60 * 60 * 1000
	for i := range summer.Messages {
		summer.Messages[i].SentAt += halfYear
	}
	long.Conversation = "Ω-long"
	for i := range int64(500) {
		long.Messages = append(long.Messages, message(&long, 100+i, agent, strings.Repeat(fmt.Sprintf("line %d, ünïcode 😀 = . \n", i), int(i%7)+1)))
	}
	many := crowd(600)
	many.Conversation = strings.Repeat("x", 400)
	return []archive.Slice{fetched(), closing(), summer, long, many}
}
