package exporter

import (
	"context"
	"testing"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// A message and what amends it come in the same slice, also at its bound.
func TestSliceKeepsAmendmentsWithWhatTheyAmend(t *testing.T) {
	s := &slicer{known: checkpoint.Conversation{SourceID: "c", Revision: 2}, debt: &debt{}, dialogs: []string{"c"}}
	add := func(seq int64, amends int32) {
		s.items = append(s.items, item{seq: seq, amends: amends, kept: int32(len(s.messages))})
		s.messages = append(s.messages, archive.Message{Dialog: "c", Sequence: seq})
	}
	for seq := range int64(2 * sliceMessages) {
		add(seq, 0)
		if seq >= sliceMessages-3 && seq <= sliceMessages+3 {
			add(seq, 1)
		}
	}
	total := 0
	err := s.each(context.Background(), func(out *archive.Slice) error {
		plain := map[int64]bool{}
		for _, m := range out.Messages {
			if m.Amends == 0 {
				plain[m.Sequence] = true
			} else if !plain[m.Sequence] {
				t.Errorf("slice %d amends %d, which another slice has", out.Number, m.Sequence)
			}
		}
		if n := len(out.Messages); n > sliceMessages {
			t.Errorf("slice %d has %d messages", out.Number, n)
		}
		total += len(out.Messages)
		return nil
	})
	if err != nil || total != len(s.items) {
		t.Errorf("%d of %d messages, %v", total, len(s.items), err)
	}
}
