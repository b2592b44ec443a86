package exporter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// wire is the way to a simulated account, which a test cuts.
type wire struct {
	http.RoundTripper
	mu   sync.Mutex
	down func(path string) (status int, retryAfter string) // 0: it works; below 0: no answer
	sent int
}

func (l *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	l.sent++
	down := l.down
	l.mu.Unlock()
	if down == nil {
		return l.RoundTripper.RoundTrip(r)
	}
	switch status, after := down(r.URL.Path); {
	case status < 0:
		return nil, fmt.Errorf("dial tcp: %w", syscall.ECONNREFUSED)
	case status > 0:
		return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {after}}, Body: http.NoBody}, nil
	}
	return l.RoundTripper.RoundTrip(r)
}

// cut makes what has one of these words in its path fail; none: everything.
func (l *wire) cut(status int, retryAfter string, words ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = func(path string) (int, string) {
		for _, w := range words {
			if strings.Contains(path, w) {
				return status, retryAfter
			}
		}
		if len(words) == 0 {
			return status, retryAfter
		}
		return 0, ""
	}
}

func (l *wire) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = nil
}

// taken is how many requests were sent since the last time.
func (l *wire) taken() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.sent
	l.sent = 0
	return n
}

// wireTrial is a trial whose wire can be cut. Its pauses are not spread.
func wireTrial(t *testing.T, set sandbox.Settings, after time.Duration, edit func(*Settings)) (*trial, *wire) {
	l := &wire{}
	var r *trial
	connect := func(s *Settings) {
		client, err := liveperson.New(liveperson.Config{
			Account: "sandbox", DomainAPI: "http://127.0.0.1", Source: "test", Concurrency: 4, Transport: l, Now: s.Now,
			OAuth2: &liveperson.OAuth2Credentials{ClientID: sandbox.DefaultCredentials.ClientID, ClientSecret: sandbox.DefaultCredentials.ClientSecret},
			Wait:   func(ctx context.Context, d time.Duration) error { r.clock.Advance(d); return ctx.Err() },
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Source, s.Random = client, func() float64 { return 0 }
		s.Files.Source = client
		if edit != nil {
			edit(s)
		}
	}
	r = newTrial(t, set, after, connect)
	l.RoundTripper = r.account.Transport()
	return r, l
}

// reopen opens the state as the next process does.
func (r *trial) reopen() {
	r.t.Helper()
	if err := r.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.open()
}

// mustBeUnavailable wants that of a run's error, and gives it back.
func mustBeUnavailable(t *testing.T, report Report, err error) *liveperson.UnavailableError {
	t.Helper()
	open, ok := errors.AsType[*liveperson.UnavailableError](err)
	if !ok || !errors.Is(err, ErrIncomplete) || report.Complete {
		t.Fatalf("complete %v, %v; want an UnavailableError", report.Complete, err)
	}
	return open
}

// With LivePerson down a run ends soon, delivers what is pending, and is remembered:
// the next ones ask nobody until it is time to.
func TestOutage(t *testing.T) {
	r, l := wireTrial(t, sandbox.Settings{Seed: 7, Conversations: 120, Period: 4 * day, Messages: 4}, 5*day, nil)
	alone := r.edit
	r.edit = func(s *Settings) {
		alone(s)
		s.Destinations = append(s.Destinations, r.destination("second"))
	}
	r.reopen()
	ctx := context.Background()
	if _, err := r.Cycle(ctx, []string{"local"}); err != nil && !errors.Is(err, ErrIncomplete) {
		t.Fatal(err)
	}
	watermark := r.place().Watermark

	r.clock.Advance(time.Hour)
	l.cut(-1, "")
	l.taken()
	began := r.clock.Now()
	report, err := r.Cycle(ctx, nil)
	first := mustBeUnavailable(t, report, err)
	if took := r.clock.Now().Sub(began); took >= time.Minute {
		t.Errorf("the run took %v", took)
	}
	if d := report.Destinations[1]; d.Slices < 100 || d.Pending != 0 {
		t.Errorf("what was pending: %+v", d)
	}
	if rest := first.Until.Sub(r.clock.Now()); rest <= 0 || rest > time.Minute {
		t.Errorf("tried again in %v", rest)
	}
	if !strings.Contains(first.Error(), "connection refused") || !strings.Contains(first.Error(), first.Until.Format(time.RFC3339)) {
		t.Errorf("it says %q", first)
	}

	// Another process, before that time.
	l.taken()
	r.reopen()
	report, err = r.Cycle(ctx, nil)
	if again := mustBeUnavailable(t, report, err); again.Error() != first.Error() || l.taken() != 0 {
		t.Errorf("it says %q and not %q, or asked", again, first)
	}
	if _, err := r.Backfill(ctx, epoch, epoch.Add(day), nil); !isUnavailable(err) || l.taken() != 0 {
		t.Errorf("a backfill asked: %v", err)
	}
	status, err := r.Status(ctx)
	want := OutageStatus{Since: status.Outage.Since, Until: first.Until, Cause: first.Err.Error()}
	if err != nil || status.Outage != want || status.Outage.Since.Before(began) || status.Outage.Since.After(r.clock.Now()) {
		t.Errorf("status %+v, want %+v: %v", status.Outage, want, err)
	}

	// While it stays down, the pauses grow.
	for _, minutes := range []time.Duration{2, 4, 8, 16, 30, 30} {
		r.clock.Advance(r.outageOf().Until.Sub(r.clock.Now()))
		report, err := r.Cycle(ctx, nil)
		open := mustBeUnavailable(t, report, err)
		if rest := open.Until.Sub(r.clock.Now()).Round(time.Second); rest != minutes*time.Minute || l.taken() == 0 {
			t.Errorf("tried again in %v, want %d min", rest, minutes)
		}
		r.reopen()
	}
	if r.place().Watermark != watermark || !r.outageOf().Since.Equal(status.Outage.Since) {
		t.Errorf("watermark %d, was %d; since %v, was %v", r.place().Watermark, watermark, r.outageOf().Since, status.Outage.Since)
	}

	l.mend()
	r.clock.Advance(time.Hour)
	r.cycle()
	if o := r.outageOf(); !o.Since.IsZero() {
		t.Errorf("remembered after a success: %+v", o)
	}
	r.mustHoldTruth("local")
	r.mustHoldTruth("second")
	l.cut(-1, "")
	report, err = r.Cycle(ctx, nil)
	if rest := mustBeUnavailable(t, report, err).Until.Sub(r.clock.Now()); rest > time.Minute {
		t.Errorf("after a success it is tried again in %v", rest)
	}
}

func (r *trial) place() checkpoint.Place {
	r.t.Helper()
	p, err := r.cp.Place(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func (r *trial) outageOf() OutageStatus {
	r.t.Helper()
	o, err := r.outageStatus(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return o
}

// LivePerson asks to be left alone for a day, in the middle of a backfill.
func TestBackfillLeftAloneForADay(t *testing.T) {
	r, l := wireTrial(t, sandbox.Settings{Seed: 4, Conversations: 700, Period: 80 * day, Messages: 3}, 90*day, nil)
	searches := 0
	l.down = func(path string) (int, string) {
		if l.mu.Lock(); strings.HasSuffix(path, "/conversations/search") {
			searches++
		}
		defer l.mu.Unlock()
		if searches > 5 {
			return 429, "86400"
		}
		return 0, ""
	}
	began := r.clock.Now()
	report, err := r.backfill(0, 90*day)
	open := mustBeUnavailable(t, report, err)
	if !open.Until.Equal(began.Add(day)) || !r.clock.Now().Equal(began) {
		t.Errorf("until %v; it took %v", open.Until, r.clock.Now().Sub(began))
	}
	if report.Captured.Conversations == 0 || report.Destinations[0].Pending != 0 || report.Destinations[0].Slices == 0 {
		t.Errorf("what was captured is not delivered: %+v", report)
	}
	l.mend()
	l.taken()
	if report, err = r.backfill(0, 90*day); l.taken() != 0 {
		t.Error("it was asked")
	}
	mustBeUnavailable(t, report, err)

	// A person finds out that it answers again.
	if was, err := r.Answers(context.Background()); err != nil || !was {
		t.Errorf("was unavailable: %v, %v", was, err)
	}
	r.mustBackfill(0, 90*day) // in the same process, whose client remembers
	r.mustHoldTruth("local")
	if was, err := r.Answers(context.Background()); err != nil || was {
		t.Errorf("was unavailable: %v, %v", was, err)
	}
}

// Directories that are listed do not end an outage of the history.
func TestOutageOfHistoryAlone(t *testing.T) {
	r, l := wireTrial(t, sandbox.Settings{Seed: 7, Conversations: 30, Period: 4 * day, Messages: 4}, 5*day, nil)
	l.cut(503, "", "/messaging_history/")
	for _, minutes := range []time.Duration{1, 2, 4} {
		report, err := r.Cycle(context.Background(), nil)
		open := mustBeUnavailable(t, report, err)
		if rest := open.Until.Sub(r.clock.Now()).Round(time.Second); rest != minutes*time.Minute {
			t.Errorf("tried again in %v, want %d min", rest, minutes)
		}
		r.clock.Advance(minutes * time.Minute)
	}
}

// What is wrong with the directories, or with files, is no outage.
func TestNoOutage(t *testing.T) {
	for _, words := range [][]string{{"/le-users/"}, {"/accountConfigReadOnly/"}, {"/conversation-files", "/AUTH_async-images/"}, {"/fms/"}} {
		for _, status := range []int{-1, 503, 429} {
			r, l := wireTrial(t, sandbox.Settings{Seed: 7, Conversations: 60, Period: 4 * day, Messages: 6}, 5*day, func(s *Settings) {
				s.Files.Fetch, s.Files.MaxBytes, s.Files.GiveUp = true, 1<<20, day
			})
			l.cut(status, "", words...)
			report, err := r.Cycle(context.Background(), nil)
			if isUnavailable(err) || report.Captured.Conversations != 60 || !r.outageOf().Since.IsZero() {
				t.Errorf("%v %d: %d captured, %v", words, status, report.Captured.Conversations, err)
			}
		}
	}
}

// While LivePerson is unavailable nobody asks it for files either.
func TestFilesDuringAnOutage(t *testing.T) {
	r, l := wireTrial(t, sandbox.Settings{Seed: 7, Conversations: 60, Period: 4 * day, Messages: 6}, 5*day, func(s *Settings) {
		s.Files.Fetch, s.Files.MaxBytes, s.Files.GiveUp = true, 1<<20, day
	})
	l.cut(503, "", "/conversation-files")
	if _, err := r.Cycle(context.Background(), nil); err == nil {
		t.Fatal("the account has no files")
	}
	waiting := r.mustStatus().Files.Waiting
	r.clock.Advance(time.Hour)
	l.cut(503, "86400", "/messaging_history/")
	report, err := r.Cycle(context.Background(), nil)
	mustBeUnavailable(t, report, err)
	l.mend()
	l.taken()
	report, err = r.Cycle(context.Background(), nil)
	mustBeUnavailable(t, report, err)
	if err := r.newFetcher(func() {}).all(context.Background()); err != nil || l.taken() != 0 {
		t.Errorf("files were asked for: %v", err)
	}
	if waiting == 0 || r.mustStatus().Files.Missing != 0 {
		t.Errorf("%d files waited, %+v", waiting, r.mustStatus().Files)
	}
	r.clock.Advance(2 * day)
	r.cycle()
	r.mustHoldTruth("local")
}

func (r *trial) mustStatus() Status {
	r.t.Helper()
	s, err := r.Status(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// A service leaves out the cycles until then, and begins one at that time.
func TestServiceDuringAnOutage(t *testing.T) {
	r, l := wireTrial(t, sandbox.Settings{Seed: 7, Conversations: 30, Period: 4 * day, Messages: 4}, 5*day, nil)
	r.cycle()
	s := r.NewService(ServeSettings{Next: func(t time.Time) time.Time { return t.Add(day) }})
	ctx := context.Background()
	l.cut(503, "7200")
	err := s.cycle(ctx)
	if !isUnavailable(err) || s.cycleEnded(err, true) != nil {
		t.Fatalf("got %v", err)
	}
	l.taken()
	runs, _ := r.cp.Runs(ctx, 100)
	if err := s.cycle(ctx); !isUnavailable(err) || l.taken() != 0 {
		t.Errorf("asked within the time: %v", err)
	}
	if again, err := r.cp.Runs(ctx, 100); err != nil || len(again) != len(runs) {
		t.Errorf("a cycle that was left out is a run: %d, %v", len(again), err)
	}
	if due := s.nextCycle(ctx, r.clock.Now()); !due.Equal(r.outageOf().Until) {
		t.Errorf("the next cycle is due at %v, want %v", due, r.outageOf().Until)
	}
	l.mend()
	r.clock.Advance(2 * time.Hour)
	if err := s.cycle(ctx); err != nil {
		t.Error(err)
	}
	if due := s.nextCycle(ctx, r.clock.Now()); !due.Equal(r.clock.Now().Add(day)) {
		t.Errorf("then it is due at %v", due)
	}
	counts := map[string]int64{}
	counters, err := r.counters(ctx)
	for _, c := range counters {
		if c.Name == CounterCycles {
			counts[c.Labels] = c.Value
		}
	}
	if err != nil || counts["incomplete"] != 1 || counts["failed"] != 0 {
		t.Errorf("counted %v, %v", counts, err)
	}
}

// A dry run shows what is pending all the same.
func TestDryRunDuringAnOutage(t *testing.T) {
	r, l := wireTrial(t, sandbox.Settings{Seed: 7, Conversations: 30, Period: 4 * day, Messages: 4}, 5*day, nil)
	dir := t.TempDir()
	if _, err := r.DryRun(context.Background(), filepath.Join(dir, "first"), nil); err != nil {
		t.Fatal(err)
	}
	l.cut(503, "7200")
	for _, name := range []string{"second", "third"} {
		bundles, err := r.DryRun(context.Background(), filepath.Join(dir, name), nil)
		if !isUnavailable(err) || len(bundles) != 1 || bundles[0].Slices != 30 {
			t.Errorf("%s: %+v, %v", name, bundles, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "third", "local")); err != nil {
		t.Error(err)
	}
}

// A clock that is set back does not make a short pause a long one.
func TestOutageUnderAnotherClock(t *testing.T) {
	r, l := wireTrial(t, sandbox.Settings{Seed: 7, Conversations: 30, Period: 4 * day, Messages: 4}, 8*day, nil)
	l.cut(503, "7200")
	report, err := r.Cycle(context.Background(), nil)
	mustBeUnavailable(t, report, err)
	l.mend()
	r.clock.Advance(-3 * day)
	r.cycle()
	if !r.outageOf().Since.IsZero() {
		t.Error("it is remembered")
	}
}

// The Domain API names somebody else's host: nothing goes there, and what is
// pending is delivered.
func TestServiceElsewhere(t *testing.T) {
	for _, service := range []string{"sentinel", "msgHist", "accountConfigReadOnly"} {
		r, l := wireTrial(t, sandbox.Settings{Seed: 7, Conversations: 30, Period: 4 * day, Messages: 4, Hosts: map[string]string{service: "evil.example"}}, 5*day, nil)
		l.taken()
		report, err := r.Cycle(context.Background(), nil)
		named, ok := errors.AsType[*liveperson.ServiceHostError](err)
		if !ok || named.Service != service || named.Host != "evil.example" || report.Captured.Conversations != 0 || isUnavailable(err) {
			t.Errorf("%s: %v", service, err)
		}
		if n := l.taken(); n > 6 { // each once
			t.Errorf("%s: %d requests", service, n)
		}
	}
	r, _ := wireTrial(t, sandbox.Settings{Seed: 7, Conversations: 60, Period: 4 * day, Messages: 6, Hosts: map[string]string{"fms": "evil.example"}}, 5*day,
		func(s *Settings) { s.Files.Fetch, s.Files.MaxBytes, s.Files.GiveUp = true, 1<<20, day })
	report, err := r.Cycle(context.Background(), nil)
	if report.Captured.Conversations != 60 || report.Destinations[0].Pending != 0 || !strings.Contains(report.Files.Refused, "evil.example") {
		t.Errorf("texts without files: %+v, %v", report, err)
	}
}
