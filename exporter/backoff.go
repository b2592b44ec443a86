package exporter

import "time"

// The pauses between tries of a destination that fails. The longest that a far
// side may ask for is bounded, so that a wrong answer does not silence a
// destination for a year.
const (
	firstPause = time.Minute
	longPause  = time.Hour
	askedPause = 24 * time.Hour
)

// pause returns how long to wait after so many tries in vain, counted from 1,
// before the next one: a minute, doubled each time up to an hour, give or take
// a quarter, so that destinations that failed together do not come back
// together. It is never less than what the far side asked for (0 or below:
// nothing), of which 24 h count at most. random returns a number in [0,1).
func pause(attempts int, asked time.Duration, random func() float64) time.Duration {
	wait := doubled(attempts, longPause)
	wait += time.Duration((random() - 0.5) / 2 * float64(wait))
	return max(wait, min(asked, askedPause))
}

// doubled is a minute after the first try in vain, and doubled with each further
// one up to most.
func doubled(attempts int, most time.Duration) time.Duration {
	wait := firstPause
	for n := 1; n < attempts && wait < most; n++ {
		wait *= 2
	}
	return min(wait, most)
}
