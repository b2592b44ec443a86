package exporter

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson/sandbox"
)

// chosenSkill is one of the sandbox's.
const chosenSkill = "Billing"

func selectBilling(s *Settings) { s.Skills = []string{chosenSkill} }

// Whichever way and in whichever order a conversation comes, nothing of it leaves
// that the selection leaves out, and all of the others does, once.
func TestNothingOfAConversationThatIsLeftOutLeaves(t *testing.T) {
	for seed := range uint64(4) {
		set := sandbox.Settings{Conversations: 150, Period: 36 * time.Hour, Messages: 10}
		r := newLiveTrial(t, seed, set, func(s *Settings) { s.Reread = 0; selectBilling(s) })
		if err := r.register(context.Background()); err != nil {
			t.Fatal(err)
		}
		waited := int64(0)
		for range 80 {
			r.happen(time.Duration(1+r.random.IntN(60))*time.Minute, 0.05)
			waited = max(waited, r.waiting())
			switch r.random.IntN(6) {
			case 0:
				r.settle()
			case 1:
				r.cycle()
			case 2, 3:
				r.deliver()
			}
		}
		r.clock.Advance(14 * 24 * time.Hour)
		r.receive(r.held...)
		for range 3 {
			r.settle()
			r.clock.Advance(8 * 24 * time.Hour)
		}
		chosen, others := wholeOf(t, r)
		webhook := 0
		var got []archive.Slice
		for _, s := range r.delivered("local") {
			if !chosen[s.Conversation] {
				t.Fatalf("seed %d: slice %d of %s left, which has no chosen skill", seed, s.Number, s.Conversation)
			}
			for _, m := range s.Messages {
				if m.Amends != 0 {
					t.Errorf("seed %d: %s %s/%d amends %d", seed, s.Conversation, m.Dialog, m.Sequence, m.Amends)
				}
				if m.Source == sourceWebhook {
					webhook++
				}
			}
			got = append(got, s)
		}
		for _, fault := range compareTruth(r.account, r.clock.Now(), slices.Concat(got, others)) {
			t.Errorf("seed %d: %s", seed, fault)
		}
		r.sound()
		r.mustWait()
		if q := r.quarantined(); len(q) > 0 {
			t.Errorf("seed %d: in quarantine: %q", seed, q)
		}
		if webhook < 50 || waited == 0 || len(chosen) < 20 || len(others) < 20 {
			t.Errorf("seed %d: %d messages by events, %d events waited at once, %d conversations are chosen, %d slices of others", seed, webhook, waited, len(chosen), len(others))
		}
		if t.Failed() {
			break
		}
	}
}

// wholeOf reads the account without a selection and without events: which
// conversations have the chosen skill in their flow, and all slices of the others.
func wholeOf(t *testing.T, r *liveTrial) (chosen map[string]bool, others []archive.Slice) {
	t.Helper()
	whole := &trial{t: t, clock: r.clock, account: r.account, state: t.TempDir(), root: t.TempDir()}
	whole.open()
	whole.cycle()
	chosen = map[string]bool{}
	all := whole.delivered("local")
	for _, s := range all {
		if slices.ContainsFunc(s.Skills, func(k archive.Skill) bool { return k.Name == chosenSkill }) {
			chosen[s.Conversation] = true
		}
	}
	return chosen, slices.DeleteFunc(all, func(s archive.Slice) bool { return chosen[s.Conversation] })
}

func TestEventsWaitUntilASkillIsKnownToBeChosen(t *testing.T) {
	for _, skill := range []string{"", "1", "2"} {
		r, h := handLive(t, selectBilling)
		r.cycle() // the skills are known
		r.events.Learned()
		r.receive(hear(heard{"a", "a", 0, "x", ""}), stateOf("a", skill, 1, ""), hear(heard{"a", "a", 2, "y", ""}))
		r.deliver()
		if skill == "1" {
			r.holds("local", "a", "0: x", "2: y")
			r.mustWait()
			continue
		}
		r.holds("local", "a")
		r.mustWait(waitsSkill, waitsSkill, waitsSkill)
		// History decides: it names the skill of the whole flow.
		k := talk{id: "a", said: []said{{0, "x"}, {2, "y"}}, more: `,"latestSkillId":"2"`}
		h.put(k)
		r.settle()
		r.holds("local", "a")
		r.mustWait()
	}
}

