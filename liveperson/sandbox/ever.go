package sandbox

import (
	"cmp"
	"iter"
	"reflect"
	"slices"
	"sort"
	"time"
)

// Ever is what the account has shown of one conversation up to some moment: the
// union over time, with when each part of it could be seen.
type Ever struct {
	Number    int
	ID        string
	StartedAt int64
	Found     []Span     // when a search over its start finds it
	Updates   []Update   // its update times, as searches filter by them
	Messages  []Sighting // in order of time; one that changed has several, its contents in order
	Happened  []Occurrence
}

// Sighting is one message with one content. It is the same message as another
// of the same dialog and sequence. One that was never given is there for the sake
// of the records that were cut before it.
type Sighting struct {
	Message        // without Versions
	Found   []Span // when searches show it
	Given   []Span // when a request for its conversation alone does
	Owed    []Span // when one does, and searches show it or a record that was cut before it
	Missed  []Span // when searches find its conversation, and every record is cut before it
}

// Occurrence is a happening, and when a request for its conversation alone tells of it.
type Occurrence struct {
	Happening
	Given []Span
}

// Update is an update time, and when a search goes by it.
type Update struct {
	At    int64
	Found []Span
}

// Span is some time, from inclusive, to exclusive, by the clock of who asks
// (Freshness is counted in), in epoch milliseconds.
type Span struct{ From, To int64 }

// Throughout reports whether one of the spans covers all moments from one to
// another, both inclusive.
func Throughout(spans []Span, from, to int64) bool {
	return slices.ContainsFunc(spans, func(s Span) bool { return s.From <= from && to < s.To })
}

// Ever yields, in order of their start, the conversations that the account has
// shown at any time up to a moment, without any fault. What was never shown, nor
// told of by a record that was cut, is not among them: messages that came while
// theirs was hidden, and went before it was shown again.
func (a *Account) Ever(until time.Time) iter.Seq[Ever] {
	seen := a.shownAt(until)
	return func(yield func(Ever) bool) {
		for n := range a.started(seen) {
			if e := a.ever(n, seen); len(e.Found)+len(e.Happened) > 0 && !yield(e) {
				return
			}
		}
	}
}

func (a *Account) ever(n int, until int64) Ever {
	l := a.life(n)
	w := watched{account: a, life: l, until: until}
	turns := a.turningPoints(&l, until)
	for _, by := range []way{bySearch, singly} {
		w.stays[by] = w.staysOf(turns, by)
	}
	e := Ever{Number: n, ID: a.ID(n), StartedAt: l.start, Found: w.when(bySearch, func(stay) bool { return true })}
	for _, s := range w.stays[bySearch] {
		if s.there {
			e.updated(l.last(s.asOf), s.Span)
		}
	}
	for i := range l.sent(until) {
		e.Messages = append(e.Messages, w.sightings(i)...)
	}
	for _, h := range a.happened(&l, until) {
		if given := w.when(singly, func(s stay) bool { return h.Seen <= s.asOf }); len(given) > 0 {
			e.Happened = append(e.Happened, Occurrence{h, given})
		}
	}
	return e
}

func (e *Ever) updated(at int64, found Span) {
	for i := range e.Updates {
		if u := &e.Updates[i]; u.At == at {
			u.Found = joined(u.Found, found)
			return
		}
	}
	e.Updates = append(e.Updates, Update{at, []Span{found}})
}

// watched is a conversation over the whole time.
type watched struct {
	account *Account
	life
	until int64
	stays [singly + 1][]stay // by way, in order of time
}

// stay is a span in which the same is shown of a conversation.
type stay struct {
	shown
	Span
	sent int // messages, of which left are shown
}

func (w *watched) staysOf(turns []int64, by way) (list []stay) {
	fresh := w.account.set.Freshness.Milliseconds()
	for i, from := range turns {
		s := stay{shown: w.account.shows(w.number, w.start, from, by), Span: Span{from + fresh, never}}
		if i+1 < len(turns) {
			s.To = turns[i+1] + fresh
		}
		s.sent = w.sent(s.asOf)
		list = append(list, s)
	}
	return list
}

