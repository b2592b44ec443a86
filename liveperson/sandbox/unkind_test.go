package sandbox_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// harried is an account that was unkind for four days to who searched it all the
// time, and is calm now.
func harried(t *testing.T, seed uint64) (*remote, *sandbox.Unkind) {
	t.Helper()
	now := epoch
	u := sandbox.NewUnkind(seed, epoch.Add(6*time.Hour), epoch.Add(4*day))
	settings := sandbox.Settings{Seed: seed, Epoch: epoch, Conversations: 200, Period: 4 * day, Messages: 4, TokenLife: 1000 * day,
		Now: func() time.Time { return now }, Observe: func(sandbox.Request) { u.Act() }, Faults: u.Faults()}
	r := connect(t, settings)
	u.Begin(r.account)
	for now.Before(epoch.Add(4 * day)) {
		now = now.Add(20 * time.Minute)
		r.do("POST", searchPath+"limit=1&sort=start:asc", body(everythingSince(epoch)))
	}
	now = u.Calm()
	return r, u
}

func TestUnkindIsDrawnFromItsSeed(t *testing.T) {
	for seed := range uint64(2) {
		_, one := harried(t, seed)
		_, again := harried(t, seed)
		_, other := harried(t, seed+1)
		if len(one.Told()) < 30 || !slices.Equal(one.Told(), again.Told()) || slices.Equal(one.Told(), other.Told()) {
			t.Errorf("seed %d: %d changes, %d the second time, %d with another seed", seed, len(one.Told()), len(again.Told()), len(other.Told()))
		}
		if fmt.Sprint(one.Faults()) == fmt.Sprint(other.Faults()) {
			t.Errorf("seed %d has the faults of the next one", seed)
		}
	}
}

// TestUnkindComesToAnEnd: in the end nothing is hidden, delayed or withheld, and
// what was taken away for good has been there before.
func TestUnkindComesToAnEnd(t *testing.T) {
	for seed := range uint64(2) {
		r, u := harried(t, seed)
		now := u.Calm().UnixMilli()
		removed, shown, before := 0, 0, len(u.Told())
		for e := range r.account.Ever(u.Calm()) {
			if !sandbox.Throughout(e.Found, now, now) {
				removed++
				continue
			}
			shown++
			for _, m := range e.Messages {
				if sandbox.Throughout(m.Missed, now, now) || sandbox.Throughout(m.Given, now, now) != sandbox.Throughout(m.Found, now, now) {
					t.Errorf("seed %d: message %s/%d is withheld for ever", seed, m.Dialog, m.Sequence)
				}
			}
		}
		if removed == 0 || shown < 100 {
			t.Errorf("seed %d: %d conversations are gone, %d there", seed, removed, shown)
		}
		if u.Act(); len(u.Told()) != before {
			t.Errorf("seed %d: it goes on", seed)
		}
	}
}
