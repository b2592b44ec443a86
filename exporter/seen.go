package exporter

import (
	"cmp"
	"slices"
)

// seen is what is known of a conversation's entries: which there are, the hash
// of each one's content, and the revision that brought it. It is stored as one
// small blob a conversation, since a row for each message costs more than all
// the rest of a capture.
type seen struct {
	dialogs  []seenDialog // by id
	happened []seenName   // by hash of the name
	reopened []seenReopen // in no record: found by comparing two
	facts    []uint64     // sorted hashes of what is kept but never delivered
	live     live         // what events told of the conversation; zero: none did
	unheard  int          // of what revisions up to this one brought, nobody has noted who the audience is: see audience.go
}

// seenDialog holds the messages of one dialog.
type seenDialog struct {
	id       string
	messages []seenMessage // by (sequence, variant)
	derived  []seenName    // messages without a sequence, by hash
}

// seenMessage is one message. Almost none has anything rare, and a conversation may
// have 200,000 of them, so it is kept small.
type seenMessage struct {
	sequence  int64
	hash      uint64
	touched   int64 // time of the message that matched it in this merge, plus 1; not stored
	rare      *rarity
	variant   int32
	revision  int32
	by        uint32 // sender of the message that matched it in this merge; not stored
	told      bool   // by an event: hash is of the words, not of the content
	confirmed bool   // told, and a record has it, too
	agents    bool   // it is for agents and managers only
	assumed   bool   // told, and the event did not say for whom it is
}

// rarity is what few messages have.
type rarity struct {
	versions []version // before the present one, ascending
	sender   uint32    // who sent it, as the record of its revision spells him; 0: nothing depends on it
	known    int       // assumed: the revision since which it is known that it is for all; 0: it is not
}

// version is a content and the revision that brought it.
type version struct {
	hash     uint64
	revision int
	told     bool   // by an event: hash is of the words
	agents   bool   // as in seenMessage
	assumed  bool   // as in seenMessage
	known    int    // as in rarity
	sender   uint32 // as in rarity
}

// seenName is a name and the revision that brought it; 0 is a name that is known
// and given to nobody, as what it names was told by an event under another.
type seenName struct {
	hash     uint64
	revision int
	agents   bool // a message without a sequence: as in seenMessage
}

type seenReopen struct {
	at       int64
	revision int
}

// versions are those before the present one, ascending.
func (m *seenMessage) versions() []version {
	if m.rare == nil {
		return nil
	}
	return m.rare.versions
}

// sender tells the message from others of its name that say the same.
func (m *seenMessage) sender() uint32 {
	if m.rare == nil {
		return 0
	}
	return m.rare.sender
}

func (m *seenMessage) setSender(sender uint32) {
	if m.rare == nil {
		if sender == 0 {
			return
		}
		m.rare = &rarity{}
	}
	m.rare.sender = sender
}

// present is the present version.
func (m *seenMessage) present() version {
	v := version{hash: m.hash, revision: int(m.revision), told: m.told, agents: m.agents, assumed: m.assumed, sender: m.sender()}
	if m.rare != nil {
		v.known = m.rare.known
	}
	return v
}

// supersede makes the present version an earlier one.
func (m *seenMessage) supersede() {
	before := m.present()
	if m.rare == nil {
		m.rare = &rarity{}
	}
	m.rare.versions = append(m.rare.versions, before)
	m.agents, m.assumed, m.rare.known = false, false, 0
}

// asOf is the version that was captured last up to a revision; false: none was.
func (m *seenMessage) asOf(revision int) (version, bool) {
	if int(m.revision) <= revision {
		return m.present(), true
	}
	for _, v := range slices.Backward(m.versions()) {
		if v.revision <= revision {
			return v, true
		}
	}
	return version{}, false
}

// dialog finds or makes a dialog. The pointer holds until the next call.
func (s *seen) dialog(id string) *seenDialog {
	if len(s.dialogs) == 1 && s.dialogs[0].id == id {
		return &s.dialogs[0]
	}
	i, ok := s.search(id)
	if !ok {
		s.dialogs = slices.Insert(s.dialogs, i, seenDialog{id: id})
	}
	return &s.dialogs[i]
}

// find is the dialog, nil if there is none.
func (s *seen) find(id string) *seenDialog {
	if i, ok := s.search(id); ok {
		return &s.dialogs[i]
	}
	return nil
}

func (s *seen) search(id string) (int, bool) {
	return slices.BinarySearchFunc(s.dialogs, id, func(d seenDialog, id string) int { return cmp.Compare(d.id, id) })
}

// group is the range of messages with that sequence: none, one, or its variants.
func (d *seenDialog) group(sequence int64) (from, to int) {
	// Messages come in order, so the place is nearly always the end.
	n := len(d.messages)
	if n == 0 || d.messages[n-1].sequence < sequence {
		return n, n
	}
	from, _ = slices.BinarySearchFunc(d.messages, sequence, func(m seenMessage, s int64) int { return cmp.Compare(m.sequence, s) })
	for to = from; to < n && d.messages[to].sequence == sequence; to++ {
	}
	return from, to
}

func (d *seenDialog) insert(at int, m seenMessage) {
	d.messages = slices.Insert(d.messages, at, m)
}

// addName adds a hash to a sorted list; false when it is there already.
func addName(list *[]seenName, hash uint64, revision int) bool {
	i, ok := findName(*list, hash)
	if !ok {
		*list = slices.Insert(*list, i, seenName{hash: hash, revision: revision})
	}
	return !ok
}

func findName(list []seenName, hash uint64) (int, bool) {
	return slices.BinarySearchFunc(list, hash, func(n seenName, h uint64) int { return cmp.Compare(n.hash, h) })
}

// unconfirmed counts the messages that only events have told so far.
func (s *seen) unconfirmed() (n int) {
	for i := range s.dialogs {
		for j := range s.dialogs[i].messages {
			if m := &s.dialogs[i].messages[j]; m.told && !m.confirmed {
				n++
			}
		}
	}
	return n
}

// addFact adds a fact; false when it is known.
func (s *seen) addFact(hash uint64) bool {
	i, ok := slices.BinarySearch(s.facts, hash)
	if !ok {
		s.facts = slices.Insert(s.facts, i, hash)
	}
	return !ok
}
