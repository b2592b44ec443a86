package exporter

import (
	"context"
	"sync"
	"testing"
	"time"

	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// slowSource lets something happen between its first answer with records and
// the moment in which that is stored.
type slowSource struct {
	Source
	once      sync.Once
	meanwhile func()
}

func (s *slowSource) Search(ctx context.Context, q liveperson.Query, sink liveperson.Sink) (liveperson.Page, error) {
	p, err := s.Source.Search(ctx, q, sink)
	if err == nil && p.Records > 0 {
		s.once.Do(s.meanwhile)
	}
	return p, err
}

// An answer that is stored after a younger one, of a backfill beside the cycle,
// must not take its conversations back: they were not reopened, and their texts
// did not change to and fro.
func TestAnOlderAnswerStoredLaterTakesNothingBack(t *testing.T) {
	edited := epoch.Add(30 * time.Hour)
	set := sandbox.Settings{Seed: 9, Rate: 60, Changes: []sandbox.Change{{At: edited, Kind: sandbox.Edit, Conversation: 2, Message: 0, Text: "said otherwise"}}}
	slow := &slowSource{}
	r := newTrial(t, set, edited.Sub(epoch)-time.Minute, func(s *Settings) { slow.Source, s.Source = s.Source, slow })
	slow.meanwhile = func() {}
	r.cycle()
	beside := &trial{t: t, clock: r.clock, account: r.account, state: r.state, root: r.root}
	beside.open()
	slow.once, slow.meanwhile = sync.Once{}, func() {
		r.clock.Advance(time.Hour)
		if _, err := beside.Backfill(context.Background(), epoch, epoch.Add(48*time.Hour), nil); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.Backfill(context.Background(), epoch, epoch.Add(36*time.Hour), nil); err != nil {
		t.Fatal(err)
	}
	r.cycle()
	r.mustHoldTruth("local")
	amendments := 0
	for _, s := range r.delivered("local") {
		for _, m := range s.Messages {
			if m.Amends > 0 {
				amendments++
			}
		}
	}
	if amendments != 1 {
		t.Errorf("%d amendments, want 1", amendments)
	}
}
