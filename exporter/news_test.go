package exporter

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/liveperson"
)

// A trouble that lasts is told when it begins, and when it is over: not each time that it
// is met again, in other words about the same thing.
func TestLastingTroubleIsToldOnce(t *testing.T) {
	var logged strings.Builder
	r, _ := handTrial(t, func(s *Settings) { s.Log = slog.New(slog.NewTextHandler(&logged, nil)) })
	s := r.NewService(ServeSettings{})
	for n := range 10 {
		err := &liveperson.UnavailableError{Until: epoch.Add(time.Duration(n) * time.Minute), Err: fmt.Errorf("search %d: status 503", n)}
		if fatal := s.cycleEnded(err, false); fatal != nil {
			t.Fatal(fatal)
		}
	}
	if fatal := s.cycleEnded(nil, false); fatal != nil {
		t.Fatal(fatal)
	}
	if got := strings.Count(logged.String(), "\n"); got != 2 {
		t.Errorf("an outage of LivePerson is %d lines, want 2: %s", got, logged.String())
	}
	if err := r.register(t.Context()); err != nil {
		t.Fatal(err)
	}
	logged.Reset()
	w := r.workers(nil)[0]
	if err := w.readRow(t.Context()); err != nil {
		t.Fatal(err)
	}
	for port := range 10 {
		cause := fmt.Errorf("read tcp 127.0.0.1:%d->127.0.0.1:25: connection reset by peer", 40_000+port)
		if err := w.trouble(t.Context(), &archive.Error{Class: archive.Retry, Op: "send", Err: cause}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.trouble(t.Context(), &archive.Error{Class: archive.Retry, Op: "send", Err: errors.New("no route to host")}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(logged.String(), "\n"); got != 2 {
		t.Errorf("two troubles of a destination are %d lines, want 2: %s", got, logged.String())
	}
}
