package benchmarks

import (
	"fmt"
	"slices"
	"testing"
)

// show reports the median of a figure and logs it with its spread beside its
// target.
func show(b *testing.B, what, unit string, values []float64, target string) {
	b.Helper()
	b.ReportMetric(middle(values), unit)
	line := fmt.Sprintf("%-48s %9.3f", what, middle(values))
	if len(values) > 1 {
		line += fmt.Sprintf("  (%.3f to %.3f)", slices.Min(values), slices.Max(values))
	}
	if target != "" {
		line += "  target: " + target
	}
	b.Log(line)
}

// middle is the median.
func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