func TestEventsThatWaitForTheirSkillAreSettledByARecord(t *testing.T) {
	r, h := handLive(t, selectBilling)
	r.cycle()
	r.events.Learned()
	r.receive(hear(heard{"a", "a", 0, "x", ""}), hear(heard{"a", "a", 2, "not in the record yet", ""}))
	r.mustWait(waitsSkill, waitsSkill)
	h.put(talk{id: "a", said: []said{{0, "x"}, {1, "lost as an event"}}, more: `,"latestSkillId":"1"`})
	r.settle()
	r.mustWait()
	r.holds("local", "a", "0: x", "1: lost as an event", "2: not in the record yet")
}

func TestEventsWaitForTheNamesOfTheSkills(t *testing.T) {
	r, _ := handLive(t, selectBilling)
	r.receive(stateOf("a", "1", 0, ""), hear(heard{"a", "a", 0, "x", ""}))
	r.mustWait(waitsSkill, waitsSkill) // before the first cycle no name is known
	r.settle()
	r.mustWait()
	r.holds("local", "a", "0: x")
}

func TestConversationTransferredIntoAChosenSkillComesWhole(t *testing.T) {
	r, h := handLive(t, selectBilling)
	k := talk{id: "a", said: []said{{0, "first"}, {1, "second"}}, more: `,"latestSkillId":"2"`}
	h.put(k)
	r.settle()
	r.receive(stateOf("a", "2", 0, ""), hear(heard{"a", "a", 0, "first", ""}), hear(heard{"a", "a", 2, "third", ""}))
	r.deliver()
	r.holds("local", "a")
	r.mustWait() // it is known to be left out
	r.receive(stateOf("a", "1", 3, ""), hear(heard{"a", "a", 4, "fifth", ""}))
	r.deliver()
	r.holds("local", "a", "4: fifth")
	if err := r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error {
		out, err := tx.IsLeftOut("a")
		if out {
			t.Error("it is still listed as left out")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	k.said = append(k.said, said{2, "third"}, said{4, "fifth"})
	k.more = `,"latestSkillId":"1"`
	h.put(k)
	r.settle()
	r.holds("local", "a", "4: fifth", "0: first", "1: second", "2: third")
	r.settle()
	r.holds("local", "a", "4: fifth", "0: first", "1: second", "2: third")
}

// A record may come late that was made before the transfer: what is in stays in.
func TestConversationThatAnEventTookInStaysIn(t *testing.T) {
	r, h := handLive(t, selectBilling)
	r.cycle()
	r.events.Learned()
	r.receive(stateOf("a", "1", 3, ""), hear(heard{"a", "a", 4, "fifth", ""}))
	h.put(talk{id: "a", said: []said{{0, "first"}}, more: `,"latestSkillId":"2"`})
	r.settle()
	r.receive(stateOf("a", "2", 5, ""), hear(heard{"a", "a", 6, "seventh", ""}))
	r.deliver()
	r.holds("local", "a", "0: first", "4: fifth", "6: seventh")
}

// One notification may tell of a conversation that is in and of one that is left
// out, and its bytes are kept with the first.
func TestNotificationOfTwoConversationsTellsOnlyTheChosen(t *testing.T) {
	for what, out := range map[string]heard{"after": {"b", "b", 1, "left out", ""}, "before": {"b", "b", 0, "left out", ""}} {
		r, h := handLive(t, selectBilling)
		h.put(talk{id: "b", said: []said{{0, "of another skill"}}, more: `,"latestSkillId":"2"`})
		r.settle()
		both := []heard{{"a", "a", 0, "x", ""}, out}
		if what == "before" {
			slices.Reverse(both)
		}
		r.receive(stateOf("a", "1", 0, ""), hear(both...), hear(heard{"a", "a", 1, "y", ""}))
		r.deliver()
		r.mustWait()
		if got := r.lines("local", "a"); !slices.Equal(got, []string{"0: x", "1: y"}) {
			t.Errorf("%s: %q", what, got)
		}
		for path, content := range r.files() {
			if strings.Contains(content, "left out") || strings.Contains(content, `"b"`) {
				t.Errorf("%s: %s tells of what is left out", what, path)
			}
		}
	}
}
