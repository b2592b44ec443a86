package exporter

import (
	"context"
	"testing"
	"time"
)

// A conversation that the selection leaves out comes with every cycle while it is
// within the overlap. It is counted when it is left out first.
func TestLeftOutConversationIsCountedOnce(t *testing.T) {
	r, h := handTrial(t, selectBilling)
	h.skills = append(h.skills, billing, orders)
	h.put(talk{id: "a", said: []said{{0, "x"}}, more: `,"latestSkillId":"2"`})
	counted := func() int64 {
		t.Helper()
		counters, err := r.counters(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range counters {
			if c.Name == CounterExcluded && c.Labels == reasonSkill {
				return c.Value
			}
		}
		return 0
	}
	for cycle, want := range []int64{1, 0, 0} {
		if got := r.cycle().Captured.Excluded[reasonSkill]; got != want {
			t.Errorf("cycle %d counts %d conversations as left out, want %d", cycle, got, want)
		}
		if got := counted(); got != 1 {
			t.Errorf("after cycle %d the counter is %d, want 1", cycle, got)
		}
		r.clock.Advance(5 * time.Minute)
	}
	h.put(talk{id: "a", said: []said{{0, "x"}}, more: `,"latestSkillId":"1"`})
	if got := r.cycle().Captured; got.Excluded[reasonSkill] != 0 || got.Conversations != 1 {
		t.Errorf("once it has a chosen skill: %+v", got)
	}
}
