package exporter

import (
	"context"
	"slices"
	"sync"
)

// samples is what charts are drawn of.
type samples struct {
	mu               sync.Mutex
	kept             []Sample
	messages, events int64 // by the counters at the last one
}

func (s *samples) list() []Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept)
}

// sample takes one.
func (s *Service) sample(ctx context.Context) error {
	status, err := s.Status(ctx)
	if err != nil {
		return err
	}
	counters, err := s.counters(ctx)
	if err != nil {
		return err
	}
	now := Sample{At: s.Now().UTC(), Lag: status.Lag}
	for _, d := range status.Destinations {
		now.Pending += d.Pending
	}
	var messages, events int64
	for _, c := range counters {
		switch {
		case c.Name == CounterMessages:
			messages += c.Value
		case c.Name == CounterEvents && c.Labels == "stored":
			events += c.Value
		}
	}
	s.samples.add(now, messages, events)
	return nil
}

func (s *samples) add(now Sample, messages, events int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) > 0 {
		now.Messages, now.Events = messages-s.messages, events-s.events
	}
	s.messages, s.events = messages, events
	s.kept = append(s.kept, now)
	if len(s.kept) > samplesKept {
		s.kept = s.kept[1:]
	}
}
