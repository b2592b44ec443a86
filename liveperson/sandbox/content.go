package sandbox

import (
	"strconv"
	"strings"
)

// role is whose side a sender is on.
type role int

const (
	consumer role = iota
	agent
	manager
	system
)

// sender is who sent message i; staff counts for all but consumers.
func (l *life) sender(i int) (r role, staff int) {
	switch {
	case i == l.main+1:
		return consumer, 0
	case i >= l.main:
		return system, systemNumber
	case i == managedMessage && l.managed():
		return manager, managerNumber
	}
	fromConsumer := i%2 == 0
	if i > 1 && l.oneIn(6, saltPeople, 100+i) {
		fromConsumer = !fromConsumer
	}
	if fromConsumer {
		return consumer, 0
	}
	return agent, l.agentOf(l.turn(i))
}

// managed tells whether a manager looked in and left a note for the agents.
func (l *life) managed() bool { return l.skip == 4 && l.main > 8 }

const managedMessage = 5

// private tells whether message i was for agents and managers only.
func (l *life) private(i int) bool {
	r, _ := l.sender(i)
	return r == manager || r == agent && l.skip > 0 && l.oneIn(18, saltKind, -i)
}

// kind is what sort of content a message has.
type kind int

const (
	plainText kind = iota
	htmlText
	quickReplies // a plain text with buttons below
	richContent
	hostedFile
	link
	formInvitation
	formSubmit
	voiceNote // a type that no documentation lists
)

// typeNames are the API's names of kinds.
var typeNames = [...]string{
	"TEXT_PLAIN", "TEXT_HTML", "TEXT_PLAIN", "RICH_CONTENT", "HOSTED_FILE", "LINK",
	"SECURE_FORM_INVITATION", "SECURE_FORM_SUBMIT", "VOICE_NOTE",
}

func (a *Account) kind(l *life, i int) kind {
	if a.set.Plain || i >= l.main || i == 0 {
		return plainText
	}
	r, _ := l.sender(i)
	if r == consumer && a.invites(l, i-1) {
		return formSubmit
	}
	if a.invites(l, i) {
		return formInvitation
	}
	d := l.draw(saltKind, i) % 400
	switch {
	case r == consumer && d < 16:
		return hostedFile
	case r == consumer && d < 18:
		return voiceNote
	case r == agent && d < 16:
		return richContent
	case r == agent && d < 30:
		return quickReplies
	case r == agent && d < 36:
		return link
	case r == agent && d < 38:
		return hostedFile
	case r == agent && d < 41:
		return htmlText
	}
	return plainText
}

func (a *Account) invites(l *life, i int) bool {
	r, _ := l.sender(i)
	return i > 0 && r == agent && l.draw(saltKind, i)%400 >= 394
}

const surveyQuestion = "How satisfied are you, from 1 to 5?"

// written is a message's text as its sender wrote it. Lone surrogates are in
// it as the three bytes that UTF-8 forbids for them.
func (a *Account) written(l *life, i int) string {
	t := &tongues[l.language]
	r, _ := l.sender(i)
	if i >= l.main {
		return [...]string{surveyQuestion, strconv.Itoa(1 + int(l.draw(saltText, i)%5)), t.close}[i-l.main]
	}
	d := l.draw(saltText, i)
	if a.set.Hostile {
		if l.oneIn(23, saltOdd, 9) && i == 3 {
			return strings.Repeat("A megabyte of text, \"quoted\"\r\n", 1<<20/30)
		}
		if d%3 == 0 {
			return hostile[int(d>>8)%len(hostile)]
		}
	}
	number := strconv.Itoa(100000 + int(l.draw(saltNumber, i)%900000))
	switch {
	case r == consumer:
		return strings.ReplaceAll(t.asks[int(d>>8)%len(t.asks)], "#", number)
	case i == 1 && l.bot > 0:
		return t.greeting
	case i == l.main-1:
		return t.close
	}
	return strings.ReplaceAll(t.answers[int(d>>8)%len(t.answers)], "#", number)
}

// text is the message's text as shown then.
func (a *Account) text(l *life, i int, at int64) string {
	text := a.written(l, i)
	if l.settled(at) && a.changed.Load().texts[l.number] == nil {
		return text
	}
	for _, e := range a.edits(l) {
		if e.At.UnixMilli() <= at && (e.Message == i || e.Message == Whole) {
			text = e.apply(text)
		}
	}
	return text
}

// settled tells that no seeded change has touched the conversation by then.
func (l *life) settled(at int64) bool {
	return (l.masked == 0 || at < l.masked) && (l.erased == 0 || at < l.erased)
}

// erasedAt tells whether message i had been erased by then.
func (a *Account) erasedAt(l *life, i int, at int64) bool {
	if l.erased > 0 && at >= l.erased {
		return true
	}
	for _, e := range a.changed.Load().texts[l.number] {
		if e.Kind == Erase && e.At.UnixMilli() <= at && (e.Message == i || e.Message == Whole) {
			return true
		}
	}
	return false
}

// Deleted is what LivePerson writes in place of erased values.
const Deleted = "** LP deleted data **"

// masked is a text with its digits starred out. It works on bytes, as a text
// may hold lone surrogates.
func masked(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c >= '0' && c <= '9' {
			b[i] = '*'
		}
	}
	return string(b)
}
