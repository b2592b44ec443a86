package exporter

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

const (
	aloneLimit = 4 << 20 // of a record fetched alone; above it comes in sections
	partSize   = 1 << 20 // of a stored part of a section
	smallLimit = 8 << 20 // of all sections together that are kept in memory while the others stream
)

// inSections captures a conversation whose record is too big even alone.
func (l *lookup) inSections(ctx context.Context, id string) error {
	asked, events, err := l.cp.Changes(ctx)
	if err != nil {
		return err
	}
	h := &huge{capture: l.capture, id: id, asked: asked, events: events}
	return h.fetch(ctx)
}

// huge is a conversation whose record is too big to be held: its sections are
// fetched one after the other and stored in parts. Nobody sees them until the
// last transaction; what an interrupted run left is removed by the next.
type huge struct {
	*capture
	id     string
	asked  int64 // the checkpoint's changes when its first section was asked for
	events bool  // the account has events
	known  checkpoint.Conversation
	record liveperson.Record
	head   captured
	merge  *merger
	about  numbered // the messages that statuses are about, by the dialogs that these name
	part   int      // the next one's number
	buffer []byte   // of the part being filled: a JSON list
	small  int      // bytes kept in memory
	counts Counts
}

// streamed sections are stored as they come; of messageRecords every element is
// read on its way. The others are small and are needed to read a message.
var streamed = map[string]bool{"messageRecords": true, "messageStatuses": true, "messageScores": true}

func (h *huge) fetch(ctx context.Context) error {
	if in, err := h.begin(ctx); err != nil || !in {
		return err
	}
	// Messages come last: an agent who joins in between is in the list of
	// participants too late, but no message is missed that the status covers.
	for _, section := range []string{"messageStatuses", "messageScores", "messageRecords"} {
		if err := h.stream(ctx, section); err != nil {
			return err
		}
	}
	return h.finish(ctx)
}

// begin fetches the small sections and makes room for the parts.
func (h *huge) begin(ctx context.Context) (in bool, err error) {
	h.counts.Excluded = map[string]int64{}
	small := map[string][]byte{}
	for _, section := range append([]string{"info"}, liveperson.Sections...) {
		if streamed[section] {
			continue
		}
		if small[section], err = h.section(ctx, section); err != nil {
			return false, err
		}
		h.record.Add(section, small[section])
	}
	if h.record.Info.ID() != h.id {
		return false, faulty(h.id, errOther)
	}
	h.head = captured{header: h.norm.header(&h.record)}
	h.norm.captureRest(&h.head, &h.record, h.events)
	h.head.sha256, h.head.alone = sha256.Sum256(small["info"]), true
	err = h.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		if in, err = h.open(ctx, tx, small); err != nil {
			return err
		}
		return tx.AddCounts(h.counts.counters())
	})
	h.count(&h.counts)
	h.counts = Counts{Excluded: map[string]int64{}}
	return in, err
}

// section reads one small section: the object, or a list of its elements.
func (h *huge) section(ctx context.Context, section string) (value []byte, err error) {
	list := false
	_, err = h.Source.Section(ctx, h.id, section, func() { value, list = nil, false }, func(e []byte) error {
		if h.small+len(value)+len(e) > smallLimit {
			return &liveperson.APIError{Op: "get section " + section, Err: liveperson.ErrTooLarge}
		}
		if len(value) > 0 {
			value = append(value, ',')
		}
		value = append(value, e...)
		list = list || !objectSections[section]
		return nil
	})
	if list {
		value = append(append([]byte{'['}, value...), ']')
	}
	h.small += len(value)
	return value, err
}

// objectSections are one object, not a list.
var objectSections = map[string]bool{"info": true, "campaign": true, "coBrowseSessions": true, "summary": true, "sdes": true, "unAuthSdes": true,
	"monitoring": true, "responseTime": true, "latestAgentSurvey": true}

