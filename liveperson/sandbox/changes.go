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

	// What is shown of a conversation, from At to Until. Truth follows.
	Remove   // it is gone for good: from searches, by id, with its files
	Hide     // it is not there, for the requests of Scope
	Show     // what hides, delays or withholds it ends
	Delay    // it is shown as it was at At. What came since has old update times when it appears
	Withhold // it comes with half of its messages, marked isPartial unless Silent, and the statuses of all

	// The directories.
	RenameSkill // skill Skill is called Text from then on, in its list and in records
	NewSkill    // skill Skill (6 or more) begins, called Text; a third of the conversations from then on are in it
	DeleteSkill // skill Skill is deleted: in its list only for who asks for deleted ones
	DeleteUser  // staff member Agent is deleted
)

func (k ChangeKind) ofShowing() bool { return k >= Remove && k <= Withhold }
func (k ChangeKind) ofSkills() bool  { return k >= RenameSkill && k <= DeleteSkill }
func (k ChangeKind) ofStaff() bool   { return k == Rename || k == DeleteUser }

// Scope says which requests a Hide, Delay or Withhold is for.
type Scope int

const (
	Everywhere Scope = iota
	Searches         // searches only: by id it is there, whole
	Batches          // searches and requests by conversationIds: whole by conversationId alone
)

// Whole as a Change's Message means all messages of the conversation.
const Whole = -1

// Change is something that happens to what was there already. None of them
// moves the update time, so only reading again finds them. Times are those of
// what is shown: who asks sees them Settings.Freshness later.
type Change struct {
	At           time.Time // in Settings.Changes zero is before everything, in Apply it is now
	Until        time.Time // for Hide, Delay and Withhold; zero: until a Show
	Kind         ChangeKind
	Scope        Scope // for Hide, Delay and Withhold
	Conversation int   // by number; not for staff and skills
	Message      int   // by its place in order of time, from 0, or Whole; for changes of texts
	Agent        int   // for Rename and DeleteUser
	Skill        int   // for changes of skills: 0 to 5 are there from the start
	Silent       bool  // for Withhold
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

// edits are all changes of a conversation, seeded ones too, in order of time.
func (a *Account) edits(l *life) []Change {
	all := slices.Clone(a.changed.Load().texts[l.number])
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
	for _, c := range a.changed.Load().texts[l.number] {
		if c.Kind == Metadata && c.At.UnixMilli() <= at {
			return true
		}
	}
	return false
}
