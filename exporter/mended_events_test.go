package exporter

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/exporter/identity"
	"lpexport/liveperson"
)

// keep stores events and digests none of them.
func (r *liveTrial) keep(bodies ...[]byte) {
	r.t.Helper()
	for _, b := range bodies {
		done := make(chan error, 1)
		r.events.keep([]arrival{{checkpoint.Event{ReceivedAt: r.millis(), Bytes: int64(len(b)), Frame: r.packer.pack(b)}, done}})
		if err := <-done; err != nil {
			r.t.Fatal(err)
		}
	}
}

// relearn lets the events see the directories as the account has them now.
func (r *liveTrial) relearn() {
	r.t.Helper()
	if err := r.refreshDirectories(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	r.events.Learned()
}

// mustMissASkill makes sure that nothing is digested as long as the selection
// names a skill that is not there: once must not be enough to be told.
func (r *liveTrial) mustMissASkill() {
	r.t.Helper()
	for range 2 {
		_, waiting := r.events.digestWaiting(context.Background(), 0)
		fresh := r.events.digestNew(context.Background())
		var unknown *UnknownSkillError
		if !errors.As(errors.Join(waiting, fresh), &unknown) {
			r.t.Errorf("digested with a skill that is not there: %v, %v", waiting, fresh)
		}
	}
}

// Events may come before the first cycle has found that the configuration is wrong.
func TestNothingLeavesWhenAChosenSkillIsMisspeltAfterARestart(t *testing.T) {
	skills := []string{"Billing"}
	r, _ := handLive(t, func(s *Settings) { s.Skills = skills })
	r.settle()
	skills = []string{"Biling"}
	r.reopenWith(nil)
	r.listen()
	r.keep(hear(heard{"a", "a", 0, "of another skill", ""}))
	r.mustMissASkill()
	r.deliver()
	r.holds("local", "a")
}

// A run digests what is left before it fetches the skills: a new one may be
// chosen that it does not know yet.
func TestNewSkillIsChosenWhileEventsAreLeft(t *testing.T) {
	skills := []string{"Billing"}
	r, h := handLive(t, func(s *Settings) { s.Skills = skills })
	r.settle()
	r.keep(stateOf("a", "3", 0, ""), hear(heard{"a", "a", 0, "x", ""}))
	h.skills = append(h.skills, liveperson.Skill{ID: "3", Name: "Brand new"})
	skills = []string{"Brand new"}
	r.reopenWith(nil)
	r.listen()
	r.cycleWithGap() // of what was not chosen before
	r.events.Learned()
	r.digestAll()
	r.deliver()
	r.mustWait()
	r.holds("local", "a", "0: x")
}

// A service must outlive that LivePerson does not give the skills at its start.
func TestServiceGoesOnWhenItsFirstCycleCannotFetchTheSkills(t *testing.T) {
	r, h := handLive(t, selectBilling)
	h.fail = func(op string) error {
		if op == "skills" {
			return &liveperson.APIError{Op: "list skills", Status: 503}
		}
		return nil
	}
	h.put(talk{id: "a", said: []said{{0, "x"}}, more: `,"latestSkillId":"1"`})
	s := r.NewService(ServeSettings{Next: func(after time.Time) time.Time { return after.Add(time.Hour) }})
	err := s.cycle(context.Background())
	if err == nil {
		t.Error("a cycle went on without the skills that its selection needs")
	}
	if fatal := s.cycleEnded(err, true); fatal != nil {
		t.Errorf("the service ends: %v", fatal)
	}
	h.fail = nil
	r.settle()
	r.holds("local", "a", "0: x")
}

// After the clock was set back, the next cycle must not wait until it has caught up.
func TestCycleBeginsWhenTheClockWasSetBack(t *testing.T) {
	for what, back := range map[string]time.Duration{"set back": 2 * time.Hour, "as it was": 0} {
		r, _ := handLive(t, nil)
		s := r.NewService(ServeSettings{})
		began := s.Now()
		r.clock.Advance(-back)
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			if err := s.until(ctx, began, began.Add(5*time.Minute)); (err == nil) != (back > 0) {
				t.Errorf("clock %s: waited until %v", what, err)
			}
		})
	}
}

