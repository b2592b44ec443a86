package exporter

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/exporter/identity"
	"lpexport/liveperson"
)

// stored is what the checkpoint has counted: what a process that is killed leaves.
func (r *trial) stored() map[string]int64 {
	r.t.Helper()
	counts, err := r.cp.Counts(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	m := map[string]int64{}
	for _, c := range counts {
		m[c.Name+" "+c.Label] = c.Value
	}
	return m
}

// What is counted of something that is stored is stored with it: a kill at any moment
// loses neither, or both.
func TestCountersAreStoredWithWhatTheyCount(t *testing.T) {
	r, h := handLive(t, nil)
	h.put(talk{id: "a", said: []said{{0, "x"}, {1, "y"}}})
	body := hear(heard{"b", "b", 0, "by an event", ""})
	c, err := r.begin(context.Background(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	if complete, err := c.cycle(context.Background()); err != nil || !complete {
		t.Fatal(complete, err)
	}
	r.receive(body, body)
	r.deliver()
	got := r.stored()
	for name, want := range map[string]int64{"messages history": 2, "events stored": 2, "bytes webhook": 2 * int64(len(body)), "messages webhook": 1,
		"changes content": 1, "changes known": 1} {
		if got[name] != want {
			t.Errorf("%s: %d are stored, want %d", name, got[name], want)
		}
	}
	if got["deliveries taken"] == 0 || got["delivered "] == 0 {
		t.Errorf("what was delivered is not counted: %v", got)
	}
}

// Charts go on after a restart, with what was counted meanwhile.
func TestChartsGoOnAfterARestart(t *testing.T) {
	r, _ := handLive(t, nil)
	ctx := context.Background()
	sample := func() []Sample {
		t.Helper()
		if err := r.NewService(ServeSettings{}).sample(ctx); err != nil {
			t.Fatal(err)
		}
		o, err := r.Overview(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return o.Samples
	}
	first := r.clock.Now().UTC()
	sample()
	r.receive(hear(heard{"a", "a", 0, "x", ""}))
	r.clock.Advance(time.Hour)
	r.reopenWith(nil)
	got := sample()
	want := []Sample{{At: first}, {At: r.clock.Now().UTC(), Pending: 1, Messages: 1, Events: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	r.clock.Advance(samplesFor)
	if got := sample(); len(got) != 2 || got[1].Messages != 0 {
		t.Errorf("a day later: %+v", got)
	}
}

// However many strangers write, the users are fetched seldom, and one who is new among
// them is found.
func TestManyStrangersAskSeldom(t *testing.T) {
	r, h := handLive(t, nil)
	r.settle()
	fetched := h.asked()
	for n := range 200 {
		r.receive(hear(heard{"a", "a", n, "x", fmt.Sprint("nobody-", n)}))
	}
	if *fetched != 1 {
		t.Errorf("200 strangers at once: users were fetched %d times", *fetched)
	}
	h.users = []liveperson.User{agent7}
	r.receive(hear(heard{"a", "a", 1000, "by somebody new", agent7.PID}))
	for range 60 {
		r.clock.Advance(lookAgain)
		r.digestAll()
	}
	r.deliver()
	if !slices.Contains(r.lines("local", "a"), "1000: by somebody new") {
		t.Error("an agent who is new was not found")
	}
	if most := 2 + int(5*time.Minute/longestAsk) + 3; *fetched > most {
		t.Errorf("in five minutes users were fetched %d times, want at most %d", *fetched, most)
	}
}

// An address that was missing, and is there after a reload, lets a conversation go.
func TestNewAddressesLetConversationsGo(t *testing.T) {
	r, h := handLive(t, func(s *Settings) { s.Destinations[0].Addresses = resolver(t, identity.UnknownHold) })
	h.users = []liveperson.User{agent7}
	h.put(talk{id: "a", said: []said{{0, "x"}}, sections: `,"consumerParticipants":[{"participantId":"c"}]`})
	r.settle()
	r.receive(hear(heard{"a", "a", 1, "by an agent", agent7.PID}))
	r.deliver()
	r.holds("local", "a", "0: x")
	known, err := identity.New(identity.Settings{
		Account: "sandbox", InternalDomains: []string{"firm.example"}, ConsumerEmail: identity.EmailGiven,
		ConsumerDomain: "visitors.example", BotDomain: "bots.firm.example", UnknownAgent: identity.UnknownHold,
		Agents: map[string]string{agent7.Login: "seven@firm.example"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := r.NewService(ServeSettings{})
	s.SetAddresses(known)
	for _, w := range s.workers {
		if len(w.wake) == 0 || !w.again.Load() {
			t.Error("a worker is not woken")
		}
	}
	r.deliver()
	r.holds("local", "a", "0: x", "1: by an agent")
}

// A time that cannot be is no time: the event waits for history to tell.
func TestEventOfAnotherAgeWaits(t *testing.T) {
	r, _ := handLive(t, nil)
	r.settle()
	const inTheYear3270 = 41_025_312_000_000
	for seq, at := range []int64{inTheYear3270, r.millis() + 8*day.Milliseconds()} {
		said := hear(heard{"a", "a", seq, "x", ""})
		r.receive(bytes.Replace(said, fmt.Append(nil, talkStart+int64(seq)*60_000), fmt.Append(nil, at), 1))
	}
	r.deliver()
	r.holds("local", "a")
	if got := r.waiting(); got != 2 {
		t.Errorf("%d events wait, want 2", got)
	}
}

// Nor is it one where history tells it: the message is delivered without, and the text
// of it beside.
func TestMessageOfAnotherAge(t *testing.T) {
	r, h := handTrial(t, nil)
	k := talk{id: "a", said: []said{{0, "x"}}}
	h.records["a"] = strings.Replace(k.record(), fmt.Sprintf(`"timeL":%d`, talkStart), `"timeL":41025312000000`, 1)
	r.cycle()
	list := r.delivered("local")
	if len(list) != 1 || len(list[0].Messages) != 1 || list[0].Messages[0].SentAt != 0 || list[0].Messages[0].SentText != "41025312000000" {
		t.Errorf("delivered %+v", list)
	}
}
