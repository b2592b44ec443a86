package sandbox

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// shapes are accounts that differ in all that shapes a life.
var shapes = map[string]Settings{
	"ordinary": {Conversations: 400, Period: 10 * 24 * time.Hour, OpenShare: 0.1, LateChanges: true},
	"plain":    {Conversations: 400, Period: 10 * 24 * time.Hour, Plain: true},
	"lively":   {Lively: 0.5, Rate: 40},
	"dense":    {Conversations: 400, Period: 100 * time.Millisecond, Growth: time.Millisecond},
	"huge":     {Conversations: 40, Period: 24 * time.Hour, Huge: 3000},
	"short":    {Conversations: 400, Messages: 1},
}

// TestShortcutsAgreeWithLives compares what is counted and indexed with what
// walking a life message by message gives.
func TestShortcutsAgreeWithLives(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, s := range shapes {
		a := New(s)
		entries := a.started(a.epoch + 10*24*60*minute)
		for n, e := range entries[:min(len(entries), 400)] {
			l := a.life(n)
			if n > 0 && e.start < entries[n-1].start {
				t.Fatalf("%s: conversation %d starts before the one before", name, n)
			}
			for range 10 {
				at := l.start + random.Int64N(l.last(never-1)-l.start+40*60*minute)
				sent, updated := 0, l.start
				for i := range l.total() {
					if when := l.time(i); when <= at {
						sent, updated = sent+1, when
					}
				}
				want := state{updated, max(l.ended(at), l.endedFully(at))}
				if got := a.state(n, e, at); l.sent(at) != sent || got != want {
					t.Fatalf("%s: conversation %d at %d: %d sent, want %d; %+v, want %+v", name, n, at, l.sent(at), sent, got, want)
				}
			}
		}
	}
}

// TestLivesAreInOrder holds that things follow each other as they can.
func TestLivesAreInOrder(t *testing.T) {
	for name, s := range shapes {
		a := New(s)
		for n := range 400 {
			l := a.life(n)
			for i := 1; i < l.total(); i++ {
				if l.time(i) <= l.time(i-1) {
					t.Fatalf("%s: conversation %d: message %d is not after %d", name, n, i, i-1)
				}
			}
			for _, p := range l.presences() {
				if p.joined < l.start || p.left < p.joined {
					t.Fatalf("%s: conversation %d: %d joined at %d, left at %d", name, n, p.staff, p.joined, p.left)
				}
			}
			if l.closed > 0 && (l.closed < l.time(l.main-1) || l.surveyed != 0 && l.surveyed < l.closed) {
				t.Fatalf("%s: conversation %d closed at %d", name, n, l.closed)
			}
			if l.reopened > 0 && (l.reopened < l.closedFirst || l.closedFirst < l.time(l.split-1)) {
				t.Fatalf("%s: conversation %d reopened at %d", name, n, l.reopened)
			}
			if back, ok := a.Number(a.ID(n)); n < 40 && (!ok || back != n) {
				t.Fatalf("%s: id of %d leads to %d", name, n, back)
			}
		}
	}
}

func TestIndexIsSmall(t *testing.T) {
	a := New(Settings{Conversations: 20_000, Period: 24 * time.Hour, Plain: true})
	a.started(a.epoch + 24*60*minute)
	if bytes := cap(a.index) * int(unsafe.Sizeof(entry{})) / len(a.index); len(a.index) != 20_000 || bytes > 64 {
		t.Errorf("%d conversations, %d bytes each", len(a.index), bytes)
	}
}

// FuzzServe sends anything to every route: the account answers, with a status
// that HTTP knows.
func FuzzServe(f *testing.F) {
	now := firstEpoch.Add(24 * time.Hour)
	a := New(Settings{Now: func() time.Time { return now }})
	token := a.newToken(now)
	f.Add("/messaging_history/api/account/sandbox/conversations/search", "source=x&limit=3", `{"start":{"from":"1735689600000","to":-1},"skillIds":["-1",2]}`)
	f.Add("/messaging_history/api/account/sandbox/conversations/conversation/search", "source=x", `{"conversationIds":["`+a.ID(1)+`"]}`)
	f.Add("/sentinel/api/v2/account/sandbox/app/token", "", "grant_type=client_credentials")
	f.Add("/api/account/sandbox/configuration/le-users/users/1", "v=6.0", "")
	f.Add("/api/account/sandbox/service/msgHist/baseURI.json", "", "")
	f.Fuzz(func(t *testing.T, path, query, body string) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := httptest.NewRequest(method, "https://sandbox.example/", strings.NewReader(body))
			r.URL.Path, r.URL.RawQuery = path, query
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			if w.Code < 200 || w.Code > 599 {
				t.Errorf("status %d", w.Code)
			}
		}
	})
}
