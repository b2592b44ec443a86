package main

import (
	"testing"
	"time"

	"lpexport/exporter/config"
)

func scheduled(account, schedule, zone string) func(time.Time) time.Time {
	return newSchedule(&config.Config{Account: account, Poll: config.Poll{Schedule: schedule, TimeZone: zone}})
}

// TestCyclesFollowTheirSchedule: each comes after the last, as far from it as the
// schedule says, at the account's own share of the time until the next one.
func TestCyclesFollowTheirSchedule(t *testing.T) {
	from := time.Date(2026, 3, 1, 12, 3, 0, 0, time.UTC)
	for _, each := range []struct {
		schedule string
		gap      time.Duration
	}{{"*/5 * * * *", 5 * time.Minute}, {"*/20 * * * *", 20 * time.Minute}, {"30 2 * * *", 24 * time.Hour}} {
		shares := map[time.Duration]int{}
		for _, account := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
			next := scheduled(account, each.schedule, "UTC")
			first := next(from)
			if !first.After(from) || first.Sub(from) > each.gap+mostSpread {
				t.Errorf("%s of %s: %s after %s", each.schedule, account, first, from)
			}
			for at, n := first, 0; n < 50; n++ {
				then := next(at)
				if then.Sub(at) != each.gap {
					t.Fatalf("%s of %s: %s comes %s after the one before", each.schedule, account, then, then.Sub(at))
				}
				if again := next(then.Add(-time.Second)); !again.Equal(then) {
					t.Fatalf("%s of %s: asked a second before, it is %s and not %s", each.schedule, account, again, then)
				}
				at = then
			}
			late := first.Sub(first.Truncate(each.gap))
			shares[late]++
		}
		if len(shares) < 7 {
			t.Errorf("%s: %d accounts begin at the same moment: %v", each.schedule, 8-len(shares), shares)
		}
	}
}

// TestScheduleIsInItsTimeZone: at the same time of its day, also when its clocks change.
func TestScheduleIsInItsTimeZone(t *testing.T) {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	next := scheduled("1", "0 9 * * *", "Europe/London")
	at := time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC)
	for range 5 { // clocks change on the 29th
		at = next(at)
		if in := at.In(london); in.Hour() != 9 || in.Minute() >= 10 {
			t.Errorf("a cycle begins at %s", in)
		}
	}
}

// TestScheduleThatNeverComesEnds: February 30 is a schedule like any other.
func TestScheduleThatNeverComesEnds(t *testing.T) {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if at := scheduled("1", "0 0 30 2 *", "UTC")(from); at.Before(from.AddDate(0, 6, 0)) {
		t.Errorf("it comes at %s", at)
	}
}
