package exporter

import (
	"strconv"
	"time"
)

// LatenessBounds are the upper bounds of the buckets in which CounterLateness counts.
// The last three are what the sweeps promise: doc/design.md, "Capture".
var LatenessBounds = []time.Duration{5 * time.Minute, 30 * time.Minute, 3 * time.Hour, 24 * time.Hour,
	4 * 24 * time.Hour, 42 * 24 * time.Hour, 426 * 24 * time.Hour}

// lateness counts how long after it was written the oldest new message of a record
// was captured by a cycle. What a backfill, a first cycle or an event brings is not
// late, and not counted.
type lateness struct {
	counted map[time.Duration]int64 // by bucket; 0 is beyond the last
	sum     time.Duration
}

func (l *lateness) observe(d time.Duration) {
	d = max(d, 0)
	bucket := time.Duration(0)
	for _, bound := range LatenessBounds {
		if d <= bound {
			bucket = bound
			break
		}
	}
	if l.counted == nil {
		l.counted = map[time.Duration]int64{}
	}
	l.counted[bucket]++
	l.sum += d
}

func (l *lateness) addTo(t *tally) {
	for bucket, n := range l.counted {
		t.add(CounterLateness, LatenessLabel(bucket), "", n)
	}
	t.add(CounterLatenessSum, "", "", int64(l.sum/time.Second))
}

// LatenessLabel is a bucket's label: its bound in seconds, "" for what lies beyond the
// last.
func LatenessLabel(bound time.Duration) string {
	if bound == 0 {
		return ""
	}
	return strconv.FormatInt(int64(bound/time.Second), 10)
}
