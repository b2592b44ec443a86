package exporter

import (
	"context"
	"slices"
	"time"

	"lpexport/liveperson"
)

// learn reads the directories that name senders and skills, when they have changed.
// Until that has gone well, what was known before counts; at first nothing is.
func (v *Events) learn(ctx context.Context) error {
	if !v.relearn.Swap(false) {
		return nil
	}
	norm, held, chosen, err := v.knowledge(ctx)
	if err != nil {
		v.relearn.Store(true)
		return err
	}
	v.norm, v.held, v.chosen = norm, held, chosen
	return nil
}

func (v *Events) knowledge(ctx context.Context) (norm *normaliser, held bool, chosen selection, err error) {
	if norm, err = v.plainNames(ctx); err != nil {
		return nil, false, nil, err
	}
	norm.unlisted = map[string]bool{}
	for id := range v.missed {
		norm.unlisted[id] = len(norm.users) > 0 && norm.pids[id] == ""
	}
	if held, err = v.cp.AnyHeld(ctx); err != nil {
		return nil, false, nil, err
	}
	chosen, err = v.rememberedSkills(ctx, norm.skills)
	return norm, held, chosen, err
}

// Learned is to be called when more is known: the directories have been fetched,
// records captured. Events that wait are looked at again.
func (v *Events) Learned() {
	v.relearn.Store(true)
	wakeOne(v.again)
}

// askForSenders has the directory of users fetched when an event is from somebody
// whom it does not have; for the same one again after a while. However many strangers
// there are, that is seldom: those who come in between are asked for together.
func (v *Events) askForSenders(ctx context.Context, events []*told) {
	now := v.millis()
	var strangers []string
	for _, e := range events {
		for i := range e.changes {
			id := v.strangerIn(&e.changes[i])
			if last, asked := v.missed[id]; id == "" || asked && now-last < askAgain.Milliseconds() {
				continue
			}
			strangers = append(strangers, id)
		}
	}
	if len(strangers) == 0 || v.Source == nil || !v.asks.may(now) || !v.asking.CompareAndSwap(false, true) {
		return
	}
	v.asks.begin(now, strangers, func(id string) bool { _, known := v.norm.userOf(id); return known })
	if len(v.missed) > 10_000 {
		clear(v.missed)
	}
	for _, id := range strangers {
		v.missed[id] = now
	}
	v.tasks.Go(func() {
		defer v.asking.Store(false)
		err := v.refreshDirectories(ctx)
		told := v.news.is("users for events", newsOf(err))
		if err != nil {
			if !told {
				return
			}
			v.Log.Warn("users could not be fetched: events from somebody new wait", "error", err)
			return
		}
		v.Learned()
	})
}

// Bounds of the time between two fetches of the users for strangers: doubled after one
// that has found none of those it was for.
const (
	shortestAsk = 10 * time.Second
	longestAsk  = time.Minute
)

// asks is when the users were fetched for strangers last, and for whom.
type asks struct {
	last  int64 // 0: never
	pause time.Duration
	whom  []string
}

// may reports whether it is time for another. A clock that was set back is no reason to
// wait.
func (a *asks) may(now int64) bool {
	return a.last == 0 || now < a.last || now-a.last >= a.pause.Milliseconds()
}

func (a *asks) begin(now int64, whom []string, known func(string) bool) {
	switch {
	case len(a.whom) == 0 || slices.ContainsFunc(a.whom, known):
		a.pause = shortestAsk
	default:
		a.pause = min(2*a.pause, longestAsk)
	}
	a.last, a.whom = now, whom[:min(len(whom), 100)]
}

// strangerIn is the id of an agent whom no user is known to be, or "".
func (v *Events) strangerIn(c *toldChange) string {
	if c.state != nil {
		return ""
	}
	m := liveperson.ReadMessagingChange(c.value)
	id, role := m.Originator.ID(), m.Role.Text()
	if toldType(&m) == "" || role == "CONSUMER" {
		return ""
	}
	if _, known := v.norm.toldSender(&header{}, id, role); known {
		return ""
	}
	return id
}
