package sandbox

import (
	"maps"
	"slices"
	"time"
)

// changeSet is all changes of an account, each list in order of time. It is
// never written to: Apply puts another one in its place.
type changeSet struct {
	texts   map[int][]Change // Edit, Mask, Erase and Metadata, by conversation
	showing map[int][]Change // of what is shown of a conversation, by conversation
	staff   []Change
	skills  []Change
}

// Apply makes a change while the account is in use: every later request sees it,
// and so do Truth and Ever. A Change without a time happens now. An account is a
// function of its settings, the changes applied and the time: to restart one,
// apply the changes that Applied gives.
func (a *Account) Apply(c Change) {
	a.applying.Lock()
	defer a.applying.Unlock()
	if c.At.IsZero() {
		c.At = time.UnixMilli(a.shownAt(a.set.Now())).UTC()
	}
	a.changed.Store(a.changed.Load().with(c))
	a.applied = append(a.applied, c)
}

// Applied are the changes that Apply has made so far, with their times.
func (a *Account) Applied() []Change {
	a.applying.Lock()
	defer a.applying.Unlock()
	return slices.Clone(a.applied)
}

// shownAt is the latest moment of which the account shows anything at that time.
func (a *Account) shownAt(now time.Time) int64 { return now.Add(-a.set.Freshness).UnixMilli() }

func changeSetOf(list []Change) *changeSet {
	s := &changeSet{texts: map[int][]Change{}, showing: map[int][]Change{}}
	for _, c := range list {
		s.add(c)
	}
	return s
}

// with is the set and one change more.
func (s *changeSet) with(c Change) *changeSet {
	next := &changeSet{maps.Clone(s.texts), maps.Clone(s.showing), s.staff, s.skills}
	next.add(c)
	return next
}

func (s *changeSet) add(c Change) {
	switch {
	case c.Kind.ofStaff():
		s.staff = inserted(s.staff, c)
	case c.Kind.ofSkills():
		s.skills = inserted(s.skills, c)
	case c.Kind.ofShowing():
		s.showing[c.Conversation] = inserted(s.showing[c.Conversation], c)
	default:
		s.texts[c.Conversation] = inserted(s.texts[c.Conversation], c)
	}
}

// inserted is a new list with c behind those that are not later.
func inserted(list []Change, c Change) []Change {
	i := len(list)
	for i > 0 && byTime(list[i-1], c) > 0 {
		i--
	}
	return slices.Insert(slices.Clone(list), i, c)
}

func byTime(a, b Change) int { return a.At.Compare(b.At) }
