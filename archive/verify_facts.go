package archive

import (
	"encoding/binary"
	"hash/maphash"
)

// facts are what the slices of a bundle deliver, packed: a bundle waits for its
// turn in the chain with some hundred bytes a slice, not with its names.
// Dialogs, derived names and happenings stand as hashes under a seed that is
// new for each run, so that nobody can prepare two that collide.
type facts struct {
	seed   maphash.Seed
	packed []byte
	slices int
	unsure bool // a slice is left out, since it is not what the manifest lists
}

// fact is one slice's part of facts.
type fact struct {
	conversation uint64
	id           string // the conversation's own id
	number       int
	fresh        []track  // delivered, and not as an amendment
	amended      []track  // delivered as an amendment
	names        []uint64 // derived names and happenings, delivered and not amending
	amendedNames []uint64
}

// track is the messages of one dialog and variant.
type track struct {
	key       uint64
	sequences Sequences
}

func (f *facts) hash(one, two string, n int) uint64 {
	var h maphash.Hash
	h.SetSeed(f.seed)
	h.WriteString(one)
	h.WriteByte(0xff) // in no valid UTF-8
	h.WriteString(two)
	h.WriteByte(0xff)
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
	return h.Sum64()
}

func trackOf(tracks *[]track, key uint64) *Sequences {
	for i := range *tracks {
		if (*tracks)[i].key == key {
			return &(*tracks)[i].sequences
		}
	}
	*tracks = append(*tracks, track{key: key})
	return &(*tracks)[len(*tracks)-1].sequences
}

func (f *fact) reset() {
	*f = fact{fresh: f.fresh[:0], amended: f.amended[:0], names: f.names[:0], amendedNames: f.amendedNames[:0]}
}

// add packs the fact of one more slice.
func (f *facts) add(one *fact) {
	b := binary.AppendUvarint(f.packed, uint64(len(one.id)))
	b = append(b, one.id...)
	b = binary.LittleEndian.AppendUint64(b, one.conversation)
	b = binary.AppendUvarint(b, uint64(one.number))
	b = appendTracks(appendTracks(b, one.fresh), one.amended)
	f.packed = appendNames(appendNames(b, one.names), one.amendedNames)
	f.slices++
}

func appendTracks(b []byte, tracks []track) []byte {
	b = binary.AppendUvarint(b, uint64(len(tracks)))
	for _, t := range tracks {
		b = appendName(b, t.key)
		b = binary.AppendUvarint(b, uint64(len(t.sequences.spans)))
		last := int64(0)
		for _, p := range t.sequences.spans {
			b = binary.AppendUvarint(b, uint64(p.First-last))
			b = binary.AppendUvarint(b, uint64(p.Last-p.First))
			last = p.Last
		}
	}
	return b
}

// A hash of something inside one conversation is packed with 40 of its bits: in
// a conversation with a thousand names, two of them meet once in two million
// runs, and not again in the next.
const nameBits = 40

func appendName(b []byte, name uint64) []byte {
	return append(b, byte(name), byte(name>>8), byte(name>>16), byte(name>>24), byte(name>>32))
}

func appendNames(b []byte, names []uint64) []byte {
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, n := range names {
		b = appendName(b, n)
	}
	return b
}

// unpacker reads what was packed here, so it need not fear its input.
type unpacker struct{ b []byte }

func (u *unpacker) number() uint64 {
	n, size := binary.Uvarint(u.b)
	u.b = u.b[size:]
	return n
}

func (u *unpacker) word() uint64 {
	n := binary.LittleEndian.Uint64(u.b)
	u.b = u.b[8:]
	return n
}

func (u *unpacker) name() uint64 {
	b := u.b[:nameBits/8]
	u.b = u.b[len(b):]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32
}

func (u *unpacker) tracks(tracks []track) []track {
	tracks = tracks[:0]
	for range u.number() {
		t := track{key: u.name(), sequences: Sequences{make([]Span, u.number())}}
		last := int64(0)
		for i := range t.sequences.spans {
			first := last + int64(u.number())
			last = first + int64(u.number())
			t.sequences.spans[i] = Span{first, last}
		}
		tracks = append(tracks, t)
	}
	return tracks
}

func (u *unpacker) names(names []uint64) []uint64 {
	names = names[:0]
	for range u.number() {
		names = append(names, u.name())
	}
	return names
}
