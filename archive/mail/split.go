package mail

import (
	"bytes"
	"math"
	"slices"

	"lpexport/archive"
)

// split divides a slice into parts, so that the mail of each has at most limit
// bytes. Parts are filled one after the other by what their mails are expected
// to take, then made to see what they do take.
func (f *Format) split(s *archive.Slice, line []byte, limit int64) error {
	again, err := archive.AppendLine(slices.Grow(f.line[:0], len(line)), s)
	if err != nil {
		return err
	}
	f.line = again
	if !bytes.Equal(again, line) {
		return errOtherLine
	}
	costs, err := f.costs(s)
	if err != nil {
		return err
	}
	for room := limit; ; {
		f.fill(costs, room)
		if limit == math.MaxInt64 {
			return nil
		}
		excess, err := f.excess(s, limit)
		if excess == 0 || err != nil {
			return err
		}
		room -= excess // ends at the latest with one entry in each part
	}
}

// excess returns by how much the largest mail of the parts is above limit. An
// entry that is so alone is an error.
func (f *Format) excess(s *archive.Slice, limit int64) (most int64, err error) {
	for i := range f.parts {
		p := &f.parts[i]
		mail, err := f.mailOf(p, s)
		if err != nil {
			return 0, err
		}
		over := mail.Size() - limit
		if over > 0 && len(p.entries) < 2 {
			return 0, &archive.TooLargeError{Bytes: mail.Size(), Limit: limit}
		}
		most = max(most, over)
	}
	return most, nil
}

// cost is what a piece of a mail takes in each of its three bodies, and behind them.
type cost struct {
	text, html encoded
	line       int   // bytes of transcript.json
	files      int64 // that are attached
}

// encoded is what a piece takes in a body, in either encoding.
type encoded struct{ bytes, quotes, quoted int }

func (c cost) plus(o cost) cost {
	return cost{c.text.plus(o.text), c.html.plus(o.html), c.line + o.line, c.files + o.files}
}

func (e encoded) plus(o encoded) encoded {
	return encoded{e.bytes + o.bytes, e.quotes + o.quotes, e.quoted + o.quoted}
}

func (c cost) size() int64 {
	return c.text.size() + c.html.size() + archive.Base64Size(int64(c.line)) + c.files
}

func (e encoded) size() int64 {
	if isBase64Shorter(e.bytes, e.quotes) {
		return archive.Base64Size(int64(e.bytes))
	}
	return int64(e.quoted)
}

// costs are those of a mail without entries, and of each entry.
type costs struct {
	head    cost
	rest    int64 // of the mail without entries, besides its bodies
	entries []costOfEntry
}

type costOfEntry struct {
	cost
	content string // the hash of the file that it attaches, or ""
}

// slack is room for what differs between the headers of a slice's mails: the
// numbers in them, and the times of a mail that has messages.
const slack = 256

// filesSlack is room for the count of files, which a mail without entries lacks.
const filesSlack = 192

func (f *Format) costs(s *archive.Slice) (*costs, error) {
	empty := part{number: 1000, of: 1000}
	mail, err := f.mailOf(&empty, s)
	if err != nil {
		return nil, err
	}
	c := &costs{head: cost{text: f.encoded(f.textHead), html: f.encoded(append(f.htmlHead, htmlEnd...)), line: len(empty.line)}}
	c.rest = mail.Size() - c.head.size() + slack
	if f.log.files.any() {
		c.rest += filesSlack
	}
	one := archive.Slice{Number: 1, Revision: 1}
	none, err := f.length(&one)
	if err != nil {
		return nil, err
	}
	var before entry
	for _, e := range f.log.entries {
		one.Messages, one.Happened = s.Messages[before.messages:e.messages], s.Happened[before.happened:e.happened]
		n, err := f.length(&one)
		if err != nil {
			return nil, err
		}
		entry := costOfEntry{cost: cost{
			text: f.encoded(f.log.text[before.text:e.text]), html: f.encoded(f.log.html[before.html:e.html]), line: n - none + len(","),
		}}
		for _, a := range one.Attachments() { // at most one
			entry.files, entry.content = attachmentSize(a), a.SHA256
		}
		c.entries = append(c.entries, entry)
		before = e
	}
	return c, nil
}

func (f *Format) length(s *archive.Slice) (n int, err error) {
	f.line, err = archive.AppendLine(f.line[:0], s)
	return len(f.line), err
}

func (f *Format) encoded(raw []byte) encoded {
	return encoded{len(raw), quotes(raw), int(quotedSize(raw))}
}

// fill puts as many entries into each part as there is room for, at least one;
// with PerMessage at most one message.
func (f *Format) fill(c *costs, room int64) {
	f.parts = f.parts[:0]
	var before, last entry
	first, used, inside := 0, c.head, make(map[string]bool) // the contents that are in the part
	for i, e := range f.log.entries {
		own := c.entries[i]
		if inside[own.content] {
			own.files = 0
		}
		more := used.plus(own.cost)
		second := f.settings.Per == PerMessage && last.messages > before.messages && e.messages > last.messages
		if i > first && (second || c.rest+more.size() > room) {
			f.parts = append(f.parts, part{before: before, entries: f.log.entries[first:i]})
			before, first, more = last, i, c.head.plus(c.entries[i].cost)
			clear(inside)
		}
		if own.content != "" {
			inside[own.content] = true
		}
		used, last = more, e
	}
	f.parts = append(f.parts, part{before: before, entries: f.log.entries[first:]})
	for i := range f.parts {
		f.parts[i].number, f.parts[i].of = i+1, len(f.parts)
	}
}
