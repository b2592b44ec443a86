package exporter

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// capture is the capturing half of one run.
type capture struct {
	*Exporter
	norm     *normaliser
	chosen   selection
	held     bool       // some destination was recovered: revisions go on from the archive's
	drafting bool       // most of what comes is likely to be new
	timely   bool       // what is new has been written since the cycle before, or comes late
	events   *Events    // to judge those in quarantine; nil: they are not tried
	waiting  bool       // something is in quarantine that a capture may resolve; touched in transactions only
	stored   func()     // called after each page that made anything due
	room     *room      // for pages in memory
	big      sync.Mutex // held while a big record is fetched
	mu       sync.Mutex
	expected int64 // conversations that are to be read; 0: not known
	done     int64 // of them
	counts   Counts
	why      error // what was lacking first; nil: nothing was
}

// lack notes why not all was captured.
func (c *capture) lack(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.why = cmp.Or(c.why, why)
}

// lacking is why not all was captured, in one line; "" where all was.
func (c *capture) lacking() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, _, _ := strings.Cut(textOf(c.why), "\n") // of several that were joined
	return oneLine(first, causeLimit)
}

// Counts is what a run captured.
type Counts struct {
	Conversations int64            // new or changed ones
	Messages      int64            // new ones
	Revisions     int64            // records that differ from the one before
	Read          int64            // records looked at
	Bytes         int64            // of JSON received
	Excluded      map[string]int64 // by reason; not those that were left out before
	Quarantined   int64
	Partial       int64
	Variants      int64
	Unknown       int64            // messages of a type that nobody knows yet
	Lossy         int64            // new messages and happenings that have what UTF-8 cannot hold
	Untimed       int64            // new messages and happenings whose time could not be read
	Foreign       map[string]int64 // new conversations of other accounts, by account

	days     map[int64]checkpoint.Day // new ones, by the day that their conversation began
	lateness lateness
}

// addDay counts what is new of a conversation.
func (n *Counts) addDay(startedAt, conversations, messages int64) {
	if n.days == nil {
		n.days = map[int64]checkpoint.Day{}
	}
	d := n.days[dayOf(startedAt)]
	n.days[dayOf(startedAt)] = checkpoint.Day{Day: dayOf(startedAt), Conversations: d.Conversations + conversations, Messages: d.Messages + messages}
}

func (n *Counts) addDays(tx *checkpoint.Tx) error {
	for _, d := range n.days {
		if err := tx.AddDay(d); err != nil {
			return err
		}
	}
	return nil
}

// dayOf is a time's UTC day, since 1970.
func dayOf(ms int64) int64 { return ms / (24 * time.Hour).Milliseconds() }

// store keeps a page: records, revisions, names and what is due where, in one
// transaction with its place, which finish notes (nil: none).
func (c *capture) store(ctx context.Context, p *page, finish func(*checkpoint.Tx) error) error {
	var n Counts
	n.Excluded = map[string]int64{}
	due := false
	c.Step("page received")
	err := c.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		for i := range p.records {
			made, err := c.storeOne(ctx, tx, p, &p.records[i], &n)
			if err != nil {
				return err
			}
			due = due || made
		}
		for _, o := range p.oversized {
			if err := c.register(tx, o); err != nil {
				return err
			}
		}
		if err := errors.Join(n.addDays(tx), tx.AddCounts(n.counters())); err != nil {
			return err
		}
		c.Step("page in transaction")
		if finish != nil {
			return finish(tx)
		}
		return nil
	})
	c.Step("page stored")
	if err != nil {
		return fmt.Errorf("store page: %w", err)
	}
	c.count(&n)
	if due {
		c.stored()
	}
	return nil
}

