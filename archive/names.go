package archive

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxSequence is the largest sequence of a message: the largest integer that
// every reader of JSON can tell from its neighbours.
const MaxSequence = 1<<53 - 1

// Sequences is a set of sequences of messages, 0 to MaxSequence. It is kept as
// intervals, so its size grows with the gaps and not with the messages. The
// zero value is empty. Copies share memory: Clone before changing one of two.
type Sequences struct {
	spans []Span // ascending, not empty, with a gap between each two
}

// Span is the sequences from First to Last, both included.
type Span struct{ First, Last int64 }

// Spans returns the intervals in ascending order, each as wide as it can be.
// They belong to s and must not be changed.
func (s Sequences) Spans() []Span { return s.spans }

// Empty tells whether nothing is in s.
func (s Sequences) Empty() bool { return len(s.spans) == 0 }

// Count returns how many sequences are in s. It takes no longer for wide
// intervals than for narrow ones.
func (s Sequences) Count() int64 {
	n := int64(0)
	for _, p := range s.spans {
		n += p.Last - p.First + 1
	}
	return n
}

// Contains tells whether n is in s.
func (s Sequences) Contains(n int64) bool {
	i := s.search(n)
	return i < len(s.spans) && s.spans[i].First <= n
}

// Clone returns a copy that shares nothing with s.
func (s Sequences) Clone() Sequences { return Sequences{slices.Clone(s.spans)} }

// Equal tells whether s and o hold the same sequences.
func (s Sequences) Equal(o Sequences) bool { return slices.Equal(s.spans, o.spans) }

// search returns the index of the first interval that ends at n or later.
func (s Sequences) search(n int64) int {
	// Messages nearly always come in ascending order.
	if k := len(s.spans); k == 0 || s.spans[k-1].Last < n {
		return k
	}
	i, _ := slices.BinarySearchFunc(s.spans, n, func(p Span, n int64) int {
		if p.Last < n {
			return -1
		}
		return 1
	})
	return i
}

// Add puts n in and tells whether it was not there before. A number that is no
// sequence (negative, or over MaxSequence) is never put in.
func (s *Sequences) Add(n int64) bool {
	if n < 0 || n > MaxSequence {
		return false
	}
	i := s.search(n)
	if i < len(s.spans) && s.spans[i].First <= n {
		return false
	}
	before := i > 0 && s.spans[i-1].Last == n-1
	after := i < len(s.spans) && s.spans[i].First == n+1
	switch {
	case before && after:
		s.spans[i-1].Last = s.spans[i].Last
		s.spans = slices.Delete(s.spans, i, i+1)
	case before:
		s.spans[i-1].Last = n
	case after:
		s.spans[i].First = n
	default:
		s.spans = slices.Insert(s.spans, i, Span{n, n})
	}
	return true
}

// Union puts everything of o into s.
func (s *Sequences) Union(o Sequences) {
	if o.Empty() {
		return
	}
	a, b := s.spans, o.spans
	merged := make([]Span, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		var next Span
		if len(b) == 0 || len(a) > 0 && a[0].First <= b[0].First {
			next, a = a[0], a[1:]
		} else {
			next, b = b[0], b[1:]
		}
		if k := len(merged); k > 0 && next.First <= merged[k-1].Last+1 {
			merged[k-1].Last = max(merged[k-1].Last, next.Last)
			continue
		}
		merged = append(merged, next)
	}
	s.spans = merged
}

// Intersect returns what is in both.
func (s Sequences) Intersect(o Sequences) Sequences {
	var both []Span
	a, b := s.spans, o.spans
	for len(a) > 0 && len(b) > 0 {
		if first, last := max(a[0].First, b[0].First), min(a[0].Last, b[0].Last); first <= last {
			both = append(both, Span{first, last})
		}
		if a[0].Last < b[0].Last {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return Sequences{both}
}

// Append appends the written form: "0-5,7,9-12", and "" for the empty set.
func (s Sequences) Append(dst []byte) []byte {
	for i, p := range s.spans {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, p.First, 10)
		if p.Last > p.First {
			dst = append(dst, '-')
			dst = strconv.AppendInt(dst, p.Last, 10)
		}
	}
	return dst
}

// String returns the written form.
func (s Sequences) String() string { return string(s.Append(nil)) }

// ParseSequences reads the written form and no other: ascending, merged as far
// as they go, no sign, no leading zero, no space. It takes memory only in
// proportion to the length of the text.
func ParseSequences(text string) (Sequences, error) {
	if text == "" {
		return Sequences{}, nil
	}
	spans := make([]Span, 0, strings.Count(text, ",")+1)
	for part := range strings.SplitSeq(text, ",") {
		p, err := parseSpan(part)
		if err != nil {
			return Sequences{}, fmt.Errorf("sequences: %w", err)
		}
		if k := len(spans); k > 0 && p.First <= spans[k-1].Last+1 {
			return Sequences{}, errors.New("sequences: intervals not ascending or not merged")
		}
		spans = append(spans, p)
	}
	return Sequences{spans}, nil
}

func parseSpan(text string) (Span, error) {
	from, to, wide := strings.Cut(text, "-")
	first, err := parseSequence(from)
	if err != nil || !wide {
		return Span{first, first}, err
	}
	last, err := parseSequence(to)
	if err == nil && last <= first {
		err = errors.New("interval ends before it grows")
	}
	return Span{first, last}, err
}

func parseSequence(text string) (int64, error) {
	if text == "" || len(text) > 16 || text[0] == '0' && len(text) > 1 {
		return 0, errors.New("not a number of at most 16 digits")
	}
	n := int64(0)
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, errors.New("not a number")
		}
		n = n*10 + int64(text[i]-'0')
	}
	if n > MaxSequence {
		return 0, errors.New("number too large")
	}
	return n, nil
}
