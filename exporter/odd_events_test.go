package exporter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"lpexport/liveperson"
)

func TestNotificationOfTwoConversationsTellsEachItsOwn(t *testing.T) {
	for what, m := range map[string][]heard{
		"named":                     {{"a", "a", 0, "x", ""}, {"b", "b", 0, "y", ""}, {"a", "a", 1, "z", ""}, {"b", "b", 1, "w", ""}},
		"that name no conversation": {{"", "a", 0, "x", ""}, {"", "b", 0, "y", ""}, {"", "a", 1, "z", ""}, {"", "b", 1, "w", ""}},
	} {
		r, _ := handLive(t, nil)
		r.receive(stateOf("a", "1", 0, ""), stateOf("b", "1", 0, ""))
		body := hear(m...)
		r.receive(body, body)
		r.deliver()
		for id, want := range map[string][]string{"a": {"0: x", "1: z"}, "b": {"0: y", "1: w"}} {
			if got := r.lines("local", id); !slices.Equal(got, want) {
				t.Errorf("%s: of %s %q, want %q", what, id, got, want)
			}
		}
		r.mustWait()
		r.sound()
	}
}

func TestStateOfAnotherAccountGoesToQuarantine(t *testing.T) {
	r, _ := handLive(t, nil)
	r.receive(stateOf("a", "1", 0, `,"brandId":"another"`), stateOf("b", "1", 0, `,"brandId":"sandbox"`))
	r.deliver()
	if got := r.quarantined(); !slices.Equal(got, []string{"it is of another account"}) {
		t.Errorf("in quarantine: %q", got)
	}
	r.mustWait()
	for _, s := range r.delivered("local") {
		if s.Conversation != "b" {
			t.Errorf("%s was captured", s.Conversation)
		}
	}
}

// What cannot be read is kept for a person, once, however often it is tried.
func TestEventThatNobodyCanReadStaysInQuarantine(t *testing.T) {
	r, _ := handLive(t, nil)
	bodies := [][]byte{
		[]byte(`{"type":"ms.MessagingEventNotification","body":{"changes":[`), []byte(`[]`), []byte("\xff"), nil,
		notification(liveperson.MessagingNotification), notification("", `{}`),
		hear(heard{"", "", 0, "x", ""}), hear(heard{`a\u0000`, "", 0, "x", ""}),
	}
	r.receive(bodies...)
	var before []Quarantined
	for range 3 {
		list, err := r.QuarantineList(context.Background())
		if err != nil || len(list) != len(bodies) {
			t.Fatalf("%d of %d are in quarantine: %v %+v", len(list), len(bodies), err, list)
		}
		for i, q := range list {
			shown, err := r.QuarantineShow(context.Background(), q.ID)
			if err != nil || !slices.Equal(shown.Record, bodies[i]) {
				t.Errorf("%d: %q is kept as %q: %v", i, bodies[i], shown.Record, err)
			}
		}
		if before != nil && !slices.EqualFunc(list, before, func(a, b Quarantined) bool { return a.ID == b.ID && a.Reason == b.Reason && a.Since.Equal(b.Since) }) {
			t.Errorf("after a retry:\n%+v\nbefore:\n%+v", list, before)
		}
		before = list
		r.mustWait()
		retried, err := r.QuarantineRetry(context.Background())
		if want := (Retried{Tried: len(bodies), Left: len(bodies)}); err != nil || retried.Tried != want.Tried || retried.Resolved != want.Resolved || retried.Left != want.Left {
			t.Errorf("retry: %+v, %v, want %+v", retried, err, want)
		}
		r.digestAll()
	}
}

// Two events of one name that say different things: the first one leaves, and
// history tells which is right.
func TestConflictingEventLeavesTheDecisionToHistory(t *testing.T) {
	for truth, want := range map[string][]string{"first": {"0: first"}, "second": {"0: first", "0 amends 1: second"}, "third": {"0: first", "0 amends 1: third"}} {
		for _, together := range []bool{false, true} {
			r, h := handLive(t, nil)
			if first, second := hear(heard{"a", "a", 0, "first", ""}), hear(heard{"a", "a", 0, "second", ""}); together {
				r.receive(first, second)
			} else {
				r.receive(first)
				r.receive(second)
			}
			r.deliver()
			r.holds("local", "a", "0: first")
			r.mustWait(waitsHistory)
			h.put(talk{id: "a", said: []said{{0, truth}}})
			r.cycle()
			r.deliver()
			r.holds("local", "a", want...)
			if got := r.quarantined(); len(got) != 0 {
				t.Errorf("history has told %q; in quarantine: %q", truth, got)
			}
			r.mustWait()
		}
	}
}

