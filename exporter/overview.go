package exporter

import (
	"cmp"
	"context"
	"slices"
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
	Samples   []Sample        // about one a minute that serve ran in the last 24 h, the oldest first
	Expiries  []Expiry
}

// RunSummary is one of the last runs, the newest first, at most 20.
type RunSummary struct {
	ID      int64
	Kind    string // cycle or backfill
	Started time.Time
	Ended   time.Time   // zero: it is running, or was cut short
	Result  CycleResult // of backfills too; "" while Ended is zero
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
	Alarm  string    // why events that bear our client id are refused, or what is odd about them; "" all is well
	Taken  bool      // those that alarm are taken all the same
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
	CounterChanges    = "changes"    // changes in stored notifications, by kind: content, rich, accept, chat, conversation, known, unknown, unreadable
	CounterDeliveries = "deliveries" // items handed over, by class: taken, retry, reject, halt, abort, uncertain; and destination
	CounterMessages   = "messages"   // captured, by source: history, webhook
	CounterLossy      = "lossy"      // captured messages and happenings that have what UTF-8 cannot hold
	CounterUntimed    = "untimed"    // captured messages and happenings whose time could not be read
	CounterForeign    = "foreign"    // captured conversations of another account, by its id
	CounterExcluded   = "excluded"   // conversations that the selection left out, by reason
	CounterBytes      = "bytes"      // received from LivePerson, by source: history, webhook (JSON), files
	CounterDelivered  = "delivered"  // bytes of items that were taken, by destination (in Second)
	CounterCycles     = "cycles"     // by result: complete, incomplete, failed, refused (the login), busy (another process is in one)
	CounterFiles      = "files"      // that messages name, by what came of them: fetched, missing
	CounterAmendments = "amendments" // cut, by destination (in Second)

	// EventStored is the result of CounterEvents that Events count themselves: in the
	// transaction that stores them.
	EventStored = "stored"

	CounterLateness    = "lateness"     // records with new messages that cycles captured, by bucket: LatenessLabel
	CounterLatenessSum = "lateness_sum" // of their lateness, in seconds
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
	daysShown = 400
	runsShown = 20
	daysEvery = time.Minute // they are counted anew
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
		o.Runs = append(o.Runs, RunSummary{ID: r.ID, Kind: r.Kind, Started: timeOf(r.Started), Ended: timeOf(r.Ended), Result: CycleResult(r.Result)})
	}
	if o.Days, err = e.days(ctx, o.Coverage); err != nil {
		return o, err
	}
	if o.Samples, err = e.samples(ctx); err != nil {
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

// Overview is the exporter's, with what only the service knows.
func (s *Service) Overview(ctx context.Context) (Overview, error) {
	o, err := s.Exporter.Overview(ctx)
	o.Began = s.began.UTC()
	return o, err
}
