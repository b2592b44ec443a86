package monitor

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"lpexport/archive"
	"lpexport/exporter"
	"lpexport/exporter/monitor/overviewtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func written(t *testing.T, o exporter.Overview) string {
	t.Helper()
	var out bytes.Buffer
	if err := WriteMetrics(&out, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestMetricsGolden(t *testing.T) {
	got := written(t, overviewtest.Wrong())
	path := filepath.Join("testdata", "wrong.prom")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// The names and units are as Prometheus wants them, a scrape's too; every series
// tells its account.
func TestMetricsAreConventional(t *testing.T) {
	for name, exposed := range map[string]string{
		"file": written(t, overviewtest.Wrong()), "scrape": ask(handler(t, good()), "GET", "/metrics").Body.String(),
	} {
		problems, err := promlint.New(strings.NewReader(exposed)).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v %v", name, problems, err)
		}
		for line := range strings.Lines(exposed) {
			if !strings.HasPrefix(line, "#") && !strings.Contains(line, `account="12345678"`) {
				t.Errorf("%s: %s", name, line)
			}
		}
		if runs := strings.Contains(exposed, "go_goroutines"); runs != (name == "scrape") {
			t.Errorf("%s: tells of the Go runtime: %v", name, runs)
		}
	}
}

// What is not known is absent: a lag of 0 would mean that all is well.
func TestUnknownIsAbsent(t *testing.T) {
	o := overviewtest.First()
	exposed := written(t, o)
	for _, name := range []string{"capture_lag", "capture_watermark", "destination_lag", "last_cycle", "receiver", "expiry"} {
		if strings.Contains(exposed, "\nlpexport_"+name) {
			t.Errorf("%s is known at the first start", name)
		}
	}
	for _, series := range []string{"lpexport_quarantined_items{account=\"12345678\"} 0", "lpexport_destination_halted{account=\"12345678\",destination=\"bucket\"} 0"} {
		if !strings.Contains(exposed, series+"\n") {
			t.Errorf("%s is absent", series)
		}
	}
	o.Began = overviewtest.Now.AddDate(0, 0, -1)
	if !strings.Contains(written(t, o), "lpexport_start_timestamp_seconds") {
		t.Error("the start of a service is absent")
	}
}

// A destination lacks what came since the watermark, or since its oldest pending one.
func TestDestinationLag(t *testing.T) {
	exposed := written(t, overviewtest.Wrong())
	for name, lag := range map[string]int{"journal": 9 * 3600, "bucket": 5*3600 + 600} {
		want := fmt.Sprintf("lpexport_destination_lag_seconds{account=\"12345678\",destination=%q} %d\n", name, lag)
		if !strings.Contains(exposed, want) {
			t.Errorf("no %s", want)
		}
	}
}

// Whatever names hold, a scraper can read it, and each expiry is there once.
func TestHostileLabels(t *testing.T) {
	o := overviewtest.Hostile()
	o.Expiries = append(o.Expiries, o.Expiries...)
	if _, err := promlint.New(strings.NewReader(written(t, o))).Lint(); err != nil {
		t.Error(err)
	}
}

// The manual has each metric, with its type and labels, and no other.
func TestManualHasEachMetric(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "doc", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	known := map[string]bool{}
	for i := range families {
		f := &families[i]
		kind := map[prometheus.ValueType]string{gauge: "Gauge", counter: "Counter"}[f.kind]
		labels := ""
		for _, label := range f.labels {
			labels += ", `" + label + "`"
		}
		want = append(want, fmt.Sprintf("### `%s`\n\n%s · `account`%s", f.name, kind, labels))
		if known[f.name] {
			t.Errorf("%s is there twice", f.name)
		}
		known[f.name] = true
	}
	for i := range histograms {
		want = append(want, fmt.Sprintf("### `%s`\n\nHistogram · `account`", histograms[i].name))
		known[histograms[i].name] = true
	}
	for _, section := range regexp.MustCompile("(?m)^### .*\n\n.*$").FindAll(page, -1) {
		got = append(got, string(section))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, name := range regexp.MustCompile(`lpexport_\w+`).FindAllString(string(page), -1) {
		if !known[name] {
			t.Errorf("the manual names %s, which is not exported", name)
		}
	}
}

// Each counter that the checkpoint keeps is exported.
func TestEachCounterIsExported(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "overview.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var o exporter.Overview
	ast.Inspect(f, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Counter") {
			name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			o.Counters = append(o.Counters, exporter.Counter{Name: name, Labels: "l", Second: "s", Value: int64(1000 + len(o.Counters))})
		}
		return true
	})
	if len(o.Counters) < 10 {
		t.Fatalf("found %d counters", len(o.Counters))
	}
	exposed := written(t, o)
	for _, c := range o.Counters {
		if !strings.Contains(exposed, fmt.Sprintf("} %d\n", c.Value)) {
			t.Errorf("counter %s is not exported", c.Name)
		}
	}
}

