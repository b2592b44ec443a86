package sandbox

// presence is one stay of one member of staff.
type presence struct {
	staff        int
	joined, left int64 // never where it does not happen
	dialog       int
	role         string
	permission   string
}

// presences are all stays there will ever be, in order of joining.
func (l *life) presences() []presence {
	list := make([]presence, 0, 5)
	for turn := range 3 {
		if at := l.joined(turn); at != never {
			list = append(list, presence{l.agentOf(turn), at, l.left(turn), l.dialogOf(l.firstOf(turn)), "AGENT", "ASSIGNED_AGENT"})
		}
	}
	if l.managed() {
		at := l.time(managedMessage) - l.gap/30
		list = append(list, presence{managerNumber, at, at + l.gap/5 + 1, mainDialog, "AGENT_MANAGER", "READER"})
	}
	if l.survey > 0 {
		list = append(list, presence{systemNumber, l.closed + 1000, never, surveyDialog, "SYSTEM", "ASSIGNED_AGENT"})
	}
	return list
}

func writeAgents(a *Account, o *out, v *view) {
	writePresences(a, o, v, func(p presence) int64 { return p.joined })
}

func writeLeaves(a *Account, o *out, v *view) {
	writePresences(a, o, v, func(p presence) int64 { return p.left })
}

func writeActive(a *Account, o *out, v *view) {
	writePresences(a, o, v, func(p presence) int64 {
		if p.left <= v.at {
			return never
		}
		return p.joined
	})
}

// writePresences writes the stays for which the moment has come.
func writePresences(a *Account, o *out, v *view, moment func(presence) int64) {
	o.raw(`[`)
	first := true
	for _, p := range v.presences() {
		at := moment(p)
		if at > v.at {
			continue
		}
		if !first {
			o.raw(`,`)
		}
		first = false
		name, g := a.name(p.staff, v.at), groupOf(p.staff)
		o.raw(`{"agentFullName":`).str(name).raw(`,"agentNickname":`).str(name)
		o.raw(`,"agentLoginName":`).str(login(p.staff)).raw(`,"agentDeleted":`).bool(a.gone(p.staff, v.at)).raw(`,"agentId":"`)
		o.b = appendAgentID(o.b, p.staff)
		o.raw(`"`)
		if code, kind := userType(p.staff); !v.old {
			o.raw(`,"userType":"`).raw(code).raw(`","userTypeName":"`).raw(kind).raw(`"`)
		}
		o.raw(`,"role":"`).raw(p.role).raw(`","agentGroupName":`).str(g.name).raw(`,"agentGroupId":`).num(g.id)
		o.raw(`,`).when("time", at).raw(`,"permission":"`).raw(p.permission).raw(`"`)
		a.dialogID(o, v, p.dialog).raw(`}`)
	}
	o.raw(`]`)
}

// dialogID writes the member dialogId, which records of 2017 lack.
func (a *Account) dialogID(o *out, v *view, dialog int) *out {
	if v.old {
		return o
	}
	o.raw(`,"dialogId":"`)
	o.b = a.appendDialog(o.b, &v.life, dialog)
	return o.raw(`"`)
}

func writeConsumers(a *Account, o *out, v *view) {
	o.raw(`[{"participantId":"`)
	o.b = a.appendConsumer(o.b, v.consumer)
	name := a.customer(&v.life)
	if v.erased > 0 && v.at >= v.erased {
		name = Deleted
	}
	o.raw(`","firstName":`).str(name).raw(`,"lastName":"undefined","token":"undefined","email":"customer`)
	o.num(int64(v.consumer + 1)).raw(`@example.net","phone":"0","avatarURL":"undefined",`)
	o.when("time", v.start+8)
	if !v.old {
		o.raw(`,`).when("joinTime", v.start+8)
	}
	o.raw(`,"consumerName":`).str(name)
	a.dialogID(o, v, mainDialog).raw(`}]`)
}

func writeTransfers(a *Account, o *out, v *view) {
	o.raw(`[`)
	first := true
	for turn := 1; turn < 3; turn++ {
		at := v.transferred(turn)
		if at > v.at {
			continue
		}
		if !first {
			o.raw(`,`)
		}
		first = false
		from, to := v.skills[turn-1], v.skills[turn]
		by := v.agentOf(turn - 1)
		o.raw(`{`).when("time", at).raw(`,"assignedAgentId":"null","targetSkillId":`).num(skillNumber(to))
		o.raw(`,"targetSkillName":`).str(a.skillName(to, v.at)).raw(`,"reason":"Skill","by":"`)
		o.b = appendAgentID(o.b, by)
		o.raw(`","sourceSkillId":`).num(skillNumber(from)).raw(`,"sourceSkillName":`).str(a.skillName(from, v.at))
		writeAgentNames(a, o, "sourceAgent", by, v.at)
		a.dialogID(o, v, v.dialogOf(v.firstOf(turn))).raw(`}`)
	}
	o.raw(`]`)
}

func writeInteractions(a *Account, o *out, v *view) {
	o.raw(`[`)
	n := int64(0)
	for turn := range 3 {
		at := v.joined(turn)
		if at > v.at {
			continue
		}
		if n > 0 {
			o.raw(`,`)
		}
		n++
		o.raw(`{"interactiveSequence":`).num(n)
		writeAgentNames(a, o, "assignedAgent", v.agentOf(turn), v.at)
		o.raw(`,`).when("interactionTime", at)
		a.dialogID(o, v, v.dialogOf(v.firstOf(turn))).raw(`}`)
	}
	o.raw(`]`)
}

// span is one dialog: from when, until when (0: not ended), and what kind.
type span struct {
	dialog     int
	kind       string
	start, end int64
}

// spans are the dialogs that have begun by then.
func (l *life) spans(at int64) []span {
	until := func(end int64) int64 {
		if end > at {
			return 0
		}
		return end
	}
	first := span{mainDialog, "MAIN", l.start, until(l.closed)}
	if l.split < l.main {
		first.end = until(l.closedFirst)
	}
	list := []span{first}
	if l.split < l.main && l.reopened > 0 && at >= l.reopened {
		list = append(list, span{secondDialog, "MAIN", l.reopened, until(l.closed)})
	}
	if l.surveyed > 0 && at >= l.closed {
		list = append(list, span{surveyDialog, "POST_SURVEY", l.closed, until(l.surveyed)})
	}
	return list
}

func writeDialogs(a *Account, o *out, v *view) {
	o.raw(`[`)
	for i, s := range v.spans(v.at) {
		if i > 0 {
			o.raw(`,`)
		}
		o.raw(`{"dialogId":"`)
		o.b = a.appendDialog(o.b, &v.life, s.dialog)
		o.raw(`","status":"`).raw(statusName(s.end == 0)).raw(`","dialogType":"`).raw(s.kind)
		o.raw(`","dialogChannelType":"MESSAGING",`).when("startTime", s.start)
		if s.end > 0 {
			o.raw(`,`).when("endTime", s.end).raw(`,"closeReason":`).str(v.closeReason())
			o.raw(`,"closeReasonDescription":"MANUAL_CLOSE"`)
		}
		n := v.skills[v.turnAt(max(s.start, v.start+1000))]
		o.raw(`,"skillId":`).num(skillNumber(n)).raw(`,"skillName":`).str(a.skillName(n, v.at)).raw(`}`)
	}
	o.raw(`]`)
}
