package exporter

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// Events takes real-time events: Store keeps them, and Digest turns them into
// revisions. Both are for the one process that listens for an account's events.
type Events struct {
	*Exporter
	resolveWithin time.Duration

	arrivals chan arrival
	stored   chan struct{} // something is to be digested
	again    chan struct{} // more is known: events that wait are to be looked at
	relearn  atomic.Bool
	asking   atomic.Bool    // the directory of users is being fetched
	tasks    sync.WaitGroup // of fetching it
	due      func()         // something was made due
	chosen   selection
	held     bool // some destination was recovered
	norm     *normaliser
	missed   map[string]int64 // pids that no user had, and when the directory was last asked for them
	asks     asks             // when it was asked for anybody
	warned   map[string]bool  // types that nobody knows
	looked   map[int64]int    // by event without a usable sequence: the record that does not have it
}

// EventSettings is what Events work with.
type EventSettings struct {
	ResolveWithin time.Duration // after it an event whose sender or skill nobody knows waits for history
	Due           func()        // called when events have made something due
}

// NewEvents prepares for events. Nothing is stored before Keep runs.
func (e *Exporter) NewEvents(s EventSettings) *Events {
	v := &Events{Exporter: e, resolveWithin: s.ResolveWithin, due: s.Due, arrivals: make(chan arrival, mostArrivals),
		stored: make(chan struct{}, 1), again: make(chan struct{}, 1), missed: map[string]int64{}, warned: map[string]bool{}, looked: map[int64]int{}}
	if len(e.Skills) > 0 {
		v.chosen = selection{"": false} // nothing is chosen before the skills are known
	}
	v.relearn.Store(true)
	return v
}

// arrival is an event whose sender waits for an answer.
type arrival struct {
	event checkpoint.Event
	done  chan<- error
}

// gatherFor is how long the first event of a transaction waits for others: without
// it there is one transaction after the other, and nobody else gets to write.
const gatherFor = 2 * time.Millisecond

// Bounds of what is stored in one transaction, and of how long a sender waits:
// LivePerson gives up after 5 seconds and wants an answer within 2.5.
const (
	mostArrivals  = 512
	arrivalBytes  = 8 << 20
	storePatience = 2 * time.Second
)

var errClosing = errors.New("lpexport is about to stop")

// Store keeps an event; when it returns nil, the event is on disk. Many at once
// share a transaction. What holds nothing to archive is counted and not kept.
func (v *Events) Store(ctx context.Context, body []byte) error {
	if v.passing(body) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	done := make(chan error, 1)
	a := arrival{checkpoint.Event{ReceivedAt: v.millis(), Bytes: int64(len(body)), Frame: v.packer.pack(body)}, done}
	select {
	case v.arrivals <- a:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	// From here on the event may be stored whatever the caller does: then the
	// sender tries again, and the event is found to be known.
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// passing tells whether a notification tells only what passes: who is typing and
// who has read what.
func (v *Events) passing(body []byte) bool {
	n, err := liveperson.ReadNotification(body)
	if err != nil || n.Type != liveperson.MessagingNotification {
		return false
	}
	var accepts, chats int64
	for _, change := range n.Changes {
		switch liveperson.ReadMessagingChange(change).EventType {
		case liveperson.AcceptStatusEvent:
			accepts++
		case liveperson.ChatStateEvent:
			chats++
		default:
			return false
		}
	}
	v.tally.add(CounterEvents, EventStored, "", 1)
	v.tally.add(CounterBytes, sourceWebhook, "", int64(len(body)))
	v.tally.add(CounterChanges, "accept", "", accepts)
	v.tally.add(CounterChanges, "chat", "", chats)
	return true
}

// Keep stores events until ctx ends, and then those that have come before.
func (v *Events) Keep(ctx context.Context) {
	var batch []arrival
	for {
		select {
		case a := <-v.arrivals:
			_ = pauseFor(ctx, gatherFor) // or until the service stops: then it is stored all the same
			batch = v.keep(append(batch[:0], a))
		case <-ctx.Done():
			for {
				select {
				case a := <-v.arrivals:
					a.done <- errClosing
				default:
					return
				}
			}
		}
	}
}

// gather takes what has come meanwhile.
func (v *Events) gather(batch []arrival) []arrival {
	size := batch[0].event.Bytes
	for len(batch) < mostArrivals && size < arrivalBytes {
		select {
		case a := <-v.arrivals:
			batch = append(batch, a)
			size += a.event.Bytes
		default:
			return batch
		}
	}
	return batch
}

// keep stores events, with those that come while it waits for its turn, and
// answers all of them.
func (v *Events) keep(batch []arrival) []arrival {
	ctx, cancel := context.WithTimeout(context.Background(), storePatience)
	defer cancel()
	v.Step("events received")
	err := v.cp.UpdateSoon(ctx, func(tx *checkpoint.Tx) error {
		batch = v.gather(batch)
		events := make([]checkpoint.Event, len(batch))
		for i := range batch {
			events[i] = batch[i].event
		}
		err := errors.Join(tx.AddEvents(events), tx.AddCounts([]checkpoint.Count{
			{Name: CounterEvents, Label: EventStored, Value: int64(len(events))}, {Name: CounterBytes, Label: sourceWebhook, Value: eventBytes(events)}}))
		v.Step("events in transaction")
		return err
	})
	v.Step("events stored")
	for _, a := range batch {
		a.done <- err
	}
	if err == nil {
		wakeOne(v.stored)
	}
	return batch
}

func eventBytes(events []checkpoint.Event) (total int64) {
	for i := range events {
		total += events[i].Bytes
	}
	return total
}

// wakeOne wakes who waits for a channel of room for one.
func wakeOne(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default: // not yet seen to the last call
	}
}