// storeOne keeps one record, and tells whether it made anything due.
//
// Between a request and this moment another one may have been stored, here or by
// another process, whose answer is younger. Nothing in two records tells which
// is, so one that differs then is asked for again.
func (c *capture) storeOne(ctx context.Context, tx *checkpoint.Tx, p *page, r *captured, n *Counts) (due bool, err error) {
	now := c.millis()
	n.Read++
	n.Bytes += r.bytes
	r.alone = p.alone
	if r.reason != "" {
		n.Quarantined++
		c.waiting = true
		if err := c.unreadable(tx, r.id, now); err != nil {
			return false, err
		}
		return false, tx.Quarantine(checkpoint.Quarantined{Kind: checkpoint.KindRecord, SourceID: r.id, Reason: r.reason,
			Bytes: r.bytes, SHA256: r.sha256[:], Frame: r.frame}, now)
	}
	if p.events {
		if err := nameDialogs(tx, r); err != nil {
			return false, err
		}
	}
	known, err := tx.Conversation(r.id)
	if err != nil {
		return false, err
	}
	if known.Revision == 0 {
		if in, err := c.choose(tx, r, &known, n, now); err != nil || !in {
			return false, err
		}
	}
	s, err := decodeSeen(known.Seen, r.id)
	if err != nil {
		return false, fmt.Errorf("conversation %s: %w", r.id, err)
	}
	m, err := newMerger(tx, s, &known, c.held)
	if err != nil {
		return false, err
	}
	m.past = c.past(ctx, &known)
	for _, message := range r.messages {
		m.add(message)
	}
	m.settle()
	m.finish(r, &known)
	if m.err != nil {
		return false, m.err
	}
	if err := m.settleHeard(tx, &known); err != nil {
		return false, err
	}
	if m.blind || m.stale || known.Changed > p.asked && (m.differs() || changedState(&known, r)) {
		p.overtaken = append(p.overtaken, r.id)
		return false, tx.SetReread(known.ID, now)
	}
	before, old := known.Revision, known.ID != 0
	parts := func() error {
		if old { // a capture in sections may have been killed half-way
			if err := tx.DropPartsAfter(known.ID, before); err != nil {
				return err
			}
		}
		return tx.PutPart(known.ID, known.Revision, 0, checkpoint.Part{Bytes: r.bytes, SHA256: r.sha256[:], Frame: r.frame}, now)
	}
	if known.Revision == 0 && r.draft != nil && m.plain(r) {
		if err := tx.PutLine(r.draft); err != nil {
			return false, err
		}
		known.Draft = r.draft.ID
	}
	return c.storeMerged(tx, m, r, &known, parts, n)
}

// nameDialogs notes of which conversation dialogs are: an event may name its dialog
// alone.
func nameDialogs(tx *checkpoint.Tx, r *captured) error {
	var named []string
	name := func(dialog string) error {
		if dialog == "" || dialog == r.id || slices.Contains(named, dialog) {
			return nil
		}
		named = append(named, dialog)
		return tx.NameDialog(dialog, r.id)
	}
	for _, d := range r.dialogs {
		if err := name(d.id); err != nil {
			return err
		}
	}
	for i := range r.messages {
		if err := name(r.messages[i].dialog); err != nil {
			return err
		}
	}
	return nil
}

// finish compares everything but the messages. A record is cut short, too, when its
// statuses are about messages that nobody has seen.
func (m *merger) finish(r *captured, known *checkpoint.Conversation) {
	r.partial = r.partial || slices.ContainsFunc(r.beyond, func(n statusName) bool { return !m.seen.knows(n) })
	wasClosed := known.Status == closedStatus
	m.rest(r, wasClosed)
	switch {
	case !wasClosed || r.status == closedStatus || m.reopened:
	case m.messages+m.happened > 0 || r.alone: // a change alone may be what it was before it was closed
		m.reopen(known.ClosedAt)
	default:
		m.stale = true
	}
}

// storeMerged writes what a merger found; parts writes the record's bytes.
func (c *capture) storeMerged(tx *checkpoint.Tx, m *merger, r *captured, known *checkpoint.Conversation, parts func() error, n *Counts) (due bool, err error) {
	now, fresh := c.millis(), int64(0)
	if known.Revision == 0 {
		fresh = 1
	}
	revised := known.Recorded == 0 || m.differs()
	look := c.planLook(known, r, revised, max(known.EntryAt, m.newest), now)
	if c.waiting && look.answered && !look.lost {
		if err := tx.ResolveCaptured(r.id, now); err != nil {
			return false, err
		}
	}
	if !revised && !m.noted && !m.renamed && !changedState(known, r) {
		return false, look.store(c, tx, known, true)
	}
	if revised {
		known.Revision, known.Recorded = m.revision, m.revision
	}
	known.Status, known.StartedAt, known.ClosedAt = r.status, r.startedAt, r.closedAt
	known.SurveyOpen, known.Partial = r.surveyOpen, r.partial
	known.EntryAt, known.RereadAt = max(known.EntryAt, m.newest), look.at
	known.Unconfirmed = m.unconfirmed(known.Unconfirmed, now)
	known.Seen = m.seen.encode(known.Seen[:0], r.id)
	if err := tx.PutConversation(known); err != nil {
		return false, err
	}
	if err := look.store(c, tx, known, false); err != nil {
		return false, err
	}
	if !revised {
		return false, nil
	}
	if err := parts(); err != nil {
		return false, err
	}
	if err := wantFiles(tx, known.ID, r.files, now); err != nil {
		return false, err
	}
	n.Revisions++
	n.Messages += int64(m.messages)
	n.addDay(known.StartedAt, fresh, int64(m.messages))
	n.Variants += int64(m.variants)
	if c.timely && m.messages > 0 && m.changed == 0 {
		n.lateness.observe(time.Duration(now-m.oldest) * time.Millisecond)
	}
	n.Lossy += int64(m.lossy)
	n.Untimed += int64(m.untimed)
	c.noteForeign(r, fresh, n)
	if err := c.noteUnknown(tx, r, n); err != nil {
		return false, err
	}
	if r.partial {
		n.Partial++
	}
	if !m.deliver() {
		if m.heard == 0 {
			return false, nil
		}
		return true, tx.MakeUnsaidDue(known.ID, known.Revision, m.heardAt, now)
	}
	n.Conversations++
	return true, tx.MakeDue(known.ID, known.Revision, m.oldest, now)
}

