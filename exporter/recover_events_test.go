package exporter

import "testing"

// loseAndRecover loses the state, and takes over what the archive holds.
func (r *liveTrial) loseAndRecover() {
	r.t.Helper()
	r.lose()
	r.recovers("local")
	r.listen()
}

// After a recovery what events told comes again, by events and by history, in
// either order: the archive has it.
func TestWhatEventsToldIsNotDeliveredAgainAfterARecovery(t *testing.T) {
	k := talk{id: "a", said: []said{{0, "x"}, {1, "y"}, {2, "only by history"}}}
	events := [][]byte{stateOf("a", "1", 0, ""), hear(heard{"a", "a", 0, "x", ""}), hear(heard{"a", "a", 1, "y", ""})}
	for _, order := range []string{"events, history", "history, events", "history", "events in between"} {
		r, h := handLive(t, nil)
		r.receive(events...)
		r.deliver()
		r.holds("local", "a", "0: x", "1: y")
		r.loseAndRecover()
		switch order {
		case "events, history":
			r.receive(events...)
			r.deliver()
			r.holds("local", "a", "0: x", "1: y")
		case "events in between":
			r.receive(events[1])
		}
		h.put(k)
		r.settle()
		if order != "history" {
			r.receive(events...)
		}
		r.settle()
		r.holds("local", "a", "0: x", "1: y", "2: only by history")
		r.mustWait()
		started := 0
		for _, s := range r.delivered("local") {
			for _, e := range s.Happened {
				if e.Kind == "started" {
					started++
				}
			}
		}
		if started != 1 {
			t.Errorf("%s: it started %d times", order, started)
		}
	}
}

// A message that history tells otherwise than the event that was delivered before
// the recovery is amended, as without one.
func TestWhatEventsToldIsAmendedAfterARecovery(t *testing.T) {
	r, h := handLive(t, nil)
	r.receive(hear(heard{"a", "a", 0, "x", ""}), hear(heard{"a", "a", 1, "y", ""}))
	r.deliver()
	r.loseAndRecover()
	h.put(talk{id: "a", said: []said{{0, "x"}, {1, "masked"}}})
	r.settle()
	r.settle()
	r.holds("local", "a", "0: x", "1: y", "1 amends 1: masked")
}
