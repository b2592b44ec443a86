package exporter

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// A whole account, in drawn turns: the state is lost in the middle, and what was
// told before comes again by events or not.
func TestRecoveryOfAnAccountWithEvents(t *testing.T) {
	for seed := range uint64(4) {
		set := sandbox.Settings{Conversations: 80, Period: 24 * time.Hour, Messages: 10}
		r := newLiveTrial(t, 100+seed, set, func(s *Settings) { s.Reread = 0 })
		if err := r.register(context.Background()); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			r.happen(time.Duration(1+r.random.IntN(60))*time.Minute, 0.05)
			if r.random.IntN(4) == 0 {
				r.settle()
			}
			r.deliver()
		}
		r.loseAndRecover()
		if seed%2 == 0 {
			r.cycle()
		}
		r.told = r.told.Add(-6 * time.Hour) // LivePerson sends again what it had no answer to
		for range 30 {
			r.happen(time.Duration(1+r.random.IntN(60))*time.Minute, 0.05)
			r.deliver()
		}
		r.clock.Advance(14 * 24 * time.Hour)
		r.receive(r.held...)
		for range 3 {
			r.settle()
			r.clock.Advance(8 * 24 * time.Hour)
		}
		r.mustWait()
		for _, fault := range r.holdsTruth("local") {
			t.Errorf("seed %d: %s", seed, fault)
		}
		r.sound()
		for _, s := range r.delivered("local") {
			for _, m := range s.Messages {
				if m.Amends != 0 {
					t.Errorf("seed %d: %s %s/%d amends %d: %s %q", seed, s.Conversation, m.Dialog, m.Sequence, m.Amends, m.Type, m.Text)
				}
			}
		}
		if t.Failed() {
			break
		}
	}
}

// A user may be added while a destination is cut for: what he says is cut by the
// names of that moment.
func TestEventOfANewUserWhileADestinationIsCutFor(t *testing.T) {
	r, h := handLive(t, nil)
	r.receive(hear(heard{"a", "a", 0, "x", ""}))
	once := true
	r.Step = func(name string) {
		if name == "receipt stored" && once {
			once = false
			h.users = []liveperson.User{agent7}
			r.receive(hear(heard{"b", "b", 0, "y", "pid-7"}))
		}
	}
	r.deliver()
	r.holds("local", "a", "0: x")
	r.holds("local", "b", "0: y")
}

// What history told before the recovery may be told by an event after it.
func TestWhatHistoryToldIsNotAmendedByAnEventAfterARecovery(t *testing.T) {
	r, h := handLive(t, nil)
	h.put(talk{id: "a", said: []said{{0, "x"}}})
	r.settle()
	r.loseAndRecover()
	r.receive(hear(heard{"a", "a", 0, "x", ""}), hear(heard{"a", "a", 1, "y", ""}))
	r.deliver()
	r.holds("local", "a", "0: x", "1: y")
	r.settle()
	r.holds("local", "a", "0: x", "1: y")
}

func TestEventThatNamesNoConversationIsSettledByARecordOfItsDialog(t *testing.T) {
	r, h := handLive(t, nil)
	r.receive(hear(heard{"", "d", 1, "x", ""}), hear(heard{"", "d", 2, "not in the record yet", ""}))
	h.raw("a", msg(0, "main", `,"seq":0`), msg(1, "x", `,"seq":1,"dialogId":"d"`))
	r.settle()
	r.mustWait()
	r.holds("local", "a", "0: main", "1: x", "2: not in the record yet")
}

func TestEventOfAMainDialogThatIsLeftOutIsDropped(t *testing.T) {
	r, h := handLive(t, selectBilling)
	r.receive(hear(heard{"", "a", 0, "x", ""}))
	h.put(talk{id: "a", said: []said{{0, "x"}}, more: `,"latestSkillId":"2"`})
	r.settle()
	r.mustWait()
	r.holds("local", "a")
}

// The words of one conversation must not be delivered as another's.
func TestNotificationOfTwoConversationsWithoutDialogsTellsEachItsOwn(t *testing.T) {
	r, _ := handLive(t, nil)
	r.receive(stateOf("a", "1", 0, ""), stateOf("b", "1", 0, ""))
	r.receive(hear(heard{"a", "", 0, "x", ""}, heard{"b", "", 0, "y", ""}, heard{"a", "", 1, "z", ""}, heard{"b", "", 1, "w", ""}))
	r.deliver()
	for id, want := range map[string][]string{"a": {"0: x", "1: z"}, "b": {"0: y", "1: w"}} {
		if got := r.lines("local", id); !slices.Equal(got, want) {
			t.Errorf("of %s %q, want %q", id, got, want)
		}
	}
}

func TestWhatIsLeftOutDoesNotLeaveInTheNameOfAnother(t *testing.T) {
	r, h := handLive(t, selectBilling)
	h.put(talk{id: "b", said: []said{{0, "of another skill"}}, more: `,"latestSkillId":"2"`})
	r.settle()
	r.receive(stateOf("a", "1", 0, ""), hear(heard{"a", "a", 0, "x", ""}, heard{"b", "", 1, "left out", ""}), hear(heard{"a", "a", 1, "y", ""}))
	r.deliver()
	if got := r.lines("local", "a"); !slices.Equal(got, []string{"0: x", "1: y"}) {
		t.Errorf("%q", got)
	}
	for path, content := range r.files() {
		if strings.Contains(content, "left out") {
			t.Errorf("%s tells of what is left out", path)
		}
	}
}

// Before the directory of users is known nobody can tell who a pid is, also of
// what the system says: its user may have another id, under which records name it.
func TestSystemIsNamedAsRecordsNameIt(t *testing.T) {
	r, h := handLive(t, nil)
	h.users = []liveperson.User{{ID: "9", PID: "pid-9", Login: "system", Type: "0"}}
	event := strings.Replace(string(hear(heard{"a", "a", 0, "How was it?", "pid-9"})), "ASSIGNED_AGENT", "CONTROLLER", 1)
	r.receive([]byte(event))
	r.deliver()
	r.mustWait()
	list := r.delivered("local")
	if len(list) != 1 || len(list[0].Messages) != 1 || list[0].Messages[0].Sender.ID != "9" {
		t.Errorf("delivered %+v, want one message by user 9", list)
	}
}

// A service that is stopped while it begins has not failed.
func TestServiceStoppedWhileItBegins(t *testing.T) {
	r, _ := handLive(t, nil)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	s := r.NewService(ServeSettings{Next: func(after time.Time) time.Time { return after.Add(time.Hour) }, Events: &EventSettings{}})
	if err := s.Run(ctx); err != nil {
		t.Errorf("stopped: %v", err)
	}
}
