package benchmarks

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// The simulated conversations start within a period that is long over, so that
// the account is at rest. The period fits into one search, whose span is limited.
var (
	firstStart = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	lastStart  = firstStart.Add(80 * 24 * time.Hour)
	today      = lastStart.Add(5 * 24 * time.Hour)
)

// account says what the server simulates: conversations as the real API answers
// them, each message about 1.1 KB with its status and its score.
type account struct {
	Epoch         time.Time // when the first conversation may start; zero is firstStart
	Several       int       // so many accounts that differ in their ids only; 0 is the one of accountID
	Conversations int
	Messages      int           // of each conversation
	Huge          int           // of the first one, when it is to have more
	Open          float64       // share that is never closed
	Answer        time.Duration // of each request
	Large         int           // bytes of one message of each conversation; 0: all are alike
	Files         int64         // bytes of each file that a message names; 0: all messages are texts
}

// order is what the server is told: first which account, later the time.
type order struct {
	Account *account `json:",omitempty"`
	Now     time.Time
}

// served is its answer: where it is, and what it was asked for since the last one.
type served struct {
	URL      string
	Searches int
	Windows  int // different periods of start times
}

// serve is the server's process. It ends when nobody holds its input any more.
func serve() error {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var first order
	if err := in.Decode(&first); err != nil {
		return fmt.Errorf("read order: %w", err)
	}
	var now atomic.Pointer[func() time.Time]
	set := func(at time.Time) { c := clock(at); now.Store(&c) }
	set(first.Now)
	asked := &tally{windows: map[string]bool{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	a := first.Account
	epoch := a.Epoch
	if epoch.IsZero() {
		epoch = firstStart
	}
	handlers := map[string]http.Handler{}
	for _, id := range a.ids() {
		handlers[id] = enlarged(sandbox.New(sandbox.Settings{
			Account: id, Seed: 1, Epoch: epoch, Period: lastStart.Sub(firstStart), Conversations: a.Conversations,
			Messages: a.Messages, Huge: a.Huge, OpenShare: a.Open, Plain: a.Files == 0, Answer: a.Answer,
			Files: sandbox.Files{Size: a.Files},
			Now:   func() time.Time { return (*now.Load())() }, Observe: asked.observe,
		}), a.Large)
	}
	go http.Serve(listener, byAccount(handlers)) // ends with the process
	for {
		answer := asked.take()
		answer.URL = "http://" + listener.Addr().String()
		if err := out.Encode(answer); err != nil {
			return err
		}
		var next order
		if err := in.Decode(&next); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read order: %w", err)
		}
		set(next.Now)
	}
}

// ids are the ids of the accounts.
func (a *account) ids() []string {
	if a.Several == 0 {
		return []string{accountID}
	}
	list := make([]string, a.Several)
	for i := range list {
		list[i] = fmt.Sprintf("%s-%02d", accountID, i+1)
	}
	return list
}

// byAccount answers for the account that a path names, as all paths do.
func byAccount(accounts map[string]http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, rest, named := strings.Cut(r.URL.Path, "/account/")
		if !named {
			_, rest, _ = strings.Cut(r.URL.Path, "/AUTH_async-images/") // links to files
		}
		id, _, _ := strings.Cut(rest, "/")
		if h := accounts[id]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		http.NotFound(w, r)
	})
}

// tally counts what the server is asked for.
type tally struct {
	mu       sync.Mutex
	searches int
	windows  map[string]bool
}

func (t *tally) observe(r sandbox.Request) {
	if r.Route != sandbox.Search && r.Route != sandbox.ByID {
		return
	}
	var body struct{ Start json.RawMessage }
	known := json.Unmarshal(r.Body, &body) == nil && body.Start != nil
	t.mu.Lock()
	defer t.mu.Unlock()
	t.searches++
	if known {
		t.windows[string(body.Start)] = true
	}
}

func (t *tally) take() served {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := served{Searches: t.searches, Windows: len(t.windows)}
	t.searches = 0
	clear(t.windows)
	return s
}

// server is the server's process as the benchmark sees it.
type server struct {
	*partner
	url string
}

// start serves an account that is at rest until the benchmark ends.
func start(b *testing.B, a account) *server {
	b.Helper()
	return startAt(b, a, today)
}

// startAt does it with another time on the server's clock.
func startAt(b *testing.B, a account, now time.Time) *server {
	b.Helper()
	s := &server{partner: newPartner(b, "serve")}
	s.url = s.tell(b, order{Account: &a, Now: now}).URL
	return s
}

func (s *server) tell(b *testing.B, o order) (answer served) {
	b.Helper()
	s.ask(b, o, &answer)
	return answer
}

// at sets the server's clock and returns what it was asked for until now.
func (s *server) at(b *testing.B, now time.Time) served {
	b.Helper()
	return s.tell(b, order{Now: now})
}
