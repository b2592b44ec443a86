package main

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"lpexport/exporter"
	"lpexport/exporter/config"
	"lpexport/exporter/monitor"
)

// keepMinutes counts, alerts and writes the metrics file once a minute.
func (s *serving) keepMinutes(ctx context.Context) {
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			s.countEvents()
			return
		}
		s.countEvents()
		if s.watch != nil {
			s.watch.Look(ctx)
		}
		s.writeMetrics(ctx, s.config, s.overview)
	}
}

// countEvents adds what the receiver has counted to the counters that last.
func (s *serving) countEvents() {
	if s.receiver == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for result, n := range s.receiver.Counts() {
		if result == exporter.EventStored { // counted where it is stored
			continue
		}
		s.service.Count(exporter.CounterEvents, string(result), "", n-s.counted[result])
		s.counted[result] = n
	}
}

// overview is the service's, with what is known of the listeners.
func (s *serving) overview(ctx context.Context) (exporter.Overview, error) {
	s.countEvents()
	o, err := s.service.Overview(ctx)
	if s.receiver != nil {
		reason, since := s.receiver.Alarm()
		o.Receiver = &exporter.ReceiverStatus{LastAt: s.receiver.LastAt(), Alarm: reason, Since: since, Taken: s.receiver.AlarmTaken()}
	}
	o.Expiries = slices.Concat(o.Expiries, s.expiries())
	return o, err
}

func (s *serving) expiries() (list []exporter.Expiry) {
	add := func(what string, at time.Time) {
		if !at.IsZero() {
			list = append(list, exporter.Expiry{What: what, At: at.UTC()})
		}
	}
	add("login to LivePerson", s.config.LivePerson.Expires.Time)
	if s.events != nil {
		add("webhook certificate", s.events.CertificateExpiry())
	}
	if s.monitor != nil {
		add("status page certificate", s.monitor.CertificateExpiry())
	}
	for _, d := range s.config.Destinations {
		if d.SMTP != nil && d.SMTP.CertFile != "" {
			add("client certificate of destination "+d.Name, certificateEnd(d.SMTP.CertFile))
		}
	}
	return list
}

// writeMetrics writes the metrics file, where one is wanted. A run does not fail
// for it.
func (p *program) writeMetrics(ctx context.Context, c *config.Config, overview func(context.Context) (exporter.Overview, error)) {
	if c.MetricsFile == "" {
		return
	}
	o, err := overview(ctx)
	if err == nil {
		err = monitor.WriteMetricsFile(c.MetricsFile, o)
	}
	if err != nil {
		p.log.LogAttrs(ctx, slog.LevelError, "metrics_file could not be written", slog.Any("error", err))
	}
}
