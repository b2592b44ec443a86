package page

import (
	"math"
	"regexp"
	"testing"
	"time"

	"lpexport/exporter"
	"lpexport/exporter/monitor/overviewtest"
)

// A drawing is made of numbers within its frame, whatever the samples hold.
func TestChartsStayInTheirFrame(t *testing.T) {
	path := regexp.MustCompile(`^(M\d+ \d+(\.\d+)?|L\d+ \d+(\.\d+)?|H\d+|V\d+(\.\d+)?|h1\.6|Z)*$`)
	for name, o := range overviewtest.All() {
		for _, c := range charts(&o) {
			for _, d := range []string{c.Line, c.Area, c.Bars} {
				if !path.MatchString(d) {
					t.Errorf("%s, %s: %.200s", name, c.Title, d)
				}
			}
			if drawn := c.Line+c.Bars != ""; c.Empty && drawn {
				t.Errorf("%s, %s: something is drawn of nothing", name, c.Title)
			}
		}
	}
}

// A peak of one sample is seen, a pause is no line, and the end is this moment.
func TestHighest(t *testing.T) {
	o := exporter.Overview{At: now}
	for i, lag := range []time.Duration{time.Minute, time.Hour, time.Minute} {
		o.Samples = append(o.Samples, exporter.Sample{At: now.Add(-5*time.Minute + time.Duration(i)*time.Second), Lag: lag})
	}
	o.Samples = append([]exporter.Sample{{At: now.Add(-24 * time.Hour), Lag: 9 * time.Hour}, {At: now.Add(-35 * time.Minute), Lag: time.Second}}, o.Samples...)
	o.Watermark, o.Lag = now.Add(-2*time.Minute), 2*time.Minute
	o.Destinations = []exporter.DestinationStatus{{Pending: 3}, {Pending: 4}}
	c := charts(&o)[0]
	if want := "Lag of capture over 24 hours: now 2 min, at most 1 h, about 17:00 UTC"; c.Summary != want {
		t.Errorf("%s, want %s", c.Summary, want)
	}
	if want := "M280 100H282M286 0H288"; c.Line != want {
		t.Errorf("%s, want %s", c.Line, want)
	}
	if c.Top != "1 h" {
		t.Errorf("the upper edge is %s", c.Top)
	}
	if c = charts(&o)[1]; c.Now != "7" || c.Line != "M280 100H282M286 30H288" {
		t.Errorf("pending is %s: %s", c.Now, c.Line)
	}
}

// Rates are by the time that passed: late samples make no dips and no peaks.
func TestRates(t *testing.T) {
	o := exporter.Overview{At: now}
	for at := 40 * time.Minute; at > 0; at -= 80 * time.Second {
		o.Samples = append(o.Samples, exporter.Sample{At: now.Add(-at), Messages: 8})
	}
	got := rates(&o, func(s exporter.Sample) float64 { return float64(s.Messages) })
	for i, v := range got.values {
		switch {
		case i < buckets-5 && !math.IsNaN(v):
			t.Errorf("%v is known of bucket %d", v, i)
		case i > buckets-5 && math.Abs(v-6) > 1e-9:
			t.Errorf("bucket %d: %v a minute", i, v)
		}
	}
}

func TestNiceEdges(t *testing.T) {
	for v, want := range map[float64]float64{-1: 1, 0: 1, 1: 1, 1.1: 2, 3: 5, 11: 20, 1695: 2000, math.MaxInt64: 1e19} {
		if got := niceCount(v); got != want {
			t.Errorf("above %v: %v, want %v", v, got, want)
		}
	}
	for v, want := range map[float64]float64{0: 300, 301: 600, 86400: 86400, 86401: 2 * 86400, 9 * 86400: 10 * 86400} {
		if got := niceTime(v); got != want {
			t.Errorf("above %v s: %v, want %v", v, got, want)
		}
	}
}
