package exporter

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lpexport/liveperson"
)

// The skills and the bystander of handmade accounts with events.
var (
	billing = liveperson.Skill{ID: "1", Name: "Billing"}
	orders  = liveperson.Skill{ID: "2", Name: "Orders"}
	agent7  = liveperson.User{ID: "7", PID: "pid-7", Login: "agent7@firm.example", FullName: "Agent 7", Type: "1"}
)

// handLive is a handmade account whose events a test sends by hand. It has both
// skills and no users.
func handLive(t *testing.T, edit func(*Settings)) (*liveTrial, *handmade) {
	t.Helper()
	trial, h := handTrial(t, edit)
	h.skills = []liveperson.Skill{billing, orders}
	r := &liveTrial{trial: trial}
	if err := r.register(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.listen()
	return r, h
}

// settle lets a cycle capture, and looks at what waits as a service does then.
func (r *liveTrial) settle() {
	r.t.Helper()
	r.cycle()
	r.events.Learned()
	r.digestAll()
	r.deliver()
}

// waits is for what events wait, in the order they came.
func (r *liveTrial) waits() []string {
	r.t.Helper()
	events, err := r.cp.YoungEvents(context.Background(), 0, 0, 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	list := []string{}
	for _, e := range events {
		list = append(list, e.Waits)
	}
	return list
}

func (r *liveTrial) mustWait(want ...string) {
	r.t.Helper()
	if got := r.waits(); !slices.Equal(got, want) {
		r.t.Errorf("events wait for %q, want %q", got, want)
	}
	if n := r.waiting(); n != int64(len(want)) {
		r.t.Errorf("the status counts %d events that wait, want %d", n, len(want))
	}
}

// quarantined are the reasons of what waits for a person; all are events.
func (r *liveTrial) quarantined() []string {
	r.t.Helper()
	list, err := r.QuarantineList(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	reasons := []string{}
	for _, q := range list {
		if q.Kind != "event" {
			r.t.Errorf("%s %s is in quarantine: %s", q.Kind, q.Conversation, q.Reason)
		}
		reasons = append(reasons, q.Reason)
	}
	return reasons
}

// heard is one message as an event tells it: what said is in a record.
type heard struct {
	conversation string // "": it does not name it
	dialog       string // "": it does not name it
	seq          int
	text         string
	by           string // pid of an agent; "": the consumer
}

// change is one change of a notification.
func (e heard) change() string {
	text, err := json.Marshal(e.text)
	if err != nil {
		panic(err) // a string
	}
	role, place := "CONSUMER", ""
	if e.by != "" {
		role = "ASSIGNED_AGENT"
	}
	if e.conversation != "" {
		place += fmt.Sprintf(`,"conversationId":"%s"`, e.conversation)
	}
	if e.dialog != "" {
		place += fmt.Sprintf(`,"dialogId":"%s"`, e.dialog)
	}
	return fmt.Sprintf(`{"sequence":%d,"originatorId":"%[2]s","originatorMetadata":{"id":"%[2]s","role":"%s"},"serverTimestamp":%d,
		"event":{"type":"ContentEvent","message":%s,"contentType":"text/plain"}%s,"messageAudience":"ALL"}`,
		e.seq, cmp.Or(e.by, "c"), role, talkStart+int64(e.seq)*60_000, text, place)
}

// hear is a notification of these messages.
func hear(messages ...heard) []byte {
	changes := make([]string, len(messages))
	for i, m := range messages {
		changes[i] = m.change()
	}
	return notification(liveperson.MessagingNotification, changes...)
}

func notification(kind string, changes ...string) []byte {
	return fmt.Appendf(nil, `{"kind":"notification","body":{"changes":[%s]},"type":"%s"}`, strings.Join(changes, ","), kind)
}

// stateOf is a notification of a conversation's state at a minute: its skill, and
// that the consumer takes part. more goes into the details, with a comma in front.
func stateOf(id, skill string, minute int, more string) []byte {
	return notification(liveperson.ConversationNotification, fmt.Sprintf(
		`{"type":"UPSERT","result":{"convId":"%s","conversationDetails":{"skillId":"%s","participants":[{"id":"c","role":"CONSUMER"}],"startTs":%d,"metaDataLastUpdateTs":%d%s}}}`,
		id, skill, talkStart, talkStart+int64(minute)*60_000, more))
}
