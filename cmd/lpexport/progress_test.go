package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestProgressLinesComeNowAndThen(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	show := logProgress(slog.New(slog.NewTextHandler(&out, nil)), func() time.Time { return now })
	for done := range int64(100) { // one a second
		show(done, 1000)
		now = now.Add(time.Second)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("got %d lines: %s", len(lines), out.String())
	}
	if want := "conversations=90 per_second=1 expected=1000 eta=15m10s"; !strings.Contains(lines[2], want) {
		t.Errorf("got %s, want %s", lines[2], want)
	}
}

func TestProgressWithoutTotalHasNoETA(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	show := logProgress(slog.New(slog.NewTextHandler(&out, nil)), func() time.Time { return now })
	show(0, 0)
	now = now.Add(lineEvery)
	show(60, 0)
	if !strings.Contains(out.String(), "conversations=60 per_second=2\n") {
		t.Errorf("got %s", out.String())
	}
}

func TestProgressIsChosenByFlagAndTerminal(t *testing.T) {
	for _, each := range []struct {
		flag     string
		terminal bool
		bar      bool
	}{
		{"auto", true, true}, {"auto", false, false},
		{"always", false, true}, {"never", true, false}, {"never", false, false},
	} {
		var out bytes.Buffer
		p := &program{screen: &screen{out: &out}, log: slog.New(slog.DiscardHandler), now: time.Now, terminal: each.terminal}
		p.flags.progress = each.flag
		p.newProgress().show(5, 10)
		if got := p.screen.bar != nil; got != each.bar {
			t.Errorf("%+v: bar %v", each, got)
		}
	}
}

// TestLogTakesTheLineOfTheBar: a line of the log starts at the left of a
// cleared line, and the bar says conversations, rate and time left.
func TestLogTakesTheLineOfTheBar(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out}
	s.draw(1, 10)
	s.draw(5, 10)
	if !strings.Contains(out.String(), "conversations") || !strings.Contains(out.String(), "/10") {
		t.Errorf("the bar is %q", out.String())
	}
	before := out.Len()
	if _, err := s.Write([]byte("a line\n")); err != nil {
		t.Fatal(err)
	}
	drawn := out.String()[before:]
	line := strings.Index(drawn, "a line\n")
	if line < 1 || drawn[line-1] != '\r' {
		t.Errorf("the line follows %q", drawn[:max(line, 0)])
	}
	s.close()
	out.Reset()
	if _, err := s.Write([]byte("b\n")); err != nil || out.String() != "b\n" {
		t.Errorf("after the end: %q, %v", out.String(), err)
	}
}
