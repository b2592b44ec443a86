// Package sandbox is a simulated LivePerson account: an http.Handler that
// answers as the domain API, the token server, the Messaging Interactions API,
// the users and skills API and the file service with its storage do, with their
// limits, oddities and, on demand, their faults. A Sender posts its events to a
// webhook. Demonstrations, tests, training and benchmarks run against it.
//
// The account is a pure function of its settings, the changes applied to it and
// the time. Nothing else is stored while it lives: the whole life of conversation n is computed from
// (seed, n), and a request at some moment shows what had happened by then. Two
// processes with the same settings see the same account, a restarted one sees
// it go on, and Truth can be asked at any moment what an archive must hold.
//
// All content is invented.
package sandbox

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Settings say which account is simulated. The zero value is a usable account;
// each field names what its zero stands for.
type Settings struct {
	Account string    // account id; "" is "sandbox"
	Seed    uint64    // another seed is another account
	Epoch   time.Time // when the first conversation may start; zero is 2025-01-01 UTC

	Conversations int           // how many start between Epoch and Epoch+Period; 0 is no end, at Rate
	Period        time.Duration // for Conversations; 0 is 30 days
	Rate          int           // conversations a day where Conversations is 0; 0 is 40

	Messages  int           // mean of messages in a conversation; 0 is 20
	Growth    time.Duration // mean time between two messages; 0 is 3 minutes
	Lively    float64       // share that goes on for about a day, a message every 6 minutes
	OpenShare float64       // share that is never closed
	Huge      int           // conversation 0 has this many messages; 0 is none of that kind

	// Plain makes all conversations alike: exactly Messages plain texts, one
	// status and one score each, about 1.1 KB a message, no oddities, no reopening,
	// no survey. For benchmarks.
	Plain bool
	// Hostile puts control characters, line ends, NUL, bidi marks, lone surrogates,
	// markup, formulas and megabyte texts into names and messages.
	Hostile bool
	// LateChanges masks a tenth of the conversations some hours after their
	// close and erases a twenty-fifth after some days.
	LateChanges bool
	Changes     []Change // single changes, at a time of their own; Account.Apply makes more while it lives
	// AgentNewline ends the texts of agents with a line end in events, as official
	// examples show them; history has them without.
	AgentNewline bool
	// Unsaid is the share of messages whose events do not say for whom they are, as
	// those of the official examples, private ones too.
	Unsaid float64
	// NewTypes is the share of messages around which events of types come that nobody
	// has documented.
	NewTypes float64

	Files Files // how the files that messages name can be fetched

	Freshness time.Duration // how far the history lags behind real time; the real one up to a minute
	Answer    time.Duration // answer time of each request, waited through Sleep
	TokenLife time.Duration // of OAuth 2 tokens; 0 is an hour
	Faults    []Fault
	Hosts     map[string]string // host that the Domain API names for a service; for the others it names the one that was asked

	Credentials Credentials                                      // zero is DefaultCredentials
	Now         func() time.Time                                 // nil is time.Now
	Sleep       func(ctx context.Context, d time.Duration) error // nil is a timer
	Observe     func(Request)                                    // called before each answer, from many goroutines; nil is no one
}

// Default is the account behind `account: sandbox`: a small lively brand. About
// 15 conversations start each day, since 2025, three of which go on for a day
// or more, so that several grow at any moment and one of them every minute or
// two. Two runs on any two days see one and the same account, some time apart.
func Default() Settings {
	return Settings{
		Seed: 1, Epoch: firstEpoch, Rate: 15, Messages: 16, Growth: 2 * time.Minute,
		Lively: 0.2, OpenShare: 0.02, LateChanges: true, Freshness: 5 * time.Second,
	}
}

// Live is an account in which a message is sent about every second and a half:
// a thousand conversations a day of an hour each. It is no later Default but
// another account, so it should be given an id of its own.
func Live() Settings {
	s := Default()
	s.Rate, s.Messages, s.Growth, s.Lively, s.OpenShare = 1000, 60, time.Minute, 0, 0.002
	return s
}

var firstEpoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// Account is the simulated account. It is safe for use by many goroutines.
type Account struct {
	set   Settings
	epoch int64 // ms
	slot  int64 // ms in which slots conversations start
	slots int64

	changed  atomic.Pointer[changeSet]
	applying sync.Mutex
	applied  []Change // by Apply, in its order

	mu     sync.Mutex
	index  []entry // conversations from number 0 on; only ever appended to
	counts map[Route]int
	nonces nonces
}

// New is the account these settings describe. It keeps no copy of slices
// inside settings; the caller leaves them alone.
func New(s Settings) *Account {
	s = s.filled()
	a := &Account{set: s, epoch: s.Epoch.UnixMilli(), counts: map[Route]int{}}
	a.slot, a.slots = (24 * time.Hour).Milliseconds(), int64(s.Rate)
	if s.Conversations > 0 {
		a.slot, a.slots = s.Period.Milliseconds(), int64(s.Conversations)
	}
	a.changed.Store(changeSetOf(s.Changes))
	return a
}

func (s Settings) filled() Settings {
	or(&s.Account, "sandbox")
	or(&s.Epoch, firstEpoch)
	or(&s.Period, 30*24*time.Hour)
	or(&s.Rate, 40)
	or(&s.Messages, 20)
	or(&s.Growth, 3*time.Minute)
	or(&s.TokenLife, time.Hour)
	or(&s.Credentials, DefaultCredentials)
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Sleep == nil {
		s.Sleep = sleep
	}
	return s
}

func or[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Requests counts what was asked so far, by route.
func (a *Account) Requests() map[Route]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	counts := make(map[Route]int, len(a.counts))
	for r, n := range a.counts {
		counts[r] = n
	}
	return counts
}

var _ http.Handler = (*Account)(nil)
