//go:build unix

package exporter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"lpexport/liveperson/sandbox"
)

// crash is a simulated account on loopback, and one state and one archive that
// processes work on until they are killed.
type crash struct {
	t            *testing.T
	clock        *clockwork
	calm, faulty *sandbox.Account // the same account, without and with faults
	state, root  string
	cycles       *line

	mu       sync.Mutex
	rng      *rand.Rand
	kills    int
	complete bool              // what the last run said in the end
	diedAt   map[string]int    // by the name of the step
	bundles  map[string]string // path: hash of the manifest, as first seen
}

// longestRun is how long a process may take that has not been killed; it takes
// well under a second, and one that hangs for ever.
const longestRun = 2 * time.Minute

// requestTime is by how much each request moves the account's time on.
const requestTime = 15 * time.Second

// living is an account with so many conversations a day, in which all goes wrong
// now and then.
func living(rate int) sandbox.Settings {
	search := sandbox.Search
	return sandbox.Settings{Rate: rate, Messages: 8, Lively: 0.25, LateChanges: true, Freshness: 30 * time.Second,
		Files: sandbox.Files{Life: time.Hour}, // each request takes some of it
		Faults: []sandbox.Fault{
			{Kind: sandbox.Status, Share: 0.03, Code: 429}, {Kind: sandbox.Status, Share: 0.03},
			{Kind: sandbox.Cut, Route: search, Share: 0.05, Fraction: 0.6}, {Kind: sandbox.Cut, Route: sandbox.ByID, Share: 0.05, Fraction: 0.3},
			{Kind: sandbox.PartialResult, Route: search, Share: 0.05}, {Kind: sandbox.Shift, Route: search, Share: 0.05, By: 2},
			{Kind: sandbox.CountOff, Route: search, Share: 0.03, By: -1}, {Kind: sandbox.PartialRecord, Share: 0.1},
		}}
}

// newCrash begins on the account's third day.
func newCrash(t *testing.T, salt uint64, set sandbox.Settings) *crash {
	t.Helper()
	dir := t.TempDir()
	c := &crash{t: t, clock: &clockwork{now: epoch.Add(48 * time.Hour)}, state: filepath.Join(dir, "state"), root: filepath.Join(dir, "archive"),
		rng: rand.New(rand.NewPCG(*crashSeed, salt)), diedAt: map[string]int{}, bundles: map[string]string{}}
	set.Seed, set.Epoch, set.Now = *crashSeed<<8|salt, epoch, c.clock.Now
	c.faulty = sandbox.New(set)
	set.Faults = nil
	c.calm = sandbox.New(set)
	c.cycles = c.newLine("cycle.lock", "destination-local.lock")
	return c
}

// line is the account's service for one process at a time. It counts its
// requests, and kills it at one of them.
type line struct {
	server  *httptest.Server
	mu      sync.Mutex
	process *os.Process
	left    int        // requests until the kill; 0: no kill
	seen    int        // requests so far
	leases  []string   // that nobody but its process takes
	files   []*os.File // that each process is given, from 3 on: it takes events, which move the time on
}

func (c *crash) newLine(leases ...string) *line {
	l := &line{leases: leases}
	l.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.count() {
			c.clock.Advance(requestTime)
		}
		c.faulty.ServeHTTP(w, r)
	}))
	c.t.Cleanup(l.server.Close)
	return l
}

// count counts a request, and tells whether events move the time on instead of it.
func (l *line) count() (events bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen++
	if l.left--; l.left == 0 && l.process != nil {
		_ = l.process.Kill() // it may have come to its end
	}
	return l.files != nil
}

// start starts a process whose requests come by this line.
func (l *line) start(cmd *exec.Cmd, requests int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := cmd.Start()
	l.process, l.left = cmd.Process, requests
	return err
}

func (l *line) requests() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen
}

// goesOn tells whether this test has killed less than its share.
func (c *crash) goesOn(share float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return float64(c.kills) < share*float64(*crashKills) && !c.t.Failed()
}

// run runs one process until it ends or is killed, tells which, and looks at
// what it left.
func (c *crash) run(l *line, m mission, requests int) (killed bool) {
	m.Service, m.State, m.Archive, m.Now = l.server.URL, c.state, c.root, c.clock.Now()
	raw, err := json.Marshal(m)
	if err != nil {
		c.t.Error(err)
		return false
	}
	var out, talk bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), longestRun)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) } // it tells where it hangs
	// The race detector would let each process that ends wait a second.
	cmd.Env = append(os.Environ(), missionVariable+"="+string(raw), "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = &out, &talk, l.files
	before := l.requests()
	if err := l.start(cmd, requests); err != nil {
		c.t.Error(err)
		return false
	}
	err = cmd.Wait()
	if l.requests() == before {
		c.clock.Advance(time.Minute) // it leaves LivePerson alone until a time that no request brings nearer
	}
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	killed = status.Signaled() && status.Signal() == syscall.SIGKILL
	var r result
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			c.t.Errorf("output %q: %v", out.Bytes(), err)
		}
	}
	if r.Fault != "" || err != nil && !killed {
		c.t.Errorf("mission %s: %s (%v) %s", raw, r.Fault, err, talk.Bytes())
	}
	c.note(killed, r)
	c.mustFindLeaseFree(l)
	c.inspect()
	return killed && !c.t.Failed()
}

