package exporter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// confirmWithin is how long handmade accounts wait for history.
const confirmWithin = 24 * time.Hour

func patient(s *Settings) { s.ConfirmWithin = confirmWithin }

// nameless is an event of a message without a sequence, a minute after the start.
func nameless(text string) []byte {
	return []byte(strings.Replace(string(hear(heard{"a", "a", 1, text, ""})), `"sequence":1,`, ``, 1))
}

// What only history can name is settled when history has told it, in the run that
// captured it and without a person; no other message is taken for it.
func TestEventWithoutASequenceWaitsForHistory(t *testing.T) {
	r, h := handLive(t, patient)
	r.receive(nameless("x"))
	r.mustWait(waitsHistory)
	h.put(talk{id: "a", said: []said{{0, "x"}, {1, "y"}}}) // not at that time, and not those words
	for range 2 {
		r.cycle()
		r.mustWait(waitsHistory)
	}
	h.put(talk{id: "a", said: []said{{0, "x"}, {1, "y"}, {2, "z"}}})
	r.cycle()
	r.mustWait(waitsHistory)
	h.records["a"] = strings.Replace(h.records["a"], `{"text":"y"}`, `{"text":"x"}`, 1)
	r.cycle()
	r.mustWait()
	if q := r.quarantined(); len(q) != 0 {
		t.Errorf("in quarantine: %q", q)
	}
}

// History that does not tell in time is for a person to know; when it does after all,
// the entry is gone by itself.
func TestEventThatHistoryNeverTellsNeedsAPerson(t *testing.T) {
	r, h := handLive(t, patient)
	h.put(talk{id: "a", said: []said{{0, "first"}}})
	r.settle()
	r.receive(nameless("x"), hear(heard{"a", "a", 7, "by a stranger", "pid-7"}))
	r.mustWait(waitsHistory, waitsSender)
	r.clock.Advance(confirmWithin - time.Minute)
	r.digestAll()
	r.mustWait(waitsHistory, waitsHistory)
	r.clock.Advance(time.Minute)
	r.digestAll()
	r.mustWait()
	entries := func() (list []string) {
		t.Helper()
		all, err := r.QuarantineList(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range all {
			list = append(list, fmt.Sprintf("%d %s %s: %s", q.ID, q.Kind, q.Conversation, q.Reason))
		}
		return list
	}
	const late = "history has not told of it within webhook.confirm_within: "
	want := []string{"1 event a: " + late + "only history can tell what it is", "2 event a: " + late + "only history can tell what it is"}
	for range 2 {
		if got := entries(); !slices.Equal(got, want) {
			t.Fatalf("in quarantine: %q, want %q", got, want)
		}
		if retried, err := r.QuarantineRetry(context.Background()); err != nil || retried.Tried != 2 || retried.Left != 2 || retried.Resolved != 0 {
			t.Fatalf("retry: %+v, %v", retried, err)
		}
		r.digestAll()
	}
	h.put(talk{id: "a", said: []said{{0, "first"}, {1, "x"}}})
	if _, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrQuarantine) {
		t.Errorf("cycle: %v", err)
	}
	if got := entries(); !slices.Equal(got, want[1:]) {
		t.Errorf("when history has told one: %q, want %q", got, want[1:])
	}
	h.put(talk{id: "a", said: []said{{0, "first"}, {1, "x"}, {7, "by a stranger"}}})
	r.cycle()
	if got := entries(); len(got) != 0 {
		t.Errorf("when history has told both: %q", got)
	}
	r.deliver()
	r.holds("local", "a", "0: first", "1: x", "7: by a stranger")
}

// A retry settles what this version can read, says so, and delivers it.
func TestRetryOfAnEventThatCanBeReadNow(t *testing.T) {
	r, _ := handLive(t, patient)
	put := func(body []byte) {
		t.Helper()
		if err := r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error {
			if err := tx.AddEvents(nil); err != nil {
				return err
			}
			return tx.Quarantine(checkpoint.Quarantined{Kind: checkpoint.KindEvent, Reason: "an earlier version could not read it",
				Bytes: int64(len(body)), SHA256: []byte{byte(len(body))}, Frame: r.packer.pack(body)}, r.millis())
		}); err != nil {
			t.Fatal(err)
		}
	}
	put(hear(heard{"a", "a", 0, "x", ""}))
	put([]byte(`[]`))
	retried, err := r.QuarantineRetry(context.Background())
	if want := (Retried{Tried: 2, Resolved: 1, Left: 1}); err != nil || retried.Tried != want.Tried || retried.Resolved != want.Resolved || retried.Left != want.Left {
		t.Errorf("retry: %+v, %v, want %+v", retried, err, want)
	}
	r.deliver()
	r.holds("local", "a", "0: x")
}