// turningPoints are the moments at which what is shown of a conversation may
// change, in order.
func (a *Account) turningPoints(l *life, until int64) []int64 {
	list := []int64{l.start, a.expires(l.start)}
	for i := range l.total() {
		list = append(list, l.time(i))
	}
	list = append(list, l.closed, l.surveyed, l.summarised)
	list = append(list, l.moments()...)
	list = append(list, l.agentSurveys()...)
	changed := a.changed.Load()
	for _, c := range slices.Concat(a.edits(l), changed.showing[l.number]) {
		list = append(list, c.At.UnixMilli())
		if !c.Until.IsZero() {
			list = append(list, c.Until.UnixMilli())
		}
	}
	slices.Sort(list)
	first, _ := slices.BinarySearch(list, l.start)
	last, _ := slices.BinarySearch(list, until+1)
	return slices.Compact(list[first:last])
}

// expires is when a conversation that started then is no longer kept.
func (a *Account) expires(start int64) int64 {
	about := time.UnixMilli(start).UTC().AddDate(0, retention, -4).UnixMilli()
	const days = 8 * 24 * 60 * minute
	return about + int64(sort.Search(int(days), func(ms int) bool { return oldest(about+int64(ms)) > start }))
}

// when is when something holds of what one way of asking shows.
func (w *watched) when(by way, holds func(stay) bool) (spans []Span) {
	for _, s := range w.stays[by] {
		if s.there && holds(s) {
			spans = joined(spans, s.Span)
		}
	}
	return spans
}

// whenBoth is when a search and a request for the conversation alone have it, and
// something holds of both.
func (w *watched) whenBoth(holds func(found, alone stay) bool) (spans []Span) {
	for i, found := range w.stays[bySearch] {
		if alone := w.stays[singly][i]; found.there && alone.there && holds(found, alone) {
			spans = joined(spans, found.Span)
		}
	}
	return spans
}

// joined are spans in order of time, and one after them; those that meet are one.
func joined(spans []Span, next Span) []Span {
	if n := len(spans); n > 0 && spans[n-1].To == next.From {
		spans[n-1].To = next.To
		return spans
	}
	return append(spans, next)
}

// sightings are the contents that message i has been shown with.
func (w *watched) sightings(i int) (list []Sighting) {
	a := w.account
	contents := []int64{w.time(i)} // the moments from which it has another
	for _, c := range a.edits(&w.life) {
		if at := c.At.UnixMilli(); at > contents[0] && at <= w.until && (c.Message == i || c.Message == Whole) {
			contents = append(contents, at)
		}
	}
	for k, from := range contents {
		to := int64(never)
		if k+1 < len(contents) {
			to = contents[k+1]
		}
		then := func(s stay) bool { return s.asOf >= from && s.asOf < to && i < s.sent }
		here := func(s stay) bool { return then(s) && i < s.left(s.sent) }
		one := Sighting{Message: a.message(&w.life, i, from), Found: w.when(bySearch, here), Given: w.when(singly, here),
			Owed:   w.whenBoth(func(found, alone stay) bool { return then(found) && here(alone) }),
			Missed: w.whenBoth(func(found, alone stay) bool { return then(found) && then(alone) && !here(alone) })}
		one.Versions = nil
		if len(one.Given)+len(one.Missed) == 0 {
			continue
		}
		if n := len(list); n > 0 && reflect.DeepEqual(list[n-1].Message, one.Message) {
			last := &list[n-1]
			last.Found, last.Given = union(last.Found, one.Found), union(last.Given, one.Given)
			last.Owed, last.Missed = union(last.Owed, one.Owed), union(last.Missed, one.Missed)
			continue
		}
		list = append(list, one)
	}
	return list
}

// union are the spans of both, in order; those that meet are one.
func union(a, b []Span) (list []Span) {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y Span) int { return cmp.Compare(x.From, y.From) })
	for _, s := range all {
		if n := len(list); n > 0 && s.From <= list[n-1].To {
			list[n-1].To = max(list[n-1].To, s.To)
		} else {
			list = append(list, s)
		}
	}
	return list
}
