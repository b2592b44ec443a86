package exporter

import (
	"context"
	"time"

	"lpexport/exporter/checkpoint"
)

// samplesFor is how long samples are kept.
const samplesFor = 24 * time.Hour

// samples is what charts are drawn of. The first has no rates: nothing came before it.
func (e *Exporter) samples(ctx context.Context) ([]Sample, error) {
	rows, err := e.cp.Samples(ctx, e.Now().Add(-samplesFor).UnixMilli())
	if err != nil {
		return nil, err
	}
	list := make([]Sample, len(rows))
	for i, r := range rows {
		list[i] = Sample{At: timeOf(r.At), Lag: time.Duration(r.Lag) * time.Millisecond, Pending: int(r.Pending)}
		if i > 0 {
			list[i].Messages, list[i].Events = max(r.Messages-rows[i-1].Messages, 0), max(r.Events-rows[i-1].Events, 0)
		}
	}
	return list, nil
}

// sample takes one, and stores it with what was counted.
func (s *Service) sample(ctx context.Context) error {
	status, err := s.Status(ctx)
	if err != nil {
		return err
	}
	counters, err := s.counters(ctx)
	if err != nil {
		return err
	}
	now := checkpoint.Sample{At: s.millis(), Lag: status.Lag.Milliseconds()}
	for _, d := range status.Destinations {
		now.Pending += int64(d.Pending)
	}
	for _, c := range counters {
		switch {
		case c.Name == CounterMessages:
			now.Messages += c.Value
		case c.Name == CounterEvents && c.Labels == EventStored:
			now.Events += c.Value
		}
	}
	return s.flush(ctx, func(tx *checkpoint.Tx) error { return tx.AddSample(now, now.At-samplesFor.Milliseconds()) })
}
