package exporter

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/exporter/identity"
	"lpexport/liveperson"
)

// Bounds of one slice. The second is far below the 20 MB that a slice may have,
// so that one is never a burden to memory.
const (
	sliceMessages = 2000
	sliceBytes    = 4 << 20
)

// item is one message that is due: what its place among the others follows from,
// and where it lies. There may be 200,000 of them, so it is kept small.
type item struct {
	at, seq         int64
	dialog          int32 // in slicer.dialogs
	variant, amends int32
	kept            int32 // in slicer.messages; -1 when it is read again from its place
	assumed         bool  // nobody has said for whom it is
	place           place
}

// slicer turns what is due of one conversation into slices.
type slicer struct {
	*Exporter
	norm     *normaliser
	account  string
	fromAt   int64
	known    checkpoint.Conversation
	debt     *debt
	header   header
	items    []item
	dialogs  []string
	messages []archive.Message
	happened []archive.Happening
	unknown  []*identity.UnknownAgentError // who took part and has no address
	keep     bool                          // messages in memory
	turn     *largeTurn
	kept     withholding
}

// keepMessages is how many messages of a conversation are kept between finding
// and writing them; more are read twice.
const keepMessages = sliceMessages

// collect finds everything that is due in the stored revisions, in the newest
// record first, since that is where nearly all of it is.
func (s *slicer) collect(ctx context.Context) error {
	s.keep = s.debt.count <= keepMessages
	s.items = make([]item, 0, s.debt.count)
	if s.known.Recorded == 0 {
		s.header = s.norm.liveHeader(&s.known, &s.debt.seen.live)
	} else if err := s.scanRevision(ctx, s.known.Recorded, true); err != nil {
		return err
	}
	s.addReopened()
	left := map[int]bool{}
	s.debt.missing(left)
	for len(left) > 0 {
		newest := 0
		for r := range left {
			newest = max(newest, r)
		}
		if err := s.scanRevision(ctx, newest, false); err != nil {
			return err
		}
		clear(left)
		s.debt.missing(left)
		if left[newest] {
			return fmt.Errorf("conversation %s: revision %d lacks entries that were captured with it", s.known.SourceID, newest)
		}
	}
	s.unknown = append(s.unknown, s.header.unknownAgents...)
	s.kept.private += s.debt.nameless
	s.kept.any = s.kept.any || s.debt.nameless > 0
	s.withholdFiles()
	s.amendLater()
	slices.SortFunc(s.items, s.compare)
	slices.SortFunc(s.happened, compareHappenings)
	s.debt.seen = nil // of a long conversation it is as big as the items
	return nil
}

// amendLater gives amendments a place behind what they amend, also where a record
// has an earlier time for a message than the event that told it.
func (s *slicer) amendLater() {
	type name struct {
		seq             int64
		dialog, variant int32
	}
	first := map[name]int64{}
	for i := range s.items {
		if m := &s.items[i]; m.amends != 0 {
			first[name{m.seq, m.dialog, m.variant}] = 0
		}
	}
	if len(first) == 0 {
		return
	}
	for i := range s.items {
		m := &s.items[i]
		if _, amended := first[name{m.seq, m.dialog, m.variant}]; amended && m.amends == 0 {
			first[name{m.seq, m.dialog, m.variant}] = m.at
		}
	}
	for i := range s.items {
		if m := &s.items[i]; m.amends != 0 {
			m.at = max(m.at, first[name{m.seq, m.dialog, m.variant}])
		}
	}
}

// compare orders items by (sent at, dialog, sequence), and what they leave open
// by variant, by what amends what, and by where they lie.
func (s *slicer) compare(a, b item) int {
	if c := cmp.Compare(a.at, b.at); c != 0 {
		return c
	}
	if a.dialog != b.dialog {
		return cmp.Compare(s.dialogs[a.dialog], s.dialogs[b.dialog])
	}
	if a.kept >= 0 && b.kept >= 0 {
		if c := cmp.Compare(s.messages[a.kept].Derived, s.messages[b.kept].Derived); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.variant, b.variant), cmp.Compare(a.amends, b.amends), a.place.compare(b.place))
}

// dialogIndex is a dialog's number among the slicer's.
func (s *slicer) dialogIndex(id string) int32 {
	i := slices.Index(s.dialogs, id)
	if i < 0 {
		i = len(s.dialogs)
		s.dialogs = append(s.dialogs, id)
	}
	return int32(i)
}

func (s *slicer) scanRevision(ctx context.Context, revision int, newest bool) error {
	var h header
	defer func() { s.unknown = append(s.unknown, h.unknownAgents...) }()
	return s.scan(ctx, s.known.ID, revision, visit{
		turn: s.turn,
		head: func(r *liveperson.Record) {
			h = s.norm.header(r)
			if newest {
				s.header = h
				s.header.unknownAgents = nil // h's are counted with it
				s.norm.addPresent(&s.header, &s.debt.seen.live)
			}
			list := s.norm.happenings(&h, r)
			s.offerHappened(list, h.formerly, revision)
		},
		message: func(p place, v liveperson.Value) {
			read := liveperson.ReadMessage(v)
			m, before := s.norm.messageAs(&h, read)
			s.offer(&offered{m, before, senderHash(read.Participant), p})
		},
		happened: func(list []archive.Happening) { s.offerHappened(list, nil, revision) },
		change: func(p place, v liveperson.Value) {
			if m, before, ok := s.norm.toldMessageAs(&s.header, s.known.SourceID, v); ok {
				s.offer(&offered{m, before, 0, p})
			}
		},
	})
}