// changedState tells whether anything but entries changed that decides when a
// conversation is cut or looked at.
func changedState(known *checkpoint.Conversation, r *captured) bool {
	return known.Status != r.status || known.ClosedAt != r.closedAt || known.SurveyOpen != r.surveyOpen || known.Partial != r.partial
}

// Bounds of the intervals at which open conversations are looked at by id.
const (
	longestReread = 24 * time.Hour
	surveyGrace   = 24 * time.Hour // an open survey keeps a closed conversation in the register that long
	silenceShare  = 8              // an eighth of the silence so far
)

// nextLook is when an open conversation is to be looked at by id again, 0 for never.
// The longer it has been silent, the later.
func (c *capture) nextLook(r *captured, newest, now int64) int64 {
	if r.status == closedStatus && (!r.surveyOpen || r.closedAt < now-surveyGrace.Milliseconds()) {
		return 0
	}
	return c.pause(now-newest, now)
}

// choose applies the selection to a conversation that is not captured yet.
func (c *capture) choose(tx *checkpoint.Tx, r *captured, known *checkpoint.Conversation, n *Counts, now int64) (in bool, err error) {
	if c.chosen.all() {
		return true, nil
	}
	if c.chosen.has(r.skillIDs) {
		return true, tx.Include(r.id)
	}
	ids := r.skillIDs
	if ids == nil {
		ids = []string{}
	}
	skills, err := json.Marshal(ids)
	if err != nil {
		return false, err
	}
	if err := leaveOut(tx, known); err != nil {
		return false, err
	}
	first, err := tx.LeaveOut(checkpoint.LeftOut{SourceID: r.id, Skills: string(skills), Reason: reasonSkill, SHA256: r.sha256[:]}, now)
	if first {
		n.Excluded[reasonSkill]++
	}
	return false, err
}

// page is an empty page for the answer to a request that is sent now.
func (c *capture) page(ctx context.Context) (*page, error) {
	asked, events, err := c.cp.Changes(ctx)
	return &page{n: c.norm, packer: c.packer, account: c.Account, drafting: c.drafting, asked: asked, events: events}, err
}

// counters is what operators are shown of n. It is stored with what it counts, so that
// both are there after a kill, or neither is.
func (n *Counts) counters() []checkpoint.Count {
	var t tally
	for brand, k := range n.Foreign {
		t.add(CounterForeign, brand, "", k)
	}
	t.add(CounterLossy, "", "", n.Lossy)
	t.add(CounterUntimed, "", "", n.Untimed)
	for reason, k := range n.Excluded {
		t.add(CounterExcluded, reason, "", k)
	}
	t.add(CounterMessages, "history", "", n.Messages)
	t.add(CounterBytes, "history", "", n.Bytes)
	n.lateness.addTo(&t)
	return t.take()
}

// count adds n to what the run has captured.
func (c *capture) count(n *Counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Conversations += n.Conversations
	c.counts.Messages += n.Messages
	c.counts.Revisions += n.Revisions
	c.counts.Read += n.Read
	c.counts.Bytes += n.Bytes
	c.counts.Quarantined += n.Quarantined
	c.counts.Partial += n.Partial
	c.counts.Variants += n.Variants
	c.counts.Unknown += n.Unknown
	c.counts.Lossy += n.Lossy
	c.counts.Untimed += n.Untimed
	for brand, k := range n.Foreign {
		if c.counts.Foreign == nil {
			c.counts.Foreign = map[string]int64{}
		}
		c.counts.Foreign[brand] += k
	}
	for reason, k := range n.Excluded {
		c.counts.Excluded[reason] += k
	}
}

// advance tells that so many conversations more were read.
func (c *capture) advance(n int) {
	if c.Progress == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += int64(max(n, 0))
	c.Progress(Progress{Conversations: c.done, Expected: c.expected})
}

// foresee counts what is going to be read, in as few requests as there can be, where
// somebody is told of the progress. What cannot be counted is not known: whoever reads
// it finds out why.
func (c *capture) foresee(ctx context.Context, queries []liveperson.Query) {
	if c.Progress == nil {
		return
	}
	total := int64(0)
	for _, q := range queries {
		look, err := (&reading{c: c, query: q}).look(ctx)
		if err != nil || look.Count < 0 {
			return
		}
		total += int64(look.Count)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expected = total
}

// noteUnknown counts messages of types that nobody knows yet, and warns once of
// each type. The messages themselves are delivered like any other.
func (c *capture) noteUnknown(tx *checkpoint.Tx, r *captured, n *Counts) error {
	for _, t := range r.unknown {
		n.Unknown++
		first, err := tx.NoteUnknown(t, c.millis())
		if err != nil {
			return err
		}
		if first {
			c.Log.Warn("message type is not known: its words and its JSON are delivered", "type", t)
		}
	}
	return nil
}
