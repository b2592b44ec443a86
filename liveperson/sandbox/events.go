package sandbox

import (
	"iter"
	"time"
)

// EventKind is what an event tells, as an application's installation names it.
type EventKind string

const (
	ContentEvent       EventKind = "ms.MessagingEventNotification.ContentEvent"
	RichContentEvent   EventKind = "ms.MessagingEventNotification.RichContentEvent"
	AcceptStatusEvent  EventKind = "ms.MessagingEventNotification.AcceptStatusEvent"
	ChatStateEvent     EventKind = "ms.MessagingEventNotification.ChatStateEvent"
	ConversationChange EventKind = "cqm.ExConversationChangeNotification"
	NewEvent           EventKind = "ms.MessagingEventNotification.ReactionEvent" // nobody has documented these two
	NewNotification    EventKind = "ms.ReactionNotification"
)

// Event is one notification of the account.
type Event struct {
	At           int64 // epoch milliseconds: when it happened, which is its serverTimestamp where it has one
	Conversation int   // by number
	Message      int   // by its place in order of time, from 0; -1 where the event is not a message
	Kind         EventKind
	Body         []byte // compact JSON, the receiver's own
}

// Events yields what the account notifies of after from, until to, in order of
// time: each message as it was when it was sent, what people type, accept and
// read now and then, and the state of a conversation whenever somebody comes or
// goes, it is transferred, closed or reopened. Nothing is told before its time
// by Settings.Now; Freshness does not apply. The events of two periods that
// meet are those of the whole.
//
// Its cost follows what happens in the period: conversations that were over
// before it are not looked at, but for those that might have lasted longer.
func (a *Account) Events(from, to time.Time) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		until := min(to.UnixMilli(), a.set.Now().UnixMilli())
		a.newAgenda(from.UnixMilli(), until).all(yield)
	}
}

// Steps around one message, in order of time.
const (
	stepStatus  = iota // the message before it is accepted or read
	stepTyping         // its sender types
	stepNew            // something that nobody has documented
	stepMessage        // it is sent
	steps
)

// course is one conversation's events, told up to some point.
type course struct {
	life
	at      int64   // of the next event; never when all is told
	message int     // the next event concerns this message,
	step    int     // by this step,
	changes []int64 // unless the conversation changes before
}

// courseAfter is what conversation n has to tell after that moment.
func (a *Account) courseAfter(n int, from int64) *course {
	c := &course{life: a.life(n)}
	c.message, c.changes = c.sent(from), c.moments()
	for c.find(a); c.at <= from; c.find(a) {
		c.pass()
	}
	return c
}

// find skips the steps that do not happen, and sets at.
func (c *course) find(a *Account) {
	c.at = never
	for c.message < c.total() && c.at == never {
		if c.at = a.stepAt(&c.life, c.message, c.step); c.at == never {
			c.forward()
		}
	}
	if len(c.changes) > 0 {
		c.at = min(c.at, c.changes[0])
	}
}

// changing tells whether the next event is a change of the conversation. At the
// same moment it comes first: who joins is there before they write.
func (c *course) changing() bool { return len(c.changes) > 0 && c.changes[0] == c.at }

// pass leaves the next event behind; find has to follow.
func (c *course) pass() {
	if c.changing() {
		c.changes = c.changes[1:]
		return
	}
	c.forward()
}

func (c *course) forward() {
	if c.step++; c.step == steps {
		c.step = 0
		c.message++
	}
}

// tell makes the next event and goes on to the one after it.
func (c *course) tell(a *Account) Event {
	e := Event{At: c.at, Conversation: c.number, Message: -1}
	switch l := &c.life; {
	case c.changing():
		e.Kind, e.Body = ConversationChange, a.conversationChange(l, c.at)
	case c.step == stepStatus:
		e.Kind, e.Body = AcceptStatusEvent, a.acceptStatus(l, c.message, c.at)
	case c.step == stepTyping:
		e.Kind, e.Body = ChatStateEvent, a.chatState(l, c.message)
	case c.step == stepNew:
		e.Kind, e.Body = a.newType(l, c.message, c.at)
	default:
		e.Kind, e.Body = a.messageEvent(l, c.message)
		e.Message = c.message
	}
	c.pass()
	c.find(a)
	return e
}

// stepAt is when a step around message i happens; never when it does not. At
// least a fifth of the gap lies between two messages, so that the steps come
// after the message before.
func (a *Account) stepAt(l *life, i, step int) int64 {
	at := l.time(i)
	switch {
	case step == stepMessage:
		return at
	case step == stepStatus && l.statusSequence(i) >= 0:
		return min(l.statusAt(i-1), at-l.gap/20)
	case step == stepTyping && l.typed(i) && !a.set.Plain:
		return at - l.gapBefore(i)/40
	case step == stepNew && l.oneOf(a.set.NewTypes, saltNewType, i):
		return at - l.gapBefore(i)/80
	}
	return never
}

// statusSequence is the number that a status took before message i; -1 when
// none did. These are the numbers that messages leave out.
func (l *life) statusSequence(i int) int {
	if n := i - l.firstIn(l.dialogOf(i)); l.skip == 0 || n == 0 || n%l.skip > 0 {
		return -1
	}
	return l.sequence(i) - 1
}

// statusAt is when message i was accepted, or read if it was.
func (l *life) statusAt(i int) int64 {
	if l.readSoon(i) {
		return l.read(i)
	}
	return l.accepted(i)
}

// typed tells whether somebody was seen typing before message i. Nobody is
// before the conversation has begun; bots and the system never are.
func (l *life) typed(i int) bool {
	r, staff := l.sender(i)
	return i > 0 && r != system && (r == consumer || staff != botNumber) && l.oneIn(5, saltTyping, i)
}

func (l *life) gapBefore(i int) int64 {
	if i >= l.main {
		return surveyGap
	}
	return l.gap
}
