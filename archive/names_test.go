package archive_test

import (
	"math/rand/v2"
	"testing"

	"lpexport/archive"
)

func TestSequencesAgreeWithAMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		var a, b archive.Sequences
		inA, inB := make(map[int64]bool), make(map[int64]bool)
		for range rng.IntN(60) {
			n := rng.Int64N(40)
			if a.Add(n) == inA[n] {
				t.Fatalf("Add(%d) to %s", n, a)
			}
			inA[n] = true
			n = rng.Int64N(40)
			b.Add(n)
			inB[n] = true
		}
		union := a.Clone()
		union.Union(b)
		both := a.Intersect(b)
		for n := int64(-1); n <= 40; n++ {
			if a.Contains(n) != inA[n] || union.Contains(n) != (inA[n] || inB[n]) || both.Contains(n) != (inA[n] && inB[n]) {
				t.Fatalf("%d: %s and %s give %s and %s", n, a, b, union, both)
			}
		}
		if a.Count() != int64(len(inA)) || a.Empty() != (len(inA) == 0) {
			t.Fatalf("%s counts %d, want %d", a, a.Count(), len(inA))
		}
		// The written form is canonical: strictly parsed, it is the same set.
		for _, s := range []archive.Sequences{a, union, both} {
			if parsed, err := archive.ParseSequences(s.String()); err != nil || !parsed.Equal(s) {
				t.Fatalf("%s parsed as %s, %v", s, parsed, err)
			}
		}
	}
}

func TestParseSequences(t *testing.T) {
	for text, count := range map[string]int64{
		"": 0, "0": 1, "7": 1, "0-5,7,9-12": 11, "0-9007199254740991": archive.MaxSequence + 1,
	} {
		s, err := archive.ParseSequences(text)
		if err != nil || s.Count() != count || s.String() != text {
			t.Errorf("%q: %s with %d, %v", text, s, s.Count(), err)
		}
	}
	for _, text := range []string{
		"-1", "1-", "-", ",", "1,", ",1", "01", "+1", " 1", "1 ", "5-5", "6-5", "1-2,3", "1,2", "2,1", "1-3,2-5", "1--2",
		"0-9223372036854775807", "9007199254740992", "99999999999999999999", "1-2-3", "x", "1;2", "1,,3", "１",
	} {
		if s, err := archive.ParseSequences(text); err == nil {
			t.Errorf("%q accepted as %s", text, s)
		}
	}
}

func TestSequencesRefuseWhatIsNone(t *testing.T) {
	var s archive.Sequences
	if s.Add(-1) || s.Add(archive.MaxSequence+1) || !s.Empty() {
		t.Errorf("took %s", s)
	}
	if !s.Add(archive.MaxSequence) || s.Count() != 1 {
		t.Errorf("the largest: %s", s)
	}
}

func FuzzParseSequences(f *testing.F) {
	for _, seed := range []string{"", "0-5,7,9-12", "0-9223372036854775807", "1-2,3", "5-5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := archive.ParseSequences(text)
		if err != nil {
			return
		}
		if s.String() != text {
			t.Errorf("%q is written as %q", text, s)
		}
		again := s.Clone()
		again.Union(s)
		if !again.Equal(s) || s.Count() < int64(len(s.Spans())) {
			t.Errorf("%q: not a set", text)
		}
	})
}
