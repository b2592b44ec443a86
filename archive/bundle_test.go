package archive_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

var small = archivetest.Archive{Account: "sandbox", Destination: "local", Bundles: 3, Slices: 5, Messages: 4, Seed: 7}

func read(t testing.TB, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestBundlePathIsTheUTCDay(t *testing.T) {
	zone := time.FixedZone("", -5*3600)
	at := time.Date(2026, 1, 31, 23, 0, 0, 0, zone)
	if got := archive.BundlePath("sandbox", "local", 12, at); got != "sandbox/2026/02/01/local-000000012" {
		t.Errorf("got %s", got)
	}
	for path, want := range map[string]bool{
		"sandbox/2026/02/01/local-000000012":   true,
		"sandbox/2026/02/01/a-b-1234567890":    true,
		"sandbox/2026/02/30/local-000000012":   false,
		"sandbox/2026/02/01/local-000000000":   false,
		"sandbox/2026/02/01/local-12":          false,
		"sandbox/2026/02/01/x/local-000000012": false,
		"../2026/02/01/local-000000012":        false,
		"sandbox/2026/02/01/.local-000000012":  false,
	} {
		if archive.IsBundlePath(path) != want {
			t.Errorf("IsBundlePath(%q) = %v", path, !want)
		}
	}
}

func TestBundleIsDeterministicAndComplete(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	paths := archivetest.Write(t, one, small)
	archivetest.Write(t, two, small)
	for _, path := range paths {
		entries, err := os.ReadDir(filepath.Join(one, path))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
			if !bytes.Equal(read(t, one, path, e.Name()), read(t, two, path, e.Name())) {
				t.Errorf("%s/%s differs from run to run", path, e.Name())
			}
		}
		if got := strings.Join(names, " "); got != "SHA256SUMS manifest.json transcripts.jsonl" {
			t.Errorf("%s holds %s", path, got)
		}
	}
}

func TestSumsNameEveryFileButThemselves(t *testing.T) {
	root := t.TempDir()
	path := archivetest.Write(t, root, small)[0]
	var want strings.Builder
	for _, name := range []string{archive.TranscriptsFile, archive.ManifestFile} {
		sum := sha256.Sum256(read(t, root, path, name))
		want.WriteString(hex.EncodeToString(sum[:]) + "  " + name + "\n")
	}
	if got := string(read(t, root, path, archive.SumsFile)); got != want.String() {
		t.Errorf("got\n%s\nwant\n%s", got, want.String())
	}
}

func TestManifestIsAsAgreed(t *testing.T) {
	root := t.TempDir()
	paths := archivetest.Write(t, root, small)
	data := read(t, root, paths[1], archive.ManifestFile)
	if got := topLevel(t, data); got != "schema bundle serial account destination archive settings_sha256 generator "+
		"created origin period previous files slices totals" {
		t.Errorf("members: %s", got)
	}
	m, err := archive.ParseManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	first := sha256.Sum256(read(t, root, paths[0], archive.ManifestFile))
	if m.Previous == nil || m.Previous.SHA256 != hex.EncodeToString(first[:]) || m.Previous.Bundle != "local-000000001" {
		t.Errorf("previous is %+v", m.Previous)
	}
	size := int64(len(read(t, root, paths[1], archive.TranscriptsFile)))
	// 5 slices of 4 messages, two of them with a variant and one with an amendment.
	if want := (archive.Totals{Conversations: 5, Messages: 23, Amendments: 1, Files: 1, Bytes: size}); m.Totals != want {
		t.Errorf("totals %+v, want %+v", m.Totals, want)
	}
	from := time.Date(2026, 1, 30, 22, 2, 0, 0, time.UTC).UnixMilli()
	if m.Period != (archive.Period{From: from, To: from + 3}) {
		t.Errorf("period %+v", m.Period)
	}
	if got := m.Slices[0].Dialogs[0]; got.Sequences.String() != "8,10,12,14" || len(got.Variants) != 1 || got.Variants[0] != (archive.Variant{Sequence: 8, Number: 2}) {
		t.Errorf("first dialog %+v", got)
	}
}

// topLevel returns the names of an object's members in their order.
func topLevel(t *testing.T, data []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
	}
	return strings.Join(names, " ")
}

func TestEmptyBundleHasNoNullLists(t *testing.T) {
	dir := t.TempDir()
	head := archive.Head{
		Serial: 1, Account: "a", Destination: "d", Archive: "generic", SettingsSHA256: strings.Repeat("0", 64),
		Generator: "g", Origin: "o", Created: time.UnixMilli(1),
	}
	archivetest.Render(t, dir, head, nil)
	data := string(read(t, dir, archive.ManifestFile))
	for _, want := range []string{`"period":{"from":null,"to":null}`, `"previous":null`, `"slices":[]`} {
		if !strings.Contains(data, want) {
			t.Errorf("%s is missing in %s", want, data)
		}
	}
	if _, err := archive.ParseManifest([]byte(data)); err != nil {
		t.Error(err)
	}
}

func TestWriterRefuses(t *testing.T) {
	good := archive.Head{
		Serial: 1, Account: "a", Destination: "d", Archive: "generic", SettingsSHA256: strings.Repeat("0", 64),
		Generator: "g", Origin: "o", Created: time.UnixMilli(1),
	}
	for name, change := range map[string]func(*archive.Head){
		"serial":      func(h *archive.Head) { h.Serial = 0 },
		"account":     func(h *archive.Head) { h.Account = "../a" },
		"destination": func(h *archive.Head) { h.Destination = ".d" },
		"settings":    func(h *archive.Head) { h.SettingsSHA256 = "x" },
		"origin":      func(h *archive.Head) { h.Origin = "" },
		"previous":    func(h *archive.Head) { h.Serial = 2 },
	} {
		head := good
		change(&head)
		if _, err := archive.NewWriter(t.TempDir(), head, archive.Shape{Format: archive.JSONL{}}); err == nil {
			t.Errorf("wrong %s accepted", name)
		}
	}
	w, err := archive.NewWriter(t.TempDir(), good, archive.Shape{Format: archive.JSONL{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add([]byte("{}\n{}\n"), []byte("{}"), archive.Counts{}); err == nil {
		t.Error("two lines accepted as one slice")
	}
	if _, err := w.Close(); err == nil {
		t.Error("a bundle with a lost slice was closed as complete")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "left"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.NewWriter(dir, good, archive.Shape{Format: archive.JSONL{}}); err == nil {
		t.Error("a folder that is not empty was accepted")
	}
}
