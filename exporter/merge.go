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
	held     bool                      // an archive that was recovered from holds some of it
	open     []capturedMessage         // whose name is known, but not what they say
	past     *past                     // to read stored revisions again; nil: there are none
	reread   map[int]bool              // revisions that were, for entries with former names
	before   map[int][]capturedMessage // of revisions that were read to tell senders apart
	err      error                     // of reading a revision

	messages int   // new ones
	changed  int   // whose content changed
	happened int   // new ones
	reopened bool  // one of them says so
	facts    int   // new, but never delivered
	noted    bool  // something that events told was met
	heard    int   // of those: the event had not said for whom they are
	heardAt  int64 // time of the oldest of them
	renamed  bool  // something is known by another hash or name than before
	stale    bool  // it is open, though known to be closed, and brings no new entry: it may be older than what is known
	blind    bool  // something that events told could not be compared with
	variants int   // messages under a name that another one has
	lossy    int   // of the new and changed: they have what UTF-8 cannot hold
	untimed  int   // of the new: their time could not be read
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
func (m *merger) differs() bool { return m.deliver() || m.facts > 0 || m.heard > 0 }

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
	if c.former != nil {
		m.recognise(d, &c)
	}
	if c.derived != 0 {
		if addName(&d.derived, c.derived, m.revision) {
			i, _ := findName(d.derived, c.derived)
			d.derived[i].agents = c.agents
			m.messages++
			m.count(&c)
		}
		return
	}
	from, to := d.group(c.sequence)
	if from == to {
		m.insert(d, from, c, 0)
		return
	}
	if k := m.untouched(d.messages[from:to], &c); k != nil {
		k.touched, k.by = c.at+1, c.sender
		if m.hear(k, &c); !k.told {
			k.agents = c.agents
		}
		return
	}
	for i := from; i < to; i++ {
		if m.again(&d.messages[i], &c) {
			return
		}
	}
	m.open = append(m.open, c)
}

// untouched is a known message that says what a record's does, and that no other of
// the record was matched with: of several the one by the same sender, else any. An
// event spells a sender otherwise, and an erasure changes him.
func (m *merger) untouched(group []seenMessage, c *capturedMessage) (any *seenMessage) {
	for i := range group {
		k := &group[i]
		if k.touched != 0 || !m.says(k, c) {
			continue
		}
		if len(group) == 1 || k.sender() == c.sender {
			return k
		}
		if any == nil {
			any = k
		}
	}
	return any
}

// again reports whether a message is the same one that the record has had before.
// What two senders say is two messages; one without a sender may be either's.
func (m *merger) again(k *seenMessage, c *capturedMessage) bool {
	return k.touched == c.at+1 && (k.by == c.sender || k.by == 0 || c.sender == 0) && m.says(k, c)
}

// count counts a new or changed message.
func (m *merger) count(c *capturedMessage) {
	m.entry(c.at)
	if c.lossy {
		m.lossy++
	}
	if c.at == 0 {
		m.untimed++
	}
}

// says tells whether a known message says what a record's does, to the same people.
// One that an event told is compared by its words.
func (m *merger) says(k *seenMessage, c *capturedMessage) bool {
	if !k.told {
		return k.hash == c.hash
	}
	if int(k.revision) <= m.seen.unheard {
		m.learn()
	}
	m.blind = m.blind || c.words == 0
	if !k.confirmed {
		k.confirmed, m.noted = true, true
	}
	return k.hash == c.words && (k.agents == c.agents || c.silent)
}

func (m *merger) insert(d *seenDialog, at int, c capturedMessage, variant int32) {
	k := seenMessage{sequence: c.sequence, hash: c.hash, variant: variant, revision: int32(m.revision), touched: c.at + 1, by: c.sender,
		agents: c.agents}
	if variant != 0 {
		k.setSender(c.sender)
	}
	d.insert(at, k)
	m.messages++
	m.count(&c)
}

// What an event tells of a message.
type tells int

const (
	tellsNew   tells = iota // it was not known
	tellsKnown              // it is
	tellsOther              // it says something else than an event of the same name
)

