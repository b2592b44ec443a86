package sandbox

import "sort"

// entry is what a search needs to know of a conversation without computing its
// life: 32 bytes, ms, valid once all has happened.
type entry struct {
	start  int64
	last   int64 // last message ever
	closed int64 // 0: never
	full   int64 // end of the survey, or of the conversation
}

// started are the entries of the conversations that have started by then, by
// number. The slice is never written to again.
func (a *Account) started(at int64) []entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.set.Conversations == 0 || len(a.index) < a.set.Conversations {
		n := len(a.index)
		if a.startOf(n) > at {
			break
		}
		l := a.life(n)
		a.index = append(a.index, entry{l.start, l.last(never - 1), l.closed, max(l.closed, l.surveyed)})
	}
	end := sort.Search(len(a.index), func(i int) bool { return a.index[i].start > at })
	return a.index[:end:end]
}

// state is what filters ask of a conversation at a moment.
type state struct {
	updated int64 // by messages only: closing alone does not count
	ended   int64 // moves on when the survey ends; 0 while open
}

func (a *Account) state(n int, e entry, at int64) state {
	if at >= e.last && (e.closed == 0 || at >= e.closed) {
		s := state{updated: e.last, ended: e.closed}
		if e.closed > 0 && at >= e.full {
			s.ended = e.full
		}
		return s
	}
	l := a.life(n)
	return state{updated: l.last(at), ended: max(l.ended(at), l.endedFully(at))}
}
