package exporter

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// interrupted is a source that lets something happen between an answer and its storing.
type interrupted struct {
	Source
	meanwhile func()
}

func (s *interrupted) Search(ctx context.Context, q liveperson.Query, sink liveperson.Sink) (liveperson.Page, error) {
	p, err := s.Source.Search(ctx, q, sink)
	s.meanwhile()
	return p, err
}

func (s *interrupted) Conversations(ctx context.Context, ids []string, sink liveperson.Sink) (liveperson.Page, error) {
	p, err := s.Source.Conversations(ctx, ids, sink)
	s.meanwhile()
	return p, err
}

// siege is a world, and what archives it.
type siege struct {
	*liveTrial
	*world
	hand     *handmade
	history  *unruly
	vanished map[string]string // the last records of conversations that are gone for a while
	begun    bool              // a cycle has looked up the skills that are selected
	other    *liveTrial        // a second process on the same state
	inside   bool
	selects  bool
	added    From  // of the destination "added"
	addedAt  int64 // 0: not yet
	steps    []string
	log      *synced
}

// synced is a log that several goroutines write.
type synced struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *synced) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func newSiege(t *testing.T, seed uint64) *siege {
	random := rand.New(rand.NewPCG(seed, 8))
	s := &siege{world: &world{random: random}, hand: &handmade{records: map[string]string{}, byID: map[string]string{}}, selects: random.IntN(2) == 0, vanished: map[string]string{}, log: &synced{}}
	s.history = &unruly{handmade: s.hand, chance: s.chance}
	s.hand.users = []liveperson.User{{ID: "7", PID: "pid-7", Login: "agent7@firm.example", FullName: "Agent 7", Type: "1"}}
	s.hand.skills = []liveperson.Skill{{ID: "1", Name: "Billing"}, {ID: "2", Name: "Orders"}}
	var r *trial
	r = newTrial(t, sandbox.Settings{Conversations: 1}, 24*time.Hour, func(set *Settings) {
		set.Source, set.Reread = &interrupted{s.history, s.meanwhile}, 0
		set.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		if s.selects {
			set.Skills = []string{"Billing"}
		}
		if r == nil {
			return
		}
		slow := r.destination("later")
		slow.Cut = Cut{After: 24 * time.Hour}
		set.Destinations = append(set.Destinations, slow)
		if s.addedAt != 0 {
			added := r.destination("added")
			added.From = &s.added
			set.Destinations = append(set.Destinations, added)
		}
	})
	s.liveTrial = &liveTrial{trial: r}
	s.world.at = r.clock.Now().UnixMilli()
	for _, id := range []string{"a", "b", "c"} {
		k := &worldTalk{id: id, started: s.world.at, skill: map[string]string{"a": "1", "b": "2", "c": "2"}[id], sequence: map[string]int{}}
		s.talks = append(s.talks, k)
	}
	s.reopen()
	return s
}

// reopen ends both processes and starts them again.
func (s *siege) reopen() {
	s.t.Helper()
	s.reopenWith(nil)
	s.listen()
	if err := s.register(context.Background()); err != nil {
		s.t.Fatal(err)
	}
	second := &trial{t: s.t, clock: s.clock, account: s.account, state: s.state, root: s.root, edit: s.edit}
	second.open()
	s.other = &liveTrial{trial: second}
	s.other.listen()
}

func (s *siege) one() *liveTrial {
	if s.chance(0.3) {
		return s.other
	}
	return s.liveTrial
}

func (s *siege) pass(ms int64) {
	s.world.at += ms
	s.clock.Advance(time.UnixMilli(s.world.at).Sub(s.clock.Now()))
}

