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
	sorted := slices.Sorted(slices.Values(values))
	middle := median(sorted)
	b.ReportMetric(middle, unit)
	line := fmt.Sprintf("%-36s %9.3f", what, middle)
	if len(sorted) > 1 {
		line += fmt.Sprintf("  (%.3f to %.3f)", sorted[0], sorted[len(sorted)-1])
	}
	if target != "" {
		line += "  target: " + target
	}
	b.Log(line)
}

func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
