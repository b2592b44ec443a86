package exporter

import (
	"context"
	"encoding/binary"
	"math"
	"slices"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// What a destination is not given that withholds private messages follows from the
// audiences of a conversation's messages and from its cuts: each that withheld
// something is noted, so that what was withheld is due as soon as it may be given.

// withheld is what a destination was not given of a conversation because it
// withholds private messages, as the checkpoint keeps it.
type withheld struct {
	cuts  []int    // revisions under which something was withheld, ascending
	files []uint64 // hashes of the names of files that were, as their messages were
}

func decodeWithheld(b []byte) (w withheld) {
	r := seenReader{src: b}
	if len(b) == 0 {
		return w
	}
	for range r.count(1) {
		w.cuts = append(w.cuts, int(r.uvarint()))
	}
	for range r.count(8) {
		w.files = append(w.files, r.uint64())
	}
	return w
}

func (w *withheld) encode() []byte {
	if len(w.cuts)+len(w.files) == 0 {
		return []byte{}
	}
	dst := binary.AppendUvarint(nil, uint64(len(w.cuts)))
	for _, r := range w.cuts {
		dst = binary.AppendUvarint(dst, uint64(r))
	}
	dst = binary.AppendUvarint(dst, uint64(len(w.files)))
	for _, f := range w.files {
		dst = binary.LittleEndian.AppendUint64(dst, f)
	}
	return dst
}

// cut notes a cut under a revision, which withheld something, or gave all.
func (w *withheld) cut(revision int, something bool) {
	w.cuts = slices.DeleteFunc(w.cuts, func(r int) bool { return r == revision })
	if something {
		w.cuts = append(w.cuts, revision)
	}
}

// keeps reports whether the destination is not to be given a version now.
func (d *debt) keeps(v version) bool { return d.withholds && v.withheldAt(math.MaxInt) }

// wasWithheld reports whether an earlier cut withheld what a message was then.
func (d *debt) wasWithheld(m *seenMessage) bool {
	return slices.ContainsFunc(d.before.cuts, func(r int) bool {
		v, captured := m.asOf(r)
		return captured && v.revision > d.given.Floor && v.withheldAt(r)
	})
}

// lacksName reports whether earlier cuts withheld a message without a sequence.
func (d *debt) lacksName(n seenName) bool {
	return n.agents && n.revision > d.given.Floor &&
		slices.ContainsFunc(d.before.cuts, func(r int) bool { return r >= n.revision }) &&
		!slices.ContainsFunc(d.revisions, func(r int) bool { return r >= n.revision && !slices.Contains(d.before.cuts, r) })
}

// withholding gathers what a slicer withholds.
type withholding struct {
	private, unsaid int             // messages
	exposed         int             // of the private ones: newly so, and the destination has been given them before
	any             bool            // something was withheld, or would be
	hidden, open    map[string]bool // paths of files of messages that are withheld, and of others
	files           []uint64
}

// withhold takes note of a message that is due and withheld.
func (s *slicer) withhold(m *offered, k *seenMessage) {
	w := &s.kept
	if m.SentAt != 0 && m.SentAt < s.fromAt {
		return
	}
	for i := range m.Files {
		if w.hidden == nil {
			w.hidden = map[string]bool{}
		}
		w.hidden[m.Files[i].Path] = true
	}
	w.any = true
	has, had := s.debt.has(k, s.debt.heldDialog(m.Dialog))
	switch {
	case had && has.is(k.present()): // from when the destination did not withhold
	case k.agents:
		if w.private++; had && int(k.revision) > s.debt.given.Revision {
			w.exposed++
		}
	default:
		w.unsaid++
	}
}

// show takes note of the files of a message that is not withheld.
func (s *slicer) show(m *archive.Message) {
	if !s.debt.withholds || len(m.Files) == 0 || m.Audience == "agents" || m.Assumed {
		return
	}
	if s.kept.open == nil {
		s.kept.open = map[string]bool{}
	}
	for i := range m.Files {
		s.kept.open[m.Files[i].Path] = true
	}
}

// withholdFiles takes out files whose messages are withheld. One of which nobody
// knows which message's it is may be one of those.
func (s *slicer) withholdFiles() {
	w := &s.kept
	if len(w.hidden) == 0 {
		return
	}
	s.happened = slices.DeleteFunc(s.happened, func(h archive.Happening) bool {
		if h.Kind != archive.Filed || h.File.Path != "" && (!w.hidden[h.File.Path] || w.open[h.File.Path]) {
			return false
		}
		w.files = append(w.files, hash64([]byte(h.Name)))
		return true
	})
}

// anyWithheld reports whether there is anything that a destination withholds that
// withholds private messages.
func (s *seen) anyWithheld() bool {
	if s.unheard > 0 {
		return true // for all that is known
	}
	for i := range s.dialogs {
		d := &s.dialogs[i]
		for j := range d.messages {
			if v := d.messages[j].present(); v.withheldAt(math.MaxInt) {
				return true
			}
		}
		if slices.ContainsFunc(d.derived, func(n seenName) bool { return n.agents }) {
			return true
		}
	}
	return false
}

// withheld notes what a slicer has withheld.
func (b *cutBundle) withheld(s *slicer, given *checkpoint.Given) {
	w := decodeWithheld(given.Withheld)
	again := given.Revision == s.debt.given.Revision && !slices.Contains(w.cuts, given.Revision)
	w.cut(given.Revision, s.kept.any && !again) // what that revision has brought before stays given
	w.files = s.kept.files
	given.Withheld = w.encode()
	b.report.Withheld += max(s.kept.private-given.Private, 0)
	given.Private, given.Unsaid = s.kept.private, s.kept.unsaid
	if s.kept.exposed > 0 && b.dry == nil {
		b.Log.Warn("messages that turned out to be private had been delivered as public: they cannot be taken back",
			"destination", b.dest.Name, "conversation_id", s.known.SourceID, "messages", s.kept.exposed)
	}
}

// releaseWithheld makes due what was withheld before, where nothing is any more.
func (w *worker) releaseWithheld(ctx context.Context) error {
	if w.dest.Withhold {
		return nil
	}
	return w.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		n, err := tx.MakeWithheldDue(w.row.ID, w.millis())
		if n > 0 {
			w.Log.Info("messages that were withheld are delivered now", "destination", w.dest.Name, "conversations", n)
		}
		return err
	})
}
