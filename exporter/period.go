package exporter

import (
	"cmp"
	"slices"
	"time"

	"lpexport/exporter/checkpoint"
)

// mergePeriods joins windows that touch or overlap, in order of time.
func mergePeriods(windows []checkpoint.Window) []Period {
	slices.SortFunc(windows, func(a, b checkpoint.Window) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	var list []Period
	for _, w := range windows {
		from, to := time.UnixMilli(w.From).UTC(), time.UnixMilli(w.To).UTC()
		if n := len(list); n > 0 && !from.After(list[n-1].To) {
			if to.After(list[n-1].To) {
				list[n-1].To = to
			}
			continue
		}
		list = append(list, Period{from, to})
	}
	return list
}
