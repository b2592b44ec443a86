package exporter

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// happened are the happenings a destination holds of a conversation, as
// delivered, without started and joined.
func (r *trial) happened(conversation string) []string {
	list := []string{}
	for _, s := range r.delivered("local") {
		for _, h := range s.Happened {
			if s.Conversation == conversation && h.Kind != "started" && h.Kind != "joined" {
				list = append(list, h.Kind)
			}
		}
	}
	return list
}

func (r *trial) mustHappen(conversation string, want ...string) {
	r.t.Helper()
	if got := r.happened(conversation); !slices.Equal(got, want) {
		r.t.Errorf("happened: %q, want %q", got, want)
	}
	r.sound()
}

// A close that no filter reports comes with the look by id, in the cycle in
// which that is due, and not before.
func TestCloseWithoutAWordComesWithTheLookByID(t *testing.T) {
	r, h := handTrial(t, func(s *Settings) { s.Reread = 5 * time.Minute })
	h.put(talk{id: "a", said: []said{{0, "hello"}}})
	r.clock.Advance(-22 * time.Hour) // silent for an hour
	r.cycle()
	h.mu.Lock()
	h.byID["a"] = talk{id: "a", said: []said{{0, "hello"}}, closed: true}.record()
	h.rests = true // the filter does not find it
	h.mu.Unlock()
	r.clock.Advance(4 * time.Minute)
	r.cycle()
	r.mustHappen("a")
	r.clock.Advance(4 * time.Minute) // over an eighth of the silence
	r.cycle()
	r.mustHappen("a", "closed")
	looks := h.looks
	r.clock.Advance(time.Hour)
	r.cycle()
	r.clock.Advance(time.Hour)
	before := h.looks
	r.cycle()
	if h.looks-before >= before-looks+2 {
		t.Errorf("a closed conversation is still looked at by id: %d looks", h.looks-before)
	}
	r.mustHappen("a", "closed")
}

// Conversations that nobody answers to by id are asked for once a day: in a batch,
// and each alone, as only that tells that one is absent.
func TestRegisterAsksTheLongestWaitingFirstAndInBounds(t *testing.T) {
	r, h := handTrial(t, func(s *Settings) { s.Reread = 5 * time.Minute })
	for i := range 450 {
		h.put(talk{id: fmt.Sprintf("c%03d", i), said: []said{{0, "hello"}}})
	}
	r.cycle()
	h.mu.Lock()
	h.rests, h.forgets = true, true
	asked := 0
	h.fail = func(op string) error {
		if op == "by id" {
			asked++
		}
		return nil
	}
	h.mu.Unlock()
	r.clock.Advance(25 * time.Hour)
	first, all := rereadsMost+300, 5+450
	for cycle, want := range []int{first, all, all, all} {
		r.cycle()
		if asked != want {
			t.Errorf("after cycle %d: %d requests by id, want %d", cycle+2, asked, want)
		}
	}
	r.clock.Advance(25 * time.Hour)
	r.cycle()
	if asked != all+first {
		t.Errorf("a day later: %d requests by id, want %d", asked, all+first)
	}
}

func TestReopenedWithoutAWordInTheRecord(t *testing.T) {
	r, h := handTrial(t, nil)
	k := talk{id: "a", said: []said{{0, "one"}}, closed: true}
	h.put(k)
	r.cycle()
	k.closed = false
	h.put(k)
	r.cycle()
	r.cycle()
	k.said, k.closed = append(k.said, said{90, "two"}), true
	k.more = `,"closeReason":"AGENT"`
	h.put(k)
	r.cycle()
	// The end is told again with the same time: it is the same closing.
	r.mustHappen("a", "closed", "reopened")
	r.holds("local", "a", "0: one", "90: two")
}

// A record with dialogs tells when it was reopened: that is not told twice.
func TestReopenedByItsDialogs(t *testing.T) {
	r, h := handTrial(t, nil)
	minute := func(n int64) int64 { return talkStart + n*60_000 }
	first := fmt.Sprintf(`{"dialogId":"a","dialogType":"MAIN","status":"CLOSE","startTimeL":%d,"endTimeL":%d}`, talkStart, minute(60))
	second := fmt.Sprintf(`{"dialogId":"b","dialogType":"MAIN","status":"OPEN","startTimeL":%d,"endTimeL":-1}`, minute(80))
	h.put(talk{id: "a", said: []said{{0, "one"}}, closed: true, sections: `,"dialogs":[` + first + `]`})
	r.cycle()
	h.put(talk{id: "a", said: []said{{0, "one"}, {81, "two"}}, sections: `,"dialogs":[` + first + `,` + second + `]`})
	r.cycle()
	r.cycle()
	r.mustHappen("a", "closed", "reopened")
}

