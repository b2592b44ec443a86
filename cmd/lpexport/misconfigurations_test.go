package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// misconfigurations seeds each of the manual's table, by what it is called there.
var misconfigurations = map[string]func(*testing.T, *installation){
	"the name of LivePerson's host leads elsewhere, or a firewall refuses": func(_ *testing.T, i *installation) {
		gone := httptest.NewServer(http.NotFoundHandler())
		gone.Close()
		i.domainAPI = gone.URL
	},
	"a proxy of the firm inspects TLS": func(t *testing.T, i *installation) {
		i.domainAPI = inspecting(t).URL
	},
	"`liveperson.ca_file` is not there": func(_ *testing.T, i *installation) {
		i.liveperson["ca_file"] = "absent.pem"
	},
	"a portal answers in LivePerson's place": func(t *testing.T, i *installation) {
		portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Please log in")) }))
		t.Cleanup(portal.Close)
		i.domainAPI = portal.URL
	},
	"LivePerson's look-up names a host of somebody else": func(_ *testing.T, i *installation) {
		i.account.Hosts = map[string]string{"sentinel": "evil.example"}
	},
	"the app's secret is wrong": func(_ *testing.T, i *installation) {
		i.liveperson["oauth2"] = "{client_id: sandbox-client, client_secret: another}"
	},
	"the app lacks the scope for conversations": func(_ *testing.T, i *installation) {
		i.account.Faults = []sandbox.Fault{{Kind: sandbox.Status, Route: sandbox.Search, Code: http.StatusForbidden}}
	},
	"this machine's clock is wrong": func(_ *testing.T, i *installation) {
		i.clock = time.Hour
	},
	"`select.skills` names a skill that the account does not have": func(_ *testing.T, i *installation) {
		i.more = "select: {skills: [Sails]}"
	},
	"the webhook's certificate is not there": func(_ *testing.T, i *installation) {
		i.more = `webhook: {listen: "127.0.0.1:0", client_id: i, client_secret: s, tls: {cert_file: absent.pem, key_file: absent.key}}`
	},
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
