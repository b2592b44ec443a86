// Package webhook receives LivePerson's Connector API events: notifications that
// LivePerson posts as they happen, signed with the client secret of an installed
// app. It proves that an event is genuine and hands its bytes on unread.
//
// The protocol facts are from LivePerson's pages on Connector API webhooks: the
// notification protocol (headers, signature), the retry policy, the disclaimers.
package webhook

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Settings say whose events are taken, and where they go.
type Settings struct {
	Account   string   // x-liveperson-account-id must be this
	Path      string   // exact path
	ClientID  string   // x-liveperson-client-id must be this
	Secrets   []string // current first, then the previous one while rotating; their UTF-8 bytes are the HMAC keys
	Signature Shape    // "": any of the four; else the one that is expected: others are taken, and alarm
	MaxBody   int64    // bytes of one event; 0: 8 MiB
	InFlight  int      // events being read and stored at most; 0: 512

	// Store keeps an event: it is durable when nil is returned. The body is the
	// callee's own. The context does not end when the sender hangs up, since an
	// event that has been read is worth keeping: Store bounds its time itself.
	// Its error is logged, so it holds nothing of the body.
	Store func(ctx context.Context, body []byte) error

	Log *slog.Logger     // nil: silent
	Now func() time.Time // nil: time.Now
}

const (
	defaultMaxBody  = 8 << 20
	defaultInFlight = 512
)

// LogValue, String and GoString keep the secrets out of whatever prints Settings.
func (Settings) LogValue() slog.Value { return slog.StringValue("redacted") }
func (Settings) String() string       { return "redacted" }
func (Settings) GoString() string     { return "redacted" }

// complete checks s and fills in the defaults.
func (s *Settings) complete() error {
	var errs []error
	fault := func(wrong bool, text string) {
		if wrong {
			errs = append(errs, errors.New(text))
		}
	}
	fault(s.Account == "", "account: is required")
	fault(!strings.HasPrefix(s.Path, "/"), "path: starts with /")
	fault(s.ClientID == "", "client id: is required")
	fault(len(s.Secrets) == 0, "client secret: is required")
	for _, secret := range s.Secrets {
		// Anybody could sign with it.
		fault(secret == "", "client secret: is empty")
	}
	fault(s.Signature != "" && !s.Signature.known(), "signature: one of "+strings.Join(shapeNames(), ", "))
	fault(s.MaxBody < 0, "largest event: below 0")
	fault(s.InFlight < 0, "events in flight: below 0")
	fault(s.Store == nil, "store: is required")
	s.MaxBody = cmp.Or(s.MaxBody, defaultMaxBody)
	s.InFlight = cmp.Or(s.InFlight, defaultInFlight)
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	return errors.Join(errs...)
}

// Receiver is the http.Handler that takes events. It answers 200 when the event
// is durable and something else in every other case, so that LivePerson's retry
// keeps what was not stored.
type Receiver struct {
	set      Settings // without the secrets
	keys     atomic.Pointer[keyring]
	inFlight slots
	large    slots
	drains   slots
	counts   map[Result]*atomic.Int64 // every Result; the map is never changed
	lastAt   atomic.Pointer[time.Time]
	alarm    alarm
}

// New returns a Receiver, or everything that is wrong with the settings.
func New(set Settings) (*Receiver, error) {
	if err := set.complete(); err != nil {
		return nil, err
	}
	keys := newKeyring(set.Secrets)
	set.Secrets = nil
	r := &Receiver{
		set:      set,
		inFlight: make(slots, set.InFlight), large: make(slots, largeAtOnce), drains: make(slots, drainedAtOnce),
		counts: make(map[Result]*atomic.Int64, len(results)),
		alarm:  alarm{log: set.Log, now: set.Now, logged: make(map[string]time.Time)},
	}
	r.keys.Store(keys)
	for result := range results {
		r.counts[result] = new(atomic.Int64)
	}
	return r, nil
}

var _ http.Handler = (*Receiver)(nil)

// SetSecrets replaces the secrets that events may be signed with, the current one first.
// None of them may be empty.
func (r *Receiver) SetSecrets(secrets []string) { r.keys.Store(newKeyring(secrets)) }

// Counts returns how many requests ended in each Result since the start, those
// that none ended in included.
func (r *Receiver) Counts() map[Result]int64 {
	counts := make(map[Result]int64, len(r.counts))
	for result, n := range r.counts {
		counts[result] = n.Load()
	}
	return counts
}

// LastAt is when the last event was stored; zero: none was since the start.
func (r *Receiver) LastAt() time.Time {
	if at := r.lastAt.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// Alarm tells why requests that bear our client id are refused, with what to do
// about it, and since when it has been for that reason. It lasts until an event
// is stored. Events of another shape than expected, though stored, alarm until
// one of the expected shape is. "": all is well.
func (r *Receiver) Alarm() (reason string, since time.Time) { return r.alarm.get() }

// AlarmTaken reports whether the requests that alarm are taken all the same.
func (r *Receiver) AlarmTaken() bool { return r.alarm.isTaken() }
