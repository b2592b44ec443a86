package exporter

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"lpexport/exporter/checkpoint"
)

// Overview is all that operators are shown: by metrics, the status page, alerts
// and `lpexport status`. It never holds what people wrote. Made by Exporter.Overview.
type Overview struct {
	Status
	Account   string
	Generator string // program and version
	At        time.Time
	Began     time.Time // when this process began to serve; zero for a command that only looks
	Runs      []RunSummary
	Days      []Day           // the last 400 UTC days up to today, the oldest first, without a gap
	Receiver  *ReceiverStatus // nil: no webhook is listened to by this process
	Counters  []Counter       // in order of their name and labels
	Samples   []Sample        // about one a minute for the last 24 h of this process, the oldest first
	Expiries  []Expiry
}

// RunSummary is one of the last runs, the newest first, at most 20.
type RunSummary struct {
	ID       int64
	Kind     string // cycle or backfill
	Started  time.Time
	Ended    time.Time // zero: it is running, or was cut short
	Complete bool
}

// Day is what was captured of the conversations that started on one UTC day.
type Day struct {
	Date          time.Time // its midnight
	Conversations int64
	Messages      int64
	Covered       bool    // the whole day was asked for: if nothing was captured, nothing was there
	Pending       []int64 // conversations not wholly delivered, by destination in the order of Status.Destinations
}

// EventStatus is what became of real-time events that are not settled.
type EventStatus struct {
	Waiting     int64         // not cut: who sent them, or of which conversation or skill they are, is not known
	Oldest      time.Duration // of those
	Unconfirmed int64         // conversations with messages that events told and that history has not confirmed for too long
}

// ReceiverStatus is how the listener for events fares.
type ReceiverStatus struct {
	LastAt time.Time // when the last event was stored; zero: none since the start
	Alarm  string    // why events that bear our client id are refused; "" they are not
	Since  time.Time // of the alarm
}

// Counter only ever grows, also over restarts: it is kept in the checkpoint.
type Counter struct {
	Name   string // one of the Counter constants
	Labels string // the label's value, such as a result or a class; "" where the counter has none
	Second string // the second label's value: the destination; "" where the counter has none
	Value  int64
}

// Names of counters.
const (
	CounterRequests   = "requests"   // to LivePerson, by result: ok, throttled, unauthorized, rejected, unavailable, timeout, cancelled
	CounterEvents     = "events"     // notifications, by the receiver's result
	CounterChanges    = "changes"    // changes in stored notifications, by kind: content, rich, accept, chat, conversation, unknown
	CounterDeliveries = "deliveries" // items handed over, by class: taken, retry, reject, halt, abort, uncertain; and destination
	CounterMessages   = "messages"   // captured, by source: history, webhook
	CounterExcluded   = "excluded"   // conversations that the selection left out, by reason
	CounterBytes      = "bytes"      // of JSON received from LivePerson, by source: history, webhook
	CounterDelivered  = "delivered"  // bytes of items that were taken, by destination (in Second)
	CounterCycles     = "cycles"     // by result: complete, incomplete, failed, refused (the login), busy (another process is in one)
	CounterAmendments = "amendments" // cut, by destination (in Second)
)

// Sample is the state of one moment, for charts.
type Sample struct {
	At       time.Time
	Lag      time.Duration
	Pending  int   // conversations and bundles, of all destinations
	Messages int64 // captured since the sample before
	Events   int64 // stored since the sample before
}

// Expiry is something that stops working at a known time.
type Expiry struct {
	What string // such as "webhook certificate", "login to LivePerson"
	At   time.Time
}

const (
	daysShown   = 400
	runsShown   = 20
	samplesKept = 24 * 60
	daysEvery   = time.Minute // they are counted anew
)

// Overview reads all that operators are shown and that the state knows. It needs
// no lease and changes nothing.
func (e *Exporter) Overview(ctx context.Context) (o Overview, err error) {
	o = Overview{Account: e.Account, Generator: e.Generator, At: e.Now().UTC()}
	if o.Status, err = e.Status(ctx); err != nil {
		return o, err
	}
	runs, err := e.cp.Runs(ctx, runsShown)
	if err != nil {
		return o, err
	}
	for _, r := range runs {
		o.Runs = append(o.Runs, RunSummary{ID: r.ID, Kind: r.Kind, Started: timeOf(r.Started), Ended: timeOf(r.Ended), Complete: r.Complete})
	}
	if o.Days, err = e.days(ctx, o.Coverage); err != nil {
		return o, err
	}
	o.Counters, err = e.counters(ctx)
	return o, err
}

// timeOf is a time of the state; zero when it is not known.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// counters is what was counted, also what the state has not been told yet.
func (e *Exporter) counters(ctx context.Context) (list []Counter, err error) {
	counts, err := e.cp.Counts(ctx)
	if err != nil {
		return nil, err
	}
	totals := map[checkpoint.Count]int64{}
	for _, c := range slices.Concat(counts, e.tally.peek()) {
		n := c.Value
		c.Value = 0
		totals[c] += n
	}
	for c, n := range totals {
		list = append(list, Counter{Name: c.Name, Labels: c.Label, Second: c.Second, Value: n})
	}
	slices.SortFunc(list, func(a, b Counter) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Labels, b.Labels), cmp.Compare(a.Second, b.Second))
	})
	return list, nil
}

// days is what was captured of the last days, and what of it is pending, not much
// older than daysEvery.
func (e *Exporter) days(ctx context.Context, coverage []Period) ([]Day, error) {
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

// covers tells whether a day was asked for; of today, what has passed of it and
// is older than a cycle may be.
func covers(coverage []Period, from, to, now time.Time) bool {
	to = minTime(to, now.Add(-time.Hour))
	return slices.ContainsFunc(coverage, func(p Period) bool { return !p.From.After(from) && !p.To.Before(to) })
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

// Overview is the exporter's, with what only the service knows.
func (s *Service) Overview(ctx context.Context) (Overview, error) {
	o, err := s.Exporter.Overview(ctx)
	o.Began = s.began.UTC()
	o.Samples = s.samples.list()
	return o, err
}

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
