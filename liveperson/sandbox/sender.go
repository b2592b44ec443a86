package sandbox

import (
	"context"
	"iter"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The application that sends the events of a sandbox, unless others are given.
const (
	DefaultWebhookClientID = "5f0c6b1e-7a44-4c0d-9d0e-3b1a52c7e9d4"
	DefaultWebhookSecret   = "sandboxwebhooksecret000000"
)

// SenderSettings say where events go and how well that goes. Time is the
// account's: Settings.Now and Settings.Sleep.
type SenderSettings struct {
	URL              string
	ClientID, Secret string // "" are the defaults above
	Shape            Shape  // of the signature; "" is SHA1Base64

	// Retention is for how long an event that was not taken is tried again: after
	// 2, 4, 8, … seconds, at most 5 minutes, the later events of its conversation
	// waiting behind it. 0 drops it at once, as LivePerson does unless told
	// otherwise.
	Retention time.Duration
	// Duplicates is the share of events that are sent again after they were taken.
	Duplicates float64
	// Reorder is the share of events that are held back for up to 4 seconds, so that
	// later ones of the conversation pass them, as happens after an outage.
	Reorder float64
	Seed    uint64 // which events that are

	Concurrency int            // requests at once; 0 is 4
	Client      *http.Client   // nil is one of its own, with LivePerson's time-outs
	Observe     func(Delivery) // called when a request has ended by itself, from many goroutines; nil is no one
}

// Delivery is one attempt to deliver one event.
type Delivery struct {
	Event   Event
	Attempt int  // 1, 2, …
	Again   bool // a duplicate: the event was taken before
	Status  int  // of the answer; 0 where Err says why there is none
	Err     error
}

// Taken tells whether the receiver has the event now: LivePerson counts 200
// and 201 as success, and nothing else.
func (d Delivery) Taken() bool {
	return d.Status == http.StatusOK || d.Status == http.StatusCreated
}

// Counts are what a sender has done so far. Duplicates are counted as such only.
type Counts struct {
	Delivered  int64 // events that were taken
	Dropped    int64 // events given up
	Failed     int64 // attempts that were not taken, of duplicates too
	Duplicates int64 // taken once more
	Reordered  int64 // held back
	Pending    int64 // accepted, and neither delivered nor dropped
}

// Sender posts events of an account to a webhook as LivePerson does: signed,
// those of one conversation in order, those of different ones at once. It is
// safe for use by many goroutines.
type Sender struct {
	account *Account
	set     SenderSettings
	client  *http.Client
	slots   chan struct{} // of requests
	room    chan struct{} // of events that are pending

	mu     sync.Mutex
	lines  map[int][]*parcel // what waits, by conversation; who is here is being worked for
	counts Counts
}

// maxPending bounds what a sender holds. Run lags behind where a receiver that
// fails for long keeps so many back.
const maxPending = 10_000

// NewSender is a sender of the account's events.
func (a *Account) NewSender(s SenderSettings) *Sender {
	or(&s.ClientID, DefaultWebhookClientID)
	or(&s.Secret, DefaultWebhookSecret)
	or(&s.Shape, SHA1Base64)
	or(&s.Concurrency, 4)
	if s.Client == nil {
		s.Client = newClient(s.Concurrency, new(net.Dialer).DialContext)
	}
	return &Sender{
		account: a, set: s, client: s.Client,
		slots: make(chan struct{}, s.Concurrency), room: make(chan struct{}, maxPending), lines: map[int][]*parcel{},
	}
}

// Counts is what was done so far.
func (s *Sender) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// Run sends what happens in the account after from, each event when it happens,
// until ctx ends, which it returns the cause of, or until the account has
// nothing more to tell and all is sent. What is pending when ctx ends is not
// sent.
func (s *Sender) Run(ctx context.Context, from time.Time) error {
	return s.send(ctx, func(yield func(Event) bool) {
		s.account.newAgenda(from.UnixMilli(), never).all(func(e Event) bool {
			wait := time.UnixMilli(e.At).Sub(s.account.set.Now())
			return (wait <= 0 || s.account.set.Sleep(ctx, wait) == nil) && yield(e)
		})
	})
}

// Send sends these events now, in this order within a conversation, and
// returns when each was delivered or dropped, or with the cause when ctx ends.
func (s *Sender) Send(ctx context.Context, events []Event) error {
	return s.send(ctx, slices.Values(events))
}

func (s *Sender) send(ctx context.Context, events iter.Seq[Event]) error {
	of := &batch{ctx: ctx}
	for e := range events {
		select {
		case s.room <- struct{}{}:
			s.accept(&parcel{event: e, of: of, accepted: s.account.set.Now()})
			continue
		case <-ctx.Done():
		}
		break
	}
	of.left.Wait()
	return context.Cause(ctx)
}
