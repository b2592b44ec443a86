package alert

import (
	"context"
	"maps"
	"slices"
	"time"
)

// track is what is known of one condition over time.
type track struct {
	Condition           // as it was when it last held
	held      int       // looks in a row at which it held
	gone      int       // looks in a row at which it did not
	fired     bool      // it has held for long enough
	told      time.Time // when it was last told as firing; zero: never
	level     int64     // what Count has to exceed to be told again
}

// steady conditions do not flap, so that one look is enough.
var steady = []string{Quarantine, Expiry}

// looks that a condition has to hold, or to be gone, before that is believed.
const looks = 2

// Look reads the overview and tells what has begun, what lasts, and what has
// ended since the last look, in one notification. It is meant for once a minute
// or so, and may take as long as the command may (30 s) or the web server (10 s).
// It returns when ctx ends.
func (w *Watch) Look(ctx context.Context) {
	o, err := w.Overview(ctx)
	if ctx.Err() != nil {
		return
	}
	w.see(err)
	now := w.Now()
	if err != nil { // whether the others hold is not known: they stay as they are
		w.hold(now, Condition{Name: State, Hint: "lpexport status", Text: plain("the state cannot be read: " + err.Error())})
	} else {
		held := Conditions(o, w.Bounds)
		for _, c := range held {
			w.hold(now, c)
		}
		w.release(held)
	}
	w.notify(ctx, now)
}

func (w *Watch) hold(now time.Time, c Condition) {
	t := w.tracks[c.key()]
	if t == nil {
		t = &track{Condition: Condition{Since: now}}
		w.tracks[c.key()] = t
	}
	if c.Since.IsZero() {
		c.Since = t.Since
	}
	t.Condition, t.held, t.gone = c, t.held+1, 0
	t.level = min(t.level, c.Count) // less waits: from there on it grows
	t.fired = t.fired || t.held >= looks || slices.Contains(steady, c.Name)
}

// release notes that only held holds.
func (w *Watch) release(held []Condition) {
	for k, t := range w.tracks {
		if slices.ContainsFunc(held, func(c Condition) bool { return c.key() == k }) {
			continue
		}
		t.held, t.gone, t.level = 0, t.gone+1, 0
		if !t.fired {
			delete(w.tracks, k)
		}
	}
}

// notify tells what is due, and keeps it due unless that was taken.
func (w *Watch) notify(ctx context.Context, now time.Time) {
	begun, ended := w.due(now)
	if len(begun)+len(ended) == 0 {
		return
	}
	n := notification{Schema: schema, Account: w.Account, At: moment(now)}
	for _, t := range begun {
		n.Conditions = append(n.Conditions, change{t.Name, t.Subject, firing, moment(t.Since), t.Text, w.Commands(t.Hint)})
	}
	for _, t := range ended {
		n.Conditions = append(n.Conditions, change{t.Name, t.Subject, resolved, moment(t.Since), t.Text, ""})
	}
	err := w.tell(ctx, n)
	if err != nil && ctx.Err() != nil {
		return
	}
	w.heard(err)
	if err != nil {
		return
	}
	for _, t := range begun {
		t.told, t.level = now, t.Count
	}
	for _, t := range ended {
		delete(w.tracks, t.key())
	}
}

// due are the conditions to be told as firing and as resolved, the worst first.
func (w *Watch) due(now time.Time) (begun, ended []*track) {
	for _, k := range slices.SortedFunc(maps.Keys(w.tracks), order) {
		switch t := w.tracks[k]; {
		case t.gone >= looks:
			ended = append(ended, t)
		case t.held > 0 && t.fired && (t.told.IsZero() || t.grown() || w.Repeat > 0 && now.Sub(t.told) >= w.Repeat):
			begun = append(begun, t)
		}
	}
	return begun, ended
}

// grown says that more waits than when that was last told, or than has waited
// since.
func (t *track) grown() bool { return t.Name == Quarantine && t.Count > t.level }

// see logs when the overview cannot be had any more, and when it can again.
func (w *Watch) see(err error) {
	why := ""
	if err != nil {
		why = plain(err.Error())
	}
	switch {
	case why != "" && why != w.blind:
		w.Log.Error("alerts cannot look at the state", "error", why)
	case why == "" && w.blind != "":
		w.Log.Info("alerts look at the state again")
	}
	w.blind = why
}

// heard logs when notifications are not taken any more, and when they are again.
func (w *Watch) heard(err error) {
	why := ""
	if err != nil {
		why = plain(err.Error())
	}
	switch {
	case why != "" && why != w.mute:
		w.Log.Error("an alert could not be told: tried again at the next look", "error", why)
	case why == "" && w.mute != "":
		w.Log.Info("alerts are told again")
	}
	w.mute = why
}

func moment(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
