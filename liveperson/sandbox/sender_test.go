package sandbox_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/liveperson/sandbox"
)

// arrival is one request as it came.
type arrival struct {
	after        time.Duration // since the receiver began
	conversation int
	message      int
	body         string
}

// receiver is a webhook in memory: an http.RoundTripper that answers with what
// status says.
type receiver struct {
	mu     sync.Mutex
	began  time.Time
	events map[string]sandbox.Event // by body
	came   []arrival
	status func(e sandbox.Event, after time.Duration) int // 0 is no answer
}

func receive(events []sandbox.Event, status func(sandbox.Event, time.Duration) int) *receiver {
	r := &receiver{began: time.Now(), events: map[string]sandbox.Event{}, status: status}
	for _, e := range events {
		r.events[string(e.Body)] = e
	}
	return r
}

func (r *receiver) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e, after := r.events[string(body)], time.Since(r.began)
	r.came = append(r.came, arrival{after, e.Conversation, e.Message, string(body)})
	status := r.status(e, after)
	if status == 0 {
		return nil, errors.New("nobody listens")
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("OK")), Request: request}, nil
}

// of is when and in what order the messages of a conversation came.
func (r *receiver) of(conversation int) (after []time.Duration, messages []int) {
	for _, a := range r.came {
		if a.conversation == conversation {
			after, messages = append(after, a.after), append(messages, a.message)
		}
	}
	return after, messages
}

func (r *receiver) client() *http.Client { return &http.Client{Transport: r} }

// crowd is an account of many short conversations at once, which are over when
// the clock of a bubble begins.
func crowd() *sandbox.Account {
	return sandbox.New(sandbox.Settings{
		Seed: 3, Epoch: time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), Conversations: 40, Period: time.Minute, Plain: true, Messages: 6, Growth: time.Second,
	})
}

// messages are all messages of an account that is over, in order of time.
func messages(a *sandbox.Account) (list []sandbox.Event) {
	for e := range a.Events(time.Time{}, time.Now()) {
		if e.Message >= 0 {
			list = append(list, e)
		}
	}
	return list
}

func answer200(sandbox.Event, time.Duration) int { return 200 }

// TestSignatures posts over a real connection and verifies what comes by
// HMACs computed here.
func TestSignatures(t *testing.T) {
	account := crowd()
	events := messages(account)[:20]
	for shape, mac := range map[sandbox.Shape]struct {
		prefix string
		hash   func() hash.Hash
		decode func(string) ([]byte, error)
	}{
		"":                   {"sha1=", sha1.New, base64.StdEncoding.DecodeString},
		sandbox.SHA1Base64:   {"sha1=", sha1.New, base64.StdEncoding.DecodeString},
		sandbox.SHA1Hex:      {"sha1=", sha1.New, hex.DecodeString},
		sandbox.SHA256Base64: {"sha256=", sha256.New, base64.StdEncoding.DecodeString},
		sandbox.SHA256Hex:    {"sha256=", sha256.New, hex.DecodeString},
	} {
		var mu sync.Mutex
		verified := map[string]bool{}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			value, prefixed := strings.CutPrefix(r.Header.Get("X-Liveperson-Signature"), mac.prefix)
			sum, decodeErr := mac.decode(value)
			h := hmac.New(mac.hash, []byte("secret ü"))
			h.Write(body)
			switch {
			case err != nil, decodeErr != nil, !prefixed, !hmac.Equal(sum, h.Sum(nil)):
				t.Errorf("%q: signature %q: %v, %v", shape, r.Header.Get("X-Liveperson-Signature"), err, decodeErr)
			case r.Method != "POST", r.URL.Path != "/hook", r.Header.Get("Content-Type") != "application/json",
				r.Header.Get("X-Liveperson-Account-Id") != "sandbox", r.Header.Get("X-Liveperson-Client-Id") != "client":
				t.Errorf("%q: %s %s, %v", shape, r.Method, r.URL, r.Header)
			case bytes.ContainsAny(body, "\n"):
				t.Errorf("%q: not compact: %s", shape, body)
			}
			mu.Lock()
			defer mu.Unlock()
			verified[string(body)] = true
			w.WriteHeader(http.StatusCreated)
		}))
		sender := account.NewSender(sandbox.SenderSettings{URL: server.URL + "/hook", ClientID: "client", Secret: "secret ü", Shape: shape})
		if err := sender.Send(t.Context(), events); err != nil || len(verified) != len(events) {
			t.Errorf("%q: %d of %d verified, %v", shape, len(verified), len(events), err)
		}
		server.Close()
	}
}

