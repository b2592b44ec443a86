package sandbox

import "strconv"

func writeMessages(a *Account, o *out, v *view) {
	if v.spoiled == NotArray {
		o.raw(`"none"`)
		return
	}
	n := v.messages()
	swapped := !a.set.Plain && v.oneIn(13, saltOdd, 6)
	o.raw(`[`)
	for i := range n {
		if i > 0 {
			o.raw(`,`)
		}
		k := i
		if swapped && i^1 < n {
			k = i ^ 1
		}
		writeMessage(a, o, v, k)
		if !o.pass() {
			return
		}
	}
	o.raw(`]`)
}

func writeMessage(a *Account, o *out, v *view, i int) {
	k := a.kind(&v.life, i)
	o.raw(`{"type":"`).raw(typeNames[k]).raw(`","messageData":{`)
	writeData(a, o, v, i, k)
	o.raw(`},"messageId":"`)
	a.appendMessageID(o, v, i)
	o.raw(`"`)
	seq := int64(v.sequence(i))
	switch {
	case !v.old || v.oldSeq == 0:
		o.raw(`,"seq":`).num(seq)
	case v.oldSeq == 1:
		o.raw(`,"seq":"`).num(seq).raw(`"`)
	}
	o.raw(`,"dialogId":"`)
	if v.old {
		o.raw(`undefined`)
	} else {
		o.b = a.appendDialog(o.b, &v.life, v.dialogOf(i))
	}
	o.raw(`","participantId":"`)
	r, staff := v.sender(i)
	a.appendSender(o, v, r, staff)
	off := int64(0)
	if !a.set.Plain && v.oneIn(17, saltOdd, 7) {
		off = -28_435
	}
	o.raw(`","source":"APP",`).whenOff("time", v.time(i), off).raw(`,"device":"undefined"`)
	switch {
	case v.private(i):
		o.raw(`,"audience":"AGENTS_AND_MANAGERS"`)
	case !v.old:
		o.raw(`,"audience":"ALL"`)
	}
	o.raw(`,"sentBy":"`).raw([...]string{"Consumer", "Agent", "Agent", "System"}[r]).raw(`"`)
	if r == agent && staff == botNumber {
		o.raw(`,"contextData":`).raw(botContext)
	}
	o.raw(`}`)
}

// botMetadata is what a bot says about its messages, botContext what history
// makes of it.
const botMetadata = `[{"type":"BotResponse","intents":[{"id":"order-status","confidence":"HIGH","confidenceScore":0.953}],` +
	`"externalConversationId":"bot-session","businessCases":["Orders"]}]`

const botContext = `{"rawMetadata":"[{\"type\":\"BotResponse\",\"intents\":[{\"id\":\"order-status\",\"confidence\":\"HIGH\",\"confidenceScore\":0.953}],\"externalConversationId\":\"bot-session\",\"businessCases\":[\"Orders\"]}]",` +
	`"structuredMetadata":[{"botResponse":{"externalConversationId":"bot-session","businessCases":["Orders"],"intents":[{"id":"order-status","confidence":"HIGH","confidenceScore":0.953}]}}]}`

func (a *Account) appendSender(o *out, v *view, r role, staff int) {
	if r == consumer {
		o.b = a.appendConsumer(o.b, v.consumer)
	} else {
		o.b = appendAgentID(o.b, staff)
	}
}

// appendMessageID appends the messageId. Some second messages carry the first
// number of another conversation, as an official example does.
func (a *Account) appendMessageID(o *out, v *view, i int) {
	switch {
	case v.old:
		o.raw(`ms::conv:`)
		o.b = a.appendID(o.b, v.number)
	case i == 1 && !a.set.Plain && v.oneIn(11, saltOdd, 8):
		o.raw(`ms::conv:`)
		o.b = a.appendID(o.b, v.number+1)
		o.raw(`::msg:0`)
		return
	default:
		o.raw(`ms::dialog:`)
		o.b = a.appendDialog(o.b, &v.life, v.dialogOf(i))
	}
	o.raw(`::msg:`).num(int64(v.sequence(i)))
}

