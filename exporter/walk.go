package exporter

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The API pages by offset over a result that may change between two pages: a
// conversation deleted in front of the reading place moves all others, and one of
// them is passed over. The count is one less then, which hides it. What proves that
// none was passed over is the starts: a page lists, as of one moment, every
// conversation that started between its first and its last. So when each page
// begins before the one ahead of it ends, and an answer behind the last page lists
// nobody, whatever matched all the time has been seen, however often the result
// moved. doc/design.md, "Windows", says what that costs and what is left.

// overlap is how many records of a page are asked for again with the next one. That
// many deletions between two pages cost no further request; each record more costs
// 1 % more requests.
const overlap = 5

// listed is one conversation of an answer.
type listed struct {
	key string // its id; where the record has none, the hash of the record
	at  int64  // when it started; 0: the record does not say
}

// extent is what one page listed.
type extent struct {
	offset, end int // end is behind its last record
	full        bool
	count       int // of all that match, as answered; -1: not said
	date        time.Time
	listed      []listed
	broken      bool // it is two pages, and nothing shows that the second begins before the first ends
}

func (e *extent) first() int64 { return e.listed[0].at }
func (e *extent) last() int64  { return e.listed[len(e.listed)-1].at }

// ordered reports whether the page lists the conversations by their starts.
func (e *extent) ordered() bool {
	return e.first() != 0 && slices.IsSortedFunc(e.listed, func(a, b listed) int { return cmp.Compare(a.at, b.at) })
}

// short reports whether the page ends before its own count without being full.
func (e *extent) short() bool { return !e.full && e.end < e.count }

// join makes one page of two, of which the second was asked for from within the first.
func (e extent) join(second extent) extent {
	if len(e.listed) == 0 || len(second.listed) == 0 {
		e.full = false
		return e
	}
	e.broken = e.broken || second.broken || second.first() >= e.last()
	e.end, e.full, e.count = second.end, second.full, second.count
	again := e.listed[max(len(e.listed)-overlap, 0):]
	for _, l := range second.listed {
		if !slices.Contains(again, l) {
			e.listed = append(e.listed, l)
		}
	}
	return e
}

// walk goes over the pages of one pass in order.
type walk struct {
	seen   map[string]int // by key: the last pass that saw it, counted from 1
	pass   int
	before int64 // what started from then on does not count; 0: all counts

	count    int   // of all that match, as it was answered last
	most     int   // the highest that was answered
	moved    bool  // it was answered otherwise before
	ids      int   // seen in this pass
	covered  int64 // everything that started before has been seen
	fresh    bool  // a conversation was seen that no pass before has seen
	unproven bool  // two pages touch without a proof that nothing lies between
	omitted  bool  // a page lacked what another had, or ended too early
}

// lackingMost is after how many pages that say that more follow, and bring nobody
// new, the count is taken for wrong.
const lackingMost = 3

// stallMost is after how many pages in a row that bring nobody new a pass ends.
const stallMost = 20

var (
	errNoCount = errors.New("the answer did not say how many there are")
	errMoving  = errors.New("it changed faster than it could be read")
)

// over takes one page after the other, with read those that are not in pages, until
// an answer lists nobody where the one before said that the result ends. A page that
// begins behind what has been seen, or lists nobody where somebody was, follows
// deletions: the walk steps back until one begins before that.
func (w *walk) over(pages map[int]extent, read func(offset int) (extent, error)) (err error) {
	w.count = -1
	for at := (cursor{back: overlap}); at.stalled < stallMost && at.offset < aboutLimit; at.stalled++ {
		e, have := pages[at.offset]
		if delete(pages, at.offset); !have {
			if e, err = read(at.offset); err != nil {
				return err
			}
		}
		if e.count < 0 {
			return fmt.Errorf("%w: %w", errIncomplete, errNoCount)
		}
		w.moved = w.moved || w.count >= 0 && w.count != e.count
		w.count, w.most = e.count, max(w.most, e.count)
		switch nobody := len(e.listed) == 0; {
		case nobody && (at.offset == at.end || at.offset == 0):
			return nil
		case nobody || at.offset > 0 && e.first() > w.covered:
			w.omitted = w.omitted || at.early
			at.stepBack()
			continue
		}
		w.omitted = w.omitted || at.early || e.short()
		w.unproven = w.unproven || e.broken || at.offset > 0 && e.first() == w.covered
		at.advance(&e, w.take(&e))
		if w.before != 0 && w.covered >= w.before {
			return nil
		}
	}
	return fmt.Errorf("%w: %w", errIncomplete, errMoving)
}

// cursor is where a walk reads next.
type cursor struct {
	offset  int
	end     int  // where the page before said that the result ends; -1: it did not
	back    int  // how far to step back from a page that begins behind what has been seen
	early   bool // the page before was not full: if anybody follows, it ended too early
	lacking int  // pages in a row that said themselves that more follow, and brought nobody new
	stalled int  // pages in a row that brought nobody new
}

func (at *cursor) stepBack() {
	at.offset, at.back, at.end = max(at.offset-at.back, 0), 2*at.back, -1
}

// advance moves behind a page, so that the next one overlaps it unless it was the
// last by its own word. more says that it brought somebody new.
func (at *cursor) advance(e *extent, more bool) {
	if at.lacking++; more {
		at.stalled, at.lacking = 0, 0
	}
	at.offset, at.end, at.back, at.early = e.end, e.end, overlap, !e.full
	if e.full || e.short() && at.lacking < lackingMost {
		at.offset, at.end = max(e.end-overlap, e.offset+1), -1
	}
}

// take notes what a page listed, and reports whether anybody of it was new in this pass.
func (w *walk) take(e *extent) (more bool) {
	w.unproven = w.unproven || !e.ordered()
	for _, l := range e.listed {
		last := w.seen[l.key]
		if last == w.pass || w.before != 0 && l.at >= w.before {
			continue
		}
		w.seen[l.key] = w.pass
		w.ids++
		more = true
		w.fresh = w.fresh || last == 0
		w.omitted = w.omitted || l.at < w.covered
	}
	w.covered = max(w.covered, e.last())
	return more
}

// doubt says why it is not known that the window was read whole; "" it is. Where
// the starts prove nothing, a second pass must have seen nobody new, and all that
// there were at one count. Only in a fixed window may no conversation come to be
// where others have been read.
func (w *walk) doubt(fixed bool) string {
	settled := w.pass > 1 && !w.fresh && !w.moved
	count := w.count
	if w.pass == 1 {
		count = w.most // a deletion must not hide that a page lacked somebody; who would be lacking from two passes?
	}
	switch {
	case w.before == 0 && w.ids < count:
		return fmt.Sprintf("LivePerson counts %d conversations and lists %d", count, w.ids)
	case w.ids == 0 && w.covered == 0 && w.count > 0: // also where more start while it is read
		return fmt.Sprintf("LivePerson counts %d conversations and lists none", w.count)
	case w.before == 0 && w.ids > 0 && w.count == 0 && w.moved:
		return "LivePerson listed conversations, and then none"
	case w.unproven && !settled:
		return "its conversations do not come in the order of their starts"
	case fixed && w.omitted && !settled:
		return "a page lacked conversations that another one had"
	}
	return ""
}
