package exporter

import (
	"bytes"
	"cmp"
	"context"
	"fmt"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// place is where a message lies in a stored revision.
type place struct {
	revision, part, element int32
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.revision, o.revision), cmp.Compare(p.part, o.part), cmp.Compare(p.element, o.element))
}

// Sections of a revision that events made.
const (
	sectionEvent    = "event"    // a notification as it came
	sectionHappened = "happened" // what it was found to tell besides messages
)

// visit is told what a stored revision holds. Values are valid during the call.
type visit struct {
	head     func(*liveperson.Record)          // of a record: once, everything but the messages
	message  func(p place, v liveperson.Value) // of a record, after head, in the order received; nil: they are not read
	change   func(p place, v liveperson.Value) // of an event
	happened func(list []archive.Happening)    // told by events
	turn     *largeTurn                        // taken for a part that is large; nil: within a transaction there is no waiting
}

// scan reads one stored revision. Of a record that was stored in sections only
// one part is in memory at a time.
func (e *Exporter) scan(ctx context.Context, conversation int64, revision int, to visit) error {
	var record liveperson.Record
	var raw []byte
	headed, told := false, false
	n := int32(0) // messages of the part so far
	list := func(part int, v liveperson.Value) {
		if !headed {
			headed = true
			to.head(&record)
		}
		if to.message == nil {
			return
		}
		v.Each(func(m liveperson.Value) bool {
			to.message(place{int32(revision), int32(part), n}, m)
			n++
			return true
		})
	}
	err := e.cp.Parts(ctx, conversation, revision, func(part int, p checkpoint.Part) (err error) {
		if streamed[p.Section] && (p.Section != "messageRecords" || to.message == nil) {
			return nil
		}
		if to.turn != nil {
			if err := to.turn.take(ctx, unpackedLen(p.Frame)); err != nil {
				return err
			}
		}
		if raw, err = e.packer.unpack(keep(raw), p.Frame); err != nil {
			return fmt.Errorf("record of revision %d, part %d: %w", revision, part, err)
		}
		n = 0
		switch p.Section {
		case sectionEvent:
			told = true
			notification, err := liveperson.ReadNotification(raw)
			if err != nil {
				return fmt.Errorf("event of revision %d, part %d: %w", revision, part, err)
			}
			for i, change := range notification.Changes {
				to.change(place{int32(revision), int32(part), int32(i)}, change)
			}
		case sectionHappened:
			told = true
			happened, err := decodeHappened(raw)
			if err != nil {
				return fmt.Errorf("revision %d, part %d: %w", revision, part, err)
			}
			to.happened(happened)
		case "":
			record = liveperson.ReadRecord(raw)
			for _, messages := range record.Messages {
				list(part, messages)
			}
		case "messageRecords":
			list(part, raw)
		default:
			record.Add(p.Section, bytes.Clone(raw))
		}
		return nil
	})
	if err == nil && !headed && !told {
		to.head(&record)
	}
	return err
}

// partReader reads messages again by their place. It keeps the last part, since
// places come nearly in order.
type partReader struct {
	*Exporter
	conversation int64
	turn         *largeTurn
	at           place
	raw          []byte
	told         bool // its elements are changes of an event
	elements     []liveperson.Value
}

// message reads the element at a place; told: it is a change of an event.
func (r *partReader) message(ctx context.Context, p place) (v liveperson.Value, told bool, err error) {
	if r.elements == nil || p.revision != r.at.revision || p.part != r.at.part {
		if err := r.load(ctx, p); err != nil {
			return nil, false, err
		}
	}
	if int(p.element) >= len(r.elements) {
		return nil, false, fmt.Errorf("record of revision %d, part %d: it has no message %d", p.revision, p.part, p.element)
	}
	return r.elements[p.element], r.told, nil
}

func (r *partReader) load(ctx context.Context, p place) error {
	part, found, err := r.cp.Part(ctx, r.conversation, int(p.revision), int(p.part))
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("record of revision %d, part %d: it is gone", p.revision, p.part)
	}
	if err := r.turn.take(ctx, unpackedLen(part.Frame)); err != nil {
		return err
	}
	if r.raw, err = r.packer.unpack(keep(r.raw), part.Frame); err != nil {
		return fmt.Errorf("record of revision %d, part %d: %w", p.revision, p.part, err)
	}
	r.at, r.elements, r.told = p, r.elements[:0], part.Section == sectionEvent
	if r.told {
		notification, err := liveperson.ReadNotification(r.raw)
		r.elements = append(r.elements, notification.Changes...)
		return err
	}
	lists := []liveperson.Value{r.raw}
	if part.Section == "" {
		lists = liveperson.ReadRecord(r.raw).Messages
	}
	for _, l := range lists {
		l.Each(func(v liveperson.Value) bool {
			r.elements = append(r.elements, v)
			return true
		})
	}
	return nil
}
