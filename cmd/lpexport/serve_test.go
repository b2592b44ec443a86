package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/exporter/notify/notifytest"
	"lpexport/liveperson/sandbox"
)

// served is a program that serves, watched as systemd would.
type served struct {
	*notifytest.Supervisor
	t              *testing.T
	dir            string
	events, status string // URLs
	stderr         *os.File
}

// startServe serves an account whose history is hours behind, so that what is in
// the archive of the last hour can only have come by events.
func startServe(t *testing.T, dir, more string, account http.Handler) *served {
	t.Helper()
	server := httptest.NewServer(account)
	t.Cleanup(server.Close)
	text := strings.Replace(sandboxConfig(server.URL), "state:", "poll: {since: 60d}\nstate:", 1) + more
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &served{t: t, dir: dir}
	var err error
	if s.stderr, err = os.CreateTemp(dir, "log"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stderr.Close() })
	cmd := exec.CommandContext(t.Context(), "lpexport", "serve", "--log-level", "debug")
	cmd.Dir, cmd.Stderr = dir, s.stderr
	if s.Supervisor, err = notifytest.Start(cmd, 200*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, s.log())
	}
	s.events, s.status = s.address("events"), s.address("status")
	return s
}

func (s *served) log() string {
	text, err := os.ReadFile(s.stderr.Name())
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// address finds where something is in what the program says when it begins.
func (s *served) address(what string) string {
	found := regexp.MustCompile(`msg=serving .*\b` + what + `=(\S+)`).FindStringSubmatch(s.log())
	if found == nil {
		s.t.Fatalf("no %s in %s", what, s.log())
	}
	return found[1]
}

func (s *served) get(path string) (status int, body string) {
	s.t.Helper()
	answer, err := http.Get(strings.TrimSuffix(s.status, "/") + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func (s *served) stop(signal os.Signal) {
	s.t.Helper()
	if err := s.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Wait(s.t.Context()); err != nil {
		s.t.Errorf("%v\n%s", err, s.log())
	}
}

const webhookConfig = `webhook: {listen: "127.0.0.1:0", client_id: "` + sandbox.DefaultWebhookClientID + `", client_secret: "` + sandbox.DefaultWebhookSecret + `"}
serve: {listen: "127.0.0.1:0"}
`

// TestServeFromStartToStop: as a service manager sees it, and as those see it who
// send it events.
func TestServeFromStartToStop(t *testing.T) {
	needSignals(t)
	now := time.Now()
	settings := sandbox.Settings{Account: sandboxAccount, Seed: 3, Epoch: now.Add(-5 * time.Hour), Conversations: 40, Period: 4 * time.Hour, Freshness: 2 * time.Hour}
	account := sandbox.New(settings)
	s := startServe(t, t.TempDir(), webhookConfig, account)

	var events []sandbox.Event
	for e := range account.Events(now.Add(-time.Hour), now) {
		events = append(events, e)
	}
	sender := account.NewSender(sandbox.SenderSettings{URL: s.events, Retention: time.Hour, Duplicates: 0.2})
	if err := sender.Send(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	if c := sender.Counts(); c.Delivered != int64(len(events)) || len(events) < 50 {
		t.Fatalf("of %d events: %+v", len(events), c)
	}
	answer, err := http.Post(s.events, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("an unsigned event is answered %d", answer.StatusCode)
	}
	if code, body := s.get("/healthz"); code != http.StatusOK {
		t.Errorf("healthz: %d %s", code, body)
	}
	if _, body := s.get("/metrics"); !strings.Contains(body, `lpexport_events_total{account="demo",result="stored"}`) || !strings.Contains(body, `result="signature"`) && !strings.Contains(body, `result="client"`) {
		t.Errorf("metrics: %s", body)
	}
	if code, body := s.get("/"); code != http.StatusOK || !strings.Contains(body, "demo") {
		t.Errorf("status page: %d", code)
	}
	if err := s.Await(t.Context(), "WATCHDOG=1", 3); err != nil {
		t.Error(err)
	}
	s.stop(syscall.SIGTERM)
	said := s.Messages()
	if !said[0].Has("READY=1") || !slices.ContainsFunc(said, func(m notifytest.Message) bool { return m.Has("STOPPING=1") }) {
		t.Errorf("the service manager was told %v", said)
	}

	// Whatever was not delivered when it stopped, the next run delivers.
	run := exec.CommandContext(t.Context(), "lpexport", "export", "--json")
	run.Dir = s.dir
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	mustHoldEvents(t, s.dir, events)
}

// mustHoldEvents compares the archive with what events told: each message once.
func mustHoldEvents(t *testing.T, dir string, events []sandbox.Event) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "demo", "archive", "*", "*", "*", "*", "*", archive.TranscriptsFile))
	if err != nil || len(files) == 0 {
		t.Fatal("no bundles", err)
	}
	type name struct {
		conversation, dialog string
		sequence             int64
	}
	got, live := map[name]int{}, 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			slice, err := archive.ParseLine([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range slice.Messages {
				got[name{slice.Conversation, m.Dialog, m.Sequence}]++
				if m.Source == "webhook" {
					live++
				}
				if m.Amends != 0 {
					t.Errorf("%s %d is amended", m.Dialog, m.Sequence)
				}
			}
		}
	}
	for k, n := range got {
		if n != 1 {
			t.Errorf("%+v is there %d times", k, n)
		}
	}
	told := 0
	for _, e := range events {
		if e.Message < 0 {
			continue
		}
		var body struct {
			Body struct {
				Changes []struct {
					Sequence       int64
					ConversationID string
					DialogID       string
					Event          struct{ ContentType string }
				}
			}
		}
		if err := json.Unmarshal(e.Body, &body); err != nil {
			t.Fatal(err)
		}
		c := body.Body.Changes[0]
		if c.ConversationID == "" || c.Event.ContentType != "text/plain" {
			continue // history has to tell what these are
		}
		told++
		if got[name{c.ConversationID, c.DialogID, c.Sequence}] != 1 {
			t.Errorf("%+v is not in the archive", c)
		}
	}
	if told < 30 || live < told {
		t.Errorf("%d messages were told by events, and %d are in the archive", told, live)
	}
}

// TestServeRefusesBeforeItBegins: whatever is wrong with the configuration ends it
// before anything listens: with 2, but for an address that may be free later.
func TestServeRefusesBeforeItBegins(t *testing.T) {
	taken := httptest.NewServer(http.NotFoundHandler())
	defer taken.Close()
	for _, each := range []struct {
		name, more, says string
		exit             int
	}{
		{"open address", "serve: {listen: \"0.0.0.0:0\"}\n", "serve.listen: is no loopback address", exitUsage},
		{"taken address", "serve: {listen: \"" + taken.Listener.Addr().String() + "\"}\n", "in use", exitUnexpected},
		{"unknown skill", "serve: {listen: \"127.0.0.1:0\"}\nselect: {skills: [nobody's]}\n", "select.skills", exitUsage},
		{"no certificate", "serve: {listen: \"127.0.0.1:0\", tls: {cert_file: absent.pem, key_file: absent.key}}\n", "absent.pem", exitUsage},
		{"not a hash", "serve: {listen: \"127.0.0.1:0\", password_hash: secret}\n", "bcrypt", exitUsage},
		{"a secret missing", "webhook: {listen: \"127.0.0.1:0\", client_id: i}\n", "webhook.client_secret", exitUsage},
	} {
		t.Run(each.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte("account: sandbox\nstate: ./state\npoll: {since: 1h}\ndestinations: [{name: a, archive: generic, from: all, directory: {path: ./out}}]\n"+each.more), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "lpexport", "serve")
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			if exitOf(err) != each.exit || !strings.Contains(string(out), each.says) {
				t.Errorf("exit code %d:\n%s", exitOf(err), out)
			}
			if strings.Contains(string(out), "msg=serving") && each.name != "unknown skill" {
				t.Errorf("it began to serve:\n%s", out)
			}
		})
	}
}
