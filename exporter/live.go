package exporter

import (
	"encoding/binary"
	"slices"
	"time"

	"lpexport/archive"
)

// live is what events told of a conversation besides messages: its state after
// the last of them, and what was delivered as having happened, to be recognised
// in the records that come later.
type live struct {
	updatedAt int64 // of the last state; 0: none was told
	startedAt int64
	skill     string
	present   []presence
	told      []toldHappening
}

// presence is somebody who takes part, as events name him.
type presence struct{ id, role string }

// toldHappening is a happening that an event told. Records tell the same one
// under a name of their own: two states of a conversation, one with an agent and
// one without, tell only between which times he came.
type toldHappening struct {
	kind      string
	name      uint64 // hash of its name
	subject   uint64 // hash of what it happened to
	after, at int64  // it happened after the one, and not after the other
	by        uint64 // hash of the name under which a record tells it; 0: none does
}

// lateTold is a happening as it may have been told: after a time, and not after its own.
func lateTold(h *archive.Happening, after int64) toldHappening {
	return toldHappening{kind: h.Kind, name: hash64([]byte(h.Name)), subject: subjectOf(h), after: after, at: h.At}
}

// clockSlack is how far apart the clocks may be that states and records are timed by.
const clockSlack = time.Minute

// meet finds one that happened to the same in that time, and takes it: of two
// that happened alike, each is met once, the nearer first.
func (l *live) meet(h toldHappening) bool {
	slack, best := clockSlack.Milliseconds(), -1
	for i := range l.told {
		t := &l.told[i]
		if t.by != 0 || h.subject == 0 || t.kind != h.kind || t.subject != h.subject || t.after-slack > h.at || h.after > t.at+slack {
			continue
		}
		if best < 0 || apart(t.at, h.at) < apart(l.told[best].at, h.at) {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	l.told[best].by = h.name
	return true
}

// meetAt meets one that is known to have happened at just that time. taken is what
// was thought to be that one before, 0 when nothing was.
func (l *live) meetAt(h toldHappening) (met bool, taken uint64) {
	for i := range l.told {
		if t := &l.told[i]; t.by != h.name && t.kind == h.kind && t.subject == h.subject && (t.name == h.name || t.at == h.at) {
			taken, t.by = t.by, h.name
			return true, taken
		}
	}
	return false, 0
}

// when is between which times a happening lies: one that an event told, or one that a
// record tells exactly.
func (l *live) when(h *archive.Happening) toldHappening {
	exact := lateTold(h, h.At)
	for _, t := range l.told {
		if t.name == exact.name {
			return t
		}
	}
	return exact
}

func apart(a, b int64) int64 { return max(a-b, b-a) }

// toldKinds are the kinds of happenings that events tell, as they are stored.
var toldKinds = []string{archive.Started, archive.Joined, archive.Left, archive.Transferred, archive.Closed}

func (l *live) encode(dst []byte) []byte {
	if l.updatedAt == 0 {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	dst = binary.AppendVarint(dst, l.updatedAt)
	dst = binary.AppendVarint(dst, l.startedAt)
	dst = appendText(dst, l.skill)
	dst = binary.AppendUvarint(dst, uint64(len(l.present)))
	for _, p := range l.present {
		dst = appendText(appendText(dst, p.id), p.role)
	}
	dst = binary.AppendUvarint(dst, uint64(len(l.told)))
	for _, t := range l.told {
		dst = append(dst, byte(slices.Index(toldKinds, t.kind)))
		dst = binary.LittleEndian.AppendUint64(dst, t.by)
		dst = binary.LittleEndian.AppendUint64(dst, t.name)
		dst = binary.LittleEndian.AppendUint64(dst, t.subject)
		dst = binary.AppendVarint(dst, t.at)
		dst = binary.AppendVarint(dst, t.at-t.after)
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func (r *seenReader) live() (l live) {
	if r.byte() == 0 {
		return l
	}
	l.updatedAt, l.startedAt, l.skill = r.varint(), r.varint(), r.text()
	l.present = make([]presence, r.count(2))
	for i := range l.present {
		l.present[i] = presence{id: r.text(), role: r.text()}
	}
	l.told = make([]toldHappening, r.count(27))
	for i := range l.told {
		kind := int(r.byte())
		if kind >= len(toldKinds) {
			r.bad = true
			return l
		}
		l.told[i] = toldHappening{kind: toldKinds[kind], by: r.uint64(), name: r.uint64(), subject: r.uint64(), at: r.varint()}
		l.told[i].after = l.told[i].at - r.varint()
	}
	return l
}

func (r *seenReader) text() string { return string(r.bytes(r.count(1))) }
