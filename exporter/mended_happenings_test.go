package exporter

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// presentAt is a notification of a conversation's state so many seconds after its
// start: the consumer and these agents take part.
func presentAt(id string, seconds int64, agents ...string) []byte {
	present := `{"id":"c","role":"CONSUMER"}`
	for _, a := range agents {
		present += fmt.Sprintf(`,{"id":"%s","role":"ASSIGNED_AGENT"}`, a)
	}
	return notification(liveperson.ConversationNotification, fmt.Sprintf(
		`{"type":"UPSERT","result":{"convId":"%s","conversationDetails":{"skillId":"1","startTs":%d,"metaDataLastUpdateTs":%d,"participants":[%s]}}}`,
		id, talkStart, talkStart+seconds*1000, present))
}

// agent7At is a list of a record: agent 7, so many seconds after the start.
func agent7At(list string, seconds ...int64) string {
	var times []string
	for _, s := range seconds {
		times = append(times, fmt.Sprintf(`{"agentId":"7","timeL":%d}`, talkStart+s*1000))
	}
	return fmt.Sprintf(`,"%s":[%s]`, list, strings.Join(times, ","))
}

// mustCome makes sure that these comings and goings of agent 7 were delivered, in
// seconds after the start.
func (r *liveTrial) mustCome(conversation string, want ...string) {
	r.t.Helper()
	var got []string
	for _, s := range r.delivered("local") {
		for _, e := range s.Happened {
			if s.Conversation == conversation && e.Participant == "7" && (e.Kind == archive.Joined || e.Kind == archive.Left) {
				got = append(got, fmt.Sprintf("%s %d", e.Kind, (e.At-talkStart)/1000))
			}
		}
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("agent 7 %q, want %q", got, want)
	}
}

// liveWithAgent7 is a handmade account that knows agent 7.
func liveWithAgent7(t *testing.T, edit func(*Settings)) (*liveTrial, *handmade) {
	t.Helper()
	r, h := handLive(t, edit)
	h.users = []liveperson.User{agent7}
	r.settle()
	return r, h
}

// An agent who leaves and comes again soon is not taken for the one coming that
// an event told: each is met once, by its nearest.
func TestAgentWhoComesAgainIsToldAgain(t *testing.T) {
	r, h := liveWithAgent7(t, nil)
	r.receive(presentAt("a", 0), presentAt("a", 10, "pid-7"))
	r.deliver()
	r.mustCome("a", "joined 10")
	k := talk{id: "a", said: []said{{0, "x"}}, sections: agent7At("agentParticipants", 10)}
	h.put(k)
	r.settle()
	r.mustCome("a", "joined 10")
	k.sections = agent7At("agentParticipants", 10, 60) + agent7At("agentParticipantsLeave", 40)
	h.put(k)
	r.settle()
	r.mustCome("a", "joined 10", "left 40", "joined 60")
}

// A record meets what a state told, though its request was sent when the account
// had no events.
func TestComingIsToldOnceByAPageAskedForBeforeTheFirstEventEver(t *testing.T) {
	slow := &slowSource{meanwhile: func() {}}
	r, h := liveWithAgent7(t, func(s *Settings) { slow.Source, s.Source = s.Source, slow })
	h.put(talk{id: "a", said: []said{{0, "x"}}, sections: agent7At("agentParticipants", 9)})
	slow.meanwhile = func() {
		r.receive(presentAt("a", 0), presentAt("a", 10, "pid-7"))
		r.deliver()
	}
	r.settle()
	r.mustCome("a", "joined 10")
	r.holds("local", "a", "0: x")
}

// The archive holds a coming under the time of its event, and history tells it
// under another.
func TestComingIsNotToldAgainAfterARecovery(t *testing.T) {
	r, h := liveWithAgent7(t, nil)
	r.receive(presentAt("a", 0), presentAt("a", 10, "pid-7"))
	r.deliver()
	h.put(talk{id: "a", said: []said{{0, "x"}}, sections: agent7At("agentParticipants", 9)})
	r.settle()
	r.mustCome("a", "joined 10")
	r.loseAndRecover()
	r.settle()
	r.mustCome("a", "joined 10")
	r.holds("local", "a", "0: x")
}

// What a damaged record tells cannot be met: only the events of its conversation wait.
func TestDamagedRecordHoldsUpOnlyItsOwnEvents(t *testing.T) {
	r, h := liveWithAgent7(t, nil)
	h.put(talk{id: "a", said: []said{{0, "x"}}})
	r.settle()
	if err := r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error {
		a, err := tx.Conversation("a")
		if err != nil {
			return err
		}
		if err := tx.DropParts(a.ID, a.Revision, 0); err != nil {
			return err
		}
		damaged := checkpoint.Part{SHA256: make([]byte, sha256.Size), Frame: []byte("no frame")}
		return tx.PutPart(a.ID, a.Revision, 0, damaged, r.millis())
	}); err != nil {
		t.Fatal(err)
	}
	r.receive(presentAt("a", 0), presentAt("a", 100, "pid-7"), hear(heard{"b", "b", 0, "of another conversation", ""}))
	r.deliver()
	r.holds("local", "b", "0: of another conversation")
	r.mustWait(waitsHistory, waitsHistory)
}

// Events and history may differ in the time of a message, too.
func TestAmendmentFollowsWhatItAmendsThoughItsTimeIsEarlier(t *testing.T) {
	r, h := handLive(t, later)
	r.receive(hear(heard{"a", "a", 5, "first words", ""}))
	record := talk{id: "a", said: []said{{4, "y"}, {5, "other words"}}, closed: true}.record()
	fifth := talkStart + 5*60_000
	h.records["a"] = strings.ReplaceAll(record, fmt.Sprintf(`"timeL":%d`, fifth), fmt.Sprintf(`"timeL":%d`, fifth-1))
	r.clock.Advance(100 * time.Hour)
	r.cycle()
	r.holds("local", "a", "4: y", "5: first words", "5 amends 1: other words")
}
