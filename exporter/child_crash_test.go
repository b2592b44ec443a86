//go:build unix

package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// missionVariable holds, in a child of the crash test, its mission as JSON.
const missionVariable = "LPEXPORT_CRASH_MISSION"

// TestMain makes of this test binary the process that the crash test kills.
func TestMain(m *testing.M) {
	raw, child := os.LookupEnv(missionVariable)
	if !child {
		os.Exit(m.Run())
	}
	var c crashChild
	if err := json.Unmarshal([]byte(raw), &c.mission); err != nil {
		panic(err)
	}
	c.run()
}

// mission is one run of a child process, and when it is to kill itself: at a
// step, some time after one, or some time after its start.
type mission struct {
	Service  string // URL of the simulated account
	State    string
	Archive  string
	Now      time.Time     // the account's time, as of the start
	Mail     string        // address of the mail server that is the only destination; "": the directory is
	From, To time.Time     // of a backfill; both zero: a cycle
	Every    time.Duration // between two cycles of a service that takes events; 0: it is no service
	Step     int           // the step to die at, counted from 1; 0: at none
	Named    string        // only steps of that name count; "": all
	After    time.Duration // dies that long after Step, or after its start where Step is 0; 0: not
}

// result is what a child prints before it dies at a step, or on its end.
type result struct {
	DiesAt   string
	Complete bool
	Fault    string // an error that no run may end with
}

type crashChild struct {
	mission
	mu    sync.Mutex
	steps int
}

func (c *crashChild) run() {
	if c.Step == 0 && c.After > 0 {
		time.AfterFunc(c.After, die)
	}
	work := c.export
	if c.Every > 0 {
		work = c.serve
	}
	complete, err := work(context.Background())
	r := result{Complete: complete}
	if err := c.unexpected(err); err != nil {
		r.Fault = err.Error()
	}
	c.print(r)
	os.Exit(0)
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // nothing is done in the moment until it comes
}

// step is called between any two durable steps, by several goroutines.
func (c *crashChild) step(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Named != "" && c.Named != name {
		return
	}
	c.steps++
	if c.steps != c.Step {
		return
	}
	if c.After > 0 {
		time.AfterFunc(c.After, die)
		return
	}
	c.print(result{DiesAt: name})
	die()
}

func (c *crashChild) print(r result) {
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		panic(err)
	}
}

// unexpected is what remains of a run's error without what the account's and the
// mail server's faults may cause.
func (c *crashChild) unexpected(err error) error {
	var api *liveperson.APIError
	var gap *HoleError // that of a backfill which was killed
	joined, several := err.(interface{ Unwrap() []error })
	switch {
	case several:
		var rest []error
		for _, e := range joined.Unwrap() {
			rest = append(rest, c.unexpected(e))
		}
		return errors.Join(rest...)
	case err == ErrIncomplete, isUnavailable(err), errors.As(err, &gap), errors.As(err, &api), err == ErrQuarantine && c.Mail != "":
		return nil
	}
	return err
}

// export is one cycle or backfill, in a process of its own. Bundles are small,
// so that there are many, and some are cut while others are still captured.
func (c *crashChild) export(ctx context.Context) (complete bool, err error) {
	e, err := c.open(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	var r Report
	if c.From.IsZero() {
		r, err = e.Cycle(ctx, nil)
	} else {
		r, err = e.Backfill(ctx, c.From, c.To, nil)
	}
	return r.Complete, err
}

func (c *crashChild) open(ctx context.Context) (*Exporter, error) {
	told := &toldClock{clockwork: clockwork{now: c.Now}}
	if c.Every > 0 {
		told.runs = time.Now()
	}
	client, err := liveperson.New(liveperson.Config{
		Account: "sandbox", DomainAPI: c.Service, Source: "test", Concurrency: 4,
		OAuth2:    &liveperson.OAuth2Credentials{ClientID: sandbox.DefaultCredentials.ClientID, ClientSecret: sandbox.DefaultCredentials.ClientSecret},
		Transport: told, Now: told.Now, RecordLimit: 64 << 10,
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		return nil, err
	}
	return Open(ctx, Settings{
		Account: "sandbox", State: c.State, Source: client, Files: fetching(client), Concurrency: 4,
		Since: func(time.Time) time.Time { return epoch }, Overlap: 30 * time.Minute, Reread: 5 * time.Minute,
		Generator: "lpexport test", Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: told.Now,
		Sleep:        func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Destinations: []Destination{c.destination()}, Step: c.step,
	})
}

func (c *crashChild) destination() Destination {
	if c.Mail != "" {
		return mailDestination(c.Mail)
	}
	local := (&trial{root: c.Archive}).destination("local")
	local.Bounds = Bounds{Conversations: 8, Bytes: 64 << 10, Wait: time.Minute}
	if c.Every > 0 {
		local.Bounds = Bounds{Conversations: 100, Bytes: 1 << 20, EventWait: 50 * time.Millisecond}
	}
	return local
}

// toldClock is a clock that the answers' Date headers move, so that a child and
// the simulated account agree on the time. It never goes back.
type toldClock struct {
	clockwork
	http.Transport
	runs time.Time // since when it goes on between two answers; zero: it stands still
}

func (c *toldClock) Now() time.Time {
	now := c.clockwork.Now()
	if !c.runs.IsZero() {
		now = now.Add(time.Since(c.runs))
	}
	return now
}

func (c *toldClock) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	date, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		answer.Body.Close()
		return nil, fmt.Errorf("date of the answer: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if date.After(c.now) {
		c.now = date
	}
	return answer, nil
}
