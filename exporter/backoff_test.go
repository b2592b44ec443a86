package exporter

import (
	"math"
	"testing"
	"testing/quick"
	"time"
)

// middle is the random number that moves no pause.
func middle() float64 { return 0.5 }

func TestPauseDoublesUpToAnHour(t *testing.T) {
	for attempts, want := range map[int]time.Duration{
		1: time.Minute, 2: 2 * time.Minute, 3: 4 * time.Minute, 4: 8 * time.Minute, 5: 16 * time.Minute,
		6: 32 * time.Minute, 7: time.Hour, 8: time.Hour, 64: time.Hour, 65: time.Hour, math.MaxInt: time.Hour,
		0: time.Minute, -1: time.Minute, math.MinInt: time.Minute,
	} {
		if got := pause(attempts, 0, middle); got != want {
			t.Errorf("after %d tries: %v, want %v", attempts, got, want)
		}
	}
}

func TestPauseKeepsToWhatWasAsked(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		-time.Hour:           time.Minute,
		time.Second:          time.Minute,
		2 * time.Hour:        2 * time.Hour,
		24 * time.Hour:       24 * time.Hour,
		365 * 24 * time.Hour: 24 * time.Hour,
		math.MaxInt64:        24 * time.Hour,
		math.MinInt64:        time.Minute,
	} {
		if got := pause(1, asked, middle); got != want {
			t.Errorf("asked for %v: %v, want %v", asked, got, want)
		}
	}
}

// Whatever the numbers: within a quarter of the doubled minute, not below what
// was asked for, and never over a day.
func TestPauseProperties(t *testing.T) {
	within := func(attempts int, asked time.Duration, seed uint64) bool {
		random := float64(seed>>11) / (1 << 53)
		got := pause(attempts, asked, func() float64 { return random })
		base := time.Hour
		if attempts < 7 {
			base = time.Minute << (max(1, attempts) - 1)
		}
		least := max(base*3/4, min(asked, 24*time.Hour))
		return got >= least && got <= max(base*5/4, least)
	}
	small := func(attempts uint8, asked int32, seed uint64) bool {
		return within(int(attempts)-1, time.Duration(asked)*10*time.Second, seed)
	}
	for name, property := range map[string]any{"any": within, "usual": small} {
		if err := quick.Check(property, &quick.Config{MaxCount: 10_000}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Without its jitter, the destinations of a machine that was off come back at
// the same instant, for ever.
func TestPauseSpreads(t *testing.T) {
	low := pause(7, 0, func() float64 { return 0 })
	high := pause(7, 0, func() float64 { return math.Nextafter(1, 0) })
	if low != 45*time.Minute || high <= 74*time.Minute || high > 75*time.Minute {
		t.Errorf("from %v to %v, want from 45m to just below 75m", low, high)
	}
}
