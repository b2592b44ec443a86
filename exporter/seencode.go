package exporter

import (
	"encoding/binary"
	"errors"
)

// seenFormat is the first byte of a stored seen. The one before it, which states of
// earlier versions have, knew no senders.
const (
	seenFormat        = 3
	seenWithoutSender = 2
)

var errSeenFormat = errors.New("the list of known entries is damaged")

// encode appends s in its stored form. The conversation's own id is not
// repeated for its main dialog; sequences and revisions are written as runs.
func (s *seen) encode(dst []byte, conversation string) []byte {
	dst = append(dst, seenFormat)
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
		dst = encodeNames(dst, d.derived)
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
		dst = binary.AppendUvarint(dst, uint64(m.variant)<<3|bit(m.sender() != 0)<<2|bit(m.confirmed)<<1|bit(m.told))
		dst = appendSender(dst, m.sender())
		dst = binary.AppendUvarint(dst, uint64(len(m.versions())))
		for _, v := range m.versions() {
			dst = binary.LittleEndian.AppendUint64(dst, v.hash)
			dst = binary.AppendUvarint(dst, uint64(v.revision)<<2|bit(v.sender != 0)<<1|bit(v.told))
			dst = appendSender(dst, v.sender)
		}
	}
	return dst
}

func (m *seenMessage) odd() bool { return m.variant != 0 || m.rare != nil || m.told }

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

// decodeSeen reads what encode wrote; nothing is an empty seen.
func decodeSeen(src []byte, conversation string) (*seen, error) {
	s := &seen{}
	if len(src) == 0 {
		return s, nil
	}
	r := seenReader{src: src}
	switch r.byte() {
	case seenFormat:
		r.senders = 1
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
		d.derived = r.names()
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
	return s, nil
}

// seenReader never reads past the end; bad tells that it would have.
type seenReader struct {
	src     []byte
	bad     bool
	senders int // bits that say whether a sender follows: 1, or 0 in the format without
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
		kind := r.uvarint()
		messages[i].variant, messages[i].confirmed, messages[i].told = int32(kind>>(2+r.senders)), kind&2 != 0, kind&1 != 0
		messages[i].setSender(r.sender(kind >> 2))
		if n := r.count(9); n > 0 {
			earlier := make([]version, n)
			for j := range earlier {
				earlier[j].hash = r.uint64()
				brought := r.uvarint()
				earlier[j].revision, earlier[j].told = int(brought>>(1+r.senders)), brought&1 != 0
				earlier[j].sender = r.sender(brought >> 1)
			}
			messages[i].rare = &rarity{versions: earlier, sender: messages[i].sender()}
		}
	}
	return messages
}

// sender reads a sender where the lowest bit says that there is one.
func (r *seenReader) sender(bits uint64) uint32 {
	if r.senders == 0 || bits&1 == 0 {
		return 0
	}
	if b := r.bytes(4); len(b) == 4 {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
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
