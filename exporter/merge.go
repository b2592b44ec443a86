package exporter

import (
	"lpexport/archive"
)

// merger adds what a record holds to what is known of its conversation, as of
// one revision, and tells what was new.
//
// Nothing is ever taken away: an entry that a later record lacks has happened
// all the same.
type merger struct {
	seen     *seen
	revision int
	open     []capturedMessage // whose name is known, but not what they say

	messages int   // new ones
	changed  int   // whose content changed
	happened int   // new ones
	reopened bool  // one of them says so
	facts    int   // new, but never delivered
	variants int   // messages under a name that another one has
	oldest   int64 // time of the oldest new or changed entry
	newest   int64
}

// deliver tells whether a destination is to be given anything of it.
func (m *merger) deliver() bool { return m.messages+m.changed+m.happened > 0 }

// differs tells whether the record is a revision.
func (m *merger) differs() bool { return m.deliver() || m.facts > 0 }

// plain tells whether everything in a first record is new, in it once, and
// under a name of its own: then a slice is made of the record alone.
func (m *merger) plain(c *captured) bool {
	return m.revision == 1 && m.variants == 0 && m.messages == len(c.messages) && m.happened == len(c.happened)
}

func (m *merger) entry(at int64) {
	if m.oldest == 0 || at < m.oldest {
		m.oldest = at
	}
	m.newest = max(m.newest, at)
}

// add takes one message. Those that say what is known already are settled at
// once; the others wait for settle, when it is clear which known messages of
// their name have not been met in this record.
func (m *merger) add(c capturedMessage) {
	d := m.seen.dialog(c.dialog)
	if c.derived != 0 {
		if addName(&d.derived, c.derived, m.revision) {
			m.messages++
			m.entry(c.at)
		}
		return
	}
	from, to := d.group(c.sequence)
	if from == to {
		m.insert(d, from, c, 0)
		return
	}
	for i := from; i < to; i++ {
		k := &d.messages[i]
		if k.hash != c.hash {
			continue
		}
		if k.touched == 0 {
			k.touched = c.at + 1
			return
		}
		if k.touched == c.at+1 {
			return // the same message twice in one record
		}
	}
	m.open = append(m.open, c)
}

func (m *merger) insert(d *seenDialog, at int, c capturedMessage, variant int32) {
	d.insert(at, seenMessage{sequence: c.sequence, hash: c.hash, variant: variant, revision: int32(m.revision), touched: c.at + 1})
	m.messages++
	m.entry(c.at)
}

// settle decides on the messages that add put off: a known message of that name
// which this record does not have otherwise has changed; with none left, it is
// another message under the same name.
func (m *merger) settle() {
	for _, c := range m.open {
		m.settleOne(m.seen.dialog(c.dialog), c)
	}
	m.open = nil
}

func (m *merger) settleOne(d *seenDialog, c capturedMessage) {
	from, to := d.group(c.sequence)
	last := int32(1) // the first other message is variant 2
	for i := from; i < to; i++ {
		k := &d.messages[i]
		switch {
		case k.touched == c.at+1 && k.hash == c.hash:
			return
		case k.touched == 0:
			versions := append(k.versions(), version{k.hash, int(k.revision)})
			k.earlier, k.hash, k.revision, k.touched = &versions, c.hash, int32(m.revision), c.at+1
			m.changed++
			m.entry(c.at)
			return
		}
		last = max(last, k.variant)
	}
	m.insert(d, to, c, last+1)
	m.variants++
}

// rest takes everything but the messages. wasClosed is the status before.
func (m *merger) rest(c *captured, wasClosed bool) {
	for _, h := range c.happened {
		// Without an exact time the closing's moves when the survey ends: as
		// long as the conversation stays closed, it closed once.
		if h.kind == archive.Closed && wasClosed && !c.closedExact {
			continue
		}
		if addName(&m.seen.happened, h.hash, m.revision) {
			m.happened++
			m.reopened = m.reopened || h.kind == archive.Reopened
			m.entry(h.at)
		}
	}
	for _, f := range c.facts {
		if m.seen.addFact(f) {
			m.facts++
		}
	}
}

// reopen notes that a closed conversation was found open again. No record says
// when: it is given the time of the first entry that came with it, or of its
// closing.
func (m *merger) reopen(closedAt int64) {
	at := closedAt
	if m.oldest > closedAt {
		at = m.oldest
	}
	m.seen.reopened = append(m.seen.reopened, seenReopen{at: at, revision: m.revision})
	m.happened++
	m.entry(at)
}
