package archive_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
)

// covered is the manifest of a bundle whose head says this of coverage.
func covered(t *testing.T, coverage []archive.Coverage) (string, error) {
	t.Helper()
	dir := t.TempDir()
	w, err := archive.NewWriter(dir, archive.Head{Serial: 1, Account: "a", Destination: "d", Archive: "generic", SettingsSHA256: strings.Repeat("0", 64),
		Generator: "g", Origin: "o", Created: time.UnixMilli(1), Coverage: coverage}, archive.Shape{Format: archive.JSONL{}})
	if err != nil {
		return "", err
	}
	if _, err := w.Close(); err != nil {
		return "", err
	}
	b, err := os.ReadFile(filepath.Join(dir, archive.ManifestFile))
	return string(b), err
}

func TestManifestCoverage(t *testing.T) {
	full := []archive.Coverage{
		{From: 1_700_000_000_000, To: 1_700_000_000_001, Selection: "12,3", ReadAt: 1_700_000_000_002, By: archive.ByBackfill},
		{From: 1_600_000_000_000, To: 1_700_000_000_001, ReadAt: 1_700_000_000_002, By: archive.ByCycles},
	}
	for name, test := range map[string]struct {
		coverage []archive.Coverage
		member   string
	}{
		"none is said":   {nil, ""},
		"none is proven": {[]archive.Coverage{}, "\n\"coverage\":[],\n"},
		"some": {full, "\n" + `"coverage":[{"from":"2023-11-14T22:13:20.000Z","to":"2023-11-14T22:13:20.001Z","selection":"12,3","read_at":"2023-11-14T22:13:20.002Z","by":"backfill"},` +
			`{"from":"2020-09-13T12:26:40.000Z","to":"2023-11-14T22:13:20.001Z","selection":"","read_at":"2023-11-14T22:13:20.002Z","by":"cycles"}]` + ",\n"},
	} {
		text, err := covered(t, test.coverage)
		if err != nil || !strings.Contains(text, test.member) || test.member == "" && strings.Contains(text, "coverage") {
			t.Errorf("%s: %v: %s", name, err, text)
		}
		m, err := archive.ParseManifest([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.coverage, m.Coverage); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestManifestRefusesCoverage(t *testing.T) {
	one := archive.Coverage{From: 1, To: 2, ReadAt: 3, By: archive.ByCatchUp}
	for name, list := range map[string][]archive.Coverage{
		"too many":           make([]archive.Coverage, archive.MaxCoverage+1),
		"ends early":         {{From: 2, To: 2, ReadAt: 3, By: archive.ByCycles}},
		"no time":            {{To: 2, ReadAt: 3, By: archive.ByCycles}},
		"never read":         {{From: 1, To: 2, By: archive.ByCycles}},
		"another way":        {{From: 1, To: 2, ReadAt: 3, By: "guess"}},
		"a huge selection":   {{From: 1, To: 2, ReadAt: 3, By: archive.ByCycles, Selection: strings.Repeat("1", archive.MaxSelection+1)}},
		"a time far outside": {{From: 1, To: 1 << 61, ReadAt: 3, By: archive.ByCycles}},
	} {
		if name == "too many" {
			for i := range list {
				list[i] = one
			}
		}
		if _, err := covered(t, list); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	text, err := covered(t, []archive.Coverage{one})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"another way": {`"by":"catch-up"`, `"by":"guess"`},
		"no way":      {`,"by":"catch-up"`, ``},
		"null":        {`"coverage":[`, `"coverage":null,"x":[`},
		"twice":       {`"coverage":[`, `"coverage":[],"coverage":[`},
		"not a time":  {`"read_at":"1970-`, `"read_at":"19x0-`},
		"too many":    {`"coverage":[`, `"coverage":[` + strings.Repeat(`{"from":"1970-01-01T00:00:00.001Z","to":"1970-01-01T00:00:00.002Z","selection":"","read_at":"1970-01-01T00:00:00.003Z","by":"cycles"},`, archive.MaxCoverage)},
	} {
		bad := strings.Replace(text, change[0], change[1], 1)
		if bad == text {
			t.Fatalf("%s changes nothing", name)
		}
		if _, err := archive.ParseManifest([]byte(bad)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}
