package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"lpexport/exporter"
)

// watched logs progress with a clock of its own.
func watched(out *bytes.Buffer, now *time.Time) func(done, total int64) {
	m := &meter{now: func() time.Time { return *now }}
	log := logProgress(slog.New(slog.NewTextHandler(out, nil)), m)
	return func(done, total int64) {
		m.see(done)
		log(done, total)
	}
}

func TestProgressLinesComeNowAndThen(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	show := watched(&out, &now)
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
	show := watched(&out, &now)
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
		show := p.newProgress()
		if (show == nil) != (each.flag == "never") {
			t.Errorf("%+v: shown %v", each, show != nil)
		}
		if show != nil {
			show(exporter.Progress{Conversations: 5, Expected: 10})
		}
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
	s.draw(1, 10, ", 3/s, 2s left")
	s.draw(5, 10, "")
	if !strings.Contains(out.String(), "conversations") || !strings.Contains(out.String(), "/10") || !strings.Contains(out.String(), ", 3/s, 2s left") {
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

// Pages come in bursts, and the first of them at once: no rate is told that is not near
// the true one, and after ten seconds the time left is right within a factor of two.
func TestRateAndTimeLeftAreNearTheTruth(t *testing.T) {
	for _, test := range []struct {
		perSecond, total int64
		burst            int64 // conversations that come together
	}{
		{20, 5000, 1}, {20, 5000, 100}, {100, 50_000, 400}, {3, 1000, 1}, {1000, 1_000_000, 400},
	} {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		began := now
		m := &meter{now: func() time.Time { return now }}
		first := min(4*test.burst, test.total/2) // four windows answer at once
		end := began.Add(time.Duration(float64(test.total-first) / float64(test.perSecond) * float64(time.Second)))
		for done := first; done < test.total; {
			m.see(done)
			m.see(done)
			elapsed := now.Sub(began)
			if rate, known := m.rate(done); known && elapsed < 10*time.Second && rate > 20*float64(max(test.perSecond, test.burst)) {
				t.Errorf("%+v: after %s %.0f a second", test, elapsed, rate)
			}
			left, known := m.left(done, test.total)
			truth := end.Sub(now)
			if elapsed >= 10*time.Second && truth > 10*time.Second && (!known || left > 2*truth || left < truth/2) {
				t.Fatalf("%+v: after %s it says %s (%v), the truth is %s", test, elapsed, left, known, truth)
			}
			now = now.Add(250 * time.Millisecond)
			due := int64(now.Sub(began).Seconds() * float64(test.perSecond))
			done = first + due/test.burst*test.burst
		}
	}
}

func TestNoRateIsToldOfTheFirstAnswers(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := &meter{now: func() time.Time { return now }}
	m.see(0)
	now = now.Add(10 * time.Microsecond)
	m.see(95)
	if text := m.text(95, 1000); text != "" {
		t.Errorf("after ten microseconds: %q", text)
	}
	now = now.Add(10 * time.Second)
	m.see(200)
	if text := m.text(200, 1000); text != ", 20/s, 40s left" {
		t.Errorf("after ten seconds: %q", text)
	}
}
