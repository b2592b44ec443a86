package sandbox

// section is a part of a record that contentToRetrieve asks for.
type section struct {
	name  string
	write func(*Account, *out, *view)
}

// sections in the order in which the API documents them. The first fourteen are
// what a request without contentToRetrieve gets.
var sections = []section{
	{"campaign", writeCampaign},
	{"messageRecords", writeMessages},
	{"agentParticipants", writeAgents},
	{"agentParticipantsLeave", writeLeaves},
	{"agentParticipantsActive", writeActive},
	{"consumerParticipants", writeConsumers},
	{"transfers", writeTransfers},
	{"interactions", writeInteractions},
	{"messageScores", writeScores},
	{"messageStatuses", writeStatuses},
	{"conversationSurveys", writeSurveys},
	{"coBrowseSessions", writeCoBrowse},
	{"summary", writeSummary},
	{"sdes", writeSDEs},
	{"unAuthSdes", writeUnAuthSDEs},
	{"monitoring", writeMonitoring},
	{"dialogs", writeDialogs},
	{"responseTime", writeResponseTime},
	{"skillChanges", writeSkillChanges},
	{"intents", writeIntents},
	{"uniqueIntents", writeUniqueIntents},
	{"latestAgentSurvey", writeAgentSurvey},
	{"previouslySubmittedAgentSurveys", writeAgentSurveys},
}

const defaultSections = 1<<14 - 1

// view is one conversation as one request sees it.
type view struct {
	life
	at      int64 // what has happened by then is seen
	byID    bool  // by id: previews, all SDEs
	typed   bool  // v=2: SDE values have their types, unauthenticated ones are given
	wanted  uint32
	partial bool // cut short by the server
	gone    bool // the second half of its messages is missing, without a word
	spoiled Kind // NoID or NotArray: the record is unusable
}

// messages is how many messages the record shows.
func (v *view) messages() int {
	n := v.sent(v.at)
	if v.partial {
		n = min(n, 3)
	}
	if v.gone {
		n -= n / 2
	}
	return n
}

// oldNames are section names as they were in 2017.
var oldNames = map[string]string{"consumerParticipants": "consumerParticipant", "messageScores": "messageScore"}

// sinceThen are sections that records of 2017 do not have.
var sinceThen = map[string]bool{
	"campaign": true, "dialogs": true, "unAuthSdes": true, "monitoring": true, "intents": true, "uniqueIntents": true,
	"latestAgentSurvey": true, "previouslySubmittedAgentSurveys": true, "agentParticipantsLeave": true,
	"agentParticipantsActive": true, "skillChanges": true, "responseTime": true, "coBrowseSessions": true,
}

func (a *Account) writeRecord(o *out, v *view) {
	o.ascii = a.escaped(&v.life)
	o.raw(`{"info":`)
	writeInfo(a, o, v)
	for i, s := range sections {
		if v.wanted&(1<<i) == 0 || s.name == "unAuthSdes" && !v.typed || v.old && sinceThen[s.name] {
			continue
		}
		name := s.name
		if old := oldNames[name]; v.old && old != "" {
			name = old
		}
		o.raw(`,"`).raw(name).raw(`":`)
		s.write(a, o, v)
		if !o.pass() {
			return
		}
	}
	o.raw(`}`)
	o.pass()
}

// escaped tells whether all JSON about the conversation is in ASCII.
func (a *Account) escaped(l *life) bool { return a.set.Hostile && l.draw(saltOdd, 5)%4 == 0 }

