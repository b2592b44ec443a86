package exporter

import (
	"context"
	"slices"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/liveperson"
)

// asked counts how often the directory of users is fetched.
func (h *handmade) asked() *int {
	n := 0
	h.fail = func(op string) error {
		if op == "users" {
			n++
		}
		return nil
	}
	return &n
}

func TestUnknownSenderIsResolvedByARefreshOnTheMiss(t *testing.T) {
	r, h := handLive(t, nil)
	asked := h.asked()
	h.users = []liveperson.User{agent7}
	r.receive(stateOf("a", "1", 0, ""), hear(heard{"a", "a", 1, "by an agent", "pid-7"}))
	r.deliver()
	r.mustWait()
	if *asked != 1 {
		t.Errorf("the directory was fetched %d times, want once", *asked)
	}
	list := r.delivered("local")
	want := archive.Participant{ID: "7", Role: "agent", Name: "Agent 7", Login: "agent7@firm.example", Kind: "human"}
	if got := list[len(list)-1].Messages[0].Sender; got != want {
		t.Errorf("sender %+v, want %+v", got, want)
	}
	r.receive(hear(heard{"a", "a", 2, "more", "pid-7"}))
	if *asked != 1 {
		t.Errorf("the directory was fetched %d times for somebody who is known", *asked)
	}
}

// Whoever is in no directory must not have it fetched for each of his messages.
func TestDirectoryIsAskedForAStrangerOnceAMinute(t *testing.T) {
	r, h := handLive(t, nil)
	asked := h.asked()
	for seq := range 10 {
		r.receive(hear(heard{"a", "a", seq, "by nobody known", "pid-7"}))
	}
	if *asked != 1 {
		t.Errorf("the directory was fetched %d times within a minute, want once", *asked)
	}
	if want := slices.Repeat([]string{waitsSender}, 10); !slices.Equal(r.waits(), want) {
		t.Errorf("events wait for %q", r.waits())
	}
	r.clock.Advance(askAgain)
	h.users = []liveperson.User{agent7} // added to the account later
	r.receive(hear(heard{"a", "a", 10, "by nobody known", "pid-7"}))
	r.deliver()
	if *asked != 2 {
		t.Errorf("the directory was fetched %d times after a minute, want twice", *asked)
	}
	r.mustWait()
	if n := len(r.lines("local", "a")); n != 11 {
		t.Errorf("%d messages, want 11", n)
	}
}

// The words of a person whom nobody knows wait, and everybody else's do not.
func TestUnknownSenderHoldsUpNobody(t *testing.T) {
	r, _ := handLive(t, nil)
	r.receive(hear(heard{"a", "a", 0, "x", ""}, heard{"a", "a", 1, "by a stranger", "pid-9"}, heard{"a", "a", 2, "y", ""}))
	r.deliver()
	r.holds("local", "a", "0: x", "2: y")
	r.mustWait(waitsSender)
	r.receive(hear(heard{"a", "a", 0, "x", ""}, heard{"a", "a", 1, "by a stranger", "pid-9"}, heard{"a", "a", 2, "y", ""}))
	r.deliver()
	r.holds("local", "a", "0: x", "2: y")
}

func TestUnknownSenderWaitsForHistoryInTheEnd(t *testing.T) {
	r, h := handLive(t, nil)
	r.receive(hear(heard{"a", "a", 0, "x", "pid-7"}))
	r.mustWait(waitsSender)
	r.clock.Advance(2*time.Minute + time.Second)
	// Known too late: from now on history is to tell.
	h.users = []liveperson.User{agent7}
	if err := r.refreshDirectories(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.events.Learned()
	r.digestAll()
	r.deliver()
	r.holds("local", "a")
	if r.waiting() != 1 {
		t.Errorf("%d events wait, want 1", r.waiting())
	}
	h.put(talk{id: "a", said: []said{{0, "x"}}})
	r.settle()
	r.mustWait()
	r.holds("local", "a", "0: x")
}

func TestEventOfAnUnknownTypeWaitsForHistory(t *testing.T) {
	r, h := handLive(t, nil)
	r.receive(hear(heard{"a", "a", 0, "x", ""}), notification(liveperson.MessagingNotification,
		`{"sequence":1,"originatorId":"c","originatorMetadata":{"id":"c","role":"CONSUMER"},"serverTimestamp":1,
		"event":{"type":"ContentEvent","message":{"a":1},"contentType":"new/kind"},"conversationId":"a","dialogId":"a"}`))
	r.deliver()
	r.holds("local", "a", "0: x")
	r.mustWait(waitsHistory)
	h.put(talk{id: "a", said: []said{{0, "x"}, {1, "as history spells it"}}})
	r.settle()
	r.mustWait()
	r.holds("local", "a", "0: x", "1: as history spells it")
}

func TestEventThatNamesNoConversationWaitsUntilAnotherNamesItsDialog(t *testing.T) {
	r, _ := handLive(t, nil)
	r.receive(hear(heard{"", "d", 0, "x", ""}), hear(heard{"a", "a", 0, "in the main dialog", ""}))
	r.deliver()
	r.mustWait(waitsConversation)
	r.holds("local", "a", "0: in the main dialog")
	r.receive(hear(heard{"a", "d", 1, "y", ""}))
	r.deliver()
	r.mustWait()
	r.holds("local", "a", "0: in the main dialog", "0: x", "1: y")
}

func TestEventThatNamesNoConversationWaitsUntilAStateNamesItsDialog(t *testing.T) {
	r, _ := handLive(t, nil)
	r.receive(hear(heard{"", "d", 0, "x", ""}), stateOf("a", "1", 1, `,"dialogs":[{"dialogId":"d","dialogType":"MAIN","state":"OPEN"}]`))
	r.deliver()
	r.mustWait()
	r.holds("local", "a", "0: x")
}

// The dialog that an event names may be the conversation itself.
func TestEventOfAMainDialogIsSettledByARecord(t *testing.T) {
	r, h := handLive(t, nil)
	r.receive(hear(heard{"", "a", 0, "x", ""}), hear(heard{"", "a", 1, "not in the record yet", ""}))
	r.mustWait(waitsConversation, waitsConversation)
	h.put(talk{id: "a", said: []said{{0, "x"}}})
	r.settle()
	r.mustWait()
	r.holds("local", "a", "0: x", "1: not in the record yet")
}
