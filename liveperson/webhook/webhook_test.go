package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestSettings(t *testing.T) {
	right := Settings{
		Account: "a", Path: "/", ClientID: "c", Secrets: []string{"s"}, Signature: SHA256Hex,
		Store: func(context.Context, []byte) error { return nil },
	}
	if _, err := New(right); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*Settings)
		want   string
	}{
		"account":          {func(s *Settings) { s.Account = "" }, "account"},
		"no path":          {func(s *Settings) { s.Path = "" }, "path"},
		"relative path":    {func(s *Settings) { s.Path = "events" }, "path"},
		"client":           {func(s *Settings) { s.ClientID = "" }, "client id"},
		"no secret":        {func(s *Settings) { s.Secrets = nil }, "client secret"},
		"empty secret":     {func(s *Settings) { s.Secrets = []string{""} }, "client secret"},
		"empty previous":   {func(s *Settings) { s.Secrets = []string{"s", ""} }, "client secret"},
		"unknown shape":    {func(s *Settings) { s.Signature = "md5-hex" }, "sha1-base64, sha1-hex, sha256-base64, sha256-hex"},
		"body":             {func(s *Settings) { s.MaxBody = -1 }, "largest event"},
		"events in flight": {func(s *Settings) { s.InFlight = -1 }, "in flight"},
		"store":            {func(s *Settings) { s.Store = nil }, "store"},
	} {
		set := right
		test.change(&set)
		if _, err := New(set); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	// All faults at once.
	_, err := New(Settings{})
	for _, word := range []string{"account", "path", "client id", "client secret", "store"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not name the %s", err, word)
		}
	}
}

// The first event is there before any is, then the answers follow the store.
func TestStored(t *testing.T) {
	g := newRig(t, nil)
	if at := g.LastAt(); !at.IsZero() {
		t.Errorf("last event at %v before any came", at)
	}
	g.now = start.Add(time.Minute)
	if got := g.send(genuine(testBody)); got != http.StatusOK {
		t.Errorf("status %d", got)
	}
	if at := g.LastAt(); !at.Equal(g.now) {
		t.Errorf("last event at %v, want %v", at, g.now)
	}
	g.now, g.fail = start.Add(time.Hour), errors.New("disk full")
	if got := g.send(genuine(testBody)); got != http.StatusServiceUnavailable {
		t.Errorf("status %d while the store fails", got)
	}
	if at := g.LastAt(); !at.Equal(start.Add(time.Minute)) {
		t.Errorf("last event at %v, which was not stored", at)
	}
	// A replay is stored again: whoever keeps events knows which are the same.
	g.fail = nil
	for range 3 {
		g.send(genuine(testBody))
	}
	g.send(genuine("")) // whatever is signed is kept, what it says is for others
	g.holds(testBody, testBody, testBody, testBody, "")
	g.counted(map[Result]int64{Stored: 5, NotStored: 1})
}

// What can be told to be wrong costs no look at the body.
func TestRefusedUnread(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*http.Request)
		want   Result
	}{
		"path":            {func(r *http.Request) { r.URL.Path = "/" }, WrongPath},
		"longer path":     {func(r *http.Request) { r.URL.Path += "/" }, WrongPath},
		"case of path":    {func(r *http.Request) { r.URL.Path = strings.ToUpper(testPath) }, WrongPath},
		"method":          {func(r *http.Request) { r.Method = http.MethodPut }, WrongMethod},
		"no client":       {func(r *http.Request) { r.Header.Del(clientHeader) }, WrongClient},
		"client":          {func(r *http.Request) { r.Header.Set(clientHeader, "x") }, WrongClient},
		"case of client":  {func(r *http.Request) { r.Header.Set(clientHeader, strings.ToUpper(testClient)) }, WrongClient},
		"two clients":     {func(r *http.Request) { r.Header.Add(clientHeader, testClient) }, WrongClient},
		"folded clients":  {func(r *http.Request) { r.Header.Set(clientHeader, testClient+", "+testClient) }, WrongClient},
		"no account":      {func(r *http.Request) { r.Header.Del(accountHeader) }, WrongAccount},
		"account":         {func(r *http.Request) { r.Header.Set(accountHeader, "87654321") }, WrongAccount},
		"le account":      {func(r *http.Request) { r.Header.Set(accountHeader, "le"+testAccount) }, WrongAccount},
		"two accounts":    {func(r *http.Request) { r.Header.Add(accountHeader, "87654321") }, WrongAccount},
		"no signature":    {func(r *http.Request) { r.Header.Del(signatureHeader) }, Unsigned},
		"empty signature": {func(r *http.Request) { r.Header.Set(signatureHeader, "") }, Unsigned},
		"two signatures":  {func(r *http.Request) { r.Header.Add(signatureHeader, r.Header.Get(signatureHeader)) }, Unsigned},
		// Over HTTP/1 its body is thrown away, so that the sender sees the answer.
		"length": {func(r *http.Request) { r.ContentLength, r.ProtoMajor = 8<<20+1, 2 }, TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, nil)
			req := genuine(testBody)
			req.Body = io.NopCloser(untouched{t})
			test.change(req)
			if got, want := g.send(req), results[test.want].status; got != want {
				t.Errorf("status %d, want %d", got, want)
			}
			g.holds()
			g.counted(map[Result]int64{test.want: 1})
		})
	}
}

// untouched is a body that nobody may read.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// Whoever is refused is not told why.
func TestRefusalsAreAlike(t *testing.T) {
	g := newRig(t, nil)
	answers := map[Result]string{}
	for result, change := range map[Result]func(*http.Request){
		WrongClient:    func(r *http.Request) { r.Header.Set(clientHeader, "x") },
		WrongAccount:   func(r *http.Request) { r.Header.Set(accountHeader, "x") },
		Unsigned:       func(r *http.Request) { r.Header.Del(signatureHeader) },
		WrongSignature: func(r *http.Request) { r.Header.Set(signatureHeader, sign(SHA1Hex, "x", testBody)) },
	} {
		req := genuine(testBody)
		change(req)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, req)
		answers[result] = fmt.Sprint(w.Code, w.Header(), w.Body)
	}
	for result, got := range answers {
		if got != answers[WrongClient] || !strings.HasPrefix(got, "401 ") {
			t.Errorf("%s: %s, want %s", result, got, answers[WrongClient])
		}
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, testPath, nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: status %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

// Nothing that prints a Receiver or its Settings prints a secret.
func TestSecretsAreNotPrinted(t *testing.T) {
	set := Settings{Secrets: []string{testSecret}, Account: "a", Path: "/", ClientID: "c",
		Store: func(context.Context, []byte) error { return nil }}
	r, err := New(set)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("settings", "settings", set, "receiver", fmt.Sprintf("%+v", r))
	printed := fmt.Sprintf("%v %+v %#v %s %v %+v %#v", set, set, set, set, r, r, r) + log.String()
	if strings.Contains(printed, testSecret) || strings.Contains(printed, fmt.Sprint([]byte(testSecret))) {
		t.Errorf("a secret is printed: %s", printed)
	}
}
