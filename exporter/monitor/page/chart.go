package page

import (
	"fmt"
	"math"
	"strings"
	"time"

	"lpexport/exporter"
)

// chart is a drawing of the last 24 hours. Its words stand beside it in HTML, so
// that the drawing may be stretched and they stay legible.
type chart struct {
	Title   string
	Now     string // the last value
	Top     string // what the upper edge stands for
	Summary string // for who does not see it
	Bars    string // path; "" none
	Line    string // path; "" none
	Area    string // path below Line
	Empty   bool
	Ticks   []string // times along the lower edge
}

const (
	span      = 24 * time.Hour
	buckets   = 144
	bucketFor = span / buckets
	chartWide = 2 * buckets // units of the drawing
	chartHigh = 100
)

// series is one value a bucket; NaN where there was no sample.
type series struct {
	values [buckets]float64
	last   float64 // of all
}

// charts are drawn of the samples; that of events only where there are any.
func charts(o *exporter.Overview) []chart {
	lag := func(s exporter.Sample) float64 { return s.Lag.Seconds() }
	pending := func(s exporter.Sample) float64 { return float64(s.Pending) }
	messages := func(s exporter.Sample) float64 { return float64(s.Messages) }
	events := func(s exporter.Sample) float64 { return float64(s.Events) }
	seconds := func(v float64) string { return age(time.Duration(min(v, math.MaxInt64/2/1e9) * 1e9)) }

	lags, due, total := highest(o, lag), highest(o, pending), 0
	for _, d := range o.Destinations {
		total += d.Pending
	}
	due.end(float64(total))
	if !o.Watermark.IsZero() {
		lags.end(o.Lag.Seconds())
	}
	drawn := []chart{
		lineChart(o.At, "Lag of capture", lags, niceTime, seconds),
		lineChart(o.At, "Pending, all destinations", due, niceCount, amount),
		barChart(o.At, "Messages captured a minute", rates(o, messages)),
	}
	received := rates(o, events)
	if _, most, _ := received.peak(); o.Receiver != nil || most > 0 {
		drawn = append(drawn, barChart(o.At, "Events a minute", received))
	}
	return drawn
}

// bucket is the place of a moment; ok is false when it is not of the last 24 hours.
func bucket(at, now time.Time) (place int, ok bool) {
	ago := now.Sub(at)
	if ago < 0 || ago >= span {
		return 0, false
	}
	return buckets - 1 - int(ago/bucketFor), true
}

// highest keeps the highest value of each bucket: a peak is not averaged away.
func highest(o *exporter.Overview, value func(exporter.Sample) float64) *series {
	s := unknown()
	for _, sample := range o.Samples {
		if i, ok := bucket(sample.At, o.At); ok {
			s.raise(i, value(sample))
		}
	}
	return s
}

// raise takes a value of a bucket that has others: the highest stays.
func (s *series) raise(place int, v float64) {
	if !(s.values[place] >= v) {
		s.values[place] = v
	}
	s.last = v
}

// end takes the value of this moment: samples are up to a minute old.
func (s *series) end(v float64) { s.raise(buckets-1, v) }

// rates are counts a minute: what was counted, by the time that it took. A sample
// after a pause, and the first, count as one minute's.
func rates(o *exporter.Overview, value func(exporter.Sample) float64) *series {
	s := unknown()
	var counted, minutes [buckets]float64
	for i, sample := range o.Samples {
		place, ok := bucket(sample.At, o.At)
		if !ok {
			continue
		}
		took := time.Minute
		if i > 0 {
			if since := sample.At.Sub(o.Samples[i-1].At); since > 0 && since < bucketFor {
				took = since
			}
		}
		counted[place] += value(sample)
		minutes[place] += took.Minutes()
		s.values[place] = counted[place] / minutes[place]
		s.last = s.values[place]
	}
	return s
}

func unknown() *series {
	s := new(series)
	for i := range s.values {
		s.values[i] = math.NaN()
	}
	return s
}

// peak is the highest value and its bucket; any is false when nothing is known.
func (s *series) peak() (place int, most float64, any bool) {
	for i, v := range s.values {
		if !math.IsNaN(v) && (!any || v > most) {
			place, most, any = i, v, true
		}
	}
	return place, most, any
}

func lineChart(now time.Time, title string, s *series, nice func(float64) float64, words func(float64) string) chart {
	c, top := frame(now, title, s, nice, words)
	var line, area strings.Builder
	for i := 0; i < buckets; {
		if math.IsNaN(s.values[i]) {
			i++
			continue
		}
		from := i
		for ; i < buckets && !math.IsNaN(s.values[i]); i++ {
			verb := "L"
			if i == from {
				verb = "M"
				fmt.Fprintf(&area, "M%d %d", 2*i, chartHigh)
			}
			// A step of a bucket's width: a single sample can be seen too.
			step := fmt.Sprintf("%d %sH%d", 2*i, height(s.values[i], top), 2*i+2)
			line.WriteString(verb + step)
			area.WriteString("L" + step)
		}
		fmt.Fprintf(&area, "V%dZ", chartHigh)
	}
	c.Line, c.Area = line.String(), area.String()
	return c
}

func barChart(now time.Time, title string, s *series) chart {
	c, top := frame(now, title, s, niceCount, amount)
	var bars strings.Builder
	for i, v := range s.values {
		if v > 0 {
			fmt.Fprintf(&bars, "M%d %dV%sh1.6V%dZ", 2*i, chartHigh, height(v, top), chartHigh)
		}
	}
	c.Bars = bars.String()
	return c
}

// frame is a chart without its drawing, and the value of its upper edge.
func frame(now time.Time, title string, s *series, nice func(float64) float64, words func(float64) string) (chart, float64) {
	place, most, any := s.peak()
	c := chart{Title: title, Empty: !any}
	for hours := 24; hours > 0; hours -= 6 {
		c.Ticks = append(c.Ticks, now.UTC().Add(-time.Duration(hours)*time.Hour).Format("15:04"))
	}
	c.Ticks = append(c.Ticks, now.UTC().Format("15:04"))
	if !any {
		c.Summary = title + ": nothing is known yet"
		return c, 1
	}
	top := nice(most)
	when := now.Add(-time.Duration(buckets-place) * bucketFor).UTC().Format("15:04")
	c.Now, c.Top = words(s.last), words(top)
	c.Summary = fmt.Sprintf("%s over 24 hours: now %s, at most %s, about %s UTC", title, words(s.last), words(most), when)
	return c, top
}

// height is where a value lies below the upper edge.
func height(v, top float64) string {
	return trimmed(chartHigh * (1 - math.Max(0, math.Min(v/top, 1))))
}

func trimmed(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.1f", v), "0"), ".")
}

func amount(v float64) string {
	if v > 0 && v < 10 {
		return trimmed(v)
	}
	return number(int64(math.Round(v)))
}

// niceCount is the next of 1, 2, 5, 10, 20, … above v.
func niceCount(v float64) float64 {
	for edge := 1.0; edge < math.MaxFloat64/100; edge *= 10 {
		for _, step := range []float64{1, 2, 5} {
			if v <= step*edge {
				return step * edge
			}
		}
	}
	return v
}

// niceTime is the next time above v seconds that people count in, five minutes at least.
func niceTime(v float64) float64 {
	for _, edge := range []time.Duration{5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour,
		12 * time.Hour, 24 * time.Hour} {
		if v <= edge.Seconds() {
			return edge.Seconds()
		}
	}
	const day = 86400
	return niceCount(v/day) * day
}
