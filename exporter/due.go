package exporter

import (
	"encoding/binary"
	"slices"

	"lpexport/exporter/checkpoint"
)

// What a destination is still to be given of a message: bits of seenMessage.touched.
const (
	wantFirst    = 1 << iota // its first version, as a new message
	wantCurrent              // its present version, as an amendment
	wantOther                // the same, if its words or its audience are other ones than an event told
	wantWithheld             // nothing: its present version is withheld, which is to be counted
)

// debt is what a destination is still to be given of one conversation.
type debt struct {
	seen      *seen
	held      *seen // what its archive held when it was recovered from; nil: nothing
	given     checkpoint.Given
	revisions []int // under which it was given slices, ascending
	names     map[uint64]bool
	derived   map[uint64]bool
	heldTold  live // what it held as having happened and no record tells under that name
	count     int

	withholds bool     // private messages: it is not given any
	before    withheld // by earlier cuts
	nameless  int      // private messages without a sequence that are withheld
	deaf      bool     // for whom some of the messages are was not noted, here or in what an archive held
}

// newDebt works out what is due. It does not know times: entries older than
// the destination's beginning are left out when they are met.
func newDebt(s, held *seen, g checkpoint.Given, withholds bool) *debt {
	d := &debt{seen: s, held: held, given: g, revisions: decodeRevisions(g.Revisions), names: map[uint64]bool{}, derived: map[uint64]bool{},
		withholds: withholds, before: decodeWithheld(g.Withheld), deaf: s.unheard > 0 || held != nil && held.unheard > 0}
	if held == nil {
		d.held = &seen{}
	}
	for i := range s.dialogs {
		dialog := &s.dialogs[i]
		before := d.heldDialog(dialog.id)
		for j := range dialog.messages {
			m := &dialog.messages[j]
			m.touched = d.want(m, before)
			if m.touched != 0 {
				d.count++
			}
		}
		d.wantNames(d.derived, dialog.derived, before.derived, d.owesMessage)
	}
	d.wantNames(d.names, s.happened, d.held.happened, func(n seenName) bool {
		return n.revision > d.given.Revision || slices.Contains(d.before.files, n.hash)
	})
	for _, t := range d.held.live.told {
		if _, known := findName(s.happened, t.name); !known {
			d.heldTold.told = append(d.heldTold.told, t)
		}
	}
	return d
}

func (d *debt) wantNames(want map[uint64]bool, have, held []seenName, owes func(seenName) bool) {
	for _, n := range have {
		if _, ok := findName(held, n.hash); !ok && owes(n) {
			want[n.hash] = true
			d.count++
		}
	}
}

// owesMessage reports whether a message without a sequence, which the archive did not
// hold, is due. What is withheld is counted instead.
func (d *debt) owesMessage(n seenName) bool {
	owed := n.revision > d.given.Revision || d.lacksName(n)
	if owed && n.agents && d.withholds {
		d.nameless++
		return false
	}
	return owed
}

// claim reports whether a name is due, and makes it due no more: by itself or, if
// it is not known, as before, by which the revision that brought it may be known; 0
// if that is the same. What an archive holds under either is not due.
func (d *debt) claim(due map[uint64]bool, known, held []seenName, name, before uint64, revision int) bool {
	claimed := name
	if _, is := findName(known, name); !is && before != 0 {
		if i, was := findName(known, before); was && known[i].revision == revision {
			claimed = before
		}
	}
	if !due[claimed] {
		return false
	}
	delete(due, claimed)
	_, holds := findName(held, name)
	if before != 0 && !holds {
		_, holds = findName(held, before)
	}
	return !holds
}

// want tells which versions of a message are due.
func (d *debt) want(m *seenMessage, held *seenDialog) int64 {
	switch {
	case int(m.revision) <= d.given.Floor:
		return 0
	case d.keeps(m.present()):
		return wantWithheld
	case int(m.revision) <= d.given.Revision && !d.wasWithheld(m):
		return 0
	}
	has, ok := d.has(m, held)
	wanted := int64(0)
	if !ok {
		has, wanted = d.first(m), wantFirst
	}
	switch {
	case m.told && !has.told: // an archive that was recovered from has it from a record
		return wanted
	case has.told && !m.told:
		return wanted | wantOther
	case has.hash == unknownHash, d.same(has, m.present()):
		return wanted
	}
	return wanted | wantCurrent
}

