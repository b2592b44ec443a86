package exporter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lpexport/liveperson"
)

// An index that is being rebuilt, or asked for another account, lists nobody as an
// account at rest does. Only another search tells the two apart.

const (
	controls     = 3                    // days that are asked about before LivePerson is not believed
	controlAfter = 24 * time.Hour       // history has had time to tell of what events told
	controlUntil = 365 * 24 * time.Hour // well within LivePerson's retention
)

var errNobody = errors.New("LivePerson lists no conversation, not even of days of which it has listed some before")

// believeNobody makes sure that LivePerson lists conversations where the state
// knows that it has some: after an answer that listed nobody for these starts, by
// one search over a day within them, else over any day. Otherwise its error is of
// errIncomplete. Where the state knows none, there is nothing to ask.
func (c *capture) believeNobody(ctx context.Context, starts liveperson.Range) error {
	days, err := c.controlDays(ctx, starts)
	if err != nil || len(days) == 0 {
		return err
	}
	for _, from := range days {
		got, err := c.Source.Search(ctx, liveperson.Query{
			Start: liveperson.Range{From: from, To: from.Add(24*time.Hour - time.Millisecond)}, Limit: 1, Content: []string{},
		}, nothing{})
		if err != nil {
			return windowError(ctx, err)
		}
		if got.Records > 0 {
			return nil
		}
	}
	return fmt.Errorf("%w: %w", errIncomplete, errNobody)
}

// controlDays are days on which conversations began that were captured, the newest
// first. The newest of all are taken only where there are no others.
func (c *capture) controlDays(ctx context.Context, starts liveperson.Range) ([]time.Time, error) {
	now := c.Now()
	oldest, newest := dayOf(now.Add(-controlUntil).UnixMilli()), dayOf(now.Add(-controlAfter).UnixMilli())-1
	from, to := max(dayOf(starts.From.UnixMilli()), oldest), min(dayOf(starts.To.UnixMilli()), newest)
	for _, within := range [][2]int64{{from, to}, {oldest, newest}, {oldest, dayOf(now.UnixMilli())}} {
		days, err := c.cp.DaysHolding(ctx, within[0], within[1], controls)
		if err != nil {
			return nil, err
		}
		if len(days) > 0 {
			list := make([]time.Time, len(days))
			for i, d := range days {
				list[i] = time.UnixMilli(d * (24 * time.Hour).Milliseconds()).UTC()
			}
			return list, nil
		}
	}
	return nil, nil
}