// The database must not give the number of a settled event to the next one: a
// process that has read the first would settle the second unread.
func TestEventIsNotTakenForTheOneBeforeByAnotherProcess(t *testing.T) {
	r, _ := handLive(t, nil)
	ctx := context.Background()
	r.keep(hear(heard{"a", "a", 0, "x", ""}))
	other := r.NewEvents(EventSettings{Due: func() {}}) // of a run beside the service
	rows, err := other.cp.NewEvents(ctx, digestBatch)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d events, %v", len(rows), err)
	}
	r.digestAll()
	r.keep(hear(heard{"a", "a", 1, "y", ""}))
	if err := other.digest(ctx, rows); err != nil {
		t.Fatal(err)
	}
	r.digestAll()
	r.deliver()
	r.holds("local", "a", "0: x", "1: y")
}

// What could not be learned once is learned at the next try.
func TestEventsAreDigestedAfterTheStateCouldNotBeRead(t *testing.T) {
	r, _ := liveWithAgent7(t, nil)
	r.keep(hear(heard{"a", "a", 0, "x", "pid-7"}))
	ctx, cancel := context.WithCancel(context.Background())
	rows, err := r.cp.NewEvents(ctx, digestBatch)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := r.events.digest(ctx, rows); !errors.Is(err, context.Canceled) {
		t.Errorf("digested without a state: %v", err)
	}
	r.digestAll()
	r.deliver()
	r.holds("local", "a", "0: x")
}

// History lists a dialog before anybody has said anything in it.
func TestEventThatNamesNoConversationIsSettledByARecordsListOfDialogs(t *testing.T) {
	r, h := handLive(t, nil)
	r.receive(hear(heard{"", "survey", 1, "five", ""}))
	r.mustWait(waitsConversation)
	h.put(talk{id: "a", said: []said{{0, "x"}}, sections: `,"dialogs":[{"dialogId":"a","dialogType":"MAIN"},{"dialogId":"survey","dialogType":"POST_SURVEY"}]`})
	r.settle()
	r.mustWait()
	r.holds("local", "a", "0: x", "1: five")
}

func TestStateThatNamesNoConversationGoesToQuarantine(t *testing.T) {
	r, _ := handLive(t, nil)
	r.receive(stateOf("null", "1", 0, ""))
	r.mustWait()
	if got := r.quarantined(); len(got) != 1 || got[0] != "it names no conversation" {
		t.Errorf("in quarantine: %q", got)
	}
}

// The main dialog of a conversation that is known has its id, whatever an event of
// another one says.
func TestMainDialogStaysItsConversationsThoughAnotherNamesIt(t *testing.T) {
	known, b, y := hear(heard{"a", "a", 0, "x", ""}), hear(heard{"b", "a", 7, "of b", ""}), hear(heard{"", "a", 1, "y", ""})
	for _, batches := range [][][][]byte{{{known}, {b, y}}, {{known, b, y}}, {{b, known, y}}} {
		r, _ := handLive(t, nil)
		for _, batch := range batches {
			r.receive(batch...)
		}
		r.deliver()
		r.holds("local", "a", "0: x", "1: y")
		r.holds("local", "b", "7: of b")
	}
}

// What is left out does not leave in the name of the conversation whose dialog it names.
func TestWhatIsLeftOutDoesNotLeaveByTheDialogOfAnother(t *testing.T) {
	r, _ := handLive(t, selectBilling)
	r.settle()
	r.receive(stateOf("a", "1", 0, ""), hear(heard{"b", "a", 1, "left out", ""}, heard{"a", "a", 1, "x", ""}))
	r.deliver()
	r.holds("local", "a", "1: x")
	r.holds("local", "b")
	r.mustWait(waitsSkill) // the skill of b is not known
}

// An agent whom only an event names is held like any other without an address.
func TestAgentWithoutAnAddressIsHeldWhenAnEventNamesHim(t *testing.T) {
	r, h := handLive(t, func(s *Settings) { s.Destinations[0].Addresses = resolver(t, identity.UnknownHold) })
	h.users = []liveperson.User{agent7}
	h.put(talk{id: "a", said: []said{{0, "x"}}, sections: `,"consumerParticipants":[{"participantId":"c"}]`})
	r.settle()
	r.receive(hear(heard{"a", "a", 1, "by an agent", "pid-7"}))
	r.deliver()
	r.holds("local", "a", "0: x")
	if list, err := r.QuarantineList(context.Background()); err != nil || len(list) != 1 || list[0].Conversation != "a" {
		t.Errorf("in quarantine: %+v, %v", list, err)
	}
	known := agent7
	known.Email = "agent7@firm.example"
	h.users = []liveperson.User{known}
	r.relearn()
	r.deliver()
	r.holds("local", "a", "0: x", "1: by an agent")
	list := r.delivered("local")
	if got := list[len(list)-1].Messages[0].Sender.Address; got != known.Email {
		t.Errorf("it was delivered as by %q", got)
	}
}
