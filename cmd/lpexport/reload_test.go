package main

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lpexport/exporter/config"
	"lpexport/liveperson/sandbox"
)

// TestServeReloads: after a hangup the new secret counts, the log says what takes a
// restart, and a configuration with faults changes nothing.
func TestServeReloads(t *testing.T) {
	needSignals(t)
	now := time.Now()
	account := sandbox.New(sandbox.Settings{Account: sandboxAccount, Seed: 3, Epoch: now.Add(-time.Hour), Conversations: 2, Period: time.Hour})
	dir := t.TempDir()
	s := startServe(t, dir, webhookConfig, account)
	file := filepath.Join(dir, "config.yaml")
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ready := 1
	reload := func(text string) (logged string) {
		t.Helper()
		before := len(s.log())
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		ready++
		if err := s.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if err := s.Await(t.Context(), "READY=1", ready); err != nil {
			t.Fatalf("%v\n%s", err, s.log())
		}
		return s.log()[before:]
	}
	event := func() int {
		t.Helper()
		for e := range account.Events(now.Add(-time.Hour), now) {
			answer, err := http.Post(s.events, "application/json", strings.NewReader(string(e.Body)))
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			return answer.StatusCode
		}
		t.Fatal("no event")
		return 0
	}
	send := func() (delivered int64) {
		t.Helper()
		sender := account.NewSender(sandbox.SenderSettings{URL: s.events})
		for e := range account.Events(now.Add(-time.Hour), now) {
			if err := sender.Send(t.Context(), []sandbox.Event{e}); err != nil {
				t.Fatal(err)
			}
			break
		}
		return sender.Counts().Delivered
	}
	if event() != http.StatusUnauthorized || send() != 1 {
		t.Fatal("the secret does not count before the reload")
	}

	text := strings.Replace(string(written), sandbox.DefaultWebhookSecret, "another", 1)
	text = strings.Replace(text, "since: 60d", "since: 59d", 1)
	logged := reload(text)
	if !strings.Contains(logged, `msg="configuration reloaded" changed=webhook`) || !strings.Contains(logged, "keys=poll\n") {
		t.Errorf("logged %s", logged)
	}
	if send() != 0 {
		t.Error("the former secret still counts")
	}
	logged = reload("account: [\n" + text)
	if !strings.Contains(logged, "the one before stays in use") || strings.Contains(logged, "another") || strings.Contains(logged, "configuration reloaded") {
		t.Errorf("logged %s", logged)
	}
	logged = reload(string(written))
	if !strings.Contains(logged, "changed=webhook") || strings.Contains(logged, "keys=") {
		t.Errorf("logged %s", logged)
	}
	if send() != 1 {
		t.Error("the secret does not count again")
	}
	s.stop(os.Interrupt)
}

// TestLogLevel: the configuration says it, and a flag goes before it, also after a reload.
func TestLogLevel(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	for _, given := range []bool{false, true} {
		p := &program{log: slog.New(slog.DiscardHandler), flags: globalFlags{config: file, logLevel: "info", levelSet: given}}
		p.setLevel(p.flags.logLevel)
		for word, want := range map[string]slog.Level{"debug": slog.LevelDebug, "error": slog.LevelError} {
			text := "account: sandbox\nlog_level: " + word + "\ndestinations: [{name: a, archive: generic, from: all, directory: {path: out}}]\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := p.loadConfig(); err != nil {
				t.Fatal(err)
			}
			if given {
				want = slog.LevelInfo
			}
			if got := p.level.Level(); got != want {
				t.Errorf("log_level %s, flag given %v: %v", word, given, got)
			}
		}
	}
}

// TestWhatHasChanged: a configuration that is read twice is the same, whatever it holds.
func TestWhatHasChanged(t *testing.T) {
	read := func(text string) *config.Config {
		t.Helper()
		c, err := config.Parse("config.yaml", []byte(text), config.Lookup{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const text = "account: sandbox\nidentity: {internal_domains: [firm.example], consumer_domain: v.example, bot_domain: b.firm.example}\n" +
		"destinations:\n  - {name: a, archive: generic, from: all, directory: {path: out}}\n" +
		"  - {name: b, archive: proofpoint, from: all, mail: {domain: firm.example}, smtp: {host: h.example, sender: a@firm.example, recipient: b@firm.example}}\n"
	if got := config.Changed(read(text), read(text)); len(got) != 0 {
		t.Errorf("nothing has changed but %q", got)
	}
	other := read(strings.Replace(text, "h.example", "i.example", 1) + "webhook: {client_secret: x}\npoll: {since: 2h}\n")
	if got, want := config.Changed(read(text), other), []string{"poll", "webhook", "destinations"}; !slices.Equal(got, want) {
		t.Errorf("changed: %q, want %q", got, want)
	}
}
