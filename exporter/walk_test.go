package exporter

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// lister is a server that lists conversations by offset while they come and go.
type lister struct {
	random  *rand.Rand
	all     []listed
	born    int  // keys given so far
	deletes int  // at most, between two answers
	ties    bool // the order of equal starts changes from answer to answer
	short   float64
	omits   float64
	updates bool // conversations come to be anywhere, not only at the end
	rests   bool // nobody comes or goes
}

func newLister(random *rand.Rand, n int, closeness int64) *lister {
	s := &lister{random: random}
	for at := int64(1000); len(s.all) < n; at += random.Int64N(closeness + 1) {
		s.add(at)
	}
	return s
}

func (s *lister) add(at int64) {
	s.born++
	l := listed{fmt.Sprint("c", s.born), at}
	i, _ := slices.BinarySearchFunc(s.all, at+1, func(l listed, at int64) int { return cmp.Compare(l.at, at) })
	s.all = slices.Insert(s.all, i, l)
}

// move lets the account go on between two answers.
func (s *lister) move() {
	for range s.random.IntN(s.deletes + 1) {
		if len(s.all) > 1 {
			i := s.random.IntN(len(s.all))
			s.all = slices.Delete(s.all, i, i+1)
		}
	}
	if last := s.all[len(s.all)-1].at; s.random.IntN(3) == 0 {
		if s.updates {
			last = s.all[s.random.IntN(len(s.all))].at
		}
		s.add(last + s.random.Int64N(3))
	}
}

func (s *lister) read(offset, limit int) extent {
	if !s.rests {
		s.move()
	}
	if s.ties {
		s.random.Shuffle(len(s.all), func(i, j int) { s.all[i], s.all[j] = s.all[j], s.all[i] })
		slices.SortStableFunc(s.all, func(a, b listed) int { return cmp.Compare(a.at, b.at) })
	}
	page := slices.Clone(s.all[min(offset, len(s.all)):min(offset+limit, len(s.all))])
	if s.random.Float64() < s.short && len(page) > 1 {
		page = page[:1+s.random.IntN(len(page)-1)]
	}
	if s.random.Float64() < s.omits && len(page) > 2 {
		i := 1 + s.random.IntN(len(page)-2)
		page = slices.Delete(page, i, i+1)
	}
	return extent{offset: offset, end: offset + len(page), full: len(page) == limit, count: len(s.all), listed: page}
}

// readWhole reads as reading.run does, and returns what was seen once it is known to
// be whole.
func (s *lister) readWhole(limit int, fixed bool) (seen map[string]int, requests int, err error) {
	seen = map[string]int{}
	for pass := range maxReads {
		w := walk{seen: seen, pass: pass + 1}
		read := func(offset int) (extent, error) {
			requests++
			return s.read(offset, limit), nil
		}
		first, _ := read(0)
		pages := map[int]extent{0: first}
		ahead := []int{}
		for offset := limit - overlap; offset+overlap < first.count; offset += limit - overlap {
			ahead = append(ahead, offset)
		}
		s.random.Shuffle(len(ahead), func(i, j int) { ahead[i], ahead[j] = ahead[j], ahead[i] })
		for _, offset := range ahead {
			pages[offset], _ = read(offset)
		}
		if err := w.over(pages, read); err != nil {
			return nil, requests, err
		}
		if w.doubt(fixed) == "" {
			return seen, requests, nil
		}
	}
	return nil, requests, errIncomplete
}

// Whatever was there all the time has been seen when a window is called whole,
// however many were deleted, came, were listed in another order or in short pages
// meanwhile.
func TestWalkPassesNobodyOver(t *testing.T) {
	whole := 0
	for seed := range uint64(3000 / sparsely) {
		random := rand.New(rand.NewPCG(seed, 1))
		s := newLister(random, 1+random.IntN(300), []int64{0, 1, 3, 1000}[random.IntN(4)])
		s.deletes, s.ties, s.updates = random.IntN(12), random.IntN(2) == 0, random.IntN(2) == 0
		s.short = []float64{0, 0, 0.2}[random.IntN(3)]
		before := slices.Clone(s.all)
		seen, _, err := s.readWhole(20+random.IntN(30), !s.updates)
		if err != nil {
			if !errors.Is(err, errIncomplete) {
				t.Fatal(err)
			}
			continue
		}
		whole++
		for _, l := range before {
			if slices.ContainsFunc(s.all, func(o listed) bool { return o.key == l.key }) && seen[l.key] == 0 {
				t.Errorf("seed %d: %+v was there all the time and passed over", seed, l)
			}
		}
	}
	if whole < 1500/sparsely {
		t.Errorf("only %d were read whole: nothing is proven", whole)
	}
}

// A page that leaves conversations out is found by the count, or by the page that
// overlaps it: of an account at rest nobody is passed over.
func TestWalkFindsWhatPagesLeaveOut(t *testing.T) {
	whole := 0
	for seed := range uint64(2000 / sparsely) {
		random := rand.New(rand.NewPCG(seed, 2))
		s := newLister(random, 1+random.IntN(300), 1000)
		s.rests, s.omits, s.short = true, 0.2, 0.2
		seen, _, err := s.readWhole(20+random.IntN(30), true)
		if err != nil {
			continue
		}
		whole++
		if len(seen) != len(s.all) {
			t.Errorf("seed %d: %d of %d were seen", seed, len(seen), len(s.all))
		}
	}
	if whole < 200/sparsely {
		t.Errorf("only %d were read whole: nothing is proven", whole)
	}
}

// A deletion makes the count fit a page that left somebody out: the highest count of
// the pass does not.
func TestWalkFindsWhatADeletionHides(t *testing.T) {
	there, seen := newLister(rand.New(rand.NewPCG(1, 3)), 50, 1000).all, map[string]int{}
	pass := func(number int, first []listed) walk {
		w := walk{seen: seen, pass: number}
		err := w.over(map[int]extent{0: {end: len(first), count: len(there), listed: first}}, func(offset int) (extent, error) {
			there = there[:49] // who was listed last is deleted
			return extent{offset: offset, end: offset, count: 49}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if w := pass(1, slices.Delete(slices.Clone(there), 20, 21)); w.doubt(false) == "" {
		t.Errorf("%d of 50 conversations are all", w.ids)
	}
	if w := pass(2, there); w.ids != 49 || !w.fresh || w.doubt(false) != "" {
		t.Errorf("%d of 49 conversations were seen: %q", w.ids, w.doubt(false))
	}
}

// At rest nothing is read twice: a page for each 95 conversations, and the answer
// that lists nobody.
func TestWalkAtRestCostsOneMoreRequest(t *testing.T) {
	for n, want := range map[int]int{1: 2, 99: 2, 100: 3, 250: 4, 5000: 54} {
		s := newLister(rand.New(rand.NewPCG(1, 1)), n, 1000)
		rest := *s
		requests := 0
		w := walk{seen: map[string]int{}, pass: 1}
		err := w.over(map[int]extent{}, func(offset int) (extent, error) {
			requests++
			page := rest.all[min(offset, n):min(offset+pageLimit, n)]
			return extent{offset: offset, end: offset + len(page), full: len(page) == pageLimit, count: n, listed: page}, nil
		})
		if err != nil || w.doubt(true) != "" || w.ids != n || requests != want {
			t.Errorf("%d conversations: %d requests, want %d; seen %d, %q, %v", n, requests, want, w.ids, w.doubt(true), err)
		}
	}
}
