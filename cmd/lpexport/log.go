package main

import (
	"io"
	"log/slog"
	"sync"

	"github.com/schollz/progressbar/v3"
)

// screen is stderr shared by the log and a progress bar: a line of the log
// takes the place of the bar, which is drawn again below it.
type screen struct {
	mu  sync.Mutex
	out io.Writer
	bar *progressbar.ProgressBar
}

func (s *screen) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar == nil {
		return s.out.Write(line)
	}
	// What the terminal says about drawing does not matter to the log.
	_ = s.bar.Clear()
	n, err := s.out.Write(line)
	_ = s.bar.RenderBlank()
	return n, err
}

// draw shows that done of total are done, total 0 not being known, and what is said of
// how fast.
func (s *screen) draw(done, total int64, about string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar == nil {
		s.bar = newBar(s.out, "conversations"+about)
	} else {
		s.bar.Describe("conversations" + about)
	}
	if total > 0 {
		s.bar.ChangeMax64(max(total, done))
	}
	_ = s.bar.Set64(done)
}

// close takes the bar away.
func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Clear()
		s.bar = nil
	}
}

func (p *program) logHandler() slog.Handler {
	p.setLevel(p.flags.logLevel)
	options := &slog.HandlerOptions{Level: &p.level}
	if p.flags.logFormat == "json" {
		return slog.NewJSONHandler(p.screen, options)
	}
	return slog.NewTextHandler(p.screen, options)
}

// setLevel takes words that slog knows: flag and configuration take no others.
func (p *program) setLevel(word string) {
	var level slog.Level
	_ = level.UnmarshalText([]byte(word))
	p.level.Set(level)
}
