package liveperson_test

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// ids is a Sink that keeps the ids of the records.
type ids struct{ got []string }

func (s *ids) Reset() { s.got = nil }

func (s *ids) Record(raw []byte) error {
	s.got = append(s.got, liveperson.Value(raw).Get("info").Get("conversationId").Text())
	return nil
}

func (s *ids) Oversized(info []byte) error {
	s.got = append(s.got, liveperson.Value(info).Get("conversationId").Text())
	return nil
}

// Every conversation of a faulty account comes exactly once, by search and by
// id, with either login.
func TestFaultyAccount(t *testing.T) {
	start := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	now := start.AddDate(0, 0, 20)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	// The account stands still while the client waits.
	wait := func(ctx context.Context, _ time.Duration) error { return ctx.Err() }

	faults := []sandbox.Fault{
		{Kind: sandbox.Status, Code: 503}, {Kind: sandbox.Status, Code: 429, RetryAfter: "2"}, {Kind: sandbox.HTML},
		{Kind: sandbox.Cut, Route: sandbox.Search, Fraction: 0.6}, {Kind: sandbox.Cut, Route: sandbox.ByID, Fraction: 0.9},
		{Kind: sandbox.PartialResult, Route: sandbox.Search}, {Kind: sandbox.NoContent, Route: sandbox.Search},
		{Kind: sandbox.Empty, Route: sandbox.Search}, {Kind: sandbox.Empty, Route: sandbox.ByID},
	}
	for i := range faults {
		faults[i].Share = 0.04
	}
	account := sandbox.New(sandbox.Settings{
		Epoch: start, Conversations: 300, Period: 10 * 24 * time.Hour, Messages: 8, Hostile: true, Faults: faults, Now: clock,
	})
	server := httptest.NewServer(account)
	defer server.Close()
	want := map[string]int{}
	for c := range account.Truth(now) {
		want[c.ID] = 2
	}

	keys := sandbox.DefaultCredentials
	// One after the other: which request meets which fault is drawn by its number.
	for i, login := range []liveperson.Config{
		{OAuth2: &liveperson.OAuth2Credentials{ClientID: keys.ClientID, ClientSecret: keys.ClientSecret}},
		{OAuth1: &liveperson.OAuth1Credentials{AppKey: keys.AppKey, AppSecret: keys.AppSecret,
			AccessToken: keys.AccessToken, AccessTokenSecret: keys.AccessTokenSecret}},
	} {
		login.Account, login.DomainAPI, login.Source = "sandbox", server.URL, "lpexport_test"
		login.Now, login.Wait, login.RecordLimit = clock, wait, 64<<10
		c, err := liveperson.New(login)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		readAll(t, c, liveperson.Query{Start: liveperson.Range{From: start, To: now}, Limit: 20}, got)
		if len(got) != len(want) {
			t.Errorf("login %d: %d conversations, want %d", i, len(got), len(want))
		}
		for id, n := range got {
			if n != want[id] {
				t.Errorf("login %d: %s came %d times", i, id, n)
			}
		}
	}
}

// readAll pages through q and asks for what it found again by id.
func readAll(t *testing.T, c *liveperson.Client, q liveperson.Query, got map[string]int) {
	t.Helper()
	for {
		var found, again ids
		p, err := c.Search(context.Background(), q, &found)
		if err != nil {
			t.Fatal(err)
		}
		if len(found.got) == 0 {
			if q.Offset < p.Count {
				t.Errorf("nothing at %d of %d", q.Offset, p.Count)
			}
			return
		}
		if _, err := c.Conversations(context.Background(), found.got, &again); err != nil {
			t.Fatal(err)
		}
		for _, id := range append(found.got, again.got...) {
			got[id]++
		}
		q.Offset += p.Records
	}
}
