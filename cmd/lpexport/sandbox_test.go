package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"lpexport/exporter/config"
	"lpexport/liveperson/sandbox"
)

var quiet = slog.New(slog.DiscardHandler)

// sandboxConfig is what is printed for the small account at url.
func sandboxConfig(url string) string { return accountConfig(sandboxAccount, url) }

// TestSandboxServesUntilStopped: the printed configuration is good, the
// account answers, and a stop is a good end.
func TestSandboxServesUntilStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	announced := 0
	err := runSandbox(ctx, sandboxOptions{listen: "127.0.0.1:0"}, quiet, func(found *sandboxResult) error {
		announced++
		loaded, err := config.Parse("config.yaml", []byte(found.Config), config.Lookup{})
		if err != nil || loaded.Account != sandboxAccount || loaded.LivePerson.DomainAPI != found.URL || loaded.Webhook.Listen != "" {
			t.Errorf("the configuration: %+v, %v", loaded, err)
		}
		answer, err := http.Get(found.URL + "/api/account/" + found.Account + "/service/msgHist/baseURI.json?version=1.0")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), "baseURI") {
			t.Errorf("the account answers %s: %s, %v", answer.Status, body, err)
		}
		cancel(stopped{syscall.SIGINT})
		return nil
	})
	if err != nil || announced != 1 {
		t.Errorf("got %v after %d announcements", err, announced)
	}
}

// TestSandboxStaysOnLoopback: it lets in who knows credentials that everybody
// knows, and sends to nobody else what it says.
func TestSandboxStaysOnLoopback(t *testing.T) {
	refused := func(options sandboxOptions) {
		t.Helper()
		err := runSandbox(t.Context(), options, quiet, func(*sandboxResult) error { return errors.New("it listens") })
		if exitCode(err) != exitUsage {
			t.Errorf("%+v: %v", options, err)
		}
	}
	for _, listen := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:80", "127.0.0.1", "", "example.com:80"} {
		refused(sandboxOptions{listen: listen})
	}
	for _, url := range []string{
		"http://192.0.2.1:80/", "http://example.com:80/", "http://0.0.0.0:80", "https://127.0.0.1:80", "http://127.0.0.1", "127.0.0.1:80",
		"http://localhost.example:80", "http://127.0.0.1@example.com:80", "http://u:p@127.0.0.1:80", "http://127.0.0.1:80/?a", "http://[::]:80", "://",
	} {
		refused(sandboxOptions{listen: "127.0.0.1:0", webhook: webhookOptions{url: url, secret: "s"}})
	}
}

func TestSandboxRefusesWrongNumbers(t *testing.T) {
	for _, args := range []string{
		"--rate -1", "--rate 5001", "--webhook-duplicates 0.1", "--webhook-secret s", "--webhook URL --webhook-secret=", "--webhook URL --webhook-retention 1s",
		"--webhook URL --webhook-retention 73h", "--webhook URL --webhook-retention -2s", "--webhook URL --webhook-duplicates 1.1",
		"--webhook URL --webhook-reorder -0.1", "--webhook URL --webhook-reorder NaN",
	} {
		var out, talk bytes.Buffer
		p := &program{stdout: &out, stderr: &talk, now: time.Now}
		args = "sandbox " + strings.ReplaceAll(args, "URL", "http://127.0.0.1:9")
		if code := p.execute(t.Context(), strings.Fields(args)); code != exitUsage || !strings.Contains(talk.String(), "hint: lpexport sandbox --") {
			t.Errorf("%s: exit %d: %s", args, code, &talk)
		}
	}
}

// TestSandboxSendsEvents: the configuration that is printed listens where the
// events go, knows who sends them, and they come within moments.
func TestSandboxSendsEvents(t *testing.T) {
	came := make(chan http.Header, 10_000)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Header.Set("X-Path", r.URL.Path)
		came <- r.Header
	}))
	defer server.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	options := sandboxOptions{listen: "127.0.0.1:0", webhook: webhookOptions{url: server.URL, secret: "a\"b"}}
	go func() {
		select {
		case header := <-came:
			if header.Get("X-Path") != "/liveperson/events" || header.Get("X-Liveperson-Account-Id") != "demo-1000" ||
				header.Get("X-Liveperson-Client-Id") != sandbox.DefaultWebhookClientID || !strings.HasPrefix(header.Get("X-Liveperson-Signature"), "sha1=") {
				t.Errorf("an event came with %v", header)
			}
			cancel(stopped{syscall.SIGINT})
		case <-ctx.Done():
		}
	}()
	err := runSandbox(ctx, options, quiet, func(found *sandboxResult) error {
		loaded, err := config.Parse("config.yaml", []byte(found.Config), config.Lookup{})
		if err != nil || loaded.Account != "demo-1000" || "http://"+loaded.Webhook.Listen != server.URL || loaded.Webhook.Path != "/liveperson/events" ||
			loaded.Webhook.ClientID != sandbox.DefaultWebhookClientID || loaded.Webhook.ClientSecret.Reveal() != "a\"b" || loaded.Serve.Listen != "127.0.0.1:9464" {
			t.Errorf("%+v, %v from\n%s", loaded, err, found.Config)
		}
		if want := server.URL + "/liveperson/events"; found.Webhook != want {
			t.Errorf("it sends to %s, want %s", found.Webhook, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestSandboxSaysWhenEventsFail: once when it begins and once when it is over.
func TestSandboxSaysWhenEventsFail(t *testing.T) {
	var out bytes.Buffer
	l := &deliveryLog{log: slog.New(slog.NewTextHandler(&out, nil))}
	for _, step := range []struct {
		counts sandbox.Counts
		answer int
		want   string
	}{
		{sandbox.Counts{Delivered: 5}, 200, ""},
		{sandbox.Counts{Delivered: 5, Failed: 1, Pending: 1}, 503,
			`level=WARN msg="the webhook does not take events" delivered=5 failed_attempts=1 dropped=0 pending=1 reason="it answered 503"`},
		{sandbox.Counts{Delivered: 5, Failed: 2, Pending: 1}, 503, ""},
		{sandbox.Counts{Delivered: 6, Failed: 3, Pending: 2}, 503, ""}, // some are taken
		{sandbox.Counts{Delivered: 6, Failed: 3, Pending: 2}, 200, ""}, // nothing happens
		{sandbox.Counts{Delivered: 8, Failed: 3}, 200, `level=INFO msg="the webhook takes events again" delivered=8 failed_attempts=3 dropped=0 pending=0`},
		{sandbox.Counts{Delivered: 9, Failed: 3}, 200, ""},
	} {
		out.Reset()
		l.observe(sandbox.Delivery{Status: step.answer})
		l.note(step.counts)
		if _, got, _ := strings.Cut(strings.TrimSpace(out.String()), " "); got != step.want {
			t.Errorf("%+v: %q, want %q", step.counts, got, step.want)
		}
	}
	out.Reset()
	if l.end(sandbox.Counts{Delivered: 9}); out.Len() > 0 {
		t.Errorf("all went well, but: %s", &out)
	}
	if l.end(sandbox.Counts{Delivered: 9, Failed: 3, Dropped: 3}); !strings.Contains(out.String(), "dropped=3") {
		t.Errorf("at the end: %s", &out)
	}
}
