package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// repeatAfter is the shortest time between two log lines for the same reason,
// whether it has lasted or come and gone: bad and good requests in turn must not
// fill the log.
const repeatAfter = time.Hour

// alarm is what an operator has to know, one reason at a time. A reason comes
// from a closed list and holds nothing of a request.
type alarm struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	reason string // "": none
	since  time.Time
	taken  bool                 // requests of that kind are stored
	logged map[string]time.Time // when each reason was logged last
	open   bool                 // a line was logged whose end was not
}

func (a *alarm) get() (string, time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reason, a.since
}

func (a *alarm) isTaken() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.taken
}

// raise makes reason the current one and logs it, unless it was of late.
func (a *alarm) raise(level slog.Level, reason string, err error) {
	now := a.now()
	a.mu.Lock()
	if a.reason != reason {
		a.reason, a.since, a.taken = reason, now, level < slog.LevelError
	}
	since := a.since
	last, before := a.logged[reason]
	tell := !before || now.Sub(last) >= repeatAfter
	if tell {
		a.logged[reason] = now
		a.open = true
	}
	a.mu.Unlock()
	if !tell {
		return
	}
	attrs := []slog.Attr{slog.String("reason", reason), slog.Time("since", since)}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	a.log.LogAttrs(context.Background(), level, "webhook alarm", attrs...)
}

// clear ends the alarm, and logs that where its reason was.
func (a *alarm) clear() {
	a.mu.Lock()
	tell := a.open
	a.reason, a.since, a.taken, a.open = "", time.Time{}, false, false
	a.mu.Unlock()
	if tell {
		a.log.LogAttrs(context.Background(), slog.LevelInfo, "webhook events are taken again")
	}
}