func (h *huge) open(ctx context.Context, tx *checkpoint.Tx, small map[string][]byte) (in bool, err error) {
	if h.known, err = tx.Conversation(h.id); err != nil {
		return false, err
	}
	if h.known.Changed > h.asked {
		return false, faulty(h.id, errOvertaken)
	}
	if h.known.Revision == 0 {
		if in, err := h.choose(tx, &h.head, &h.known, &h.counts, h.millis()); err != nil || !in {
			return false, err
		}
	}
	if h.known.ID == 0 {
		h.known.Seen = []byte{} // and no status: nothing is known yet to compare with
		if err := tx.PutConversation(&h.known); err != nil {
			return false, err
		}
	}
	if err := tx.DropPartsAfter(h.known.ID, h.known.Revision); err != nil {
		return false, err
	}
	s, err := decodeSeen(h.known.Seen, h.id)
	if err != nil {
		return false, fmt.Errorf("conversation %s: %w", h.id, err)
	}
	if h.merge, err = newMerger(tx, s, &h.known, h.held); err != nil {
		return false, err
	}
	h.merge.past = h.past(ctx, &h.known)
	for _, section := range append([]string{"info"}, liveperson.Sections...) {
		if len(small[section]) == 0 {
			continue
		}
		if err := h.putPart(tx, section, small[section]); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (h *huge) putPart(tx *checkpoint.Tx, section string, raw []byte) error {
	h.part++
	h.head.bytes += int64(len(raw))
	return tx.PutPart(h.known.ID, h.merge.revision, h.part-1, h.packer.part(section, raw), h.millis())
}

// stream stores one section in parts. An attempt that fails leaves parts
// behind; they are overwritten by the next one's under the same numbers.
func (h *huge) stream(ctx context.Context, section string) error {
	first, restart := h.part, false
	_, err := h.Source.Section(ctx, h.id, section, func() { restart = true; h.forget(section) }, func(e []byte) error {
		turn := &largeTurn{Exporter: h.Exporter}
		if err := turn.take(ctx, len(e)); err != nil {
			return err
		}
		defer turn.end()
		if restart {
			restart = false
			if err := h.dropFrom(ctx, first); err != nil {
				return err
			}
		}
		switch section {
		case "messageRecords":
			h.message(e)
		case "messageStatuses":
			if dialog, n, ok := liveperson.ReadStatus(e); ok {
				h.about.add(dialog.ID(), n)
			}
		}
		if len(h.buffer)+len(e) > partSize {
			if err := h.flush(ctx, section); err != nil {
				return err
			}
		}
		if len(h.buffer) == 0 {
			h.buffer = append(h.buffer, '[')
		} else {
			h.buffer = append(h.buffer, ',')
		}
		h.buffer = append(h.buffer, e...)
		if turn.held {
			return h.flush(ctx, section)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.flush(ctx, section)
}

// forget makes what an attempt gave void.
func (h *huge) forget(section string) {
	h.buffer = h.buffer[:0]
	switch section {
	case "messageRecords":
		h.about.derived = 0
	case "messageStatuses":
		h.about.reset()
	}
}

func (h *huge) message(e []byte) {
	c := captured{header: h.head.header}
	h.norm.captureMessage(&c, e, h.events)
	h.head.unknown = append(h.head.unknown, c.unknown...)
	h.head.files = append(h.head.files, c.files...)
	if c.reason != "" {
		h.head.reason = c.reason
	}
	for _, m := range c.messages {
		h.merge.add(m)
		if m.derived != 0 {
			h.about.derived++
		}
	}
}

func (h *huge) dropFrom(ctx context.Context, part int) error {
	if h.part == part {
		return nil
	}
	h.part = part
	return h.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.DropParts(h.known.ID, h.merge.revision, part) })
}

func (h *huge) flush(ctx context.Context, section string) error {
	if len(h.buffer) == 0 {
		return nil
	}
	h.buffer = append(h.buffer, ']')
	err := h.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		// Noted with their part, since there may be as many files as messages.
		if err := wantFiles(tx, h.known.ID, h.head.files, h.millis()); err != nil {
			return err
		}
		return h.putPart(tx, section, h.buffer)
	})
	h.head.files = h.head.files[:0]
	h.buffer = keep(h.buffer)
	h.Step("part stored")
	return err
}

// errOvertaken means that another process captured the conversation meanwhile.
var errOvertaken = errors.New("another process captured the conversation at the same time")

// quarantine keeps what tells which conversation it is. The rest is too big to
// be kept twice, and is fetched again with the next run.
func (h *huge) quarantine(tx *checkpoint.Tx) error {
	info := h.record.Info.Value
	h.counts.Quarantined++
	h.waiting = true
	if err := h.unreadable(tx, h.id, h.millis()); err != nil {
		return err
	}
	if err := tx.Quarantine(checkpoint.Quarantined{Kind: "record", SourceID: h.id, Reason: h.head.reason,
		Bytes: int64(len(info)), SHA256: h.head.sha256[:], Frame: h.packer.pack(info)}, h.millis()); err != nil {
		return err
	}
	return tx.DropPartsAfter(h.known.ID, h.known.Revision)
}

// finish makes the parts a revision, or drops them when they hold nothing new.
func (h *huge) finish(ctx context.Context) error {
	h.merge.settle()
	h.head.beyond = h.about.unknown(h.merge.seen)
	due := false
	err := h.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		now, err := tx.Conversation(h.id)
		if err != nil {
			return err
		}
		if h.head.reason != "" {
			return h.quarantine(tx)
		}
		if now.Changed != h.known.Changed || now.Revision != h.known.Revision || h.merge.blind {
			return faulty(h.id, errOvertaken)
		}
		if h.events {
			if err := nameDialogs(tx, &h.head); err != nil {
				return err
			}
		}
		h.counts.Read, h.counts.Bytes = 1, h.head.bytes
		if h.merge.finish(&h.head, &h.known); h.merge.err != nil {
			return h.merge.err
		}
		if err := h.merge.settleHeard(tx, &h.known); err != nil {
			return err
		}
		due, err = h.storeMerged(tx, h.merge, &h.head, &h.known, func() error { return nil }, &h.counts)
		if err != nil {
			return err
		}
		if err := errors.Join(h.counts.addDays(tx), tx.AddCounts(h.counts.counters())); err != nil {
			return err
		}
		return tx.DropPartsAfter(h.known.ID, h.known.Revision)
	})
	if err != nil {
		return err
	}
	h.count(&h.counts)
	if due {
		h.stored()
	}
	return nil
}