// offerHappened takes what happened if it is due: under its name, or in the revision
// that brought it under its former one. formerly has the latter; nil: they are the same.
func (s *slicer) offerHappened(list []archive.Happening, formerly map[string]string, revision int) {
	d := s.debt
	for _, e := range list {
		key, before := hash64([]byte(e.Name)), uint64(0)
		if name, renamed := formerly[e.Name]; renamed {
			before = hash64([]byte(name))
		}
		if d.claim(d.names, d.seen.happened, d.held.happened, key, before, revision) && !d.heldTold.meet(d.seen.live.when(&e)) {
			s.addHappening(e)
		}
	}
}

// offered is a stored message, with what it is known by besides what it says.
type offered struct {
	archive.Message
	before *former // nil: the same
	sender uint32  // senderHash; 0 of an event
	place  place
}

// offer takes a stored message if one of its versions is due.
func (s *slicer) offer(m *offered) {
	s.show(&m.Message)
	dialog := s.debt.seen.find(m.Dialog)
	if dialog == nil {
		return
	}
	if m.Derived != "" {
		key, before := hash64([]byte(m.Derived)), uint64(0)
		if m.before != nil {
			before = m.before.derived
		}
		if s.debt.claim(s.debt.derived, dialog.derived, s.debt.heldDialog(m.Dialog).derived, key, before, int(m.place.revision)) {
			s.take(m, 0, 0)
		}
		return
	}
	from, to := dialog.group(m.Sequence)
	if from == to || !anyWanted(dialog.messages[from:to]) {
		return
	}
	if k := &dialog.messages[from]; to == from+1 && k.rare == nil && int32(k.revision) == m.place.revision && k.touched&(wantOther|wantWithheld) == 0 {
		// The only message of that name in the revision that brought it: no need to compare.
		if k.touched == wantCurrent {
			s.amend(m, k)
		} else {
			s.take(m, int(k.variant), 0)
		}
		k.touched = 0
		return
	}
	group := dialog.messages[from:to]
	says := func(v version) bool { return m.says(v, s.debt.seen.unheard) }
	if m.before != nil && !slices.ContainsFunc(group, func(k seenMessage) bool { return says(k.present()) || slices.ContainsFunc(k.versions(), says) }) {
		says = m.saidBefore
	}
	_ = s.offerTo(group, m, func(v version) bool { return v.sender == m.sender && says(v) }) ||
		s.offerTo(group, m, func(v version) bool { return v.sender == 0 && says(v) })
}

// offerTo takes a message for the first version of a group that is due and says it.
func (s *slicer) offerTo(group []seenMessage, m *offered, says func(version) bool) bool {
	for i := range group {
		k := &group[i]
		switch {
		case k.touched&wantWithheld != 0 && says(k.present()):
			k.touched &^= wantWithheld
			s.withhold(m, k)
			return true
		case k.touched&wantFirst != 0 && says(s.debt.first(k)):
			k.touched &^= wantFirst
			m.Assumed = m.Assumed && s.debt.first(k).known == 0
			s.take(m, int(k.variant), 0)
			return true
		case k.touched&wantCurrent != 0 && says(k.present()):
			k.touched &^= wantCurrent
			s.amend(m, k)
			return true
		case k.touched&wantOther != 0 && says(k.present()):
			k.touched &^= wantOther
			if s.debt.other(m, k) && !s.holdsBefore(m, k) {
				s.take(m, int(k.variant), s.debt.amends(m.Dialog, k))
			}
			return true
		}
	}
	return false
}

func (s *slicer) amend(m *offered, k *seenMessage) {
	if !s.holdsBefore(m, k) {
		s.take(m, int(k.variant), s.debt.amends(m.Dialog, k))
	}
}

// holdsBefore reports whether the destination's archive, which was recovered from,
// has the message as an earlier version of this program wrote it.
func (s *slicer) holdsBefore(m *offered, k *seenMessage) bool {
	if m.before == nil {
		return false
	}
	dialog := s.debt.heldDialog(m.Dialog)
	held, ok := dialog.version(k)
	has, _ := s.debt.has(k, dialog)
	return ok && has.hash == held.hash && m.before.knew(held)
}

// says reports whether a message is that version. For whom it was that revisions up to
// unheard brought is not known.
func (m *offered) says(v version, unheard int) bool {
	if v.told {
		return m.WordsHash() == v.hash && (v.revision <= unheard || v.agents == (m.Audience == "agents"))
	}
	return m.ContentHash() == v.hash
}

// saidBefore reports whether it is the version that its own revision brought, by
// what an earlier version of this program knew it by.
func (m *offered) saidBefore(v version) bool {
	return v.revision == int(m.place.revision) && m.before.knew(v)
}

