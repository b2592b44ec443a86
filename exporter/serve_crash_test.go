//go:build unix

package exporter

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
	"lpexport/liveperson/webhook"
)

// eventSteps are those at which a service can be killed besides namedSteps.
var eventSteps = []string{
	"events received", "events in transaction", "events stored",
	"events read", "digest in transaction", "events digested",
}

const (
	oftenCycles = 300 * time.Millisecond
	noCycles    = 100 * 24 * time.Hour // but a first one
)

// TestServiceKilledUnderEvents kills services that take events, capture and
// deliver, at their steps and at any instant, while the account sends on. Each
// event that was answered 200 is in the archive or waits for history, before
// history is asked; in the end all is there, once. To kill 200 of them:
//
//	go test ./exporter -run ServiceKilled -crash.kills 2500
func TestServiceKilledUnderEvents(t *testing.T) {
	t.Parallel()
	c := newCrash(t, 6, busy(4000))
	c.clock.Advance(-47 * time.Hour) // less was said before
	l := c.newLine("cycle.lock", "destination-local.lock")
	f := c.newTraffic(l)
	c.run(l, mission{Every: oftenCycles, Named: "page stored", Step: 1}, 0) // the account's users are known
	sent, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sent)
		f.run(stop)
	}()
	for n, step := range eventSteps {
		c.run(l, mission{Every: oftenCycles, Named: step, Step: 1 + n%3}, 0)
	}
	for n := 0; c.goesOn(0.08); n++ {
		c.run(l, c.servedInstant(n), 0)
	}
	enough := f.more(100)
	go func() { // the last one is stopped when it has taken some, and all that is left
		<-enough
		close(stop)
		<-sent
		f.left.Wait()
		f.stopService()
	}()
	if c.run(l, mission{Every: noCycles}, 0) {
		t.Error("the service was killed instead of stopped")
	}
	for _, step := range eventSteps {
		if c.diedAt[step] == 0 && !t.Failed() {
			t.Errorf("never killed at %q", step)
		}
	}
	f.mustHoldAnswered()
	c.finishAfter(time.Hour)
	c.mustHaveSettled()
}

// busy is an account that tells much, changes nothing later, and whose history
// lags so far behind that most messages come by events.
func busy(rate int) sandbox.Settings {
	set := living(rate)
	set.LateChanges, set.Lively, set.Freshness = false, 0, 20*time.Minute
	// An event that was not taken is tried again at once: its connection waits for
	// the next service.
	set.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return set
}

// servedInstant chooses when the nth service is to die: at the steps by their
// number, at those of a name, or at any instant of its first second.
func (c *crash) servedInstant(n int) (m mission) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.Every = oftenCycles
	some := time.Duration(c.rng.IntN(3_000)) * time.Microsecond
	switch n % 3 {
	case 0:
		m.After = time.Millisecond + time.Duration(c.rng.IntN(1_000))*time.Millisecond
		if c.rng.IntN(2) == 0 {
			m.Every = noCycles
		}
	case 1:
		m.Step = 1 + n/3
	default:
		steps := slices.Concat(eventSteps, namedSteps)
		m.Named, m.Step, m.After = steps[c.rng.IntN(len(steps))], 1+c.rng.IntN(4), some
	}
	return m
}

// serve is a service in a process of its own. It takes events at the listener
// that it is given, and stops when the pipe that it is given is closed.
func (c *crashChild) serve(ctx context.Context) (complete bool, err error) {
	e, err := c.open(ctx)
	if err != nil {
		return false, err
	}
	s := e.NewService(ServeSettings{
		Next:   func(after time.Time) time.Time { return after.Add(c.Every) },
		Events: &EventSettings{ResolveWithin: 2 * time.Minute},
	})
	receiver, err := webhook.New(webhook.Settings{Account: "sandbox", Path: "/", ClientID: sandbox.DefaultWebhookClientID,
		Secrets: []string{sandbox.DefaultWebhookSecret}, Store: s.Events().Store})
	if err != nil {
		return false, err
	}
	door, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return false, err
	}
	go http.Serve(door, receiver)
	ctx, stop := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.NewFile(4, "pipe"))
		stop()
	}()
	return true, s.Run(ctx)
}