// A type that nobody knows is one entry, however many events are of it. All of them
// are kept, and none counts as waiting.
func TestEventsOfTypesThatNobodyKnows(t *testing.T) {
	r, _ := handLive(t, patient)
	reaction := func(n int) []byte {
		return notification(liveperson.MessagingNotification, fmt.Sprintf(`{"originatorId":"c","serverTimestamp":%d,"event":{"type":"ReactionEvent"},"conversationId":"a","dialogId":"a"}`, n))
	}
	r.receive(notification("new.Notification", `{"a":1}`), []byte(`{"type":"new.Notification","anything":true}`), notification("other.Notification", `{}`), reaction(1), reaction(2))
	r.digestAll()
	r.mustWait()
	before := r.quarantined()
	if len(before) != 3 || !strings.Contains(before[0], "the type new.Notification:") || !strings.Contains(before[2], "the type ms.MessagingEventNotification/ReactionEvent:") {
		t.Fatalf("in quarantine: %q", before)
	}
	listed := []string{}
	for _, i := range r.all("unknown-types", 10) {
		listed = append(listed, i.ID+": "+i.Why)
	}
	want := []string{"ms.MessagingEventNotification/ReactionEvent: 2 events, kept until a version knows the type",
		"new.Notification: 2 events, kept until a version knows the type", "other.Notification: 1 event, kept until a version knows the type"}
	if !slices.Equal(listed, want) {
		t.Errorf("listed: %q, want %q", listed, want)
	}
	retried, err := r.QuarantineRetry(context.Background())
	if want := (Retried{Tried: 3, Left: 3}); err != nil || retried.Tried != want.Tried || retried.Resolved != want.Resolved || retried.Left != want.Left {
		t.Errorf("retry: %+v, %v, want %+v", retried, err, want)
	}
	r.receive(notification("new.Notification", `{"a":2}`))
	if got := r.quarantined(); !slices.Equal(got, before) {
		t.Errorf("then in quarantine: %q", got)
	}
	r.clock.Advance(2 * confirmWithin)
	r.digestAll()
	if got := r.quarantined(); !slices.Equal(got, before) {
		t.Errorf("later in quarantine: %q", got)
	}
}

// A version that knows a type looks at what one kept that did not.
func TestEventsThatWereKeptForTheirType(t *testing.T) {
	r, _ := handLive(t, patient)
	body := hear(heard{"a", "a", 0, "x", ""})
	if err := r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error {
		e := checkpoint.Event{ReceivedAt: r.millis(), Bytes: int64(len(body)), Frame: r.packer.pack(body)}
		return errors.Join(tx.AddEvents(nil), tx.KeepForType(e, liveperson.MessagingNotification), tx.KeepForType(e, "unknown"))
	}); err != nil {
		t.Fatal(err)
	}
	r.cycle()
	r.holds("local", "a", "0: x")
	if got := r.all("unknown-types", 10); len(got) != 1 || got[0].ID != "unknown" {
		t.Errorf("still kept: %+v", got)
	}
}

// An event of an unknown type may be a message: history says so, or it has no more to
// say.
func TestEventOfAnUnknownTypeWithASequence(t *testing.T) {
	strange := func(seq int) []byte {
		return []byte(strings.Replace(string(hear(heard{"a", "a", seq, "x", ""})), `"type":"ContentEvent"`, `"type":"NewEvent"`, 1))
	}
	r, h := handLive(t, patient)
	r.receive(strange(1), strange(2))
	r.mustWait(waitsHistory, waitsHistory)
	h.put(talk{id: "a", said: []said{{1, "x"}}})
	r.cycle()
	r.mustWait(waitsHistory)
	r.clock.Advance(confirmWithin)
	r.digestAll()
	r.mustWait()
	if q := r.quarantined(); len(q) != 1 || !strings.Contains(q[0], "ms.MessagingEventNotification/NewEvent") {
		t.Errorf("in quarantine: %q", q)
	}
}

// An event of a type that nobody knows may do something to a message, and bear its
// number: it is kept, though history has a message of that number.
func TestEventOfAnUnknownTypeAboutAMessageThatIsKnown(t *testing.T) {
	r, h := handLive(t, patient)
	h.put(talk{id: "a", said: []said{{1, "x"}}})
	r.cycle()
	r.receive([]byte(strings.Replace(string(hear(heard{"a", "a", 1, "y", ""})), `"type":"ContentEvent"`, `"type":"EditEvent"`, 1)))
	r.mustWait()
	if q := r.quarantined(); len(q) != 1 || !strings.Contains(q[0], "ms.MessagingEventNotification/EditEvent") {
		t.Errorf("in quarantine: %q", q)
	}
}

// What contradicts an event waits also when nobody knows who has sent it: no record
// has the message yet.
func TestContradictionOfAnUnknownSenderWaits(t *testing.T) {
	r, _ := handLive(t, patient)
	r.receive(hear(heard{"a", "a", 1, "x", ""}))
	r.mustWait()
	r.receive(hear(heard{"a", "a", 1, "y", "pid-9"}))
	r.mustWait(waitsSender)
}

// A run is not complete while events have been waiting for long.
func TestRunIsIncompleteWhileEventsWaitLong(t *testing.T) {
	r, _ := handLive(t, patient)
	r.receive(hear(heard{"a", "a", 0, "x", "pid-7"}))
	report := r.cycle()
	if !report.Complete || report.Events.Waiting != 1 {
		t.Errorf("at once: complete %v, %+v", report.Complete, report.Events)
	}
	r.clock.Advance(EventsWaitLong)
	report, err := r.Cycle(context.Background(), nil)
	if !errors.Is(err, ErrIncomplete) || report.Complete || report.Events.Waiting != 1 || report.Events.Oldest != EventsWaitLong {
		t.Errorf("later: complete %v, %+v, %v", report.Complete, report.Events, err)
	}
}
