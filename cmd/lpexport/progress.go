package main

import (
	"io"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// lineEvery is how often progress is logged where there is no bar.
const lineEvery = 30 * time.Second

// progress tells how far a run is: a bar, a line now and then, or nothing.
// Its update may be called by many goroutines.
type progress struct {
	mu     sync.Mutex
	update func(done, total int64)
}

// newProgress chooses by --progress.
func (p *program) newProgress() *progress {
	switch {
	case p.flags.progress == "never":
		return &progress{update: func(int64, int64) {}}
	case p.flags.progress == "always", p.terminal:
		return &progress{update: p.screen.draw}
	default:
		return &progress{update: logProgress(p.log, p.now)}
	}
}

// show takes conversations done and expected; total 0 is unknown.
func (g *progress) show(done, total int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.update(done, total)
}

// logProgress logs a line when the last is lineEvery ago.
func logProgress(log *slog.Logger, now func() time.Time) func(done, total int64) {
	var began, last time.Time
	var before int64
	return func(done, total int64) {
		at := now()
		if began.IsZero() {
			began, last, before = at, at, done
			return
		}
		if at.Sub(last) < lineEvery {
			return
		}
		last = at
		rate := float64(done-before) / at.Sub(began).Seconds()
		attrs := []any{"conversations", done, "per_second", math.Round(rate*10) / 10}
		if left := total - done; left > 0 && rate > 0 {
			eta := time.Duration(float64(left) / rate * float64(time.Second))
			attrs = append(attrs, "expected", total, "eta", eta.Round(time.Second).String())
		}
		log.Info("in progress", attrs...)
	}
}

func newBar(out io.Writer) *progressbar.ProgressBar {
	return progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetDescription("conversations"),
		progressbar.OptionSetWidth(24),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("conversations"),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetSpinnerChangeInterval(0),
		progressbar.OptionClearOnFinish(),
	)
}
