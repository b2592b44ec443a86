//go:build unix

package exporter

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"lpexport/liveperson/sandbox"
)

// pace is how many events a second the account sends.
const pace = 500

// traffic is the account's events on their way to the services. It holds the
// socket they come to, so that what is sent between two services waits for the
// second one.
type traffic struct {
	c           *crash
	sender      *sandbox.Sender
	stopService func()
	told        time.Time // up to when the account's events are in next
	next        []sandbox.Event
	left        sync.WaitGroup // batches that are not taken yet

	mu       sync.Mutex
	answered map[[2]int]bool // messages by conversation and place: taken with 200
	awaited  int             // how many of them,
	enough   chan struct{}   // to be closed then
}

func (c *crash) newTraffic(l *line) *traffic {
	c.t.Helper()
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	socket, err := door.(*net.TCPListener).File()
	if err != nil {
		c.t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		c.t.Fatal(err)
	}
	l.mu.Lock()
	l.files = []*os.File{socket, read}
	l.mu.Unlock()
	for _, closer := range []io.Closer{door, socket, read, write} {
		c.t.Cleanup(func() { closer.Close() })
	}
	f := &traffic{c: c, told: c.clock.Now(), answered: map[[2]int]bool{}, stopService: func() { write.Close() }}
	f.sender = c.calm.NewSender(sandbox.SenderSettings{URL: "http://" + door.Addr().String() + "/", Retention: 10_000 * time.Hour,
		Duplicates: 0.05, Reorder: 0.05, Seed: *crashSeed, Concurrency: 16, Observe: f.observe})
	return f
}

func (f *traffic) observe(d sandbox.Delivery) {
	if !d.Taken() || d.Event.Message < 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	message := [2]int{d.Event.Conversation, d.Event.Message}
	if f.answered[message] {
		return
	}
	f.answered[message] = true
	if len(f.answered) == f.awaited {
		close(f.enough)
	}
}

// more is closed when n more messages have been answered.
func (f *traffic) more(n int) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.awaited, f.enough = len(f.answered)+n, make(chan struct{})
	return f.enough
}

// run sends at its pace until stop is closed, and lets the account's time pass
// with what is sent.
func (f *traffic) run(stop <-chan struct{}) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	began, sent := time.Now(), 0
	for {
		select {
		case <-tick.C:
			n := int(time.Since(began).Seconds()*pace) - sent
			f.send(f.take(n))
			sent += n
		case <-stop:
			f.c.t.Logf("%d events in %v", sent, time.Since(began).Round(time.Millisecond))
			return
		}
	}
}

// take are the next n events.
func (f *traffic) take(n int) []sandbox.Event {
	for len(f.next) < n {
		f.c.clock.Advance(5 * time.Second)
		now := f.c.clock.Now()
		f.next = slices.AppendSeq(f.next, f.c.calm.Events(f.told, now))
		f.told = now
	}
	events := slices.Clone(f.next[:n])
	f.next = slices.Delete(f.next, 0, n)
	return events
}

func (f *traffic) send(events []sandbox.Event) {
	f.left.Go(func() {
		if err := f.sender.Send(context.Background(), events); err != nil {
			f.c.t.Error(err)
		}
	})
}

// messageName is what an event and a delivered message are compared by.
type messageName struct {
	Dialog   string `json:"dialogId"`
	Sequence int64  `json:"sequence"`
}

// mustHoldAnswered checks that of every message whose event was answered 200 the
// archive has one, or the event waits for what only history can tell. Cycles
// have been killed and may have told some of them; nobody asks for the others.
func (f *traffic) mustHoldAnswered() {
	f.c.t.Helper()
	r := &liveTrial{trial: f.c.trial()}
	defer r.Close()
	r.listen()
	r.digestAll()
	r.deliver()
	got, webhooks := map[messageName]int{}, 0
	for _, s := range r.delivered("local") {
		for _, m := range s.Messages {
			got[messageName{m.Dialog, m.Sequence}]++
			if m.Source == sourceWebhook {
				webhooks++
			}
		}
	}
	waiting := r.waitingNames()
	for conversation := range f.c.calm.Truth(f.c.clock.Now().Add(time.Hour)) {
		for i, m := range conversation.Messages {
			name := messageName{m.Dialog, m.Sequence}
			if !f.answered[[2]int{conversation.Number, i}] || got[name] == 1 || got[name] == 0 && waiting[name] {
				continue
			}
			f.c.t.Errorf("%s %s of %s was answered 200 and is there %d times", m.Type, m.ID, conversation.ID, got[name])
		}
	}
	if counts := f.sender.Counts(); counts.Pending+counts.Dropped > 0 || counts.Failed == 0 || counts.Duplicates == 0 || webhooks < len(f.answered)/4 {
		f.c.t.Errorf("the test has not met what it is for: %+v, %d messages by events", counts, webhooks)
	}
	f.c.t.Logf("%d messages answered 200, %d of the archive came by events, %d wait; sent: %+v", len(f.answered), webhooks, len(waiting), f.sender.Counts())
}

// waitingNames are the messages whose events wait, all with a reason to: history
// alone can tell their type, or of which conversation they are.
func (r *liveTrial) waitingNames() map[messageName]bool {
	r.t.Helper()
	events, err := r.cp.YoungEvents(context.Background(), 0, 0, 1_000_000)
	if err != nil {
		r.t.Fatal(err)
	}
	names := map[messageName]bool{}
	for _, e := range events {
		frame, err := r.cp.EventFrame(context.Background(), e.ID)
		if err != nil {
			r.t.Fatal(err)
		}
		raw, err := r.packer.unpack(nil, frame)
		if err != nil {
			r.t.Fatal(err)
		}
		var n struct {
			Body struct {
				Changes []struct {
					messageName
					ConversationID string
					Event          struct{ ContentType string }
				}
			}
		}
		if err := json.Unmarshal(raw, &n); err != nil {
			r.t.Fatal(err)
		}
		for _, change := range n.Body.Changes {
			names[change.messageName] = true
			if kind := change.Event.ContentType; change.ConversationID != "" && (kind == "text/plain" || kind == "hosted/file" || kind == "") {
				r.t.Errorf("an event waits for no reason: %s %s", e.Waits, raw)
			}
		}
	}
	return names
}

// mustHaveSettled checks, once history has told all, that no event is left, that
// those that waited change nothing, and that nothing was ever amended.
func (c *crash) mustHaveSettled() {
	c.t.Helper()
	bundles := len(c.visible())
	r := &liveTrial{trial: c.trial()}
	defer r.Close()
	r.listen()
	r.digestAll()
	r.deliver()
	if n := r.waiting(); n != 0 {
		c.t.Errorf("%d events are left", n)
	}
	if n := len(c.visible()); n != bundles {
		c.t.Errorf("%d bundles came of events that history had told", n-bundles)
	}
	r.mustHoldTruth("local")
	for _, s := range r.delivered("local") {
		for _, m := range s.Messages {
			if m.Amends != 0 {
				c.t.Errorf("%s %s/%d amends %d: %s", s.Conversation, m.Dialog, m.Sequence, m.Amends, m.Type)
			}
		}
	}
	if q, err := r.QuarantineList(context.Background()); err != nil || len(q) > 0 {
		c.t.Errorf("in quarantine: %+v, %v", q, err)
	}
}
