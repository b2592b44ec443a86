package exporter

import (
	"fmt"
	"iter"
	"slices"

	"lpexport/archive"
	"lpexport/liveperson/sandbox"
)

// demand is what an archive must hold of a message.
type demand int

const (
	none  demand = iota
	some         // the message, with any words that it has had
	these        // with these words as its last
)

// compareEver compares a destination with what an account has ever shown. Each
// message that is demanded must be there, once; it may be amended by other words
// that it has had, and by nothing else; and what was never shown must not be there.
// It returns what differs, at most a few lines.
func compareEver(ever iter.Seq[sandbox.Ever], slices []archive.Slice, demanded func(*sandbox.Ever, *sandbox.Sighting) demand) (faults []string) {
	fault := func(format string, args ...any) {
		if len(faults) < 10 {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	got, happened := deliveredVersions(fault, slices)
	for e := range ever {
		fault := func(format string, args ...any) {
			fault("conversation %d: "+format, append([]any{e.Number}, args...)...)
		}
		for i := 0; i < len(e.Messages); {
			first := i
			k := entryKey{conversation: e.ID, dialog: e.Messages[i].Dialog, sequence: e.Messages[i].Sequence}
			for i < len(e.Messages) && e.Messages[i].Dialog == k.dialog && e.Messages[i].Sequence == k.sequence {
				i++
			}
			compareVersions(fault, k, got[k], e.Messages[first:i], func(m *sandbox.Sighting) demand { return demanded(&e, m) })
			delete(got, k)
		}
		for _, h := range e.Happened {
			k := entryKey{conversation: e.ID, happened: h.Kind}
			if comingOrGoing(h.Kind) {
				k.whom = h.ID
			}
			happened[k]--
		}
	}
	for k := range got {
		fault("message %+v was never in the account", k)
	}
	for k, n := range happened {
		if n > 0 {
			fault("%s of %s %s came %d times too often", k.happened, k.whom, k.conversation, n)
		}
	}
	return faults
}

// lacksOnlyGone reports whether the state lacks something, and nothing but what the account no longer
// shows: of a conversation that is gone and whose record was cut.
func (r *trial) lacksOnlyGone() bool {
	r.t.Helper()
	there := map[string]bool{}
	for c := range r.account.Truth(r.clock.Now()) {
		there[c.ID] = true
	}
	lacking := slices.Concat(r.all("cut", 100), r.all("failed-looks", 100))
	for _, c := range lacking {
		if there[c.ID] {
			r.t.Errorf("a calm account lacks %s: %s", c.ID, c.Why)
		}
	}
	return len(lacking) > 0
}

// deliveredVersions are the messages of a destination, each with what it was
// delivered with, in order; and how often each happening was.
func deliveredVersions(fault func(string, ...any), slices []archive.Slice) (map[entryKey][]archive.Message, map[entryKey]int) {
	got, happened := map[entryKey][]archive.Message{}, map[entryKey]int{}
	for _, s := range slices {
		for _, m := range s.Messages {
			k := entryKey{conversation: s.Conversation, dialog: m.Dialog, sequence: m.Sequence}
			if m.Variant != 0 || m.Derived != "" {
				fault("message %+v has variant %d, derived %q", k, m.Variant, m.Derived)
			}
			if (m.Amends == 0) != (len(got[k]) == 0) {
				fault("message %+v amends %d, and came %d times before", k, m.Amends, len(got[k]))
			}
			got[k] = append(got[k], m)
		}
		for _, h := range s.Happened {
			k := entryKey{conversation: s.Conversation, happened: h.Kind}
			if comingOrGoing(h.Kind) {
				k.whom = h.Participant
			}
			if h.Kind != archive.Filed {
				happened[k]++
			}
		}
	}
	return got, happened
}

// compareVersions compares one message as delivered with its sightings.
func compareVersions(fault func(string, ...any), k entryKey, got []archive.Message, seen []sandbox.Sighting, demanded func(*sandbox.Sighting) demand) {
	known := func(m archive.Message) bool {
		return slices.ContainsFunc(seen, func(s sandbox.Sighting) bool { return len(s.Given) > 0 && saysWhat(k, m, s.Message) })
	}
	for i, m := range got {
		if !known(m) {
			fault("message %+v was never %q", k, m.Text)
		}
		if i > 0 && m.Text == got[i-1].Text && m.Type == got[i-1].Type && slices.EqualFunc(m.Files, got[i-1].Files, func(a, b archive.File) bool { return a.Path == b.Path }) {
			fault("message %+v is amended by the same words %q", k, m.Text)
		}
	}
	for i := range seen {
		switch want := demanded(&seen[i]); {
		case want == none:
		case len(got) == 0:
			fault("message %+v (%s) is missing", k, seen[i].Type)
		case want == these && !saysWhat(k, got[len(got)-1], seen[i].Message):
			fault("message %+v is %q in the end, not %q %q", k, got[len(got)-1].Text, seen[i].Text, seen[i].Words)
		}
	}
}

// saysWhat reports whether a message was delivered as one sighting has it.
func saysWhat(k entryKey, got archive.Message, want sandbox.Message) bool {
	same := true
	compareMessage(func(string, ...any) { same = false }, k, got, want)
	return same
}
