package exporter

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/liveperson/sandbox"
)

// TestBothWaysOfPrivateMessages is TestBothWays with events of which half do not say
// for whom they are, and with a destination that withholds private messages: one
// archive ends with what the account says, amended where a private message had been
// taken for one for all, and the other with all of that but what is private.
func TestBothWaysOfPrivateMessages(t *testing.T) {
	for seed := range uint64(3) {
		set := sandbox.Settings{Conversations: 120, Period: 36 * time.Hour, Messages: 12, Unsaid: 0.5, NewTypes: 0.01, Seed: seed}
		base := newTrial(t, set, time.Hour, func(s *Settings) { s.Reread, s.Files = 0, fetching(s.Source.(FileSource)) })
		base.edit = also(base.edit, func(s *Settings) {
			discreet := base.destination("discreet")
			discreet.Withhold = true
			s.Destinations = append(s.Destinations, discreet)
		})
		base.reopen()
		r := &liveTrial{trial: base, random: rand.New(rand.NewPCG(seed, 2)), told: epoch}
		r.listen()
		if err := r.register(context.Background()); err != nil {
			t.Fatal(err)
		}
		for range 60 {
			r.happen(time.Duration(1+r.random.IntN(90))*time.Minute, 0.05)
			if r.random.IntN(4) == 0 {
				if _, err := r.Cycle(context.Background(), nil); isUnexpected(err) {
					t.Fatal(err)
				}
			}
			if r.random.IntN(3) == 0 {
				r.fetch()
			}
			if r.random.IntN(2) == 0 {
				r.deliver()
			}
		}
		r.clock.Advance(14 * 24 * time.Hour)
		r.receive(r.held...)
		for range 3 {
			if _, err := r.Cycle(context.Background(), nil); isUnexpected(err) {
				t.Fatal(err)
			}
			r.clock.Advance(8 * 24 * time.Hour)
		}
		r.digestAll()
		r.deliver()
		r.mustHoldTruth("local")
		r.mustBeDiscreet(seed)
		if t.Failed() {
			break
		}
	}
}

// mustBeDiscreet makes sure that the two destinations differ by what is private.
func (r *liveTrial) mustBeDiscreet(seed uint64) {
	r.t.Helper()
	private, amended := map[string]bool{}, 0
	for c := range r.account.Truth(r.clock.Now()) {
		for _, m := range c.Messages {
			if m.Path != "" && m.Audience != "ALL" {
				private[m.Path] = true
			}
		}
	}
	all := r.delivered("discreet")
	for _, s := range all {
		for _, m := range s.Messages {
			if m.Audience != "all" || m.Assumed || m.Amends != 0 {
				r.t.Errorf("seed %d: %s %s/%d for %s (assumed %v) amends %d: %q", seed, s.Conversation, m.Dialog, m.Sequence, m.Audience, m.Assumed, m.Amends, m.Text)
			}
		}
		for _, h := range s.Happened {
			if h.Kind == archive.Filed && private[h.File.Path] {
				r.t.Errorf("seed %d: %s: the file of a private message: %s", seed, s.Conversation, h.File.Path)
			}
		}
	}
	withheld := map[entryKey]archive.Message{}
	for _, s := range r.delivered("local") {
		hidden := archive.Slice{Conversation: s.Conversation}
		for _, m := range s.Messages {
			k := entryKey{conversation: s.Conversation, dialog: m.Dialog, sequence: m.Sequence}
			if m.Audience == "agents" {
				withheld[k] = m
			}
			if m.Amends == 0 {
				continue
			}
			if amended++; m.Audience != "agents" {
				r.t.Errorf("seed %d: %+v amends %d", seed, k, m.Amends)
			}
		}
		for _, h := range s.Happened {
			if h.Kind == archive.Filed && private[h.File.Path] {
				hidden.Happened = append(hidden.Happened, h)
			}
		}
		all = append(all, hidden)
	}
	for k, m := range withheld {
		m.Amends = 0
		all = append(all, archive.Slice{Conversation: k.conversation, Messages: []archive.Message{m}})
	}
	faults := compareTruth(r.account, r.clock.Now(), all)
	for _, f := range append(faults, compareFiles(r.account, r.clock.Now(), all)...) {
		r.t.Errorf("seed %d: with what is withheld, discreet lacks: %s", seed, f)
	}
	if len(withheld) < 10 || amended < 3 {
		r.t.Errorf("seed %d: %d private messages, %d amended", seed, len(withheld), amended)
	}
	s, err := r.Status(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	i := slices.IndexFunc(s.Destinations, func(d DestinationStatus) bool { return d.Name == "discreet" })
	if d := s.Destinations[i]; d.Withheld != int64(len(withheld)) || d.AudienceUnknown != 0 {
		r.t.Errorf("seed %d: %d are counted as withheld and %d as unknown, want %d", seed, d.Withheld, d.AudienceUnknown, len(withheld))
	}
}

// isUnexpected reports whether a cycle failed by more than what waits.
func isUnexpected(err error) bool {
	return err != nil && !errors.Is(err, ErrIncomplete) && !errors.Is(err, ErrQuarantine)
}