// send has some of the events arrive: in any order, some twice, some never.
func (s *siege) send() {
	s.world.random.Shuffle(len(s.outbox), func(i, j int) {
		if s.chance(0.3) {
			s.outbox[i], s.outbox[j] = s.outbox[j], s.outbox[i]
		}
	})
	n := s.world.random.IntN(len(s.outbox) + 1)
	var now, stay [][]byte
	for _, e := range s.outbox[:n] {
		switch p := s.world.random.Float64(); {
		case p < 0.1: // lost
		case p < 0.3:
			now, stay = append(now, e), append(stay, e)
		default:
			now = append(now, e)
		}
	}
	s.outbox = append(stay, s.outbox[n:]...)
	s.note("send %d", len(now))
	s.one().receive(now...)
}

func (s *siege) note(format string, args ...any) {
	s.steps = append(s.steps, fmt.Sprintf(format, args...))
}

func (s *siege) meanwhile() {
	if s.inside || !s.chance(0.3) {
		return
	}
	s.inside = true
	defer func() { s.inside = false }()
	for range 1 + s.world.random.IntN(3) {
		s.step()
	}
}

// step does one thing.
func (s *siege) step() {
	s.pass(1 + s.world.random.Int64N([]int64{2_000, 20_000, 100_000, 3_000_000}[s.world.random.IntN(4)]))
	k := s.talks[s.world.random.IntN(len(s.talks))]
	switch p := s.world.random.IntN(100); {
	case p < 20:
		s.speak(k)
		s.note("%d speak %s", s.world.at, k.id)
	case p < 32:
		s.turn(k)
		s.clock.Advance(time.UnixMilli(s.world.at).Sub(s.clock.Now()))
		s.note("%d turn %s %v %v", s.world.at, k.id, k.came, k.went)
	case p < 55:
		s.send()
	case p < 67:
		until := s.world.at
		if s.chance(0.3) {
			until -= s.world.random.Int64N(600_000)
		}
		if s.chance(0.1) {
			s.vanish(k)
			break
		}
		s.publish(k, until)
	case p < 71 && len(k.said) > 0:
		m := k.said[s.world.random.IntN(len(k.said))]
		m.words = fmt.Sprintf("%s changed %d", secret, s.world.random.IntN(5))
		m.changes++
		s.note("change %s/%d", m.dialog, m.sequence)
	case p < 85:
		s.note("deliver")
		s.one().deliver()
	case p < 88:
		r := s.one()
		r.events.Learned()
		r.digestAll()
		s.note("look")
	case p < 97 && !s.inside:
		s.note("cycle {")
		s.one().cycleAtAll()
		s.note("}")
		s.begun = true
	case p < 98 && s.begun && s.chance(0.3):
		s.renameSkills()
	case p < 98 && !s.inside:
		if s.addedAt == 0 && s.chance(0.5) {
			s.addedAt = s.world.at
			s.added = []From{{All: true}, {New: true}, {Date: time.UnixMilli(s.addedAt - 600_000)}}[s.world.random.IntN(3)]
		}
		s.note("reopen")
		s.reopen()
	}
}

// publish lets history have a conversation up to a time, never less than before.
func (s *siege) publish(k *worldTalk, until int64) {
	s.hand.mu.Lock()
	defer s.hand.mu.Unlock()
	now := k.record(until)
	if before := cmp.Or(s.hand.records[k.id], s.vanished[k.id]); len(now) >= len(before) || until >= s.world.at {
		s.hand.records[k.id] = now
		s.note("publish %s", k.id)
	}
}

// end lets history tell all, and everything be delivered.
func (s *siege) end() {
	s.inside, s.history.calm = true, true // no more interruptions
	for range 3 {
		for _, k := range s.talks {
			s.publish(k, s.world.at)
		}
		s.cycle()
		s.events.Learned()
		s.receive(s.outbox...)
		s.digestAll()
		s.deliver()
		s.pass(8 * 24 * 3600_000)
	}
	s.cycle()
	s.deliver()
}

// cycleAtAll is a cycle that may leave something for the next one.
func (r *liveTrial) cycleAtAll() {
	r.t.Helper()
	if _, err := r.Cycle(context.Background(), nil); err != nil && !errors.Is(err, ErrIncomplete) {
		r.t.Errorf("cycle: %v", err)
	}
}
