package exporter

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/exporter/checkpoint"
)

// randomSeen is any seen that captures can make.
func randomSeen(r *rand.Rand) *seen {
	s := &seen{unheard: r.IntN(2) * r.IntN(300)}
	for range r.IntN(4) {
		d := s.dialog([]string{"conversation", "a", "b", "\u00e9\n", "undefined"}[r.IntN(5)])
		next := int64(0)
		for range r.IntN(20) {
			if r.IntN(5) > 0 {
				next += 1 + int64(r.IntN(2)*r.IntN(1<<40))
			}
			from, to := d.group(next)
			m := seenMessage{sequence: next, hash: r.Uint64(), revision: int32(1 + r.IntN(9))}
			if to > from {
				m.variant = int32(to - from + 1)
			}
			if r.IntN(4) == 0 {
				m.rare = &rarity{versions: []version{{hash: r.Uint64(), revision: 1, told: r.IntN(2) == 0, agents: r.IntN(2) == 0, sender: r.Uint32()},
					{hash: r.Uint64(), revision: 1 + r.IntN(1000), assumed: true, known: r.IntN(2) * r.IntN(300)}}}
			}
			m.agents = r.IntN(4) == 0
			if r.IntN(4) == 0 {
				m.setSender(r.Uint32())
			}
			if r.IntN(3) == 0 {
				m.told, m.confirmed, m.assumed = true, r.IntN(2) == 0, r.IntN(2) == 0
				if m.assumed {
					m.setKnown(r.IntN(3))
				}
			}
			d.insert(to, m)
		}
		for range r.IntN(3) {
			addName(&d.derived, r.Uint64(), 1+r.IntN(300))
			d.derived[0].agents = r.IntN(2) == 0
		}
	}
	if r.IntN(2) == 0 {
		s.live = live{updatedAt: 1 + r.Int64N(1<<41), startedAt: r.Int64N(1 << 41), skill: "7", present: []presence{{"a", "CONSUMER"}, {"", ""}},
			told: []toldHappening{{kind: "joined", name: r.Uint64(), subject: r.Uint64(), after: r.Int64N(1 << 30), at: r.Int64N(1 << 41), by: r.Uint64()}, {kind: "started"}}}
	}
	for range r.IntN(5) {
		addName(&s.happened, r.Uint64(), 1+r.IntN(300))
	}
	for range r.IntN(3) {
		s.reopened = append(s.reopened, seenReopen{at: r.Int64() - r.Int64(), revision: 1 + r.IntN(9)})
	}
	for range r.IntN(5) {
		s.addFact(r.Uint64())
	}
	return s
}

// flat is a seen for comparison: an empty list is as good as none.
func flat(s *seen) string {
	b := &bytes.Buffer{}
	fmt.Fprintf(b, "unheard %d ", s.unheard)
	for _, d := range s.dialogs {
		fmt.Fprintf(b, "dialog %q", d.id)
		for _, m := range d.messages {
			fmt.Fprintf(b, "\n  %d/%d %x@%d by %x %v", m.sequence, m.variant, m.hash, m.revision, m.sender(), append(m.versions(), m.present()))
		}
		fmt.Fprintf(b, "\n  derived %v\n", d.derived)
	}
	fmt.Fprintf(b, "%v %v %v", s.happened, s.reopened, s.facts)
	return b.String()
}

func TestSeenRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 500 {
		s := randomSeen(r)
		b := s.encode(nil, "conversation")
		back, err := decodeSeen(b, "conversation")
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if diff := cmp.Diff(flat(s), flat(back)); diff != "" {
			t.Fatalf("%d: %s", i, diff)
		}
		for cut := range min(len(b), 40) {
			if got, err := decodeSeen(b[:len(b)-1-cut], "conversation"); err == nil && len(b)-1-cut > 0 {
				t.Fatalf("%d: cut by %d bytes it reads as\n%s", i, cut+1, flat(got))
			}
		}
	}
}

func FuzzDecodeSeen(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		f.Add(randomSeen(r).encode(nil, "conversation"))
	}
	f.Add([]byte{1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeSeen(b, "conversation")
		if err != nil {
			return
		}
		again, err := decodeSeen(s.encode(nil, "conversation"), "conversation")
		if err != nil || flat(again) != flat(s) {
			t.Fatalf("read, written and read again:\n%s\nwas\n%s\n%v", flat(again), flat(s), err)
		}
	})
}

// model is a conversation's life as captures of it see it, and what a
// destination was given.
type model struct {
	*rand.Rand
	t     *testing.T
	now   []capturedMessage         // at the source; sequences are 0, 1, …
	given map[int64]uint64          // what the destination has
	state []byte                    // seen
	rev   int                       // of the state
	have  checkpoint.Given          // of the destination
	at    map[int]map[int64]uint64  // contents by the revision under which they were given
	seen  map[int64]map[uint64]bool // captured contents
}

