package main

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"lpexport/exporter"
)

// lineEvery is how often progress is logged where there is no bar.
const lineEvery = 30 * time.Second

// newProgress chooses by --progress how a run tells how far it is: a bar, a line now and
// then, or nothing, which is nil. It may be called by many goroutines.
func (p *program) newProgress() func(exporter.Progress) {
	m := &meter{now: p.now}
	show := logProgress(p.log, m)
	switch {
	case p.flags.progress == "never":
		return nil
	case p.flags.progress == "always", p.terminal:
		show = func(done, total int64) { p.screen.draw(done, total, m.text(done, total)) }
	}
	var mu sync.Mutex
	return func(at exporter.Progress) {
		mu.Lock()
		defer mu.Unlock()
		m.see(at.Conversations)
		show(at.Conversations, at.Expected)
	}
}

// meter measures how fast something grows, over the last minute.
type meter struct {
	now  func() time.Time
	seen []mark // about one a second, the oldest first
}

type mark struct {
	at   time.Time
	done int64
}

const (
	measured  = time.Minute     // what counts for a rate
	leastTime = 3 * time.Second // a rate over less says nothing: the first answers come in one burst
)

// see notes how far it is.
func (m *meter) see(done int64) {
	at := m.now()
	if n := len(m.seen); n > 0 && at.Sub(m.seen[n-1].at) < time.Second {
		return
	}
	m.seen = append(m.seen, mark{at, done})
	for len(m.seen) > 2 && at.Sub(m.seen[1].at) >= measured {
		m.seen = m.seen[1:]
	}
}

// rate is how much comes a second; known is false as long as that cannot be said.
func (m *meter) rate(done int64) (perSecond float64, known bool) {
	if len(m.seen) == 0 {
		return 0, false
	}
	since := m.now().Sub(m.seen[0].at)
	if since < leastTime || done <= m.seen[0].done {
		return 0, false
	}
	return float64(done-m.seen[0].done) / since.Seconds(), true
}

// left is how long it takes to the end; known is false as long as that cannot be said.
func (m *meter) left(done, total int64) (eta time.Duration, known bool) {
	rate, known := m.rate(done)
	if !known || total <= done {
		return 0, false
	}
	seconds := float64(total-done) / rate
	if seconds > 365*24*3600 {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second), true
}

// text says how fast it goes, and how long it takes; "" as long as that is not known.
func (m *meter) text(done, total int64) string {
	rate, known := m.rate(done)
	if !known {
		return ""
	}
	text := fmt.Sprintf(", %.3g/s", rate)
	if eta, known := m.left(done, total); known {
		text += ", " + age(int64(eta/time.Second)) + " left"
	}
	return text
}

// logProgress logs a line when the last is lineEvery ago.
func logProgress(log *slog.Logger, m *meter) func(done, total int64) {
	var last time.Time
	return func(done, total int64) {
		at := m.now()
		if last.IsZero() {
			last = at
			return
		}
		if at.Sub(last) < lineEvery {
			return
		}
		last = at
		attrs := []any{"conversations", done}
		if rate, known := m.rate(done); known {
			attrs = append(attrs, "per_second", math.Round(rate*10)/10)
		}
		if total > 0 {
			attrs = append(attrs, "expected", total)
		}
		if eta, known := m.left(done, total); known {
			attrs = append(attrs, "eta", eta.String())
		}
		log.Info("in progress", attrs...)
	}
}

func newBar(out io.Writer, about string) *progressbar.ProgressBar {
	return progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetDescription(about),
		progressbar.OptionSetWidth(24),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetSpinnerChangeInterval(0),
		progressbar.OptionClearOnFinish(),
	)
}
