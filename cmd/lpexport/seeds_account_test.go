package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// accountSeeds change one thing of what is right, by the number of the manual's row.
var accountSeeds = map[string]func(*testing.T, *installation){
	"A1": func(_ *testing.T, i *installation) {
		gone := httptest.NewServer(http.NotFoundHandler())
		gone.Close()
		i.domainAPI = gone.URL
	},
	"A2": func(t *testing.T, i *installation) {
		i.domainAPI = inspecting(t).URL
	},
	"A3": func(_ *testing.T, i *installation) {
		i.liveperson["ca_file"] = "absent.pem"
	},
	"A4": func(t *testing.T, i *installation) {
		portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Please log in")) }))
		t.Cleanup(portal.Close)
		i.domainAPI = portal.URL
	},
	"A5": func(_ *testing.T, i *installation) {
		i.account.Hosts = map[string]string{"sentinel": "evil.example"}
	},
	"A6": func(_ *testing.T, i *installation) {
		i.liveperson["oauth2"] = "{client_id: sandbox-client, client_secret: another}"
	},
	"A7": func(_ *testing.T, i *installation) {
		i.account.Faults = []sandbox.Fault{{Kind: sandbox.Status, Route: sandbox.Search, Code: http.StatusForbidden}}
	},
	"A8": func(_ *testing.T, i *installation) {
		i.clock = time.Hour
	},
	"A9": func(_ *testing.T, i *installation) {
		i.more = "select: {skills: [Sails]}"
	},
	"A10": func(_ *testing.T, i *installation) {
		i.more = `webhook: {listen: "127.0.0.1:0", client_id: i, client_secret: s, tls: {cert_file: absent.pem, key_file: absent.key}}`
	},
}

// installation is what a firm has set up, all of it right. A misconfiguration
// changes one thing.
type installation struct {
	dir          string
	account      sandbox.Settings
	liveperson   map[string]string // keys of liveperson, YAML
	more         string            // top-level keys, YAML
	destination  string            // flow mapping
	clock        time.Duration     // ahead of the true time
	domainAPI    string            // "": the account's
	serveAccount bool
}

func newInstallation(t *testing.T) *installation {
	dir := t.TempDir()
	return &installation{
		dir: dir, account: atRest(), serveAccount: true,
		liveperson:  map[string]string{"oauth2": "{client_id: sandbox-client, client_secret: sandbox-client-secret}"},
		destination: fmt.Sprintf("{name: local, archive: generic, from: all, directory: {path: %q}}", filepath.Join(dir, "out")),
	}
}

// file puts a file into the installation and returns its path.
func (i *installation) file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(i.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// check runs `lpexport check` in it.
func (i *installation) check(t *testing.T) (found checkResult) {
	t.Helper()
	url := i.domainAPI
	if i.serveAccount && url == "" {
		server := httptest.NewServer(sandbox.New(i.account))
		t.Cleanup(server.Close)
		url = server.URL
	}
	text := fmt.Sprintf("account: %s\nstate: %q\n%s\nliveperson:\n  domain_api: %q\n", sandboxAccount, filepath.Join(i.dir, "state"), i.more, url)
	for key, value := range i.liveperson {
		text += "  " + key + ": " + value + "\n"
	}
	text += "destinations:\n  - " + i.destination + "\n"
	var out, talk bytes.Buffer
	p := &program{
		stdout: &out, stderr: &talk,
		now:  func() time.Time { return time.Now().Add(i.clock) },
		wait: func(context.Context, time.Duration) error { return nil },
	}
	p.execute(context.Background(), []string{"check", "--json", "--config", i.file(t, "config.yaml", []byte(text))})
	if err := json.Unmarshal(out.Bytes(), &found); err != nil {
		t.Fatalf("%v: %s%s", err, out.Bytes(), talk.Bytes())
	}
	return found
}

// inspecting is a server as a proxy that inspects TLS shows it: nobody here trusts
// who signed its certificate.
func inspecting(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}