func survey(status, answer string) string {
	return fmt.Sprintf(`,"conversationSurveys":[{"surveyStatus":%q,"dialogId":"s","surveyId":"q","surveyData":[{"question":"Good?","answer":%q}]}]`, status, answer)
}

func TestLateSurveyMakesASliceOfItsOwn(t *testing.T) {
	r, h := handTrial(t, nil)
	k := talk{id: "a", said: []said{{0, "one"}}, closed: true, more: `,"fullDialogStatus":"OPEN"`}
	h.put(k)
	r.cycle()
	k.more, k.sections = `,"fullDialogStatus":"CLOSE"`, survey("FILLED", "5")
	h.put(k)
	r.cycle()
	r.cycle()
	slices := r.delivered("local")
	if len(slices) != 2 || len(slices[1].Messages) != 0 || len(slices[1].Happened) != 1 || slices[1].Happened[0].Answers[0].Answer != "5" {
		t.Errorf("slices: %+v", slices)
	}
	k.sections = `,"latestAgentSurvey":{"surveyStatus":"SUBMITTED","lastUpdateTime":` + fmt.Sprint(talkStart+9e6) + `,"surveyId":"w","submittedAnswers":[{"questionText":"Solved?","answers":[{"answer":"Yes"}]}]}` + survey("FILLED", "5")
	h.put(k)
	r.cycle()
	r.cycle()
	r.mustHappen("a", "closed", "survey", "survey")
}

// A conversation whose survey is open stays in the register, for a day.
func TestOpenSurveyIsLookedForByID(t *testing.T) {
	r, h := handTrial(t, func(s *Settings) { s.Reread = 5 * time.Minute })
	k := talk{id: "a", said: []said{{0, "one"}}, closed: true, more: `,"fullDialogStatus":"OPEN"`}
	h.put(k)
	r.clock.Advance(-21 * time.Hour)
	r.cycle()
	if n, err := r.cp.OpenConversations(t.Context()); n != 1 || err != nil {
		t.Errorf("register: %d, %v", n, err)
	}
	r.clock.Advance(26 * time.Hour)
	r.cycle()
	if n, err := r.cp.OpenConversations(t.Context()); n != 0 || err != nil {
		t.Errorf("register a day later: %d, %v", n, err)
	}
}

// The sandbox closes, reopens and surveys without moving the update time: with
// looks in every cycle, a close is there one cycle after it happened.
func TestClosesOfTheSandboxComeWithinACycle(t *testing.T) {
	set := sandbox.Settings{Seed: 21, Conversations: 12, Period: 3 * time.Hour, Messages: 8, Growth: time.Minute}
	r := newTrial(t, set, 30*time.Minute, func(s *Settings) { s.Reread = 0 })
	closes := 0
	for range 12 {
		r.clock.Advance(20 * time.Minute)
		r.cycle()
		for c := range r.account.Truth(r.clock.Now()) {
			want := 0
			for _, h := range c.Happened {
				if h.Kind == "closed" {
					want++
				}
			}
			closes += want
			if got := r.happened(c.ID); count(got, "closed") != want {
				t.Errorf("%s at %s: %q, want %d closes", c.ID, r.clock.Now(), got, want)
			}
		}
	}
	if closes < 30 {
		t.Errorf("the account closes too little to prove anything: %d", closes)
	}
}

func count(list []string, want string) (n int) {
	for _, s := range list {
		if s == want {
			n++
		}
	}
	return n
}

// A search may show a conversation as it was before it was closed: with words that an
// erasure has taken since, too. Only a request for it alone tells whether it is open
// again.
func TestWhatASearchShowsLateIsNotReopened(t *testing.T) {
	r, h := handTrial(t, nil)
	h.put(talk{id: "a", said: []said{{0, "gone"}}, closed: true})
	r.cycle()
	closed := h.records["a"]
	h.put(talk{id: "a", said: []said{{0, "one"}}})
	h.byID["a"] = closed
	r.cycle()
	r.mustHappen("a", "closed")
	r.holds("local", "a", "0: gone")
	delete(h.byID, "a")
	r.cycle()
	r.mustHappen("a", "closed", "reopened")
}

// Answers that contradict each other, now closed and now open, are one reopening: no
// archive is given it twice.
func TestClosedAndOpenInTurnIsReopenedOnce(t *testing.T) {
	r, h := handTrial(t, nil)
	for range 3 {
		h.put(talk{id: "a", said: []said{{0, "one"}}, closed: true})
		r.cycle()
		h.put(talk{id: "a", said: []said{{0, "one"}}})
		r.cycle()
	}
	r.mustHappen("a", "closed", "reopened")
}
