package config

import (
	"testing"
	"time"
)

func TestDurationsReadBack(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0s": 0, "30m": 30 * time.Minute, "24h": 24 * time.Hour, "7d": 168 * time.Hour,
		"1d12h30m": 36*time.Hour + 30*time.Minute, "1.5h": 90 * time.Minute, "250ms": 250 * time.Millisecond,
	} {
		got, err := parseDuration(text)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
		if back, err := parseDuration(formatDuration(got)); err != nil || back != got {
			t.Errorf("%s is written as %s", text, formatDuration(got))
		}
	}
	for _, text := range []string{"", "d", "7", "-1h", "1h7d", "7 d", "1e3s", "36501d", "100000d", "99999999999h"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestSizesReadBack(t *testing.T) {
	for text, want := range map[string]int64{"0B": 0, "1B": 1, "1KiB": 1024, "32MiB": 32 << 20, "2GB": 2e9, "1500KB": 15e5} {
		got, err := parseSize(text)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
		if back, err := parseSize(formatSize(got)); err != nil || back != got {
			t.Errorf("%s is written as %s", text, formatSize(got))
		}
	}
}

func TestSinceCountsBackFromTheFirstCycle(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if got := (Since{Ago: 24 * time.Hour}).Time(now); !got.Equal(now.AddDate(0, 0, -1)) {
		t.Errorf("got %v", got)
	}
	since, err := parseSince("2026-02-01")
	if err != nil || !since.Time(now).Equal(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)) || since.String() != "2026-02-01" {
		t.Errorf("got %v, %v", since, err)
	}
}

// TestPlainHTTPForLoopbackOnly: the token of the account travels there.
func TestPlainHTTPForLoopbackOnly(t *testing.T) {
	for url, good := range map[string]bool{
		"https://api.liveperson.net":         true,
		"https://api.liveperson.net/":        true,
		"http://127.0.0.1:1234":              true,
		"http://127.9.9.9":                   true,
		"http://[::1]:80":                    true,
		"http://localhost:80":                true,
		"http://api.liveperson.net":          false,
		"http://localhost.example.com":       false,
		"http://127.0.0.1.example.com":       false,
		"http://127.0.0.1@example.com":       false,
		"http://0.0.0.0":                     false,
		"https://api.liveperson.net/a":       false,
		"https://api.liveperson.net?a=b":     false,
		"https://":                           false,
		"api.liveperson.net":                 false,
		"file:///etc/passwd":                 false,
		"https://api.liveperson.net\r\nHost": false,
	} {
		if err := checkDomainAPI(url); (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
	}
}
