package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"lpexport/exporter/config"
)

// TestSandboxServesUntilStopped: the printed configuration is good, the
// account answers, and a stop is a good end.
func TestSandboxServesUntilStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	announced := 0
	err := runSandbox(ctx, sandboxOptions{"127.0.0.1:0"}, func(found *sandboxResult) error {
		announced++
		loaded, err := config.Parse("config.yaml", []byte(found.Config), config.Lookup{})
		if err != nil || loaded.Account != sandboxAccount || loaded.LivePerson.DomainAPI != found.URL {
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

// TestSandboxStaysOnLoopback: it lets in who knows credentials that everybody knows.
func TestSandboxStaysOnLoopback(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:80", "127.0.0.1", "", "example.com:80"} {
		err := runSandbox(t.Context(), sandboxOptions{listen}, func(*sandboxResult) error { return errors.New("it listens") })
		if exitCode(err) != exitUsage {
			t.Errorf("%q: %v", listen, err)
		}
	}
}