func writeInfo(a *Account, o *out, v *view) {
	end, full := v.ended(v.at), v.endedFully(v.at)
	o.raw(`{`).when("startTime", v.start).raw(`,`)
	o.when("endTime", max(end, full)).raw(`,`)
	if !v.old {
		o.when("conversationEndTime", end).raw(`,`).when("fullDialogEndTime", full).raw(`,`)
	}
	last := end
	if end == 0 {
		last = v.at
	}
	o.raw(`"duration":`).num(last - v.start)
	if v.spoiled != NoID {
		o.raw(`,"conversationId":"`)
		o.b = a.appendID(o.b, v.number)
		o.raw(`"`)
	}
	o.raw(`,"brandId":`).str(a.set.Account)
	turn := v.turnAt(v.at)
	writeAgentNames(a, o, "latestAgent", v.agentOf(turn), v.at)
	if !v.old {
		o.raw(`,"agentDeleted":`).bool(gone(v.agentOf(turn)))
	}
	s := v.skills[turn]
	o.raw(`,"latestSkillId":`)
	if v.old && v.oldSeq == 1 {
		o.str(skillID(s))
	} else {
		o.num(skills[s].id)
	}
	o.raw(`,"latestSkillName":`).str(a.skillName(s))
	o.raw(`,"source":`).str([...]string{"SHARK", "APP", "WhatsApp Business", "SHARK"}[v.language%4])
	if end > 0 {
		o.raw(`,"closeReason":`).str(v.closeReason()).raw(`,"closeReasonDescription":"MANUAL_CLOSE"`)
	}
	o.raw(`,"mcs":`).num(v.mcs(a)).raw(`,"alertedMCS":`).num(v.mcs(a) % 2)
	o.raw(`,"status":"`).raw(statusName(end == 0)).raw(`"`)
	if !v.old {
		o.raw(`,"fullDialogStatus":"`).raw(statusName(full == 0)).raw(`"`)
	}
	o.raw(`,"firstConversation":`).bool(v.consumer > v.number/4)
	if v.surveyed > 0 && v.at >= v.surveyed {
		o.raw([...]string{`,"csatRate":`, `,"csat":`}[v.number%2]).num(v.rating())
	}
	g := groupOf(v.agentOf(turn))
	o.raw(`,"device":"DESKTOP","browser":"CHROME","operatingSystem":"NA","latestAgentGroupId":`).num(g.id)
	o.raw(`,"latestAgentGroupName":`).str(g.name).raw(`,"latestQueueState":"ACTIVE"`)
	if !v.old {
		o.raw(`,"isPartial":`).bool(v.partial).raw(`,"pendingAgentSurvey":false,"integration":"WEB_SDK","language":`)
		o.str(tongues[v.language].code).raw(`,"features":["RICHCONTENT","QUICKREPLIES","SECUREFORMS"]`)
	} else if v.partial {
		o.raw(`,"isPartial":true`) // what is cut short always says so
	}
	if a.set.Hostile {
		o.raw(`,"undocumented":{"twice":1,"twice":[{}],"":null}`)
	}
	o.raw(`}`)
}

// closeReason is who closed.
func (l *life) closeReason() string {
	return [...]string{"AGENT", "CONSUMER", "AGENT", "SYSTEM"}[l.key>>8%4]
}

func (l *life) rating() int64 { return 1 + int64(l.draw(saltText, l.main+1)%5) }

// mcs is the score of the conversation, which wanders while it is open.
func (v *view) mcs(a *Account) int64 {
	n := int64(v.sent(v.at))
	if a.touched(&v.life, v.at) {
		n += 7
	}
	return int64(v.key%20) + 40 + n%30
}

func statusName(open bool) string {
	if open {
		return "OPEN"
	}
	return "CLOSE"
}

// writeAgentNames writes an agent's id and names, each with the prefix.
func writeAgentNames(a *Account, o *out, prefix string, n int, at int64) {
	name := a.name(n, at)
	o.raw(`,"`).raw(prefix).raw(`Id":"`)
	o.b = appendAgentID(o.b, n)
	o.raw(`","`).raw(prefix).raw(`Nickname":`).str(name)
	o.raw(`,"`).raw(prefix).raw(`FullName":`).str(name)
	o.raw(`,"`).raw(prefix).raw(`LoginName":`).str(login(n))
}