// A notification of which one change conflicts keeps its other changes.
func TestConflictingChangeTakesNothingWithIt(t *testing.T) {
	r, _ := handLive(t, nil)
	r.receive(hear(heard{"a", "a", 0, "first", ""}), hear(heard{"a", "a", 0, "second", ""}, heard{"a", "a", 1, "x", ""}))
	r.deliver()
	r.holds("local", "a", "0: first", "1: x")
	r.digestAll()
	r.deliver()
	r.holds("local", "a", "0: first", "1: x")
	r.mustWait(waitsHistory)
}

// A record knows what the first event told, though its request was sent when the
// account had no events.
func TestPageAskedForBeforeTheFirstEventEver(t *testing.T) {
	slow := &slowSource{}
	r, h := handLive(t, func(s *Settings) { slow.Source, s.Source = s.Source, slow })
	h.put(talk{id: "a", said: []said{{0, "x"}, {1, "y"}}})
	h.put(talk{id: "b", said: []said{{0, "z"}}})
	slow.meanwhile = func() {
		r.receive(hear(heard{"a", "a", 0, "x", ""}), hear(heard{"a", "a", 2, "not in the page", ""}))
		r.deliver()
	}
	r.settle()
	r.holds("local", "a", "0: x", "2: not in the page", "1: y")
	r.holds("local", "b", "0: z")
	r.mustWait()
	slow.once = sync.Once{}
	slow.meanwhile = func() { r.receive(hear(heard{"a", "a", 1, "y", ""})) }
	r.settle()
	r.holds("local", "a", "0: x", "2: not in the page", "1: y")
}

// No filter of the history need report what events told: it is looked at by id.
func TestConversationThatEventsToldIsLookedAtByID(t *testing.T) {
	r, h := handLive(t, nil)
	r.receive(hear(heard{"a", "a", 0, "x", ""}))
	h.byID["a"] = talk{id: "a", said: []said{{0, "x"}, {1, "lost as an event"}}}.record()
	r.clock.Advance(2 * time.Minute)
	r.settle()
	r.holds("local", "a", "0: x", "1: lost as an event")
}

// hugeLive is a conversation that is captured in sections, while act is called
// in the middle of one.
func hugeLive(t *testing.T, section string, element int, act func(r *liveTrial, k *talk)) (*liveTrial, talk) {
	r, h := handLive(t, nil)
	h.limit, h.alone = 100_000, 200_000
	k := bigTalk(3000)
	h.put(k)
	acted := false
	h.section = func(_, s string, e int) error {
		if s == section && e == element && !acted {
			acted = true
			act(r, &k)
		}
		return nil
	}
	return r, k
}

// tells are events of some messages of a talk.
func (k talk) tells(sequences ...int) (events [][]byte) {
	for _, n := range sequences {
		events = append(events, hear(heard{k.id, k.id, n, k.said[n].text, ""}))
	}
	return events
}

func TestEventsOfAConversationThatIsBeingCapturedInSections(t *testing.T) {
	const before, inTheMiddle, firstEver = "before and in the middle", "in the middle", "the first ever, before there are sections"
	for _, when := range []string{before, inTheMiddle, firstEver} {
		section, element := "messageRecords", 2900
		if when == firstEver {
			section, element = "info", 0
		}
		r, k := hugeLive(t, section, element, func(r *liveTrial, k *talk) {
			r.receive(append(k.tells(0, 1500, 2999), hear(heard{"big", "big", 5000, "not in the record yet", ""}))...)
			if when == firstEver {
				r.mustWait()
			} else {
				r.mustWait(waitsSections, waitsSections, waitsSections, waitsSections)
			}
		})
		if when == before {
			r.receive(k.tells(3, 1600, 2998)...)
			r.deliver()
		}
		if _, err := r.Cycle(context.Background(), nil); err != nil && !errors.Is(err, ErrIncomplete) {
			t.Fatal(err)
		}
		r.settle()
		r.settle()
		r.mustWait()
		got := map[string]int{}
		for _, line := range r.lines("local", "big") {
			got[line]++
		}
		for _, m := range append(k.said, said{5000, "not in the record yet"}) {
			if line := fmt.Sprintf("%d: %s", m.seq, m.text); got[line] != 1 {
				t.Errorf("%s: message %d is there %d times", when, m.seq, got[line])
			}
		}
		if len(got) != len(k.said)+1 {
			t.Errorf("%s: %d messages, want %d", when, len(got), len(k.said)+1)
		}
		r.sound()
	}
}