// tell takes one message from an event. What a record has said of it counts more.
func (m *merger) tell(message *archive.Message, before *former) tells {
	d, words := m.seen.dialog(message.Dialog), message.WordsHash()
	if before != nil {
		m.recognise(d, &capturedMessage{sequence: message.Sequence, hash: message.ContentHash(), words: words, former: before})
	}
	from, to := d.group(message.Sequence)
	told := capturedMessage{sequence: message.Sequence, hash: words, at: message.SentAt, lossy: len(message.Received) > 0, agents: message.Audience == "agents"}
	if from == to {
		m.insert(d, from, told, 0)
		d.messages[from].told, d.messages[from].assumed = true, message.Assumed
		return tellsNew
	}
	for i := from; i < to; i++ {
		k := &d.messages[i]
		if k.told && int(k.revision) <= m.seen.unheard {
			m.learn()
		}
		switch {
		case !k.told || k.confirmed:
			return tellsKnown
		case k.hash != words:
		case k.agents == told.agents || message.Assumed:
			return tellsKnown
		case k.assumed: // another event of it says now that it is private
			k.supersede()
			k.agents, k.revision = true, int32(m.revision)
			m.changed++
			m.count(&told)
			return tellsNew
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
		case m.again(k, &c):
			return
		case k.touched == 0:
			m.hear(k, &c)
			k.supersede()
			k.hash, k.revision, k.touched, k.by = c.hash, int32(m.revision), c.at+1, c.sender
			k.told, k.confirmed, k.agents = false, false, c.agents
			k.setSender(0)
			if to-from > 1 {
				m.tellApart(d.messages[from:to], k, &c)
				k.by = c.sender
				k.setSender(c.sender)
			}
			m.changed++
			m.count(&c)
			return
		}
		last = max(last, k.variant)
	}
	m.tellApart(d.messages[from:to], nil, &c)
	m.insert(d, to, c, last+1)
	m.variants++
}

// tellApart notes who sent those of a group that say what c does and are not c: from
// now on nothing else tells them apart. Whom the record has first need not be who
// was known before it. Then c is his, and the known one is still the one it was.
func (m *merger) tellApart(group []seenMessage, own *seenMessage, c *capturedMessage) {
	for i := range group {
		k := &group[i]
		if k == own || k.touched == 0 || k.sender() != 0 || !m.says(k, c) {
			continue
		}
		sender := k.by
		if int(k.revision) < m.revision {
			sender = m.senderBefore(k, c)
		}
		if sender == c.sender {
			c.sender, k.by = k.by, c.sender
		}
		if !k.told { // an event spells him as the directory has him by then
			k.setSender(sender)
		}
	}
}

// senderBefore is who sent a known message, as the record of its revision spells
// him: the first there who says it.
func (m *merger) senderBefore(k *seenMessage, c *capturedMessage) uint32 {
	for _, o := range m.storedAlike(int(k.revision)) {
		if o.dialog == c.dialog && o.sequence == c.sequence && o.saidAs(k.told) == k.hash {
			return o.sender
		}
	}
	return 0
}

// storedAlike are the messages of a stored revision that have a name of one in open.
func (m *merger) storedAlike(revision int) []capturedMessage {
	if list, read := m.before[revision]; read || m.past == nil || m.err != nil {
		return list
	}
	type name struct {
		dialog   string
		sequence int64
	}
	names, list := map[name]bool{}, []capturedMessage{}
	for i := range m.open {
		names[name{m.open[i].dialog, m.open[i].sequence}] = true
	}
	_, m.err = m.past.each(revision, func(o *capturedMessage) {
		if o.derived == 0 && names[name{o.dialog, o.sequence}] {
			list = append(list, *o)
		}
	}, func(string, string) {})
	if m.before == nil {
		m.before = map[int][]capturedMessage{}
	}
	m.before[revision] = list
	return list
}

// rest takes everything but the messages. wasClosed is the status before.
func (m *merger) rest(c *captured, wasClosed bool) {
	for i := range c.happened {
		m.recogniseHappening(&c.happened[i])
	}
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
		if h.lossy {
			m.lossy++
		}
		if h.untimed {
			m.untimed++
		}
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
	if slices.ContainsFunc(m.seen.reopened, func(r seenReopen) bool { return r.at == at }) {
		return // answers that contradict each other: it has that name already
	}
	m.seen.reopened = append(m.seen.reopened, seenReopen{at: at, revision: m.revision})
	m.happened++
	m.entry(at)
}
