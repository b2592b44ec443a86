package page

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/exporter"
	"lpexport/exporter/monitor/overviewtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// settings are those of the tests: of one configuration among many.
var settings = Settings{Commands: func(c string) string { return c + " --config /etc/lpexport/retail.yaml" }, Behind: time.Hour}

func render(t *testing.T, o exporter.Overview) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := settings.Write(&out, &o); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Error(cmp.Diff(string(want), string(got)))
	}
}

// Every byte of the page is decided by the Overview.
func TestGolden(t *testing.T) {
	golden(t, "first.html", render(t, overviewtest.First()))
	golden(t, "wrong.html", render(t, overviewtest.Wrong()))
}

// What needs a person comes before what is only to be looked at, also where the window
// is narrow and all stands in one column.
func TestWhatNeedsAPersonComesFirst(t *testing.T) {
	drawn := string(render(t, overviewtest.Wrong()))
	last := 0
	for _, id := range []string{"now", "quarantine", "destinations", "days", "recent", "charts", "events"} {
		at := strings.Index(drawn, `<h2 id="`+id+`"`)
		if at <= last || strings.Count(drawn, `<h2 id="`+id+`"`) != 1 {
			t.Errorf("%s does not follow, once", id)
		}
		last = at
	}
}
