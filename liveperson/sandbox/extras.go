package sandbox

func writeCampaign(a *Account, o *out, v *view) {
	name := "Contact us"
	if a.touched(&v.life, v.at) {
		name = "Contact us (renamed)"
	}
	o.raw(`{"campaignEngagementId":"2330596212","campaignEngagementName":"Button on every page","campaignId":"2266771712","campaignName":`)
	o.str(name).raw(`,"goalId":"2266719412","goalName":"Interact with visitors","engagementAgentNote":"","engagementSource":"WEB_SITE",`)
	o.raw(`"visitorBehaviorId":"2379540212","visitorBehaviorName":"Any","engagementApplicationId":"28879660-84fd-4cd8-a1d7-ba3247bdb252",`)
	o.raw(`"engagementApplicationName":"Web","lobId":2389848512,"lobName":"Retail","locationId":"2266779612","locationName":"Entire site",`)
	o.raw(`"profileSystemDefault":true,"behaviorSystemDefault":false}`)
}

func writeMonitoring(a *Account, o *out, v *view) {
	o.raw(`{"country":"Germany","countryCode":"DE","state":"Berlin","city":"Berlin","isp":"Example Net","org":"Example Net",`)
	o.raw(`"device":"DESKTOP","ipAddress":"192.0.2.`).num(int64(v.consumer % 254))
	o.raw(`","browser":"Chrome 130","operatingSystem":"WINDOWS","conversationStartPage":"https://www.example.com/help","conversationStartPageTitle":"Help"}`)
}

func writeSurveys(a *Account, o *out, v *view) {
	if v.surveyed == 0 || v.at < v.surveyed {
		o.raw(`[]`)
		return
	}
	o.raw(`[{"surveyType":"Satisfaction","surveyStatus":"FILLED","dialogId":"`)
	o.b = a.appendDialog(o.b, &v.life, surveyDialog)
	o.raw(`","surveyId":"`)
	o.b = a.appendSurvey(o.b, v)
	o.raw(`","surveyData":[{"question":`).str(surveyQuestion).raw(`,"answer":"`).num(v.rating())
	o.raw(`","questionId":"1","answerId":"InvalidAnswer","questionType":"csat","questionFormat":"single","answerSeq":0,"isValidAnswer":true}]}]`)
}

func (a *Account) appendSurvey(dst []byte, v *view) []byte {
	return appendUUID(dst, v.draw(saltDialog, 90), v.draw(saltDialog, 91))
}

func writeCoBrowse(a *Account, o *out, v *view) {
	start := v.time(0) + 1000
	if a.set.Plain || v.draw(saltOdd, 20)%30 != 0 || v.at < start+60_000 {
		o.raw(`{"coBrowseSessionsList":[]}`)
		return
	}
	o.raw(`{"coBrowseSessionsList":[{"sessionId":"co-`).num(int64(v.number)).raw(`",`).when("startTime", start).raw(`,`)
	o.when("endTime", start+60_000).raw(`,"endReason":"AGENT","duration":60000,"type":"inApp","agentId":"`)
	o.b = appendAgentID(o.b, v.agentOf(v.turn(0)))
	o.raw(`","interactive":true}]}`)
}

func writeSummary(a *Account, o *out, v *view) {
	if v.summarised == 0 || v.at < v.summarised {
		o.raw(`{}`)
		return
	}
	o.raw(`{"text":`).str(v.summary()).raw(`,"lastUpdatedTime":`).num(v.summarised).raw(`}`)
}

func (l *life) summary() string {
	return "Answered by " + login(l.agentOf(l.turn(l.main-1))) + ", nothing left to do."
}

// enriched is how long after its start a conversation's attributes are complete.
const enriched = 120 * minute

// writeSDEs writes the authenticated attributes: by id all events, in a search
// the last of each type only. The customer's data come two hours late.
func writeSDEs(a *Account, o *out, v *view) {
	stamp := v.start + 10_000
	o.raw(`{"events":[`)
	if v.byID {
		writePersonalInfo(o, v, stamp-5000, "Unknown")
		o.raw(`,`)
	}
	writePersonalInfo(o, v, stamp, a.customer(&v.life))
	if v.at >= v.start+enriched {
		o.raw(`,{"customerInfo":{`)
		writeSDETimes(o, v, stamp)
		o.raw(`,"customerInfo":{"customerId":"C`).num(int64(v.consumer)).raw(`","customerType":"private","balance":`)
		o.value(v, "-40.5").raw(`,"currency":"EUR","companySize":`).value(v, "3").raw(`}},"sdeType":"CUSTOMER_INFO",`)
		writeStampOnly(o, v, stamp)
		o.raw(`}`)
	}
	o.raw(`]}`)
}

func writePersonalInfo(o *out, v *view, stamp int64, name string) {
	o.raw(`{"personalInfo":{`)
	writeSDETimes(o, v, stamp)
	o.raw(`,"personalInfo":{"name":`).str(name).raw(`,"customerAge":{"customerAgeInYears":`).value(v, "41")
	o.raw(`},"contacts":[{"personalContact":{"email":"customer`).num(int64(v.consumer + 1))
	o.raw(`@example.net","phone":"555-0100"}}]}},"sdeType":"PERSONAL_INFO",`)
	writeStampOnly(o, v, stamp)
	o.raw(`}`)
}

