package exporter

import (
	"encoding/binary"
	"errors"
)

// seenFormat is the first byte of a stored seen. States of earlier versions have those
// before it: one that knew no audiences, and one that knew no senders either.
const (
	seenFormat          = 4
	seenWithoutAudience = 3
	seenWithoutSender   = 2
)

var errSeenFormat = errors.New("the list of known entries is damaged")

// encode appends s in its stored form. The conversation's own id is not
// repeated for its main dialog; sequences and revisions are written as runs.
func (s *seen) encode(dst []byte, conversation string) []byte {
	dst = append(dst, seenFormat)
	dst = binary.AppendUvarint(dst, uint64(s.unheard))
	dst = binary.AppendUvarint(dst, uint64(len(s.dialogs)))
	for i := range s.dialogs {
		d := &s.dialogs[i]
		id := d.id
		if id == conversation {
			id = ""
		}
		dst = binary.AppendUvarint(dst, uint64(len(id)))
		dst = append(dst, id...)
		dst = encodeMessages(dst, d.messages)
		dst = encodeDerived(dst, d.derived)
	}
	dst = encodeNames(dst, s.happened)
	dst = binary.AppendUvarint(dst, uint64(len(s.reopened)))
	for _, r := range s.reopened {
		dst = binary.AppendVarint(dst, r.at)
		dst = binary.AppendUvarint(dst, uint64(r.revision))
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.facts)))
	for _, f := range s.facts {
		dst = binary.LittleEndian.AppendUint64(dst, f)
	}
	return s.live.encode(dst)
}

// encodeMessages writes runs of messages whose sequences follow each other and
// that came in one revision, then all hashes, then what is odd about a few.
func encodeMessages(dst []byte, messages []seenMessage) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(messages)))
	next := int64(0)
	for i := 0; i < len(messages); {
		m := &messages[i]
		n := 1
		for i+n < len(messages) && messages[i+n].sequence == m.sequence+int64(n) && messages[i+n].revision == m.revision {
			n++
		}
		dst = binary.AppendVarint(dst, m.sequence-next)
		dst = binary.AppendUvarint(dst, uint64(n))
		dst = binary.AppendUvarint(dst, uint64(m.revision))
		next = m.sequence + int64(n)
		i += n
	}
	odd := 0
	for i := range messages {
		dst = binary.LittleEndian.AppendUint64(dst, messages[i].hash)
		if messages[i].odd() {
			odd++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(odd))
	for i := range messages {
		m := &messages[i]
		if !m.odd() {
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(i))
		v := m.present()
		dst = binary.AppendUvarint(dst, uint64(m.variant)<<5|bit(v.agents)<<4|bit(v.assumed)<<3|bit(v.sender != 0)<<2|bit(m.confirmed)<<1|bit(v.told))
		dst = appendRare(dst, &v)
		dst = binary.AppendUvarint(dst, uint64(len(m.versions())))
		for _, v := range m.versions() {
			dst = binary.LittleEndian.AppendUint64(dst, v.hash)
			dst = binary.AppendUvarint(dst, uint64(v.revision)<<4|bit(v.agents)<<3|bit(v.assumed)<<2|bit(v.sender != 0)<<1|bit(v.told))
			dst = appendRare(dst, &v)
		}
	}
	return dst
}

func (m *seenMessage) odd() bool { return m.variant != 0 || m.rare != nil || m.told || m.agents }

// appendRare appends what of a version is there only where bits before it say so.
func appendRare(dst []byte, v *version) []byte {
	dst = appendSender(dst, v.sender)
	if v.assumed {
		dst = binary.AppendUvarint(dst, uint64(v.known))
	}
	return dst
}

// appendSender appends a sender where there is one, which a bit before it says.
func appendSender(dst []byte, sender uint32) []byte {
	if sender == 0 {
		return dst
	}
	return binary.LittleEndian.AppendUint32(dst, sender)
}

func bit(set bool) uint64 {
	if set {
		return 1
	}
	return 0
}

func encodeNames(dst []byte, names []seenName) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(names)))
	for _, n := range names {
		dst = binary.LittleEndian.AppendUint64(dst, n.hash)
		dst = binary.AppendUvarint(dst, uint64(n.revision))
	}
	return dst
}

func encodeDerived(dst []byte, names []seenName) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(names)))
	for _, n := range names {
		dst = binary.LittleEndian.AppendUint64(dst, n.hash)
		dst = binary.AppendUvarint(dst, uint64(n.revision)<<1|bit(n.agents))
	}
	return dst
}

