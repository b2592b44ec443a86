package webhook

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	testAccount  = "12345678"
	testPath     = "/liveperson/events"
	testClient   = "0a7c5d62-6f0e-4c38-9d55-3ad0f9c1b111"
	testSecret   = "current2secret2of2the2app1"
	testPrevious = "previous2secret2of2the2app"
	testBody     = `{"kind":"notification","body":{"changes":[{"sequence":3,"event":{"type":"ContentEvent","message":"Grüße 👋 \u00e9"}}]}}`
)

// start is when the clocks of these tests begin.
var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// rig is a Receiver with all around it that a test looks at.
type rig struct {
	*testing.T
	*Receiver
	log bytes.Buffer

	mu     sync.Mutex
	now    time.Time
	stored []string
	fail   error // of Store
}

// newRig takes the four shapes and both secrets; change may make it stricter.
func newRig(t *testing.T, change func(*Settings)) *rig {
	t.Helper()
	g := &rig{T: t, now: start}
	set := Settings{
		Account: testAccount, Path: testPath, ClientID: testClient, Secrets: []string{testSecret, testPrevious},
		Store: func(_ context.Context, body []byte) error {
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.fail == nil {
				g.stored = append(g.stored, string(body))
			}
			return g.fail
		},
		Log: slog.New(slog.NewTextHandler(&g.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: func() time.Time { return g.now },
	}
	if change != nil {
		change(&set)
	}
	r, err := New(set)
	if err != nil {
		t.Fatal(err)
	}
	g.Receiver = r
	return g
}

// send returns the status of the answer, after a look at the rest of it.
func (g *rig) send(req *http.Request) int {
	g.Helper()
	w := httptest.NewRecorder()
	g.ServeHTTP(w, req)
	want := ""
	if w.Code == http.StatusOK {
		want = "OK"
	}
	if got := w.Body.String(); got != want {
		g.Errorf("status %d with the body %q, want %q", w.Code, got, want)
	}
	return w.Code
}

// holds checks what was stored.
func (g *rig) holds(want ...string) {
	g.Helper()
	if diff := cmp.Diff(want, g.stored); diff != "" {
		g.Errorf("stored (-want +got):\n%s", diff)
	}
}

// counted checks all counts that are not zero.
func (g *rig) counted(want map[Result]int64) {
	g.Helper()
	got := g.Counts()
	if len(got) != len(results) {
		g.Errorf("%d counts, want all %d", len(got), len(results))
	}
	for result, n := range got {
		if n != want[result] {
			g.Errorf("%s: %d, want %d", result, n, want[result])
		}
	}
}

// event is a request as LivePerson sends it.
func event(body, signature string) *http.Request {
	req := httptest.NewRequest(http.MethodPost, testPath, strings.NewReader(body))
	req.Header.Set("x-liveperson-account-id", testAccount)
	req.Header.Set("x-liveperson-client-id", testClient)
	req.Header.Set("x-liveperson-signature", signature)
	return req
}

// genuine is an event that is taken.
func genuine(body string) *http.Request { return event(body, sign(SHA1Base64, testSecret, body)) }

// sign makes a signature by RFC 2104 and the words of LivePerson's page alone,
// so that it shares nothing with the code under test.
func sign(shape Shape, secret, body string) string {
	algorithm, encoding, _ := strings.Cut(string(shape), "-")
	sum := map[string]func([]byte) []byte{
		"sha1":   func(b []byte) []byte { s := sha1.Sum(b); return s[:] },
		"sha256": func(b []byte) []byte { s := sha256.Sum256(b); return s[:] },
	}[algorithm]
	key := []byte(secret)
	if len(key) > 64 {
		key = sum(key)
	}
	inner, outer := bytes.Repeat([]byte{0x36}, 64), bytes.Repeat([]byte{0x5c}, 64)
	for i, k := range key {
		inner[i] ^= k
		outer[i] ^= k
	}
	mac := sum(append(outer, sum(append(inner, body...))...))
	if encoding == "hex" {
		return algorithm + "=" + hex.EncodeToString(mac)
	}
	return algorithm + "=" + base64.StdEncoding.EncodeToString(mac)
}
