package sandbox_test

import (
	"bytes"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// A share of the events does not say for whom a message is, and some are of types
// that nobody has documented; all else stays as it was.
func TestEventsThatSayLessAndEventsOfNewTypes(t *testing.T) {
	sound := small(later)
	odd := sound
	odd.Unsaid, odd.NewTypes = 0.5, 0.1
	said, unsaid, hidden, others := 0, 0, 0, map[sandbox.EventKind]int{}
	before := map[string]bool{}
	for e := range sandbox.New(sound).Events(time.Time{}, later) {
		before[string(e.Body)] = true
	}
	account, private := sandbox.New(odd), map[[2]int]bool{}
	for c := range account.Truth(later) {
		for i, m := range c.Messages {
			private[[2]int{c.Number, i}] = m.Audience != "ALL"
		}
	}
	for e := range account.Events(time.Time{}, later) {
		switch {
		case e.Kind == sandbox.NewEvent || e.Kind == sandbox.NewNotification:
			others[e.Kind]++
		case before[string(e.Body)]:
			if e.Message >= 0 {
				said++
			}
		case e.Message < 0 || bytes.Contains(e.Body, []byte("messageAudience")):
			t.Fatalf("another event: %s", e.Body)
		default:
			unsaid++
			if private[[2]int{e.Conversation, e.Message}] {
				hidden++
			}
		}
	}
	if said < 100 || unsaid < 100 || hidden < 5 || others[sandbox.NewEvent] < 5 || others[sandbox.NewNotification] < 5 {
		t.Errorf("%d events say for whom they are, %d do not, %d of these are private; %v", said, unsaid, hidden, others)
	}
}