// same reports whether two versions are.
func (d *debt) same(a, b version) bool { return a.is(b) || d.deaf && a.hash == b.hash }

// other reports whether a record's message differs from what an event told of it,
// which the destination has, or is given before it.
func (d *debt) other(m *offered, k *seenMessage) bool {
	told, ok := d.has(k, d.heldDialog(m.Dialog))
	if !ok {
		told = d.first(k)
	}
	return m.WordsHash() != told.hash || !d.deaf && (m.Audience == "agents") != told.agents
}

// heldDialog is what an archive held of a dialog, never nil.
func (d *debt) heldDialog(dialog string) *seenDialog {
	if held := d.held.find(dialog); held != nil {
		return held
	}
	return &seenDialog{}
}

// first is the version of a message that the destination is given as a new
// one: the first captured since it began that is not withheld.
func (d *debt) first(m *seenMessage) version {
	for _, v := range m.versions() {
		if v.revision > d.given.Floor && !d.keeps(v) {
			return v
		}
	}
	return m.present()
}

// unknownHash stands for a content that a recovery could not read: what the
// archive holds is taken for what was captured.
const unknownHash = 0

// has is the content of a message that the destination has been given, and the
// revision of the slice that brought it. It goes through the cuts again, each of
// which gave what differed from what the destination had by then: what changed
// and changed back between two of them was never given.
func (d *debt) has(m *seenMessage, held *seenDialog) (has version, ok bool) {
	has, ok = held.version(m)
	if _, captured := m.asOf(d.given.Revision); !captured {
		return has, ok
	}
	if has.hash == unknownHash {
		first := d.first(m)
		has.hash, has.told = first.hash, first.told
	}
	for _, r := range d.revisions {
		v, captured := m.asOf(r)
		if ok && v.told && !has.told {
			continue // the archive had it from a record
		}
		if captured && v.withheldAt(r) && slices.Contains(d.before.cuts, r) {
			continue
		}
		if captured && v.revision > d.given.Floor && (!ok || !d.same(v, has)) {
			has, ok = version{hash: v.hash, revision: r, told: v.told, agents: v.agents}, true
		}
	}
	return has, ok
}

// version is the content of a message in what an archive held.
func (d *seenDialog) version(m *seenMessage) (version, bool) {
	from, to := d.group(m.sequence)
	for i := from; i < to; i++ {
		if h := &d.messages[i]; h.variant == m.variant {
			return h.present(), true
		}
	}
	return version{}, false
}

// amends is the revision that a message's present version replaces.
func (d *debt) amends(dialog string, m *seenMessage) int {
	if has, ok := d.has(m, d.heldDialog(dialog)); ok {
		return max(has.revision, 1)
	}
	return d.first(m).revision
}

// missing lists the revisions that hold what has not been found yet.
func (d *debt) missing(revisions map[int]bool) {
	for i := range d.seen.dialogs {
		dialog := &d.seen.dialogs[i]
		for j := range dialog.messages {
			m := &dialog.messages[j]
			if m.touched&wantFirst != 0 {
				revisions[d.first(m).revision] = true
			}
			if m.touched&(wantCurrent|wantOther|wantWithheld) != 0 {
				revisions[int(m.revision)] = true
			}
		}
		for _, n := range dialog.derived {
			if d.derived[n.hash] {
				revisions[n.revision] = true
			}
		}
	}
	for _, n := range d.seen.happened {
		if d.names[n.hash] {
			revisions[n.revision] = true
		}
	}
}

func decodeRevisions(b []byte) (list []int) {
	for len(b) > 0 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			break
		}
		list, b = append(list, int(v)), b[n:]
	}
	return list
}

// addRevision appends one; the same again changes nothing.
func addRevision(b []byte, revision int) []byte {
	if list := decodeRevisions(b); len(list) > 0 && list[len(list)-1] == revision {
		return b
	}
	return binary.AppendUvarint(b, uint64(revision))
}