// decodeSeen reads what encode wrote; nothing is an empty seen.
func decodeSeen(src []byte, conversation string) (*seen, error) {
	s := &seen{}
	if len(src) == 0 {
		return s, nil
	}
	r := seenReader{src: src}
	switch r.byte() {
	case seenFormat:
		r.senders, r.audiences = true, true
		s.unheard = int(r.uvarint())
	case seenWithoutAudience:
		r.senders = true
	case seenWithoutSender:
	default:
		return nil, errSeenFormat
	}
	s.dialogs = make([]seenDialog, r.count(3))
	for i := range s.dialogs {
		d := &s.dialogs[i]
		if d.id = string(r.bytes(r.count(1))); d.id == "" {
			d.id = conversation
		}
		d.messages = r.messages()
		d.derived = r.derived()
	}
	s.happened = r.names()
	s.reopened = make([]seenReopen, r.count(2))
	for i := range s.reopened {
		s.reopened[i] = seenReopen{at: r.varint(), revision: int(r.uvarint())}
	}
	s.facts = make([]uint64, r.count(8))
	for i := range s.facts {
		s.facts[i] = r.uint64()
	}
	s.live = r.live()
	if r.bad || len(r.src) != 0 {
		return nil, errSeenFormat
	}
	if !r.audiences {
		s.unheard = s.newest()
	}
	return s, nil
}

// seenReader never reads past the end; bad tells that it would have.
type seenReader struct {
	src       []byte
	bad       bool
	senders   bool // a bit says where a sender follows
	audiences bool // it says who the audiences are
}

func (r *seenReader) messages() []seenMessage {
	messages := make([]seenMessage, r.count(8))
	next := int64(0)
	for i := 0; i < len(messages) && !r.bad; {
		sequence, n, revision := next+r.varint(), int(r.uvarint()), int32(r.uvarint())
		if n < 1 || n > len(messages)-i {
			r.bad = true
			break
		}
		for j := range n {
			messages[i+j].sequence, messages[i+j].revision = sequence+int64(j), revision
		}
		next = sequence + int64(n)
		i += n
	}
	for i := range messages {
		messages[i].hash = r.uint64()
	}
	for range r.count(3) {
		i := r.uvarint()
		if i >= uint64(len(messages)) {
			r.bad = true
			break
		}
		m, v, kind := &messages[i], version{}, r.uvarint()
		m.told, m.confirmed = kind&1 != 0, kind&2 != 0
		m.variant = int32(r.rare(&v, kind>>2))
		m.agents, m.assumed = v.agents, v.assumed
		m.setSender(v.sender)
		m.setKnown(v.known)
		if n := r.count(9); n > 0 {
			earlier := make([]version, n)
			for j := range earlier {
				v := &earlier[j]
				v.hash = r.uint64()
				brought := r.uvarint()
				v.told = brought&1 != 0
				v.revision = int(r.rare(v, brought>>1))
			}
			if m.rare == nil {
				m.rare = &rarity{}
			}
			m.rare.versions = earlier
		}
	}
	return messages
}

// rare reads what of a version follows bits, and returns what is left of these.
func (r *seenReader) rare(v *version, bits uint64) (rest uint64) {
	if r.senders {
		if bits&1 != 0 {
			if b := r.bytes(4); len(b) == 4 {
				v.sender = binary.LittleEndian.Uint32(b)
			}
		}
		bits >>= 1
	}
	if r.audiences {
		if v.assumed, v.agents = bits&1 != 0, bits&2 != 0; v.assumed {
			v.known = int(r.uvarint())
		}
		bits >>= 2
	}
	return bits
}

func (r *seenReader) derived() []seenName {
	names := r.names()
	for i := range names {
		if r.audiences {
			names[i].agents = names[i].revision&1 != 0
			names[i].revision >>= 1
		}
	}
	return names
}

func (r *seenReader) names() []seenName {
	names := make([]seenName, r.count(9))
	for i := range names {
		names[i] = seenName{hash: r.uint64(), revision: int(r.uvarint())}
	}
	return names
}

// count reads a number of elements of at least size bytes each.
func (r *seenReader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.src)/size) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *seenReader) bytes(n int) []byte {
	if n > len(r.src) {
		r.bad = true
		return nil
	}
	b := r.src[:n]
	r.src = r.src[n:]
	return b
}

func (r *seenReader) byte() byte {
	if b := r.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *seenReader) uint64() uint64 {
	b := r.bytes(8)
	if len(b) < 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

func (r *seenReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.src)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.src = r.src[n:]
	return v
}

func (r *seenReader) varint() int64 {
	v, n := binary.Varint(r.src)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.src = r.src[n:]
	return v
}