const formName = "Delivery address"

// writeData writes the members of messageData.
func writeData(a *Account, o *out, v *view, i int, k kind) {
	text := a.text(&v.life, i, v.at)
	switch k {
	case richContent:
		o.raw(`"richContent":{"content":`).nested(func(in *out) { writeCard(in, a.cardWords(&v.life, i, v.at)) }).raw(`}`)
	case hostedFile:
		a.writeFile(o, v, i, text)
	case link:
		o.raw(`"link":`)
		writeLink(o, &v.life, i, text)
	case formInvitation:
		o.raw(`"secureForm":{"formId":"form-1","formName":"` + formName + `","invitationId":"inv-`).num(int64(i)).raw(`"}`)
	case formSubmit:
		o.raw(`"secureForm":{"formId":"form-1","formName":"` + formName + `","submissionId":"sub-`).num(int64(i))
		o.raw(`","invitationId":"inv-`).num(int64(i - 1)).raw(`"}`)
	case voiceNote:
		o.raw(`"voiceNote":`)
		writeVoiceNote(o, text)
	case quickReplies:
		o.raw(`"msg":{"text":`).str(text).raw(`},"quickReplies":{"content":`).nested(writeReplies).raw(`}`)
	case htmlText:
		o.raw(`"msg":{"text":`).str(paragraph(text)).raw(`}`)
	default:
		o.raw(`"msg":{"text":`).str(text).raw(`}`)
	}
}

func paragraph(text string) string { return "<p>" + text + "</p>" }

func writeLink(o *out, l *life, i int, caption string) {
	o.raw(`{"externalFileLink":"https://www.example.com/`).num(int64(l.draw(saltNumber, i) % 1000))
	o.raw(`","fileType":"HTML","caption":`).str(caption).raw(`}`)
}

func writeVoiceNote(o *out, transcript string) {
	o.raw(`{"seconds":12,"transcript":`).str(transcript).raw(`}`)
}

// nested writes JSON as a string inside JSON.
func (o *out) nested(write func(*out)) *out {
	in := out{b: o.tmp[:0]}
	write(&in)
	o.tmp = in.b
	o.b = appendQuoted(o.b, string(in.b), o.ascii)
	return o
}

// replyTitles are the buttons under a text with quick replies.
var replyTitles = [2]string{"Yes", "No"}

func writeReplies(o *out) {
	o.raw(`{"type":"quickReplies","itemsPerRow":8,"replies":[`)
	for i, title := range replyTitles {
		if i > 0 {
			o.raw(`,`)
		}
		o.raw(`{"type":"button","tooltip":`).str(title).raw(`,"title":`).str(title)
		o.raw(`,"click":{"actions":[{"type":"publishText","text":`).str(title).raw(`}]}}`)
	}
	o.raw(`]}`)
}

// cardWords are what a person reads in a card, from top to bottom.
func (a *Account) cardWords(l *life, i int, at int64) [3]string {
	number := strconv.Itoa(100 + int(l.draw(saltNumber, i)%900))
	return [3]string{decoded(a.text(l, i, at)), "Item " + number, "Order again"}
}

func writeCard(o *out, words [3]string) {
	o.raw(`{"type":"vertical","elements":[{"type":"text","text":`).str(words[0])
	o.raw(`},{"type":"image","url":"https://www.example.com/item.png"},{"type":"text","text":`).str(words[1])
	o.raw(`},{"type":"button","title":`).str(words[2])
	o.raw(`,"click":{"actions":[{"type":"link","uri":"https://www.example.com/again"}]}}]}`)
}

// preview is a small picture in base64.
const preview = "/9j/4AAQSkZJRgABAQEAYABgAAD/2Q=="

func (a *Account) writeFile(o *out, v *view, i int, caption string) {
	o.raw(`"file":{"relativePath":`).str(a.path(&v.life, i, v.at))
	o.raw(`,"fileType":"`).raw(a.fileType(&v.life, i)).raw(`","caption":`).str(caption)
	if v.byID {
		o.raw(`,"preview":"` + preview + `"`)
	}
	o.raw(`}`)
}