// Who reads the file sees it whole; what cannot be written leaves the former one,
// and nothing beside it.
func TestMetricsFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lpexport.prom")
	for _, o := range []exporter.Overview{overviewtest.First(), overviewtest.Wrong()} {
		if err := WriteMetricsFile(path, o); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(written(t, o), string(got)); diff != "" {
			t.Error(diff)
		}
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o644 {
		t.Errorf("%v, %v: node_exporter runs as another user", info.Mode(), err)
	}
	twice := overviewtest.Wrong()
	twice.Destinations = append(twice.Destinations, twice.Destinations[0])
	if err := WriteMetricsFile(path, twice); err == nil {
		t.Error("a series that is there twice is written")
	}
	if err := WriteMetricsFile(filepath.Join(dir, "none", "x.prom"), overviewtest.First()); err == nil {
		t.Error("a file in no folder is written")
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteMetricsFile(filepath.Join(dir, "folder"), overviewtest.First()); err == nil {
		t.Error("a folder is replaced")
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != written(t, overviewtest.Wrong()) {
		t.Errorf("the former file is gone: %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// Values that no clock or counter should have do not keep the others from being told.
func TestOddNumbers(t *testing.T) {
	o := overviewtest.Wrong()
	o.Lag, o.Counters[0].Value, o.Destinations[0].Pending = math.MinInt64, math.MinInt64, -1
	if !strings.Contains(written(t, o), "lpexport_quarantined_items{account=\"12345678\"} 7\n") {
		t.Error("a known number is absent")
	}
}

// The manual has each value of a label that is one of a list, and no other. The lists are
// in the packages that count.
func TestManualHasEachValue(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "doc", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := func(pattern string, files ...string) (values []string) {
		for _, glob := range files {
			paths, err := filepath.Glob(filepath.Join("..", "..", glob))
			if err != nil || len(paths) == 0 {
				t.Fatalf("no %s: %v", glob, err)
			}
			for _, path := range paths {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(path, "_test.go") {
					continue
				}
				for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(text, -1) {
					values = append(values, string(m[1]))
				}
			}
		}
		return values
	}
	classes := []string{"taken"}
	for c := archive.Class(0); c.String() != "unknown"; c++ {
		classes = append(classes, c.String())
	}
	for name, want := range map[string][]string{
		"lpexport_events_total":        found(`Result = "(\w+)"`, "liveperson/webhook/result.go"),
		"lpexport_requests_total":      found(`Result = "(\w+)"`, "liveperson/result.go"),
		"lpexport_cycles_total":        append(found(`Run\w+ += "(\w+)"`, "exporter/checkpoint/count.go"), found(`cycleBusy = "(\w+)"`, "exporter/run.go")...),
		"lpexport_event_changes_total": append(found(`CounterChanges, "(\w+)"`, "exporter/*.go"), found(`kind :?= "(\w+)"`, "exporter/telling.go")...),
		"lpexport_files_total":         found(`CounterFiles, "(\w+)"`, "exporter/*.go"),
		"lpexport_deliveries_total":    classes,
	} {
		_, section, _ := strings.Cut(string(page), "### `"+name+"`\n")
		section, _, _ = strings.Cut(section, "\n### ")
		var got []string
		for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| .").FindAllStringSubmatch(section, -1) {
			if row[1] != "result" && row[1] != "kind" && row[1] != "class" {
				got = append(got, row[1])
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(slices.Compact(want), got); diff != "" || len(got) < 2 {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
