//go:build unix

package exporter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lpexport/archive"
)

// mailedTrial sends to a mail server on loopback, which takes mails up to a size.
func mailedTrial(t *testing.T, size int64, moods func() mood) (*trial, *handmade, *mailbox) {
	t.Helper()
	box := newMailboxOf(t, size, moods)
	r, h := handTrial(t, func(s *Settings) { s.Destinations = []Destination{mailDestination(box.address)} })
	return r, h, box
}

// becomes changes how the server treats mails.
func (m *mailbox) becomes(is mood) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moods = func() mood { return is }
}

// arrived counts the messages that arrived, by conversation.
func (m *mailbox) arrived(t *testing.T) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, s := range m.slices(t) {
		count[s.Conversation] += len(s.Messages)
	}
	return count
}

// The SIZE of a server is obeyed from the first cut on.
func TestMailServersSizeSplits(t *testing.T) {
	r, h, box := mailedTrial(t, 100_000, func() mood { return takes })
	h.long("a", 30)
	h.long("b", 1)
	r.cycle()
	if got := box.arrived(t); got["a"] != 30 || got["b"] != 1 || len(box.order) < 3 {
		t.Errorf("arrived: %v in %d mails", got, len(box.order))
	}
}

// A mail that a server answers with 421 each time costs the others a new session each
// time, and nothing else.
func TestMailAnswered421BlocksNobody(t *testing.T) {
	var n atomic.Int64
	r, h, box := mailedTrial(t, 25<<20, func() mood {
		if k := n.Add(1); k == 2 || k > 6 { // the second mail, and then when it comes again
			return givesUp
		}
		return takes
	})
	for i := range 6 {
		h.long(fmt.Sprint("c", i), 1)
	}
	if _, err := r.fails(); !errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
	if got := box.arrived(t); len(got) != 5 || n.Load() < 7 {
		t.Errorf("arrived: %v of %d offered", got, n.Load())
	}
	box.becomes(takes)
	r.clock.Advance(time.Hour)
	r.cycle()
	if got := box.arrived(t); len(got) != 6 || len(box.order) != 6 {
		t.Errorf("arrived: %v", got)
	}
}

// Each third mail is put off, and one run delivers all of them.
func TestMailServerThatPutsOffEachThird(t *testing.T) {
	for _, as := range []mood{putsOff, givesUp} {
		var n atomic.Int64
		r, h, box := mailedTrial(t, 25<<20, func() mood {
			if n.Add(1)%3 == 0 {
				return as
			}
			return takes
		})
		for i := range 20 {
			h.long(fmt.Sprintf("c%02d", i), 1)
		}
		r.cycle()
		if got := box.arrived(t); len(got) != 20 || len(box.order) != 20 {
			t.Errorf("%d: arrived %v", as, got)
		}
	}
}

// A gateway that wants DMARC refuses each mail after its end. That halts with the right
// hint, and goes on where it stood once the gateway is set right.
func TestMailServerThatDistrustsTheSender(t *testing.T) {
	r, h, box := mailedTrial(t, 25<<20, func() mood { return distrusts })
	for i := range 10 {
		h.long(fmt.Sprint("c", i), 1)
	}
	halt := r.haltsAlike()
	var at *archive.Error
	if !errors.As(halt, &at) || !strings.Contains(at.Hint, "DMARC") || r.quarantined() != 0 {
		t.Errorf("%+v, %d in quarantine", at, r.quarantined())
	}
	s, err := r.Status(context.Background())
	if err != nil || !s.Destinations[0].Halted {
		t.Errorf("%+v, %v", s.Destinations[0], err)
	}
	box.becomes(takes)
	r.cycle()
	if got := box.arrived(t); len(got) != 10 || len(box.order) != 10 {
		t.Errorf("arrived: %v", got)
	}
}
