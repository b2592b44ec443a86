package mail

// The HTML is well-formed XML too, so that it has one reading. It loads nothing
// and runs nothing, and has no colours of its own for text and ground, so that
// it is readable in light and in dark.
const (
	htmlBegin = "<!DOCTYPE html>\r\n" + `<html lang="en"><head><meta charset="utf-8"/>` +
		`<meta name="viewport" content="width=device-width"/><meta name="color-scheme" content="light dark"/><title>`
	htmlStyle = "</title>\r\n<style>" +
		":root{color-scheme:light dark}" +
		"body{font:15px/1.5 system-ui,sans-serif;margin:1.5em;max-width:75em}" +
		"h1{font-size:1.4em}h2{font-size:1.15em}" +
		"table{border-collapse:collapse;width:100%}" +
		"th,td{text-align:left;vertical-align:top;padding:.35em .8em;border-top:1px solid rgba(128,128,128,.35)}" +
		"th{white-space:nowrap}" +
		".facts{width:auto}" +
		".log td:first-child{white-space:nowrap;font-variant-numeric:tabular-nums}" +
		".log td+td+td{width:50%}" +
		".agent,.manager{background:rgba(60,120,220,.1)}" +
		".system,.note{background:rgba(128,128,128,.1)}" +
		".log td{overflow-wrap:anywhere}" + // the names of files are long words
		"td div{white-space:pre-wrap}" +
		"td p{margin:.3em 0 0;opacity:.8}" +
		"@media(max-width:50em){.log tr{display:block}.log td,.log td+td+td{display:block;width:auto;border:0;padding:.1em .8em}}" +
		"</style></head>\r\n<body>\r\n<h1>"
	htmlPeople = "</table>\r\n<h2>Participants</h2>\r\n<table>\r\n" +
		"<tr><th>Name</th><th>Kind</th><th>Login</th><th>Id</th><th>E-mail</th><th>Note</th></tr>\r\n"
	htmlLog = "</table>\r\n<h2>Transcript</h2>\r\n" + `<table class="log">` + "\r\n" +
		"<tr><th>Time</th><th>From</th><th>Text</th></tr>\r\n"
	htmlEnd = "</table>\r\n</body></html>\r\n"
)

// appendHTMLHead appends what stands above the entries of the HTML.
func (f *Format) appendHTMLHead(dst []byte, p *part) []byte {
	dst = onHTMLLine.append(append(append(dst, htmlBegin...), "LivePerson conversation "...), p.slice.Conversation)
	dst = append(append(dst, htmlStyle...), "LivePerson conversation "...)
	dst = append(appendCellText(dst, p.slice.Conversation), "</h1>\r\n"+`<table class="facts">`+"\r\n"...)
	for _, fact := range f.facts(p) {
		dst = append(append(append(dst, "<tr><th>"...), fact.label...), "</th><td>"...)
		dst = append(appendCellText(dst, string(fact.value)), "</td></tr>\r\n"...)
	}
	dst = append(dst, htmlPeople...)
	for i := range f.cast.people {
		dst = appendRow(dst, &f.cast.people[i])
	}
	return append(dst, htmlLog...)
}

// appendRow appends a participant's row.
func appendRow(dst []byte, p *person) []byte {
	dst = append(append(dst, "<tr><td>"...), p.html...)
	email, invalid := p.Email, p.Address
	if email == p.address {
		email = ""
	}
	if invalid == p.address {
		invalid = ""
	}
	for _, cell := range [...]string{p.Kind, p.Login, p.ID, email} {
		dst = appendCellText(append(dst, "</td><td>"...), cell)
	}
	dst = appendCellText(append(dst, "</td><td>"...), p.AddressNote)
	if invalid != "" {
		dst = appendCellText(append(dst, " address not valid: "...), invalid)
	}
	return append(dst, "</td></tr>\r\n"...)
}

// appendCalledHTML appends a person as a row calls him.
func appendCalledHTML(dst []byte, p *person) []byte {
	dst = append(appendCellText(append(dst, "<b>"...), called(p.Participant)), "</b> "...)
	if p.address != "" {
		dst = append(onHTMLLine.append(append(dst, "&lt;"...), p.address), "&gt; ("...)
	} else {
		dst = append(appendCellText(append(dst, "(no address, id "...), p.ID), ") ("...)
	}
	return append(appendCellText(dst, p.Role), ')')
}

// appendCellText appends a short text that cannot reorder what stands around it.
func appendCellText(dst []byte, s string) []byte {
	if s == "" {
		return dst
	}
	return append(onHTMLLine.append(append(dst, "<bdi>"...), s), "</bdi>"...)
}

// appendBlock appends a text that somebody wrote.
func appendBlock(dst []byte, text string) []byte {
	return append(inHTML.append(append(dst, `<div dir="auto">`...), text), "</div>"...)
}

// roleClass is the class of a row: a role from outside is not one.
func roleClass(role string) string {
	switch role {
	case "agent", "manager", "system":
		return role
	}
	return "consumer"
}
