package sandbox

// notification is a whole event: what write writes is its one change.
func (a *Account) notification(l *life, kind string, write func(*out)) []byte {
	o := &out{b: make([]byte, 0, 1024), ascii: a.escaped(l)}
	o.raw(`{"kind":"notification","body":{"changes":[{`)
	write(o)
	if a.set.Hostile {
		o.raw(`,"undocumented":{"twice":1,"twice":[{}],"":null}`)
	}
	o.raw(`}]},"type":"`).raw(kind).raw(`"}`)
	return o.b
}

const messagingEvent = "ms.MessagingEventNotification"

// messageEvent tells message i as it was sent.
func (a *Account) messageEvent(l *life, i int) (EventKind, []byte) {
	k, kind := a.kind(l, i), ContentEvent
	if k == richContent {
		kind = RichContentEvent
	}
	r, staff := l.sender(i)
	return kind, a.notification(l, messagingEvent, func(o *out) {
		o.raw(`"sequence":`).num(int64(l.sequence(i))).raw(`,`)
		a.writeOriginator(o, l, r, staff)
		o.raw(`,"serverTimestamp":`).num(l.time(i)).raw(`,"event":{`)
		a.writeContent(o, l, i, k)
		o.raw(`}`)
		a.writePlace(o, l, l.dialogOf(i))
		if r == agent && staff == botNumber && !l.old {
			o.raw(`,"metadata":`).raw(botMetadata)
		}
		switch {
		case l.oneOf(a.set.Unsaid, saltUnsaid, i):
		case l.private(i):
			o.raw(`,"messageAudience":"AGENTS_AND_MANAGERS"`)
		case !l.old:
			o.raw(`,"messageAudience":"ALL"`)
		}
	})
}

// writeOriginator writes who did it: consumers by the id that history has too,
// all others by their pid.
func (a *Account) writeOriginator(o *out, l *life, r role, staff int) {
	id := func() {
		if r == consumer {
			o.b = a.appendConsumer(o.b, l.consumer)
		} else {
			o.b = appendAgentPID(o.b, staff)
		}
	}
	o.raw(`"originatorId":"`)
	id()
	o.raw(`","originatorMetadata":{"id":"`)
	id()
	o.raw(`","role":"`).raw(eventRoles[r]).raw(`"}`)
}

// eventRoles are the roles that events know. None says that somebody is a bot.
var eventRoles = [...]string{consumer: "CONSUMER", agent: "ASSIGNED_AGENT", manager: "MANAGER", system: "CONTROLLER"}

// writePlace writes which dialog an event belongs to. The events of 2018 do not
// name the conversation, whose main dialog has its id.
func (a *Account) writePlace(o *out, l *life, dialog int) {
	if !l.old {
		o.raw(`,"conversationId":"`)
		o.b = a.appendID(o.b, l.number)
		o.raw(`"`)
	}
	o.raw(`,"dialogId":"`)
	o.b = a.appendDialog(o.b, l, dialog)
	o.raw(`"`)
}

// The content types of events. LivePerson's pages tell neither that of an
// external file nor, of course, that of a type that they don't know: receivers
// have to take any.
const (
	typeText       = "text/plain"
	typeHTML       = "text/html"
	typeFile       = "hosted/file"
	typeLink       = "external/file"
	typeInvitation = "forms/secure-invitation"
	typeSubmission = "forms/secure-submission"
	typeVoice      = "voice/note"
)

// writeContent writes the members of a message's event. What history has as
// JSON inside a string is JSON here; a submitted form does not say which form.
func (a *Account) writeContent(o *out, l *life, i int, k kind) {
	sent := l.time(i)
	if k == richContent {
		o.raw(`"type":"RichContentEvent","content":`)
		writeCard(o, a.cardWords(l, i, sent))
		return
	}
	text, contentType := a.text(l, i, sent), typeText
	o.raw(`"type":"ContentEvent","message":`)
	switch k {
	case hostedFile:
		contentType = typeFile
		o.raw(`{"caption":`).str(text).raw(`,"relativePath":`).str(a.path(l, i, sent))
		o.raw(`,"fileType":"`).raw(a.fileType(l, i)).raw(`","preview":"data:image/jpeg;base64,` + preview + `"}`)
	case link:
		contentType = typeLink
		writeLink(o, l, i, text)
	case formInvitation:
		contentType = typeInvitation
		o.raw(`{"invitationId":"inv-`).num(int64(i)).raw(`","title":"` + formName + `"}`)
	case formSubmit:
		contentType = typeSubmission
		o.raw(`{"invitationId":"inv-`).num(int64(i - 1)).raw(`"}`)
	case voiceNote:
		contentType = typeVoice
		writeVoiceNote(o, text)
	case htmlText:
		contentType = typeHTML
		o.str(paragraph(text))
	default:
		o.str(a.asTyped(l, i, text))
	}
	o.raw(`,"contentType":"`).raw(contentType).raw(`"`)
	if k == quickReplies {
		o.raw(`,"quickReplies":`)
		writeReplies(o)
	}
}

// asTyped is a plain text with the line end that an agent's client adds.
func (a *Account) asTyped(l *life, i int, text string) string {
	if r, _ := l.sender(i); a.set.AgentNewline && (r == agent || r == manager) {
		return text + "\n"
	}
	return text
}

// acceptStatus tells, before message i, that the one before it was accepted or
// read.
func (a *Account) acceptStatus(l *life, i int, at int64) []byte {
	status := "ACCEPT"
	if l.readSoon(i - 1) {
		status = "READ"
	}
	r, staff := l.reader(i - 1)
	return a.notification(l, messagingEvent, func(o *out) {
		o.raw(`"sequence":`).num(int64(l.statusSequence(i))).raw(`,`)
		a.writeOriginator(o, l, r, staff)
		o.raw(`,"serverTimestamp":`).num(at).raw(`,"event":{"type":"AcceptStatusEvent","status":"`).raw(status)
		o.raw(`","sequenceList":[`).num(int64(l.sequence(i - 1))).raw(`]}`)
		a.writePlace(o, l, l.dialogOf(i))
	})
}

// chatState tells that the sender of message i is there before it is sent.
// Such events have neither a number nor a time.
func (a *Account) chatState(l *life, i int) []byte {
	r, staff := l.sender(i)
	return a.notification(l, messagingEvent, func(o *out) {
		a.writeOriginator(o, l, r, staff)
		o.raw(`,"event":{"type":"ChatStateEvent","chatState":"`)
		o.raw([...]string{"COMPOSING", "ACTIVE", "PAUSE"}[l.draw(saltTyping, -i)%3]).raw(`"}`)
		a.writePlace(o, l, l.dialogOf(i))
	})
}

// newType tells, before message i, something of a type that nobody has documented: a
// notification, or an event without a number.
func (a *Account) newType(l *life, i int, at int64) (EventKind, []byte) {
	if l.oneIn(2, saltNewType, -i) {
		return NewNotification, a.notification(l, string(NewNotification), func(o *out) {
			o.raw(`"reaction":"LIKE","serverTimestamp":`).num(at)
			a.writePlace(o, l, l.dialogOf(i))
		})
	}
	r, staff := l.sender(i)
	return NewEvent, a.notification(l, messagingEvent, func(o *out) {
		a.writeOriginator(o, l, r, staff)
		o.raw(`,"serverTimestamp":`).num(at).raw(`,"event":{"type":"ReactionEvent","reaction":"LIKE"}`)
		a.writePlace(o, l, l.dialogOf(i))
	})
}
