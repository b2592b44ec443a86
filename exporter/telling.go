package exporter

import (
	"context"
	"slices"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// telling is one conversation while events are merged into it.
type telling struct {
	*Events
	*merger
	tx       *checkpoint.Tx
	ctx      context.Context
	known    *checkpoint.Conversation
	before   int  // its revision
	half     bool // what is left of a capture in sections lies behind it
	counts   *tally
	days     *Counts // of days only
	files    []checkpoint.HostedFile
	parts    [][]byte // notifications with something new
	happened []archive.Happening
	stated   bool
}

// mostAhead is how much later than it was received an event may claim to have been sent:
// more than any clock is wrong by unnoticed. Beyond, history has to tell.
const mostAhead = 7 * 24 * time.Hour

func (t *telling) take(c *toldChange) error {
	if c.state != nil {
		t.counts.add(CounterChanges, "conversation", "", 1)
		return t.takeState(c)
	}
	h := header{}
	m, before, ok := t.norm.toldMessageAs(&h, t.known.SourceID, c.value)
	if !ok || m.SentAt-c.event.row.ReceivedAt > mostAhead.Milliseconds() {
		return t.wait(c)
	}
	kind := "content"
	if m.Type == "RICH_CONTENT" {
		kind = "rich"
	}
	told := t.tell(&m, before)
	if t.err != nil {
		return t.err
	}
	switch told {
	case tellsNew:
		t.counts.add(CounterChanges, kind, "", 1)
		t.parts = append(t.parts, c.event.raw)
		t.files = appendNamed(t.files, &m)
	case tellsOther:
		c.event.waits = waitsHistory // another event of the same name says something else
	default:
		t.counts.add(CounterChanges, "known", "", 1)
	}
	return nil
}

// wait finds out for what a change waits that cannot be read as a message. If a
// record has a message of its name, for nothing any more.
func (t *telling) wait(c *toldChange) error {
	m := liveperson.ReadMessagingChange(c.value)
	switch m.EventType {
	case liveperson.AcceptStatusEvent, liveperson.ChatStateEvent:
		return nil
	}
	sequence, named := m.Sequence.Int()
	if !named || sequence < 0 || sequence > archive.MaxSequence {
		if m.EventType == liveperson.ContentEvent || m.EventType == liveperson.RichContentEvent {
			return t.waitNameless(c, &m)
		}
		c.event.strange = c.event.unknown
		return nil
	}
	dialog := c.dialog
	if dialog == "" {
		dialog = t.known.SourceID
	}
	if d := t.seen.find(dialog); d != nil {
		from, to := d.group(sequence)
		if slices.ContainsFunc(d.messages[from:to], func(k seenMessage) bool { return !k.told || k.confirmed }) {
			if c.event.row.Waits == "" {
				// It may do something to that message, such as edit it, and not be it.
				c.event.strange = c.event.unknown
			}
			return nil
		}
	}
	c.event.waits = waitsHistory
	if toldType(&m) != "" && m.Time.Millis() != 0 && t.millis()-c.event.row.ReceivedAt < t.resolveWithin.Milliseconds() {
		c.event.waits = waitsSender
	}
	return nil
}

// takeState takes in a state of the conversation. What records have told already
// is told no more.
func (t *telling) takeState(c *toldChange) error {
	before := t.seen.live
	happened := t.norm.turn(&t.seen.live, c.state, t.known.Recorded > 0 || t.merger.held)
	t.stated = t.stated || t.seen.live.updatedAt != before.updatedAt
	if len(happened) == 0 {
		return nil
	}
	recorded, err := t.recorded()
	if err != nil {
		return err
	}
	for _, e := range happened {
		k := lateTold(&e, e.At)
		if e.At == c.state.UpdatedAt {
			k.after = max(before.updatedAt, t.seen.live.startedAt)
		}
		if recorded.meet(k) || !addName(&t.seen.happened, k.name, t.revision) {
			continue
		}
		t.seen.live.told = append(t.seen.live.told, k)
		t.merger.happened++
		t.entry(e.At)
		t.happened = append(t.happened, e)
	}
	t.parts = append(t.parts, c.event.raw)
	return nil
}

// recorded are the happenings that the newest record tells, to be met.
func (t *telling) recorded() (*live, error) {
	l := &live{}
	if t.known.Recorded == 0 {
		return l, nil
	}
	err := t.scan(t.ctx, t.known.ID, t.known.Recorded, visit{
		head: func(r *liveperson.Record) {
			h := t.norm.header(r)
			for _, e := range t.norm.happenings(&h, r) {
				l.told = append(l.told, lateTold(&e, e.At))
			}
		},
	})
	return l, err
}

// store makes a revision of what is new.
func (t *telling) store() (due bool, err error) {
	now, known := t.millis(), t.known
	if !t.deliver() && (!t.stated || known.Revision == 0) {
		return false, nil
	}
	if known.Revision == 0 {
		known.Status = openStatus
	}
	if t.deliver() {
		known.Revision = t.revision
	}
	if t.messages > 0 && known.Unconfirmed == 0 {
		known.Unconfirmed = now
	}
	if known.StartedAt == 0 {
		known.StartedAt = t.seen.live.startedAt
		if known.StartedAt == 0 {
			known.StartedAt = t.oldest
		}
	}
	if known.Recorded == 0 && known.RereadAt == 0 {
		known.RereadAt = now + max(t.Reread, time.Minute).Milliseconds()
	}
	known.EntryAt = max(known.EntryAt, t.newest)
	fresh := int64(0)
	if known.ID == 0 {
		fresh = 1
	}
	known.Seen = t.seen.encode(known.Seen[:0], known.SourceID)
	if err := t.tx.PutTold(known); err != nil || !t.deliver() {
		return false, err
	}
	if err := t.storeParts(now); err != nil {
		return false, err
	}
	if err := wantFiles(t.tx, known.ID, t.files, now); err != nil {
		return false, err
	}
	t.days.addDay(known.StartedAt, fresh, int64(t.messages))
	t.counts.add(CounterMessages, sourceWebhook, "", int64(t.messages))
	t.counts.add(CounterLossy, "", "", int64(t.lossy))
	return true, t.tx.MakeDue(known.ID, known.Revision, t.oldest, now)
}

// storeParts keeps the events as they came, each once.
func (t *telling) storeParts(now int64) error {
	if t.half {
		if err := t.tx.DropPartsAfter(t.known.ID, t.before); err != nil {
			return err
		}
	}
	n := 0
	put := func(section string, raw []byte) error {
		n++
		return t.tx.PutPart(t.known.ID, t.known.Revision, n-1, t.packer.part(section, raw), now)
	}
	last := []byte(nil)
	for _, raw := range t.parts {
		if len(last) > 0 && &raw[0] == &last[0] {
			continue // several changes of one notification
		}
		last = raw
		if err := put(sectionEvent, raw); err != nil {
			return err
		}
	}
	if len(t.happened) == 0 {
		return nil
	}
	raw, err := encodeHappened(t.happened)
	if err != nil {
		return err
	}
	return put(sectionHappened, raw)
}