func (m *model) live() {
	for range m.IntN(4) {
		n := int64(len(m.now))
		m.now = append(m.now, capturedMessage{dialog: "d", sequence: n, hash: 1 + m.Uint64N(3), at: n})
	}
	for range m.IntN(3) {
		if n := len(m.now); n > 0 {
			m.now[m.IntN(n)].hash = 1 + m.Uint64N(3) // and back again
		}
	}
}

// capture sees a part of the messages, in any order, some twice.
func (m *model) capture() {
	s, err := decodeSeen(m.state, "c")
	if err != nil {
		m.t.Fatal(err)
	}
	merge := &merger{seen: s, revision: m.rev + 1}
	for _, i := range m.Perm(len(m.now)) {
		if m.IntN(5) == 0 {
			continue
		}
		for range 1 + m.IntN(2) {
			merge.add(m.now[i])
		}
		if m.seen[m.now[i].sequence] == nil {
			m.seen[m.now[i].sequence] = map[uint64]bool{}
		}
		m.seen[m.now[i].sequence][m.now[i].hash] = true
	}
	merge.settle()
	if merge.variants != 0 {
		m.t.Fatal("a changed message was taken for another one")
	}
	if merge.differs() {
		m.rev++
		m.state = s.encode(nil, "c")
	}
}

// cut gives the destination what is due, and checks each message of it.
func (m *model) cut() {
	s, err := decodeSeen(m.state, "c")
	if err != nil {
		m.t.Fatal(err)
	}
	debt := newDebt(s, nil, m.have, false)
	slices := map[int64]uint64{}
	gave := false
	for i := range s.dialogs {
		for j := range s.dialogs[i].messages {
			k := &s.dialogs[i].messages[j]
			had, has := m.given[k.sequence]
			if k.touched&wantFirst != 0 {
				if has {
					m.t.Fatalf("message %d is given twice", k.sequence)
				}
				had, has, gave = debt.first(k).hash, true, true
			}
			if k.touched&wantCurrent != 0 {
				amends := debt.amends("d", k)
				if !has || had == k.hash {
					m.t.Fatalf("message %d amends what the destination has not, or has just so", k.sequence)
				}
				if before, ok := m.at[amends][k.sequence]; k.touched&wantFirst == 0 && (!ok || before != had) {
					m.t.Fatalf("message %d amends revision %d, which did not bring it what it has", k.sequence, amends)
				}
				had, gave = k.hash, true
			}
			if !has || had != k.hash {
				m.t.Fatalf("message %d: the destination has %d, captured was %d", k.sequence, had, k.hash)
			}
			if m.given[k.sequence] = had; k.touched != 0 {
				slices[k.sequence] = had
			}
		}
	}
	m.have.Revision = m.rev
	if gave {
		m.have.Slices++
		m.have.Revisions = addRevision(m.have.Revisions, m.rev)
		m.at[m.rev] = slices
	}
}

// Whatever the order in which captures see a conversation, and whenever it is
// cut, every message is given once, and amended from what the destination has.
func TestEveryEntryIsDueExactlyOnce(t *testing.T) {
	for seed := range uint64(400) {
		m := &model{Rand: rand.New(rand.NewPCG(seed, 5)), t: t, given: map[int64]uint64{}, at: map[int]map[int64]uint64{}, seen: map[int64]map[uint64]bool{}}
		for range 30 {
			switch m.IntN(3) {
			case 0:
				m.live()
			case 1:
				m.capture()
			default:
				m.cut()
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		m.capture()
		m.cut()
		for n := range m.seen {
			if _, ok := m.given[n]; !ok {
				t.Fatalf("seed %d: message %d was captured and never given", seed, n)
			}
		}
	}
}

// However a record's entries are spread over captures, they are the same
// entries in the end.
func TestSplittingOfCapturesMakesNoDifference(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 7))
	for range 200 {
		var all []capturedMessage
		for n := range 1 + r.IntN(30) {
			all = append(all, capturedMessage{dialog: fmt.Sprint(r.IntN(3)), sequence: int64(n), hash: r.Uint64(), at: int64(n)})
		}
		whole, parts := &seen{}, &seen{}
		once := &merger{seen: whole, revision: 1}
		for _, m := range all {
			once.add(m)
		}
		once.settle()
		fresh := 0
		for range 5 {
			part := &merger{seen: parts, revision: 1}
			for _, i := range r.Perm(len(all))[:r.IntN(len(all)+1)] {
				part.add(all[i])
			}
			part.settle()
			fresh += part.messages
			if parts2, err := decodeSeen(parts.encode(nil, "c"), "c"); err != nil {
				t.Fatal(err)
			} else {
				parts = parts2
			}
		}
		last := &merger{seen: parts, revision: 1}
		for _, m := range slices.Backward(all) {
			last.add(m)
		}
		last.settle()
		if fresh += last.messages; fresh != len(all) || last.changed+last.variants != 0 || flat(whole) != flat(parts) {
			t.Fatalf("%d new of %d, %+v:\n%s\nwant\n%s", fresh, len(all), last, flat(parts), flat(whole))
		}
	}
}