// TestRetriesInOrder: while the receiver fails for one conversation, its events
// wait in order and are tried after 2, 4, 8 … seconds, at most 5 minutes; the
// others don't notice.
func TestRetriesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := crowd()
		events := messages(account)
		stuck := events[0].Conversation
		r := receive(events, func(e sandbox.Event, after time.Duration) int {
			switch {
			case e.Conversation != stuck || after > 20*time.Minute:
				return 201
			case after < time.Minute:
				return 0
			}
			return 503
		})
		sender := account.NewSender(sandbox.SenderSettings{URL: "http://192.0.2.1/", Retention: time.Hour, Client: r.client()})
		if err := sender.Send(t.Context(), events); err != nil {
			t.Fatal(err)
		}
		after, order := r.of(stuck)
		var want []time.Duration
		for _, s := range []int{0, 2, 6, 14, 30, 62, 126, 254, 510, 810, 1110, 1410} {
			want = append(want, time.Duration(s)*time.Second)
		}
		attempts := len(want)
		for range 5 {
			want = append(want, want[attempts-1])
		}
		if diff := cmp.Diff(want, after); diff != "" || !slices.IsSorted(order) || order[attempts] != 1 {
			t.Errorf("messages %v (-want +came)\n%s", order, diff)
		}
		for n := range 40 {
			if after, order := r.of(n); n != stuck && (len(order) != 6 || !slices.IsSorted(order) || after[5] != 0) {
				t.Errorf("conversation %d: messages %v came after %v", n, order, after)
			}
		}
		if got, want := sender.Counts(), (sandbox.Counts{Delivered: 240, Failed: int64(attempts - 1)}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

// TestRetentionEnds: without it one refusal loses an event; with it an event is
// given up when another attempt would come too late.
func TestRetentionEnds(t *testing.T) {
	for retention, want := range map[time.Duration]struct {
		attempts int
		last     time.Duration
	}{
		0:                {1, 0},
		time.Second:      {1, 0},
		14 * time.Second: {4, 14 * time.Second},
		29 * time.Second: {4, 14 * time.Second},
	} {
		for _, status := range []int{0, 202, 204, 302, 401, 500} {
			synctest.Test(t, func(t *testing.T) {
				account := crowd()
				events := messages(account)[:1]
				r := receive(events, func(sandbox.Event, time.Duration) int { return status })
				seen := 0
				sender := account.NewSender(sandbox.SenderSettings{
					URL: "http://192.0.2.1/", Retention: retention, Client: r.client(),
					Observe: func(d sandbox.Delivery) {
						seen++
						if d.Attempt != seen || d.Status != status || (d.Err == nil) == (status == 0) || d.Taken() || d.Again || d.Event.At != events[0].At {
							t.Errorf("attempt %d: %+v", seen, d)
						}
					},
				})
				if err := sender.Send(t.Context(), events); err != nil {
					t.Fatal(err)
				}
				after, _ := r.of(events[0].Conversation)
				if len(after) != want.attempts || after[len(after)-1] != want.last || seen != want.attempts {
					t.Errorf("%v, status %d: tried after %v, want %+v", retention, status, after, want)
				}
				if got, want := sender.Counts(), (sandbox.Counts{Dropped: 1, Failed: int64(want.attempts)}); got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
			})
		}
	}
}

// TestDuplicatesAndReordering: a share of the events comes twice, a share after
// later ones; with neither, each comes once and in order.
func TestDuplicatesAndReordering(t *testing.T) {
	for name, set := range map[string]struct{ duplicates, reorder float64 }{
		"neither": {0, 0}, "duplicates": {0.25, 0}, "reorder": {0, 0.25}, "both": {0.25, 0.25}, "all": {1, 1},
	} {
		var before []arrival
		for range 2 { // the same ones every time
			synctest.Test(t, func(t *testing.T) {
				account := crowd()
				events := messages(account)
				r := receive(events, answer200)
				sender := account.NewSender(sandbox.SenderSettings{
					URL: "http://192.0.2.1/", Duplicates: set.duplicates, Reorder: set.reorder, Seed: 5, Client: r.client(),
				})
				if err := sender.Send(t.Context(), events); err != nil {
					t.Fatal(err)
				}
				counts := sender.Counts()
				times, twice, overtaken := map[string]int{}, int64(0), 0
				for _, a := range r.came {
					if times[a.body]++; times[a.body] == 2 {
						twice++
					}
					if a.after > 4*time.Second {
						t.Errorf("%s: held back for %v", name, a.after)
					}
				}
				for n := range 40 {
					if _, order := r.of(n); !slices.IsSorted(order) {
						overtaken++
					}
				}
				if len(times) != 240 || counts.Delivered != 240 || len(r.came) != 240+int(twice) || counts.Duplicates != twice || counts.Pending != 0 {
					t.Errorf("%s: %d came as %d events, %+v", name, len(r.came), len(times), counts)
				}
				near := func(got int64, share float64) bool { return got >= int64(share*200) && got <= int64(share*280) }
				if !near(twice, set.duplicates) || !near(counts.Reordered, set.reorder) || (overtaken > 10) != (set.reorder+set.duplicates > 0) {
					t.Errorf("%s: %d twice, %d conversations out of order, %+v", name, twice, overtaken, counts)
				}
				slices.SortFunc(r.came, func(x, y arrival) int { return strings.Compare(x.body, y.body) })
				bodies := func(x, y arrival) bool { return x.body == y.body }
				if before != nil && !slices.EqualFunc(before, r.came, bodies) {
					t.Errorf("%s: other events the second time", name)
				}
				before = r.came
			})
		}
	}
}

// TestRunSendsWhatHappens: from a moment on, each event at its own time, until
// the account has no more to tell.
func TestRunSendsWhatHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.Settings{Seed: 3, Epoch: time.Now().Add(-20 * time.Second), Conversations: 40, Period: time.Minute, Messages: 6, Growth: time.Second}
		account := sandbox.New(s)
		var all []sandbox.Event
		r := receive(nil, answer200)
		sender := account.NewSender(sandbox.SenderSettings{
			URL: "http://192.0.2.1/", Client: r.client(),
			Observe: func(d sandbox.Delivery) {
				if late := time.Since(time.UnixMilli(d.Event.At)); late != 0 {
					t.Errorf("an event of %d came %v late", d.Event.At, late)
				}
			},
		})
		began := time.Now()
		if err := sender.Run(t.Context(), began); err != nil {
			t.Fatal(err)
		}
		all = slices.Collect(account.Events(began, time.Now()))
		if len(all) < 200 || len(r.came) != len(all) || sender.Counts() != (sandbox.Counts{Delivered: int64(len(all))}) {
			t.Fatalf("%d came of %d events, %+v", len(r.came), len(all), sender.Counts())
		}
		slices.SortFunc(r.came, func(x, y arrival) int { return strings.Compare(x.body, y.body) })
		slices.SortFunc(all, func(x, y sandbox.Event) int { return bytes.Compare(x.Body, y.Body) })
		for i, e := range all {
			if r.came[i].body != string(e.Body) {
				t.Fatal("another event came")
			}
		}
	})
}

