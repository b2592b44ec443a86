package sandbox_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/liveperson/sandbox"
)

// TestEverIsTheUnionOfAllTruths changes an account at random and notes what it
// shows now and then, through Truth and through searches. Ever must know of all
// of it, with the times, and of nothing else.
func TestEverIsTheUnionOfAllTruths(t *testing.T) {
	const freshness = 30 * time.Second
	now := epoch.Add(6 * time.Hour)
	random := rand.New(rand.NewPCG(1, 1))
	settings := sandbox.Settings{Seed: 3, Epoch: epoch, Rate: 40, Messages: 6, LateChanges: true, Freshness: freshness, TokenLife: 1000 * time.Hour, Now: func() time.Time { return now }}
	r := connect(t, settings)
	given, found := map[string][]int64{}, map[string][]int64{} // what was seen, and when
	note := func(to map[string][]int64, what ...any) {
		key := fmt.Sprint(what...)
		to[key] = append(to[key], now.UnixMilli())
	}
	var instants []int64
	for now.Before(epoch.Add(40 * time.Hour)) {
		now = now.Add(time.Duration(1+random.IntN(40)) * time.Minute)
		kind := []sandbox.ChangeKind{sandbox.Remove, sandbox.Hide, sandbox.Hide, sandbox.Delay, sandbox.Withhold, sandbox.Show, sandbox.Erase, sandbox.Mask}[random.IntN(8)]
		r.account.Apply(sandbox.Change{Kind: kind, Conversation: random.IntN(60), Scope: sandbox.Scope(random.IntN(3)), Message: sandbox.Whole,
			Silent: random.IntN(2) == 0, Until: now.Add(time.Duration(random.IntN(12)) * time.Hour)})
		instants = append(instants, now.UnixMilli())
		for c := range r.account.Truth(now) {
			for _, m := range c.Messages {
				m.Versions = nil
				note(given, c.ID, m)
			}
			for _, h := range c.Happened {
				note(given, c.ID, h)
			}
		}
		for _, record := range r.all(everythingSince(epoch)) {
			note(found, idOf(record))
			for _, m := range record["messageRecords"].([]any) {
				note(found, idOf(record), m.(object)["timeL"])
			}
		}
	}
	whenEver := func(spans []sandbox.Span) (seen []int64) {
		for _, at := range instants {
			if sandbox.Throughout(spans, at, at) {
				seen = append(seen, at)
			}
		}
		return seen
	}
	everGiven, everFound := map[string][]int64{}, map[string][]int64{}
	put := func(to map[string][]int64, spans []sandbox.Span, what ...any) {
		if seen := whenEver(spans); len(seen) > 0 {
			to[fmt.Sprint(what...)] = append(to[fmt.Sprint(what...)], seen...)
			slices.Sort(to[fmt.Sprint(what...)])
		}
	}
	for e := range r.account.Ever(now) {
		put(everFound, e.Found, e.ID)
		updates := []int64{}
		for _, u := range e.Updates {
			updates = append(updates, whenEver(u.Found)...)
		}
		slices.Sort(updates)
		if diff := cmp.Diff(whenEver(e.Found), updates, cmp.Transformer("none", func(l []int64) []int64 { return append([]int64{}, l...) })); diff != "" {
			t.Errorf("update times of %d do not cover its searches:\n%s", e.Number, diff)
		}
		for _, m := range e.Messages {
			put(everGiven, m.Given, e.ID, m.Message)
			put(everFound, m.Found, e.ID, m.SentAt)
		}
		for _, h := range e.Happened {
			put(everGiven, h.Given, e.ID, h.Happening)
		}
	}
	if diff := cmp.Diff(given, everGiven); diff != "" {
		t.Errorf("given (-seen +ever):\n%.3000s", diff)
	}
	if diff := cmp.Diff(found, everFound); diff != "" {
		t.Errorf("found (-seen +ever):\n%.3000s", diff)
	}
	if len(given) < 500 || len(found) < 300 {
		t.Errorf("only %d things given, %d found", len(given), len(found))
	}
}
