package archive_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
)

// replacing returns the manifest of a bundle that replaces files.
func replacing(t *testing.T, list []archive.Replaced) (string, error) {
	t.Helper()
	dir := t.TempDir()
	w, err := archive.NewWriter(dir, archive.Head{Serial: 2, Account: "a", Destination: "d", Archive: "x", SettingsSHA256: strings.Repeat("0", 64),
		Generator: "g", Origin: "o", Created: time.UnixMilli(1), Previous: &archive.Previous{Bundle: "d-000000001", SHA256: strings.Repeat("0", 64)},
		Replaces: list}, archive.Shape{Format: archive.JSONL{}})
	if err != nil {
		return "", err
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return string(read(t, dir, archive.ManifestFile)), nil
}

// A manifest names the files of earlier bundles that it replaces, and none where there
// are none.
func TestManifestNamesWhatItReplaces(t *testing.T) {
	one := archive.Replaced{Bundle: "d-000000001", FileInfo: archive.FileInfo{Path: "d-000000001-000002.eml", Bytes: 3, SHA256: strings.Repeat("a", 64)}}
	text, err := replacing(t, []archive.Replaced{one})
	if err != nil {
		t.Fatal(err)
	}
	if want := `"replaces":[{"bundle":"d-000000001","path":"d-000000001-000002.eml","bytes":3,"sha256":"` + one.SHA256 + `"}]`; !strings.Contains(text, want) {
		t.Errorf("no %s in %s", want, text)
	}
	m, err := archive.ParseManifest([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]archive.Replaced{one}, m.Replaces); diff != "" {
		t.Error(diff)
	}
	if text, err = replacing(t, nil); err != nil || strings.Contains(text, "replaces") {
		t.Errorf("%v: %s", err, text)
	}
	for _, change := range []func(*archive.Replaced){
		func(r *archive.Replaced) { r.Bundle = "" },
		func(r *archive.Replaced) { r.Bundle = "../d-000000001" },
		func(r *archive.Replaced) { r.Path = "../x" },
		func(r *archive.Replaced) { r.Path = "" },
		func(r *archive.Replaced) { r.Bytes = -1 },
		func(r *archive.Replaced) { r.SHA256 = "A" + r.SHA256[1:] },
		func(r *archive.Replaced) { r.Bundle = strings.Repeat("x", 2000) },
	} {
		bad := one
		change(&bad)
		if _, err := replacing(t, []archive.Replaced{bad}); err == nil {
			t.Errorf("%+v can be written", bad)
		}
	}
	for _, change := range [][2]string{
		{`"bundle":"d-000000001","path"`, `"bundle":"a/b","path"`}, {`000002.eml"`, `000002.eml/../x"`}, {`"bytes":3`, `"bytes":-3`},
		{`"replaces":[`, `"replaces":null,"x":[`}, {`"sha256":"aaaa`, `"sha256":"AAAA`}, {`"replaces":[{`, `"replaces":[{"path":"x",`},
	} {
		text, _ := replacing(t, []archive.Replaced{one})
		bad := strings.Replace(text, change[0], change[1], 1)
		if bad == text {
			t.Errorf("%q: nothing to change", change[0])
		}
		if _, err := archive.ParseManifest([]byte(bad)); err == nil {
			t.Errorf("%q instead of %q can be read", change[1], change[0])
		}
	}
}