// TestRunEndsWithItsCaller, whatever it waits for: the next event, a slow
// receiver, the next attempt, room for more.
func TestRunEndsWithItsCaller(t *testing.T) {
	end := errors.New("enough")
	for name, set := range map[string]struct {
		receiver http.RoundTripper
		settings sandbox.Settings
	}{
		"next event": {receive(nil, answer200), sandbox.Settings{Rate: 1}},
		"receiver":   {hanging{}, sandbox.Settings{Rate: 1000}},
		"attempt":    {receive(nil, func(sandbox.Event, time.Duration) int { return 503 }), sandbox.Settings{Rate: 1000}},
		"room":       {receive(nil, func(sandbox.Event, time.Duration) int { return 503 }), sandbox.Settings{Rate: 100_000}},
	} {
		synctest.Test(t, func(t *testing.T) {
			set.settings.Epoch = time.Now().Add(-time.Hour)
			account := sandbox.New(set.settings)
			sender := account.NewSender(sandbox.SenderSettings{
				URL: "http://192.0.2.1/", Retention: 72 * time.Hour, Client: &http.Client{Transport: set.receiver},
			})
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(10*time.Minute+time.Second/2, func() { cancel(end) })
			if err := sender.Run(ctx, time.Now().Add(-time.Hour)); !errors.Is(err, end) {
				t.Errorf("%s: %v", name, err)
			}
			counts := sender.Counts()
			if (counts.Pending > 0) != (name != "next event") || (counts.Pending == 10_000) != (name == "room") || counts.Dropped > 0 {
				t.Errorf("%s: %+v", name, counts)
			}
		})
	}
}

// TestStoppedAttemptIsNoFailure: nobody knows how it would have ended, so
// nothing is lost yet.
func TestStoppedAttemptIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := crowd()
		sender := account.NewSender(sandbox.SenderSettings{
			URL: "http://192.0.2.1/", Client: &http.Client{Transport: hanging{}}, Reorder: 0.5,
			Observe: func(d sandbox.Delivery) { t.Errorf("it ended with %d, %v", d.Status, d.Err) },
		})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		err := sender.Send(ctx, messages(account))
		counts := sender.Counts()
		counts.Reordered = 0
		if !errors.Is(err, context.DeadlineExceeded) || counts != (sandbox.Counts{Pending: 240}) {
			t.Errorf("%v, %+v", err, counts)
		}
	})
}

// hanging never answers.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

// BenchmarkSend posts to a server that answers at once, over loopback.
func BenchmarkSend(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer server.Close()
	account := crowd()
	events := messages(account)
	sender := account.NewSender(sandbox.SenderSettings{URL: server.URL})
	b.ReportAllocs()
	for left := b.N; left > 0; left -= len(events) {
		if err := sender.Send(b.Context(), events[:min(left, len(events))]); err != nil {
			b.Fatal(err)
		}
	}
	if got := sender.Counts().Delivered; got != int64(b.N) {
		b.Fatalf("%d of %d", got, b.N)
	}
}
