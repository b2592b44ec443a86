package sandbox

func writeStatuses(a *Account, o *out, v *view) {
	o.raw(`[`)
	n, first := v.messages(), true
	if v.gone {
		n = v.sent(v.at)
	}
	for i := range n {
		if accepted := v.accepted(i); accepted <= v.at {
			first = a.writeStatus(o, v, i, accepted, "ACCEPT", first)
		}
		if read := v.read(i); !a.set.Plain && read <= v.at && (v.readSoon(i) || a.touched(&v.life, v.at)) {
			first = a.writeStatus(o, v, i, read, "READ", first)
		}
		if !o.pass() {
			return
		}
	}
	o.raw(`]`)
}

// accepted is when the other side had message i.
func (l *life) accepted(i int) int64 { return l.time(i) + 600 + int64(l.draw(saltStatus, i)%400) }

// read is when the other side read message i, if it did.
func (l *life) read(i int) int64 { return l.time(i) + l.gap/4 }

// readSoon tells whether message i was read at that moment.
func (l *life) readSoon(i int) bool { return l.oneIn(2, saltStatus, -i) }

// reader is who accepts and reads message i.
func (l *life) reader(i int) (r role, staff int) {
	if r, _ := l.sender(i); r == consumer {
		return agent, l.agentOf(l.turn(i))
	}
	return consumer, 0
}

func (a *Account) writeStatus(o *out, v *view, i int, at int64, status string, first bool) bool {
	if !first {
		o.raw(`,`)
	}
	o.raw(`{"messageId":"`)
	a.appendMessageID(o, v, i)
	o.raw(`","seq":`).num(int64(v.sequence(i))).raw(`,`).when("time", at).raw(`,"participantId":"`)
	r, staff := v.reader(i)
	a.appendSender(o, v, r, staff)
	o.raw(`","participantType":"`).raw([...]string{"Consumer", "Agent"}[r])
	o.raw(`","messageDeliveryStatus":"`).raw(status).raw(`"`)
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
