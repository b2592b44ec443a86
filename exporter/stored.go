package exporter

import (
	"bytes"
	"cmp"
	"context"
	"fmt"

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

// scan reads one stored revision: head is called once, with everything but the
// messages, then each for every message in the order received. Of a record that
// was stored in sections only one part is in memory at a time; v is valid
// during the call only.
func (e *Exporter) scan(ctx context.Context, conversation int64, revision int, head func(*liveperson.Record), each func(p place, v liveperson.Value) error) error {
	var record liveperson.Record
	var raw []byte
	headed := false
	n := int32(0) // messages of the part so far
	list := func(part int, v liveperson.Value) (err error) {
		if !headed {
			headed = true
			head(&record)
		}
		v.Each(func(m liveperson.Value) bool {
			err = each(place{int32(revision), int32(part), n}, m)
			n++
			return err == nil
		})
		return err
	}
	err := e.cp.Parts(ctx, conversation, revision, func(part int, p checkpoint.Part) (err error) {
		if p.Section != "" && p.Section != "messageRecords" && streamed[p.Section] {
			return nil
		}
		if raw, err = e.packer.unpack(raw[:0], p.Frame); err != nil {
			return fmt.Errorf("record of revision %d, part %d: %w", revision, part, err)
		}
		n = 0
		switch p.Section {
		case "":
			record = liveperson.ReadRecord(raw)
			for _, messages := range record.Messages {
				if err := list(part, messages); err != nil {
					return err
				}
			}
		case "messageRecords":
			return list(part, raw)
		default:
			record.Add(p.Section, bytes.Clone(raw))
		}
		return nil
	})
	if err == nil && !headed {
		head(&record)
	}
	return err
}

// partReader reads messages again by their place. It keeps the last part, since
// places come nearly in order.
type partReader struct {
	*Exporter
	conversation int64
	at           place
	raw          []byte
	elements     []liveperson.Value
}

func (r *partReader) message(ctx context.Context, p place) (liveperson.Value, error) {
	if r.elements == nil || p.revision != r.at.revision || p.part != r.at.part {
		if err := r.load(ctx, p); err != nil {
			return nil, err
		}
	}
	if int(p.element) >= len(r.elements) {
		return nil, fmt.Errorf("record of revision %d, part %d: it has no message %d", p.revision, p.part, p.element)
	}
	return r.elements[p.element], nil
}

func (r *partReader) load(ctx context.Context, p place) error {
	part, found, err := r.cp.Part(ctx, r.conversation, int(p.revision), int(p.part))
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("record of revision %d, part %d: it is gone", p.revision, p.part)
	}
	if r.raw, err = r.packer.unpack(r.raw[:0], part.Frame); err != nil {
		return fmt.Errorf("record of revision %d, part %d: %w", p.revision, p.part, err)
	}
	r.at, r.elements = p, r.elements[:0]
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
