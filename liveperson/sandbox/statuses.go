package sandbox

func writeStatuses(a *Account, o *out, v *view) {
	o.raw(`[`)
	n, first := v.messages(), true
	for i := range n {
		accepted := v.time(i) + 600 + int64(v.draw(saltStatus, i)%400)
		if accepted <= v.at {
			first = a.writeStatus(o, v, i, accepted, "ACCEPT", first)
		}
		read := v.time(i) + v.gap/4
		if !a.set.Plain && read <= v.at && (v.oneIn(2, saltStatus, -i) || a.touched(&v.life, v.at)) {
			first = a.writeStatus(o, v, i, read, "READ", first)
		}
		if !o.pass() {
			return
		}
	}
	o.raw(`]`)
}

func (a *Account) writeStatus(o *out, v *view, i int, at int64, status string, first bool) bool {
	if !first {
		o.raw(`,`)
	}
	o.raw(`{"messageId":"`)
	a.appendMessageID(o, v, i)
	o.raw(`","seq":`).num(int64(v.sequence(i))).raw(`,`).when("time", at).raw(`,"participantId":"`)
	r, _ := v.sender(i)
	if r == consumer {
		o.b = appendAgentID(o.b, v.agentOf(v.turn(i)))
		o.raw(`","participantType":"Agent"`)
	} else {
		o.b = a.appendConsumer(o.b, v.consumer)
		o.raw(`","participantType":"Consumer"`)
	}
	o.raw(`,"messageDeliveryStatus":"`).raw(status).raw(`"`)
	if !v.old {
		o.raw(`,"dialogId":"`)
		o.b = a.appendDialog(o.b, &v.life, v.dialogOf(i))
		o.raw(`"`)
	}
	o.raw(`}`)
	return false
}

func writeScores(a *Account, o *out, v *view) {
	o.raw(`[`)
	first, shift := true, int64(0)
	if a.touched(&v.life, v.at) {
		shift = 5
	}
	for i := range v.messages() {
		at := v.time(i) + 5000
		if r, _ := v.sender(i); at > v.at || r != consumer && !a.set.Plain {
			continue
		}
		if !first {
			o.raw(`,`)
		}
		first = false
		o.raw(`{"messageId":"`)
		a.appendMessageID(o, v, i)
		score := int64(v.draw(saltStatus, i)%5) - 2 + shift
		if v.old {
			o.raw(`","score":`).num(score)
		} else {
			o.raw(`","messageRawScore":`).num(score).raw(`,"mcs":`).num(50 + score)
		}
		o.raw(`,`).when("time", at).raw(`}`)
		if !o.pass() {
			return
		}
	}
	o.raw(`]`)
}
