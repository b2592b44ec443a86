package sandbox

import (
	"slices"
	"time"
)

// ChangeKind is what a Change does.
type ChangeKind int

const (
	Edit     ChangeKind = iota // the message's text becomes Text
	Mask                       // the digits of the message's text become *
	Erase                      // the message's text or file becomes Deleted
	Metadata                   // the conversation's campaign, scores and statuses change, its messages do not
	Rename                     // staff member Agent is called Text from then on, everywhere
)

// Whole as a Change's Message means all messages of the conversation.
const Whole = -1

// Change is something that happens to what was there already. None of them
// moves the update time, so only reading again finds them.
type Change struct {
	At           time.Time
	Kind         ChangeKind
	Conversation int // by number; not for Rename
	Message      int // by its place in order of time, from 0, or Whole
	Agent        int // for Rename
	Text         string
}

func (c Change) apply(text string) string {
	switch c.Kind {
	case Edit:
		return c.Text
	case Mask:
		return masked(text)
	case Erase:
		return Deleted
	}
	return text
}

func sortChanges(changes []Change) (byNumber map[int][]Change, renames []Change) {
	sorted := slices.Clone(changes)
	slices.SortStableFunc(sorted, byTime)
	byNumber = map[int][]Change{}
	for _, c := range sorted {
		if c.Kind == Rename {
			renames = append(renames, c)
		} else {
			byNumber[c.Conversation] = append(byNumber[c.Conversation], c)
		}
	}
	return byNumber, renames
}

func byTime(a, b Change) int { return a.At.Compare(b.At) }

// edits are all changes of a conversation, seeded ones too, in order of time.
func (a *Account) edits(l *life) []Change {
	all := slices.Clone(a.changes[l.number])
	if l.masked > 0 {
		all = append(all, Change{At: time.UnixMilli(l.masked), Kind: Mask, Message: Whole})
	}
	if l.erased > 0 {
		all = append(all, Change{At: time.UnixMilli(l.erased), Kind: Erase, Message: Whole})
	}
	slices.SortStableFunc(all, byTime)
	return all
}

// touched tells whether a Metadata change had come by then.
func (a *Account) touched(l *life, at int64) bool {
	for _, c := range a.changes[l.number] {
		if c.Kind == Metadata && c.At.UnixMilli() <= at {
			return true
		}
	}
	return false
}
