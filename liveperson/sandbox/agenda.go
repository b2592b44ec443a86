package sandbox

import (
	"cmp"
	"container/heap"
	"sort"
)

// agenda is what the account has to tell, in order of time: the courses of the
// conversations that are alive, the one with the earliest event on top, and
// then those that are still to start.
type agenda struct {
	account  *Account
	from, to int64 // ms; exclusive, inclusive

	due    courses
	next   int // the first conversation that was not looked at
	looked int // how many were
}

func (a *Account) newAgenda(from, to int64) *agenda {
	g := &agenda{account: a, from: from, to: to}
	g.next = a.firstAlive(from)
	if g.next > 0 && a.set.Huge > 0 {
		g.look(0) // outlasts the bound for others
	}
	return g
}

// all yields the events until there is none left.
func (g *agenda) all(yield func(Event) bool) {
	for {
		g.admit()
		if len(g.due) == 0 || g.due[0].at > g.to {
			return
		}
		e := g.due[0].tell(g.account)
		if g.due[0].at == never {
			heap.Pop(&g.due)
		} else {
			heap.Fix(&g.due, 0)
		}
		if !yield(e) {
			return
		}
	}
}

// admit looks at the conversations that start no later than the next event.
func (g *agenda) admit() {
	a := g.account
	for a.set.Conversations == 0 || g.next < a.set.Conversations {
		start := a.startOf(g.next)
		if start > g.to || len(g.due) > 0 && start > g.due[0].at {
			return
		}
		g.look(g.next)
		g.next++
	}
}

func (g *agenda) look(n int) {
	g.looked++
	if c := g.account.courseAfter(n, g.from); c.at < never {
		heap.Push(&g.due, c)
	}
}

// firstAlive is the first conversation that may have something to tell after
// that moment. It needs no index, which would cost the account's whole life.
func (a *Account) firstAlive(at int64) int {
	earliest := at - a.longest()
	if earliest < a.epoch {
		return 0
	}
	// Conversation n starts no earlier than n slots after the epoch.
	beyond := int((earliest-a.epoch)*a.slots/a.slot) + 17
	return sort.Search(beyond, func(n int) bool { return a.startOf(n) >= earliest })
}

// longest is how long after its start a conversation may have something to
// tell, in ms; of the huge one the length is not bounded by it.
func (a *Account) longest() int64 {
	growth := max(a.set.Growth.Milliseconds(), shortestGap)
	if a.set.Plain {
		return int64(a.set.Messages+1)*growth + closesWithin
	}
	talk := int64(2*a.set.Messages+2) * (growth + growth/2)
	if a.set.Lively > 0 {
		talk = max(talk, livelyMessages*livelyGap)
	}
	return talk + reopensWithin + closesWithin + surveysWithin
}

// What longest adds up, as lives are made.
const (
	livelyMessages = 350
	livelyGap      = 6 * minute
	reopensWithin  = 12 * 60 * minute // before a reopening
	closesWithin   = 22 * minute      // of the last message
	surveysWithin  = 30 * 60 * minute // of the close
)

// courses is a heap.
type courses []*course

func (q courses) Len() int { return len(q) }

func (q courses) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].at, q[j].at), cmp.Compare(q[i].number, q[j].number)) < 0
}

func (q courses) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *courses) Push(c any) { *q = append(*q, c.(*course)) }

func (q *courses) Pop() any {
	last := len(*q) - 1
	c := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return c
}
