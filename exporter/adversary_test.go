package exporter

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

var (
	adversarySeeds = flag.Int("adversary.seeds", 3, "accounts that TestAdversary draws")
	adversaryFirst = flag.Uint64("adversary.first", 0, "seed of the first of them")
)

// wordsOf are the words of a text: line ends count for nothing.
func wordsOf(text string) string {
	lines := strings.Split(strings.TrimRight(text, " \t\r\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	return strings.Join(lines, "\n")
}

func (s *siege) check(name string) {
	since := int64(0)
	part := name == "added" && !s.added.All
	if part && !s.added.Date.IsZero() {
		since = s.added.Date.UnixMilli()
	}
	type version struct {
		words    string
		revision int
	}
	got := map[string][]version{}
	happened := map[string]int{}
	for _, slice := range s.delivered(name) {
		if slice.Conversation == "b" && s.selects {
			s.t.Errorf("%s: of b, which is left out, slice %d left", name, slice.Number)
		}
		for _, m := range slice.Messages {
			key := fmt.Sprintf("%s/%s/%d", slice.Conversation, m.Dialog, m.Sequence)
			before := got[key]
			if m.Variant != 0 {
				s.t.Errorf("%s: %s has variant %d", name, key, m.Variant)
			}
			switch n := len(before); {
			case (n == 0) != (m.Amends == 0):
				s.t.Errorf("%s: %s amends %d, and came %d times before", name, key, m.Amends, n)
			case n > 0 && before[n-1].words == wordsOf(m.Text):
				s.t.Errorf("%s: %s is amended by the same words %q", name, key, m.Text)
			case n > 0 && before[n-1].revision != m.Amends && slice.Revision != before[n-1].revision:
				s.t.Errorf("%s: %s amends %d, and came with %d", name, key, m.Amends, before[n-1].revision)
			}
			got[key] = append(before, version{wordsOf(m.Text), slice.Revision})
		}
		for _, e := range slice.Happened {
			happened[fmt.Sprintf("%s %s %s", slice.Conversation, e.Kind, e.Participant)]++
		}
	}
	for _, k := range s.talks {
		if k.id == "b" && s.selects || k.id == "c" && s.selects && k.skill == "2" {
			continue
		}
		for _, m := range k.said {
			key := fmt.Sprintf("%s/%s/%d", k.id, m.dialog, m.sequence)
			list := got[key]
			delete(got, key)
			switch n := len(list); {
			case n == 0 && (m.at >= since && !part || since != 0 && m.at >= since):
				s.t.Errorf("%s: %s is missing", name, key)
			case n > 0 && list[n-1].words != wordsOf(m.words):
				s.t.Errorf("%s: %s is %q in the end, not %q", name, key, list[n-1].words, m.words)
			case n > 1+m.changes:
				s.t.Errorf("%s: %s came %d times and changed %d times", name, key, n, m.changes)
			}
		}
		if part {
			continue
		}
		closed := 0
		if k.closed != 0 {
			closed = 1
		}
		for what, n := range map[string]int{"joined 7": len(k.came), "left 7": len(k.went), "joined c": 1, "started ": 1, "transferred ": len(k.moved), "closed ": closed} {
			if happened[k.id+" "+what] != n {
				s.t.Errorf("%s: %s %s %d times, want %d", name, k.id, what, happened[k.id+" "+what], n)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		s.t.Errorf("%s: %s was never said", name, key)
	}
}

// TestAdversary draws what can come in between what: events late, twice, never
// and in any order; records that lag; words that change; cuts at any time; two
// processes; restarts; a destination that is added later. In the end each message
// and each happening must be there once, amended only by other words, and under
// the revision it came with. For many more:
//
//	go test ./exporter -run Adversary -adversary.seeds 500
func TestAdversary(t *testing.T) {
	for n := range uint64(*adversarySeeds) {
		seed := *adversaryFirst + n
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newSiege(t, seed)
			for range 120 {
				s.step()
			}
			s.end()
			s.check("local")
			s.check("later")
			if s.addedAt != 0 {
				s.check("added")
			}
			if n := s.waiting(); n != 0 {
				t.Errorf("%d events are left", n)
			}
			if q, err := s.QuarantineList(context.Background()); err != nil || len(q) > 0 {
				t.Errorf("in quarantine: %+v, %v", q, err)
			}
			s.sound()
			if strings.Contains(s.log.b.String(), secret) {
				t.Error("the log tells what was said")
			}
			if t.Failed() && testing.Verbose() {
				t.Log(strings.Join(s.steps, "\n"))
			}
		})
	}
}
