package sandbox

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// Conversation is what a complete archive must hold of one conversation.
// Times are epoch milliseconds.
type Conversation struct {
	Number    int
	ID        string
	Status    string // OPEN or CLOSE
	StartedAt int64
	EndedAt   int64 // 0 while open
	Dialogs   []Dialog
	Messages  []Message   // in order of time
	Happened  []Happening // in order of time
}

// Dialog is one dialog; its first message has place First in Messages.
type Dialog struct {
	ID, Kind           string // MAIN or POST_SURVEY
	StartedAt, EndedAt int64
}

// Message is one message, named as the archive must name it: the dialog is the
// conversation where the record does not say, the sequence is a number even
// where the record has it in messageId only.
type Message struct {
	Dialog   string
	Sequence int64
	ID       string
	SentAt   int64
	Sender   string
	Audience string // ALL or AGENTS_AND_MANAGERS
	Type     string
	Text     string    // the exact text, for TEXT_PLAIN; lone surrogates are U+FFFD
	Words    []string  // what a person reads, for other types that show words, in reading order
	Path     string    // of a hosted file, which Account.File tells of; Deleted when it was erased
	Versions []Version // the text over time, when it changed; the last is Text
}

// Version is a text from a moment on.
type Version struct {
	At   int64
	Text string
}

// Happening is what occurred besides messages. Kinds are started, joined, left,
// transferred, closed, reopened, survey and summary. Of a reopened conversation
// the first closing and the reopening are told by its dialogs only: its info
// forgets them.
type Happening struct {
	Kind string
	At   int64  // as the record dates it: a survey by the start of its dialog, an agent's by its last update
	Seen int64  // from when on the record tells of it
	ID   string // participant; for transferred "<skill>><skill>"; for a survey its own; else the dialog
}

// Truth yields, in order of their start, the conversations the account shows at
// that moment to who asks for each singly by id (what Freshness withholds, and
// retention or a change has removed, is not among them), without any fault.
func (a *Account) Truth(at time.Time) iter.Seq[Conversation] {
	seen := a.shownAt(at)
	return func(yield func(Conversation) bool) {
		for n, e := range a.started(seen) {
			if s := a.shows(n, e.start, seen, singly); s.there && !yield(a.truth(n, s)) {
				return
			}
		}
	}
}

func (a *Account) truth(n int, s shown) Conversation {
	l, at := a.life(n), s.asOf
	c := Conversation{
		Number: n, ID: a.ID(n), Status: statusName(l.open(at)),
		StartedAt: l.start, EndedAt: l.ended(at), Happened: a.happened(&l, at),
	}
	for _, s := range l.spans(at) {
		c.Dialogs = append(c.Dialogs, Dialog{string(a.appendDialog(nil, &l, s.dialog)), s.kind, s.start, s.end})
	}
	for i := range s.left(l.sent(at)) {
		c.Messages = append(c.Messages, a.message(&l, i, at))
	}
	return c
}

func (a *Account) message(l *life, i int, at int64) Message {
	v := &view{life: *l, at: at}
	id, sender, k := &out{}, &out{}, a.kind(l, i)
	a.appendMessageID(id, v, i)
	r, staff := l.sender(i)
	a.appendSender(sender, v, r, staff)
	m := Message{
		Dialog: string(a.appendDialog(nil, l, l.dialogOf(i))), Sequence: int64(l.sequence(i)), ID: string(id.b),
		SentAt: l.time(i), Sender: string(sender.b), Audience: "ALL", Type: typeNames[k],
	}
	if l.private(i) {
		m.Audience = "AGENTS_AND_MANAGERS"
	}
	text := decoded(a.text(l, i, at))
	switch k {
	case plainText, quickReplies:
		m.Text, m.Versions = text, a.versions(l, i, at)
		if k == quickReplies {
			m.Words = append([]string{text}, replyTitles[:]...)
		}
	case richContent:
		words := a.cardWords(l, i, at)
		m.Words = words[:]
	case hostedFile:
		m.Path, m.Words = decoded(a.path(l, i, at)), []string{text}
	case link, voiceNote, htmlText:
		m.Words = []string{text}
	case formInvitation, formSubmit:
		m.Words = []string{formName}
	}
	return m
}

// versions are the texts of message i so far, nil when there was only one.
func (a *Account) versions(l *life, i int, at int64) []Version {
	text := a.written(l, i)
	list := []Version{{l.time(i), decoded(text)}}
	for _, e := range a.edits(l) {
		if e.At.UnixMilli() > at || e.Message != i && e.Message != Whole {
			continue
		}
		if next := e.apply(text); next != text {
			text = next
			list = append(list, Version{e.At.UnixMilli(), decoded(text)})
		}
	}
	if len(list) == 1 {
		return nil
	}
	return list
}

// happened is all that happened by then, in order of time.
func (a *Account) happened(l *life, at int64) []Happening {
	v := &view{life: *l, at: at}
	dialog := func(n int) string { return string(a.appendDialog(nil, l, n)) }
	var list []Happening
	add := func(kind string, when, seen int64, id string) {
		if seen <= at {
			list = append(list, Happening{kind, when, seen, id})
		}
	}
	add("started", l.start, l.start, dialog(mainDialog))
	a.came(l, add)
	for turn := 1; turn < 3; turn++ {
		when := l.transferred(turn)
		add("transferred", when, when, skillID(l.skills[turn-1])+">"+skillID(l.skills[turn]))
	}
	for i, s := range l.spans(at) {
		if i > 0 && s.kind == "MAIN" {
			add("reopened", s.start, s.start, dialog(s.dialog))
		}
		if s.kind == "MAIN" && s.end > 0 {
			add("closed", s.end, s.end, dialog(s.dialog))
		}
	}
	if l.surveyed > 0 {
		add("survey", l.closed, l.surveyed, string(a.appendSurvey(nil, v)))
	}
	for _, when := range l.agentSurveys() {
		add("survey", when, when, string(a.appendSurvey(nil, v)))
	}
	if l.summarised > 0 {
		add("summary", l.summarised, l.summarised, dialog(mainDialog))
	}
	slices.SortStableFunc(list, func(x, y Happening) int { return cmp.Compare(x.At, y.At) })
	return list
}

// came adds who joined and left. Records of 2017 tell neither when a consumer
// joined nor when an agent left.
func (a *Account) came(l *life, add func(kind string, when, seen int64, id string)) {
	if !l.old {
		add("joined", l.start+8, l.start+8, string(a.appendConsumer(nil, l.consumer)))
	}
	for _, p := range l.presences() {
		add("joined", p.joined, p.joined, AgentID(p.staff))
		if !l.old {
			add("left", p.left, p.left, AgentID(p.staff))
		}
	}
}
