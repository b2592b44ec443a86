package exporter

import (
	"cmp"
	"slices"
	"time"
)

// Period is from inclusive, to exclusive.
type Period struct{ From, To time.Time }

// periodText is a period in words, to the second.
func periodText(from, to time.Time) string {
	return from.UTC().Format(time.RFC3339) + " to " + to.UTC().Format(time.RFC3339)
}

// backfillCommand asks for a period to the very millisecond: an unfinished backfill is
// taken up by nothing else.
func backfillCommand(from, to time.Time) string {
	return "lpexport export --from " + from.UTC().Format(time.RFC3339Nano) + " --to " + to.UTC().Format(time.RFC3339Nano)
}

// span is a Period in epoch milliseconds.
type span struct{ from, to int64 }

func (s span) period() Period {
	return Period{time.UnixMilli(s.from).UTC(), time.UnixMilli(s.to).UTC()}
}

// spans are in order of time, and none touches the next.
type spans []span

// joined makes spans of some in any order. Empty ones are left out.
func joined(list []span) spans {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var all spans
	for _, s := range list {
		switch n := len(all); {
		case s.from >= s.to:
		case n > 0 && s.from <= all[n-1].to:
			all[n-1].to = max(all[n-1].to, s.to)
		default:
			all = append(all, s)
		}
	}
	return all
}

// without is what others leave of s.
func (s spans) without(others spans) spans {
	var left spans
	for _, one := range s {
		for _, o := range others {
			if o.to <= one.from || o.from >= one.to {
				continue
			}
			if o.from > one.from {
				left = append(left, span{one.from, o.from})
			}
			if one.from = o.to; one.from >= one.to {
				break
			}
		}
		if one.from < one.to {
			left = append(left, one)
		}
	}
	return left
}

// within is what s has in common with others.
func (s spans) within(others spans) spans { return s.without(s.without(others)) }

// hold reports whether all of one lies in s.
func (s spans) hold(one span) bool { return len(spans{one}.without(s)) == 0 }

// bounds are the first and the last time, the zero span where there is none.
func (s spans) bounds() span {
	if len(s) == 0 {
		return span{}
	}
	return span{s[0].from, s[len(s)-1].to}
}
