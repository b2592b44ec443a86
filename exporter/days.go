package exporter

import (
	"context"
	"slices"
	"sync"
	"time"
)

// days is what was captured of the last days, and what of it is pending, not much
// older than daysEvery.
func (e *Exporter) days(ctx context.Context, coverage []Covered) ([]Day, error) {
	c := e.lastDays
	c.mu.Lock()
	defer c.mu.Unlock()
	if age := e.Now().Sub(c.at); c.days == nil || age < 0 || age >= daysEvery {
		days, err := e.readDays(ctx)
		if err != nil {
			return nil, err
		}
		c.at, c.days = e.Now(), days
	}
	days := slices.Clone(c.days)
	for i := range days {
		days[i].Covered = covers(coverage, days[i].Date, days[i].Date.AddDate(0, 0, 1), e.Now())
	}
	return days, nil
}

func (e *Exporter) readDays(ctx context.Context) ([]Day, error) {
	today := dayOf(e.millis())
	first := today - daysShown + 1
	captured, err := e.cp.Days(ctx, first)
	if err != nil {
		return nil, err
	}
	list := make([]Day, daysShown)
	for i := range list {
		from := time.UnixMilli((first + int64(i)) * (24 * time.Hour).Milliseconds()).UTC()
		list[i] = Day{Date: from, Pending: make([]int64, len(e.Destinations))}
	}
	for _, d := range captured {
		if i := d.Day - first; i < daysShown {
			list[i].Conversations, list[i].Messages = d.Conversations, d.Messages
		}
	}
	for n, d := range e.Destinations {
		row, found, err := e.cp.Destination(ctx, d.Name)
		if err != nil || !found {
			return list, err
		}
		pending, err := e.cp.PendingDays(ctx, row.ID, first)
		if err != nil {
			return nil, err
		}
		for day, count := range pending {
			if i := day - first; i >= 0 && i < daysShown {
				list[i].Pending[n] = count
			}
		}
	}
	return list, nil
}

// covers reports whether a day was asked for; of today, what has passed of it and
// is older than a cycle may be.
func covers(coverage []Covered, from, to, now time.Time) bool {
	to = minTime(to, now.Add(-time.Hour))
	return slices.ContainsFunc(coverage, func(p Covered) bool { return !p.From.After(from) && !p.To.Before(to) })
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// dayCache keeps the days for a while: they are read for every scrape.
type dayCache struct {
	mu   sync.Mutex
	at   time.Time
	days []Day
}
