package mail

// appendReport begins the outer mail of an Exchange envelope journal: its
// header, the report ([MS-XJRNL] 2.1), and the header of the part that holds the
// inner mail, which follows unchanged.
//
// The report names as recipients everybody who took part, also where the inner
// mail's To does not.
func (f *Format) appendReport(dst []byte, p *part, boundary string) []byte {
	dst = f.appendDate(dst, p)
	dst = appendAddress(dst, "From", f.settings.Journal.From)
	dst = appendAddress(dst, "To", f.settings.Journal.To)
	dst = f.appendSubject(dst, p)
	f.value = f.id(p).appendMessageID(f.value[:0], journalPrefix)
	dst = appendField(dst, "Message-ID", f.value)
	dst = append(dst, "X-MS-Journal-Report:\r\n"...)
	dst = f.appendRest(dst, p)
	dst = appendMultipart(dst, "mixed", boundary)
	dst = appendBoundary(dst, boundary, "")
	f.report = f.appendEnvelope(f.report[:0], p)
	dst = f.appendText(dst, "text/plain", f.report)
	dst = appendBoundary(dst, boundary, "")
	return append(dst, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"...)
}

func appendAddress(dst []byte, name, address string) []byte {
	h := begin(dst, name)
	h.mailbox(nil, address)
	return h.end()
}

// appendEnvelope appends the text of the report.
func (f *Format) appendEnvelope(dst []byte, p *part) []byte {
	from := f.sender(p)
	sender := f.nobody()
	switch {
	case from >= 0:
		sender = f.cast.people[from].address
	case ValidAddress(f.settings.From):
		sender = f.settings.From
	}
	dst = append(append(append(dst, "Sender: "...), sender...), "\r\nSubject: "...)
	dst = append(f.appendSubjectText(dst, p), "\r\nMessage-ID: "...)
	dst = append(f.id(p).appendMessageID(dst, ""), "\r\n"...)
	begin := len(dst)
	f.eachOther(from, func(other *person) {
		dst = append(append(append(dst, "To: "...), other.address...), "\r\n"...)
	})
	if len(dst) > begin {
		return dst
	}
	to := f.settings.To
	if !ValidAddress(to) {
		to = f.nobody()
	}
	return append(append(append(dst, "To: "...), to...), "\r\n"...)
}
