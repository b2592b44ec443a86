package sandbox

import "slices"

// moments are when the conversation changes: it starts, somebody comes or goes,
// it is transferred, closed, reopened, its survey ends. Each is told as a
// ConversationChange; two in one millisecond are told as one.
func (l *life) moments() []int64 {
	list := []int64{l.start, l.transferred(1), l.transferred(2), l.closedFirst, l.reopened, l.closed, l.surveyed}
	for _, p := range l.presences() {
		list = append(list, p.joined, p.left)
	}
	list = slices.DeleteFunc(list, func(at int64) bool { return at == 0 || at == never })
	slices.Sort(list)
	return slices.Compact(list)
}

// conversationChange tells the whole state of the conversation at a moment. In
// 2018 less was told of one.
func (a *Account) conversationChange(l *life, at int64) []byte {
	return a.notification(l, string(ConversationChange), func(o *out) {
		o.raw(`"type":"UPSERT","result":{"convId":"`)
		o.b = a.appendID(o.b, l.number)
		o.raw(`"`)
		if !l.old {
			o.raw(`,"effectiveTTR":`).num(l.due(at))
		}
		o.raw(`,"conversationDetails":{`)
		if !l.old {
			o.raw(`"skillId":"`).num(skillNumber(l.skills[l.skillTurn(at)])).raw(`",`)
		}
		o.raw(`"participants":[`)
		a.writePresent(o, l, func(p presence) bool { return p.at(at) })
		o.raw(`]`)
		if !l.old {
			a.writeDialogStates(o, l, at)
		}
		a.writeState(o, l, at)
		o.raw(`}}`)
	})
}

func (p presence) at(at int64) bool { return p.joined <= at && at < p.left }

// skillTurn is the turn whose skill the conversation is in: a transfer changes
// it before the next agent joins.
func (l *life) skillTurn(at int64) int {
	turn := 1
	if l.bot > 0 {
		turn = 0
	}
	for turn < 2 && l.transferred(turn+1) <= at {
		turn++
	}
	return turn
}

// writePresent writes the members of staff who are among those meant, and then
// the consumer.
func (a *Account) writePresent(o *out, l *life, among func(presence) bool) {
	for _, p := range l.presences() {
		if !among(p) {
			continue
		}
		o.raw(`{"id":"`)
		o.b = appendAgentPID(o.b, p.staff)
		o.raw(`","role":"`).raw(eventRoles[roleOf(p.staff)]).raw(`"},`)
	}
	o.raw(`{"id":"`)
	o.b = a.appendConsumer(o.b, l.consumer)
	o.raw(`","role":"CONSUMER"}`)
}

// roleOf is the role of a member of staff.
func roleOf(staff int) role {
	switch staff {
	case managerNumber:
		return manager
	case systemNumber:
		return system
	}
	return agent
}

func (a *Account) writeDialogStates(o *out, l *life, at int64) {
	o.raw(`,"dialogs":[`)
	for i, s := range l.spans(at) {
		if i > 0 {
			o.raw(`,`)
		}
		last := at
		if s.end > 0 {
			last = s.end
		}
		o.raw(`{"dialogId":"`)
		o.b = a.appendDialog(o.b, l, s.dialog)
		o.raw(`","participantsDetails":[`)
		a.writePresent(o, l, func(p presence) bool {
			return p.at(last) && (p.dialog == surveyDialog) == (s.dialog == surveyDialog)
		})
		o.raw(`],"dialogType":"`).raw(s.kind).raw(`","channelType":"MESSAGING"`)
		if s.dialog == surveyDialog {
			o.raw(`,"metaData":{"appInstallId":"` + surveyApp + `"}`)
		}
		o.raw(`,"state":"`).raw(statusName(s.end == 0)).raw(`","creationTs":`).num(s.start)
		if s.end > 0 {
			o.raw(`,"endTs":`).num(s.end)
		}
		o.raw(`,"metaDataLastUpdateTs":`).num(last)
		if s.end > 0 {
			o.raw(`,"closedBy":"`).raw(l.closeReason()).raw(`"`)
		}
		o.raw(`}`)
	}
	o.raw(`]`)
}

// surveyApp is the application that asks the survey's questions.
const surveyApp = "8d6e5f0c-3b0e-4d1a-9a55-2f0f6c6f7a10"

// writeState writes how far the conversation has come: its state is that of its
// main dialogs, its stage closes with the survey.
func (a *Account) writeState(o *out, l *life, at int64) {
	end := l.ended(at)
	o.raw(`,"brandId":`).str(a.set.Account).raw(`,"state":"`).raw(statusName(end == 0)).raw(`"`)
	if !l.old {
		o.raw(`,"stage":"`).raw(statusName(l.endedFully(at) == 0)).raw(`"`)
	}
	if end > 0 {
		o.raw(`,"closeReason":"`).raw(l.closeReason()).raw(`"`)
	}
	o.raw(`,"startTs":`).num(l.start)
	if end > 0 {
		o.raw(`,"endTs":`).num(end)
	}
	o.raw(`,"metaDataLastUpdateTs":`).num(at).raw(`,"ttr":{"ttrType":"PRIORITIZED","value":600}`)
}
