package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Marker is what a reviewer searches for: it is in every Subject and in
// X-LivePerson-Source.
const Marker = "LivePerson"

// standard are the fields that Settings.Headers may replace, in their order. One
// without a value is left out.
var standard = [...]struct {
	name  string
	value placeholder
}{
	{"Auto-Submitted", constant("auto-generated")},
	{"X-LivePerson-Account", placeholders["account"]},
	{"X-LivePerson-Brand", text(func(_ *Format, p *part) string { return p.slice.Brand })},
	{"X-LivePerson-Conversation", conversationOf},
	{"X-LivePerson-Slice", placeholders["slice"]},
	{"X-LivePerson-Revision", placeholders["revision"]},
	{"X-LivePerson-Source", constant(Marker)},
	{"X-LivePerson-Part", partOf},
	{"X-LivePerson-Messages", placeholders["messages"]},
	{"X-LivePerson-First-Sent", sent(firstTime)},
	{"X-LivePerson-Last-Sent", sent(lastTime)},
	{"X-LivePerson-SHA256", transcriptSum},
}

func constant(value string) placeholder {
	return func(_ *Format, _ *part, dst []byte) []byte { return append(dst, value...) }
}

// conversationOf appends the id in full: people look for it.
func conversationOf(_ *Format, p *part, dst []byte) []byte {
	return onOneLine.append(dst, p.slice.Conversation)
}

// partOf appends "2/3" where a slice was split.
func partOf(_ *Format, p *part, dst []byte) []byte {
	if p.of == 1 {
		return dst
	}
	return appendOf(dst, p, "/")
}

// sent appends a time of the messages, RFC 3339 in UTC.
func sent(pick func(int, func(int) int64) int64) placeholder {
	return func(_ *Format, p *part, dst []byte) []byte {
		at := pick(len(p.slice.Messages), func(i int) int64 { return p.slice.Messages[i].SentAt })
		if at == 0 {
			return dst
		}
		return zone(nil).appendTime(dst, at)
	}
}

// transcriptSum appends the SHA-256 of transcript.json, which ends with a "\n".
func transcriptSum(_ *Format, p *part, dst []byte) []byte {
	sum := sha256.Sum256(p.line)
	return hex.AppendEncode(dst, sum[:])
}

// appendHead appends all fields of a mail but its Content-Type.
func (f *Format) appendHead(dst []byte, p *part) []byte {
	dst = f.appendDate(dst, p)
	dst = f.appendFrom(dst, p)
	dst = f.appendTo(dst, p)
	dst = f.appendSubject(dst, p)
	id := f.id(p)
	f.value = id.appendMessageID(f.value[:0], "")
	dst = appendField(dst, "Message-ID", f.value)
	return f.appendRest(f.appendThread(dst, id), p)
}

// id is what makes a part the mail it is.
func (f *Format) id(p *part) ID {
	return ID{
		Domain: f.settings.Domain, Destination: f.settings.Destination,
		Account: p.slice.Account, Conversation: p.slice.Conversation, Slice: p.slice.Number, Part: p.number,
	}
}

func (f *Format) appendDate(dst []byte, p *part) []byte {
	at := time.UnixMilli(f.date(p)).UTC()
	return append(at.AppendFormat(append(dst, "Date: "...), "Mon, 02 Jan 2006 15:04:05 -0700"), "\r\n"...)
}

func (f *Format) appendSubject(dst []byte, p *part) []byte {
	f.value = f.appendSubjectText(f.value[:0], p)
	return appendField(dst, f.subject.name, f.value)
}

// appendSubjectText appends the decoded Subject, which always has the marker.
func (f *Format) appendSubjectText(dst []byte, p *part) []byte {
	begin := len(dst)
	dst = f.subject.value.append(f, p, dst)
	switch {
	case len(dst) == begin:
		return append(dst, Marker...)
	case bytes.Contains(dst[begin:], []byte(Marker)):
		return dst
	}
	return f.subject.value.append(f, p, append(dst[:begin], Marker+": "...))
}

// appendThread appends what a mail answers: the first part of its slice, and
// before that the first mail of its conversation.
func (f *Format) appendThread(dst []byte, id ID) []byte {
	part, slice := id.Part, id.Slice
	if id.Part = 1; part > 1 {
		f.value = id.appendMessageID(f.value[:0], "")
		dst = appendField(dst, "In-Reply-To", f.value)
	}
	if slice == 1 && part == 1 {
		return dst
	}
	id.Slice = 1
	f.value = id.appendMessageID(f.value[:0], "")
	if part == 1 {
		dst = appendField(dst, "In-Reply-To", f.value)
	}
	if id.Slice = slice; part > 1 && slice > 1 {
		f.value = id.appendMessageID(append(f.value, ' '), "")
	}
	return appendField(dst, "References", f.value)
}

// appendRest appends the fields that tell of the slice, and those of the
// settings.
func (f *Format) appendRest(dst []byte, p *part) []byte {
	dst = append(dst, "MIME-Version: 1.0\r\n"...)
	for i := range standard {
		if own := &f.replaced[i]; own.name != "" {
			dst = f.appendCustom(dst, own, p)
			continue
		}
		if f.value = standard[i].value(f, p, f.value[:0]); len(f.value) > 0 {
			dst = appendField(dst, standard[i].name, f.value)
		}
	}
	for i := range f.added {
		dst = f.appendCustom(dst, &f.added[i], p)
	}
	return dst
}

// appendCustom appends a field of the settings, unless it has no value.
func (f *Format) appendCustom(dst []byte, own *custom, p *part) []byte {
	if f.value = own.value.append(f, p, f.value[:0]); len(f.value) == 0 {
		return dst
	}
	return appendField(dst, own.name, f.value)
}
