package sandbox

import (
	"testing"
	"time"
)

// TestCoursesAreWithinTheBound walks every course to its end: it goes forward
// in time and ends within what longest promises.
func TestCoursesAreWithinTheBound(t *testing.T) {
	for name, s := range shapes {
		for seed := range uint64(5) {
			s.Seed = seed
			a := New(s)
			for n := range 400 {
				c, start := a.courseAfter(n, 0), a.startOf(n)
				at := start
				for ; c.at < never; c.tell(a) {
					if c.at < at || n > 0 && c.at > start+a.longest() {
						t.Fatalf("%s, seed %d: conversation %d, started at %d: %d after %d", name, seed, n, start, c.at, at)
					}
					at = c.at
				}
				if at == start {
					t.Fatalf("%s, seed %d: conversation %d tells nothing", name, seed, n)
				}
			}
		}
	}
}

// TestEventsCostWhatHappens: an hour's events ask for the conversations that
// may be alive in it, whether the account has had a thousand or a million.
func TestEventsCostWhatHappens(t *testing.T) {
	const hour = 60 * minute
	looked := func(s Settings, since time.Duration) int {
		a := New(s)
		from := a.epoch + since.Milliseconds()
		g, told := a.newAgenda(from, from+hour), 0
		g.all(func(Event) bool { told++; return true })
		if told < 100 || len(a.index) > 0 {
			t.Fatalf("%d events; the index of the whole account was made: %v", told, len(a.index) > 0)
		}
		if most := int((a.longest()+hour)*a.slots/a.slot) + 20; g.looked > most {
			t.Errorf("after %v %d conversations were looked at, want at most %d", since, g.looked, most)
		}
		return g.looked
	}
	for name, s := range map[string]Settings{"ordinary": {Rate: 1000}, "plain": {Rate: 1000, Plain: true}} {
		young, old := looked(s, 10*24*time.Hour), looked(s, 1000*24*time.Hour)
		if young-old > 20 || old-young > 20 {
			t.Errorf("%s: %d conversations looked at in a young account, %d in an old one", name, young, old)
		}
	}
	huge := Settings{Rate: 1000, Huge: 3_000_000} // goes on for a month
	if a := New(huge); !tellsOf(a, 0, a.epoch+20*24*hour) {
		t.Error("the huge conversation fell silent")
	}
}

func tellsOf(a *Account, n int, from int64) (told bool) {
	a.newAgenda(from, from+minute).all(func(e Event) bool {
		told = told || e.Conversation == n
		return true
	})
	return told
}

// BenchmarkEvents makes the events of a lively account, one after the other.
func BenchmarkEvents(b *testing.B) {
	a := New(Live())
	b.ReportAllocs()
	left, size := b.N, 0
	b.ResetTimer()
	a.newAgenda(a.epoch+24*60*minute, never).all(func(e Event) bool {
		size += len(e.Body)
		left--
		return left > 0
	})
	b.ReportMetric(float64(size)/float64(b.N), "bytes/event")
}
