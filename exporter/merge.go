package exporter

import (
	"cmp"
	"slices"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// merger adds what a record holds to what is known of its conversation, as of
// one revision, and tells what was new.
//
// Nothing is ever taken away: an entry that a later record lacks has happened
// all the same.
type merger struct {
	seen     *seen
	revision int
	held     bool              // an archive that was recovered from holds some of it
	open     []capturedMessage // whose name is known, but not what they say

	messages int   // new ones
	changed  int   // whose content changed
	happened int   // new ones
	reopened bool  // one of them says so
	facts    int   // new, but never delivered
	noted    bool  // something that events told was met
	blind    bool  // something that events told could not be compared with
	variants int   // messages under a name that another one has
	oldest   int64 // time of the oldest new or changed entry
	newest   int64
}

// newMerger prepares the comparison with what is known. The revision it makes is
// the next one, after a recovery also of those that the archives hold.
func newMerger(tx *checkpoint.Tx, s *seen, known *checkpoint.Conversation, recovered bool) (*merger, error) {
	m := &merger{seen: s, revision: known.Revision + 1}
	if !recovered {
		return m, nil
	}
	held, err := tx.HeldRevision(known.SourceID)
	m.revision, m.held = max(m.revision, held+1), held > 0
	return m, err
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
		if !m.says(k, &c) {
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

// says tells whether a known message says what a record's does. One that an event
// told is compared by its words.
func (m *merger) says(k *seenMessage, c *capturedMessage) bool {
	if !k.told {
		return k.hash == c.hash
	}
	m.blind = m.blind || c.words == 0
	if !k.confirmed {
		k.confirmed, m.noted = true, true
	}
	return k.hash == c.words
}

func (m *merger) insert(d *seenDialog, at int, c capturedMessage, variant int32) {
	d.insert(at, seenMessage{sequence: c.sequence, hash: c.hash, variant: variant, revision: int32(m.revision), touched: c.at + 1})
	m.messages++
	m.entry(c.at)
}

// What an event tells of a message.
type tells int

const (
	tellsNew   tells = iota // it was not known
	tellsKnown              // it is
	tellsOther              // it says something else than an event of the same name
)

// tell takes one message from an event. What a record has said of it counts more.
func (m *merger) tell(message *archive.Message) tells {
	d, words := m.seen.dialog(message.Dialog), message.WordsHash()
	from, to := d.group(message.Sequence)
	if from == to {
		m.insert(d, from, capturedMessage{sequence: message.Sequence, hash: words, at: message.SentAt}, 0)
		d.messages[from].told = true
		return tellsNew
	}
	for i := from; i < to; i++ {
		if k := &d.messages[i]; !k.told || k.confirmed || k.hash == words {
			return tellsKnown
		}
	}
	return tellsOther
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
		case k.touched == c.at+1 && m.says(k, &c):
			return
		case k.touched == 0:
			versions := append(k.versions(), k.present())
			k.earlier, k.hash, k.revision, k.touched = &versions, c.hash, int32(m.revision), c.at+1
			k.told, k.confirmed = false, false
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
	m.meetExactly(c)
	for _, h := range m.latestFirst(c.happened) {
		// Without an exact time the closing's moves when the survey ends: as
		// long as the conversation stays closed, it closed once.
		if h.kind == archive.Closed && wasClosed && !c.closedExact {
			continue
		}
		if _, known := findName(m.seen.happened, h.hash); known {
			continue
		}
		if m.seen.live.meet(h.told()) {
			addName(&m.seen.happened, h.hash, givenToNobody)
			m.noted = true
			continue
		}
		addName(&m.seen.happened, h.hash, m.revision)
		m.happened++
		m.reopened = m.reopened || h.kind == archive.Reopened
		m.entry(h.at)
	}
	for _, f := range c.facts {
		if m.seen.addFact(f) {
			m.facts++
		}
	}
}

// meetExactly finds what events told at the very time at which the record tells it,
// so that it is not taken for another coming or going of the same agent.
func (m *merger) meetExactly(c *captured) {
	if len(m.seen.live.told) == 0 {
		return
	}
	for i := range c.happened {
		h := &c.happened[i]
		if h.subject == 0 && slices.Contains(toldKinds, h.kind) {
			m.blind = true // the page was asked for before the account had events
		}
		met, taken := m.seen.live.meetAt(h.told())
		if !met {
			continue
		}
		m.noted = true
		m.giveBack(c, taken)
		addName(&m.seen.happened, h.hash, givenToNobody) // unless it is known
	}
}

// giveBack makes a happening due that was given to nobody, as it was thought to be
// one that turns out to be another.
func (m *merger) giveBack(c *captured, name uint64) {
	i, known := findName(m.seen.happened, name)
	if !known || m.seen.happened[i].revision != givenToNobody {
		return
	}
	for _, h := range c.happened {
		if h.hash == name { // else no record of this revision tells it
			m.seen.happened[i].revision = m.revision
			m.happened++
			m.entry(h.at)
		}
	}
}

// latestFirst is the order in which happenings are met: of two comings of one
// agent, the later is the one that the last state told. Where events told nothing,
// as in a backfill, any order does.
func (m *merger) latestFirst(happened []capturedHappening) []capturedHappening {
	if len(m.seen.live.told) == 0 {
		return happened
	}
	list := slices.Clone(happened)
	slices.SortStableFunc(list, func(a, b capturedHappening) int { return cmp.Compare(b.at, a.at) })
	return list
}

// told is a record's happening, which lies at its own time.
func (h *capturedHappening) told() toldHappening {
	return toldHappening{kind: h.kind, name: h.hash, subject: h.subject, after: h.at, at: h.at}
}

// givenToNobody is the revision of a name that no destination is given.
const givenToNobody = 0

// unconfirmed is since when messages wait for a record that has them. Each record
// that brings some of them lets the others wait anew: history comes late for all.
func (m *merger) unconfirmed(since, now int64) int64 {
	switch {
	case since == 0 || m.seen.unconfirmed() == 0:
		return 0
	case m.noted:
		return now
	}
	return since
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
