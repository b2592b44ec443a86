package exporter

import (
	"encoding/json"
	"errors"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// partsOf are the items that the parts of a slice are, in their order; nil where none
// of them was too large.
func partsOf(l *archive.Listing, byFile map[string]*checkpoint.Item) (parts []*checkpoint.Item) {
	waits := false
	for _, p := range l.Parts {
		parts = append(parts, byFile[p.File])
	}
	if len(parts) == 0 {
		parts = append(parts, byFile[l.File])
	}
	for _, i := range parts {
		waits = waits || i != nil && i.State == checkpoint.ItemTooLarge
	}
	if !waits {
		return nil
	}
	return parts
}

// partLines are the parts of a slice as its bundle's format made them.
func (a *recut) partLines(b *checkpoint.Bundle, l *checkpoint.Line) (parts []archive.Slice, err error) {
	shape, err := a.frozenShape(b)
	if err != nil {
		return nil, err
	}
	format, ok := shape.Format.(archive.Splitter)
	if !ok {
		return nil, errors.New("what is too large is in a format that has no parts")
	}
	line, err := a.packer.unpack(nil, l.Frame)
	if err != nil {
		return nil, err
	}
	err = format.Parts(line, func(part []byte) error {
		s, err := archive.ParseLine(part)
		parts = append(parts, s)
		return err
	})
	return parts, err
}

// frozenShape is what the files of a bundle are.
func (w *worker) frozenShape(b *checkpoint.Bundle) (archive.Shape, error) {
	var head frozenHead
	if err := json.Unmarshal(b.Head, &head); err != nil {
		return archive.Shape{}, err
	}
	return w.shape(&head)
}

// markLate marks what is older than an entry that the destination has by now.
func markLate(s *archive.Slice, newest int64) {
	for i := range s.Messages {
		if m := &s.Messages[i]; m.Amends == 0 && m.SentAt < newest {
			m.Late = true
		}
	}
	for i := range s.Happened {
		if e := &s.Happened[i]; e.At < newest {
			e.Late = true
		}
	}
}