func (c *crash) note(killed bool, r result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.complete = r.Complete
	if killed {
		c.kills++
		c.diedAt[r.DiesAt]++
	}
}

// mustFindLeaseFree checks that a process that is gone holds nothing: the next
// one need not wait.
func (c *crash) mustFindLeaseFree(l *line) {
	for _, name := range l.leases {
		lease := flock.New(filepath.Join(c.state, name))
		if _, err := os.Stat(lease.Path()); err != nil {
			continue // killed before it was first taken
		}
		if ok, err := lease.TryLock(); !ok || err != nil {
			c.t.Errorf("%s outlives its holder: %v", name, err)
		}
		lease.Close()
	}
}

// trial is the same state and archive in this process, and the account without
// its faults and with its time standing still.
func (c *crash) trial() *trial {
	r := &trial{t: c.t, clock: c.clock, account: c.calm, state: c.state, root: c.root,
		edit: func(s *Settings) {
			s.Log = slog.New(slog.NewTextHandler(c.t.Output(), nil))
			s.Files = fetching(s.Source.(FileSource))
		}}
	r.open()
	return r
}

// mustLackNothing checks that one good cycle makes up for everything: no
// message is missing. What no filter reports is not asked for.
func (c *crash) mustLackNothing() {
	c.t.Helper()
	r := c.trial()
	defer r.Close()
	c.goodCycle(r)
	c.mustHoldMessages(c.clock.Now())
}

// goodCycle is a cycle that comes to its end, also where history is behind events, or
// faults have put off files or had LivePerson left alone for a while. Killed backfills
// may have left holes.
func (c *crash) goodCycle(r *trial) {
	c.t.Helper()
	for range 100 {
		report, err := r.Cycle(context.Background(), nil)
		if report.Complete {
			return
		}
		if !isUnavailable(err) && (!errors.Is(err, ErrIncomplete) || report.Files.Overdue == 0 && !report.Events.Lasting()) {
			c.t.Fatalf("cycle: %v", err)
		}
		c.clock.Advance(10 * time.Minute)
	}
	c.t.Fatal("the cycle never comes to its end")
}

// mustHoldMessages checks that the archive has every message that the account
// showed at a moment.
func (c *crash) mustHoldMessages(at time.Time) {
	c.t.Helper()
	got := map[entryKey]bool{}
	for _, s := range (&trial{t: c.t, root: c.root}).delivered("local") {
		for _, m := range s.Messages {
			got[entryKey{conversation: s.Conversation, dialog: m.Dialog, sequence: m.Sequence}] = true
		}
	}
	for conversation := range c.calm.Truth(at) {
		for _, m := range conversation.Messages {
			if k := (entryKey{conversation: conversation.ID, dialog: m.Dialog, sequence: m.Sequence}); !got[k] {
				c.t.Errorf("message %+v is missing", k)
			}
		}
	}
}

// beforeAll is from when on killed backfills have asked for conversations.
var beforeAll = epoch.Add(-60 * 24 * time.Hour)

// finish runs to completeness and compares the archive with the truth.
func (c *crash) finish() {
	c.t.Helper()
	// What no filter reports comes with looks by id and by reading all again.
	c.finishAfter(26 * time.Hour)
}

func (c *crash) finishAfter(d time.Duration) {
	c.t.Helper()
	c.mustLackNothing()
	r := c.trial()
	c.clock.Advance(d)
	c.goodCycle(r)
	all := func() Report {
		// Of all that was ever asked for, so that no killed backfill leaves a hole.
		report, err := r.Backfill(context.Background(), beforeAll, c.clock.Now().Add(time.Hour), nil)
		if err != nil || !report.Complete {
			c.t.Fatalf("backfill: %+v, %v", report, err)
		}
		return report
	}
	all()
	r.mustHoldTruth("local")
	for _, report := range []Report{r.cycle(), all()} {
		if report.Captured.Revisions != 0 || report.Destinations[0].Bundles != 0 {
			c.t.Errorf("a run at rest wrote something: %+v", report)
		}
	}
	c.inspect()
	c.mustBeTidy()
	c.t.Logf("%d kills, %d bundles; killed at %v", c.kills, len(c.bundles), c.diedAt)
}

// mustBeTidy checks that no unfinished work is left.
func (c *crash) mustBeTidy() {
	c.t.Helper()
	err := filepath.WalkDir(c.root, func(name string, e os.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(e.Name(), ".") {
			c.t.Errorf("%s is left in the archive", name)
		}
		return err
	})
	if err != nil {
		c.t.Error(err)
	}
	for _, pattern := range []string{"spool/*/*", "*.schema-*", ".*", "files/.*"} {
		if left, err := filepath.Glob(filepath.Join(c.state, pattern)); err != nil || len(left) > 0 {
			c.t.Errorf("left in the state: %v, %v", left, err)
		}
	}
}
