package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

func post(t *testing.T, ctx context.Context, client *http.Client, base string, r *remote, params string) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, "POST", base+searchPath+params, strings.NewReader(body(everythingSince(epoch))))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+r.token)
	return client.Do(request)
}

// TestTransportIsTheWire compares an answer in process with one over a socket.
func TestTransportIsTheWire(t *testing.T) {
	r := connect(t, small(later))
	server := httptest.NewServer(r.account)
	defer server.Close()
	var bodies [2]string
	for i, c := range []struct {
		client *http.Client
		base   string
	}{{server.Client(), server.URL}, {&http.Client{Transport: r.account.Transport()}, "https://va.msghist.example"}} {
		response, err := post(t, context.Background(), c.client, c.base, r, "limit=10&sort=start:asc")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != 200 || response.Header.Get("Date") == "" {
			t.Fatalf("%d %v", response.StatusCode, err)
		}
		bodies[i] = string(b)
	}
	if bodies[0] != bodies[1] || len(bodies[0]) < 10_000 {
		t.Error("the answers differ")
	}
}

func TestTransportCutsAndFails(t *testing.T) {
	settings := small(later)
	settings.Faults = []sandbox.Fault{
		{Kind: sandbox.Cut, Route: sandbox.Search, Nth: []int{1}, Fraction: 0.7},
		{Kind: sandbox.Cut, Route: sandbox.Search, Nth: []int{2}, Fraction: 0},
		{Kind: sandbox.NoContent, Route: sandbox.Search, Nth: []int{3}},
	}
	r := connect(t, settings)
	client := &http.Client{Transport: r.account.Transport()}
	response, err := post(t, context.Background(), client, "https://x.example", r, "limit=10")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(response.Body); !errors.Is(err, io.ErrUnexpectedEOF) || int64(len(b)) >= response.ContentLength || len(b) == 0 {
		t.Errorf("%d of %d bytes, then %v", len(b), response.ContentLength, err)
	}
	if _, err := post(t, context.Background(), client, "https://x.example", r, "limit=10"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut before the first byte: %v", err)
	}
	response, err = post(t, context.Background(), client, "https://x.example", r, "limit=10")
	if err != nil || response.StatusCode != 204 {
		t.Errorf("no content: %v", err)
	}
}

func TestTransportEndsWithItsCaller(t *testing.T) {
	settings := brand(2)
	settings.Huge = 200_000
	now := epoch.Add(80 * day)
	settings.Now = func() time.Time { return now }
	r := connect(t, settings)
	client := &http.Client{Transport: r.account.Transport()}
	ctx, cancel := context.WithCancel(context.Background())
	response, err := post(t, ctx, client, "https://x.example", r, "limit=1&sort=start:asc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(response.Body, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, response.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("after the caller left: %v", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	settings.Answer = time.Hour
	settings.Sleep = func(ctx context.Context, _ time.Duration) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}
	sleeping := &http.Client{Transport: sandbox.New(settings).Transport()}
	if _, err := post(t, ctx, sleeping, "https://x.example", r, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("while it slept: %v", err)
	}
}