// value writes an attribute's number: a number in v=2, a string in v=1.
func (o *out) value(v *view, number string) *out {
	if v.typed {
		return o.raw(number)
	}
	return o.raw(`"`).raw(number).raw(`"`)
}

func writeSDETimes(o *out, v *view, stamp int64) {
	writeStampOnly(o, v, stamp)
	o.raw(`,"originalTimeStamp":"`).num(stamp).raw(`"`)
}

func writeStampOnly(o *out, v *view, stamp int64) {
	if v.typed {
		o.raw(`"serverTimeStamp":`).num(stamp)
	} else {
		o.raw(`"serverTimeStamp":"`).num(stamp).raw(`"`)
	}
}

func writeUnAuthSDEs(a *Account, o *out, v *view) {
	o.raw(`{"events":[{"cartStatus":{`)
	writeSDETimes(o, v, v.start+11_000)
	o.raw(`,"total":`).value(v, "11.7").raw(`,"currency":"EUR","numItems":`).value(v, "6")
	o.raw(`,"products":[{"quantity":`).value(v, "1").raw(`,"product":{"name":"Desk lamp","category":"home","sku":"L-1","price":`)
	o.value(v, "7.8").raw(`}}]},`)
	writeStampOnly(o, v, v.start+11_000)
	o.raw(`,"sdeType":"CART_STATUS","isAuthenticated":false}]}`)
}

func writeResponseTime(a *Account, o *out, v *view) {
	o.raw(`{"latestEffectiveResponseDueTime":`).num(v.due(v.at)).raw(`,"configuredResponseTime":600}`)
}

// due is until when the customer's last message is to be answered; -1 when
// there is nothing to answer.
func (l *life) due(at int64) int64 {
	if n := l.sent(at); n > 0 && l.open(at) {
		if r, _ := l.sender(n - 1); r == consumer {
			return l.time(n-1) + 10*minute
		}
	}
	return -1
}

func writeSkillChanges(a *Account, o *out, v *view) {
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
		o.raw(`{`).when("time", at).raw(`,"previousSkillId":`).num(skillNumber(from)).raw(`,"previousSkillName":`).str(a.skillName(from, v.at))
		o.raw(`,"currentSkillId":`).num(skillNumber(to)).raw(`,"currentSkillName":`).str(a.skillName(to, v.at)).raw(`,"reason":"Skill"}`)
	}
	o.raw(`]`)
}

func writeIntents(a *Account, o *out, v *view) {
	if v.bot == 0 || v.messages() == 0 {
		o.raw(`[]`)
		return
	}
	const class = `{"intentName":"order-status","intentLabel":"where is my order","confidenceScore":0.908,"versions":[{"modelName":"demo","modelVersion":"1.0"}]}`
	o.raw(`[{"selectedClassification":`).raw(class).raw(`,"allClassifications":[`).raw(class).raw(`],"messageId":"`)
	a.appendMessageID(o, v, 0)
	o.raw(`"}]`)
}

func writeUniqueIntents(a *Account, o *out, v *view) {
	if v.bot == 0 || v.messages() == 0 {
		o.raw(`[]`)
		return
	}
	o.raw(`[{"intentName":"order-status","intentLabel":"where is my order"}]`)
}

// agentSurveys are when the agent sent the form about the conversation: once in
// part, once whole.
func (l *life) agentSurveys() []int64 {
	if l.closed == 0 || l.skip != 3 || l.old {
		return nil
	}
	return []int64{l.closed + 8*minute, l.closed + 10*minute}
}

func writeAgentSurvey(a *Account, o *out, v *view) {
	if sent := v.agentSurveysSent(); len(sent) > 0 {
		writeForm(a, o, v, len(sent)-1, sent[len(sent)-1])
		return
	}
	o.raw(`{}`)
}

func writeAgentSurveys(a *Account, o *out, v *view) {
	o.raw(`[`)
	for i, at := range v.agentSurveysSent() {
		if i > 0 {
			o.raw(`,`)
		}
		writeForm(a, o, v, i, at)
	}
	o.raw(`]`)
}

func (v *view) agentSurveysSent() []int64 {
	sent := v.agentSurveys()
	for len(sent) > 0 && sent[len(sent)-1] > v.at {
		sent = sent[:len(sent)-1]
	}
	return sent
}

// writeForm writes the agent's form as sent the i-th time.
func writeForm(a *Account, o *out, v *view, i int, at int64) {
	o.raw(`{"surveyStatus":"SUBMITTED","statusReason":"`).raw([...]string{"PARTIALLY_SUBMITTED", "SUBMITTED"}[i]).raw(`","dialogId":"`)
	o.b = a.appendDialog(o.b, &v.life, mainDialog)
	o.raw(`","surveyId":"`)
	o.b = a.appendSurvey(o.b, v)
	o.raw(`","acSurveyId":"3592872510","acSurveyName":"Wrap-up","acSurveyRevision":24,"lastUpdateTime":`).num(at)
	writeAgentNames(a, o, "assignedAgent", v.agentOf(v.turn(v.main-1)), v.at)
	o.raw(`,"submittedAnswers":[{"questionText":"Solved?","questionId":"1","questionDefinition":"REGULAR_QUESTION","questionCategory":"FREE_TEXT",`)
	o.raw(`"answers":[{"answer":`).str([...]string{"Not yet", "Yes"}[i]).raw(`,"answerId":"1"}]}]}`)
}