func anyWanted(messages []seenMessage) bool {
	for i := range messages {
		if messages[i].touched != 0 {
			return true
		}
	}
	return false
}

func (s *slicer) take(m *offered, variant, amends int) {
	if m.SentAt != 0 && m.SentAt < s.fromAt {
		return
	}
	i := item{at: m.SentAt, seq: m.Sequence, dialog: s.dialogIndex(m.Dialog), variant: int32(variant), amends: int32(amends), kept: -1, assumed: m.Assumed, place: m.place}
	if s.keep {
		i.kept = int32(len(s.messages))
		s.messages = append(s.messages, m.Message)
	}
	s.items = append(s.items, i)
}

func (s *slicer) addHappening(e archive.Happening) {
	if e.At < s.fromAt && e.At != 0 { // without a time it is taken, as a message is
		return
	}
	e.Late = e.At < s.debt.given.NewestAt
	s.happened = append(s.happened, e)
}

// addReopened adds what no record holds.
func (s *slicer) addReopened() {
	for _, r := range s.debt.seen.reopened {
		if r.revision <= s.debt.given.Revision {
			continue
		}
		e := reopening(s.known.SourceID, r.at)
		if _, held := findName(s.debt.held.happened, hash64([]byte(e.Name))); !held {
			s.addHappening(e)
		}
	}
}

// each calls with one slice after the other. A slice belongs to the callee
// until it returns.
func (s *slicer) each(ctx context.Context, with func(*archive.Slice) error) error {
	reader := &partReader{Exporter: s.Exporter, conversation: s.known.ID, turn: s.turn}
	out := s.begin(1)
	size := 0
	for i := range s.items {
		m, err := s.message(ctx, reader, &s.items[i])
		if err != nil {
			return err
		}
		weight, next := messageWeight(&m), 1
		if s.amended(i) {
			weight, next = 2*weight, 2 // what amends it comes in the same slice
		}
		if n := len(out.Messages); n > 0 && !s.amendsLast(i) && (n+next > sliceMessages || size+weight > sliceBytes) {
			s.happenUntil(out, m.SentAt)
			if err := with(out); err != nil {
				return err
			}
			messages := out.Messages[:0]
			out, size = s.begin(out.Number-s.debt.given.Slices+1), 0
			out.Messages = messages
		}
		out.Messages = append(out.Messages, m)
		size += messageWeight(&m)
	}
	s.happenUntil(out, 1<<62)
	if len(out.Messages)+len(out.Happened) == 0 {
		return nil
	}
	return with(out)
}

// amendsLast reports whether this item amends the one before it.
func (s *slicer) amendsLast(i int) bool { return i > 0 && s.amended(i-1) }

// amended reports whether the next item amends this one.
func (s *slicer) amended(i int) bool {
	if i+1 >= len(s.items) {
		return false
	}
	a, b := &s.items[i], &s.items[i+1]
	return a.amends == 0 && b.amends != 0 && a.seq == b.seq && a.dialog == b.dialog && a.variant == b.variant
}

func (s *slicer) message(ctx context.Context, r *partReader, i *item) (archive.Message, error) {
	var m archive.Message
	if i.kept >= 0 {
		m = s.messages[i.kept]
	} else {
		v, told, err := r.message(ctx, i.place)
		if err != nil {
			return m, err
		}
		if told {
			m, _ = s.norm.toldMessage(&s.header, s.known.SourceID, v)
			m.Assumed = i.assumed
		} else {
			m = s.norm.message(&s.header, liveperson.ReadMessage(v))
		}
	}
	m.Variant, m.Amends = int(i.variant), int(i.amends)
	m.Late = m.Amends == 0 && m.SentAt < s.debt.given.NewestAt
	return m, nil
}

// happenUntil moves what happened before a time into the slice.
func (s *slicer) happenUntil(out *archive.Slice, at int64) {
	n := 0
	for n < len(s.happened) && s.happened[n].At < at {
		n++
	}
	out.Happened, s.happened = s.happened[:n:n], s.happened[n:]
}

// begin is an empty slice, the nth of this cut.
func (s *slicer) begin(n int) *archive.Slice {
	return s.header.slice(s.account, s.known.SourceID, s.debt.given.Slices+n, s.known.Revision)
}

// slice is an empty slice with all that is known of the conversation.
func (h *header) slice(account, conversation string, number, revision int) *archive.Slice {
	return &archive.Slice{
		Account: account, Brand: h.foreign(account), Conversation: conversation, Number: number, Revision: revision,
		StartedAt: h.startedAt, EndedAt: h.closedAt, Status: h.status, CloseReason: h.closeReason, Partial: h.partial,
		Skill: h.skill, Skills: h.skills, Participants: h.participants,
	}
}

// foreign is the account that a conversation belongs to, "" where it is this one.
func (h *header) foreign(account string) string {
	if h.brand == account {
		return ""
	}
	return h.brand
}

// messageWeight is about what a message takes in a slice.
func messageWeight(m *archive.Message) int {
	return len(m.Text) + len(m.Content) + len(m.Received)/3*4 + 300
}
