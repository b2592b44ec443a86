package mail

import (
	"errors"
	"math"
	"strings"

	"lpexport/archive"
)

var _ archive.Splitter = (*Format)(nil)

// Format writes slices as mails. It keeps buffers, so it is for one goroutine.
type Format struct {
	settings Settings
	zone     zone
	subject  custom
	replaced []custom // of Settings.Headers, at the place of the field in standard that it replaces
	added    []custom // the others

	// What is known of the slice: the same in all its mails.
	cast  cast
	log   log
	parts []part

	own log // of one of the parts, where what is said of a file depends on what else is in its mail

	// What a mail is made in.
	factList                []fact
	factRoom                []byte
	value, textHead, report []byte
	htmlHead, line, out     []byte
	inside                  []archive.Splice
	long                    []archive.LongBody
	unlisted                int // people for whom its To had no room
}

// custom is one of Settings.Headers, or none.
type custom struct {
	name  string
	value template
}

// New returns the format with these settings, which are frozen. Its error joins an
// *archive.SettingError for everything that is wrong.
func New(s Settings) (*Format, error) {
	if err := s.check(s.checkOffsets); err != nil {
		return nil, err
	}
	f := &Format{settings: s, zone: s.Offsets, replaced: make([]custom, len(standard))}
	// What check has let pass has no error any more.
	subject, _ := parseTemplate(s.Subject)
	f.subject = custom{"Subject", subject}
	for _, h := range s.Headers {
		value, _ := parseTemplate(h.Value)
		f.header(custom{h.Name, value})
	}
	return f, nil
}

// header puts one of Settings.Headers where it will be written.
func (f *Format) header(h custom) {
	if strings.EqualFold(h.name, f.subject.name) {
		f.subject = h
		return
	}
	for i := range standard {
		if strings.EqualFold(h.name, standard[i].name) {
			f.replaced[i] = h
			return
		}
	}
	f.added = append(f.added, h)
}

// Extension returns ".eml".
func (f *Format) Extension() string { return ".eml" }

// Joined returns nothing: each mail is a file of its own.
func (f *Format) Joined() (file, head, tail string) { return "", "", "" }

// part is what one mail holds: a slice, or some of its entries.
type part struct {
	number, of int
	before     entry         // the last one of the part before
	entries    []entry       // of the log
	slice      archive.Slice // with these entries alone
	line       []byte        // of slice
	text, html []byte        // what the bodies say of the entries
	files      *files        // that are in the mail
}

// Documents calls emit for each mail of a slice, in order. At is the time in the
// mail's Date.
func (f *Format) Documents(line []byte, emit func(archive.Document) error) error {
	return f.each(line, func(_ *part, mail archive.Document) error { return emit(mail) })
}

// Parts calls emit with the transcript.json of each mail of a slice, in order.
func (f *Format) Parts(line []byte, emit func(part []byte) error) error {
	return f.each(line, func(p *part, _ archive.Document) error { return emit(p.line) })
}

// each calls emit for each part of a slice, with its mail, in order.
func (f *Format) each(line []byte, emit func(*part, archive.Document) error) error {
	s, err := archive.ParseLine(line)
	if err != nil {
		return err
	}
	defer f.release()
	f.cast.gather(&s)
	f.log.write(&s, &f.cast, f.cast.senders, f.zone)
	limit := f.settings.MaxBytes
	if limit == 0 {
		limit = math.MaxInt64
	}
	if f.settings.Per == PerConversation {
		whole := part{
			number: 1, of: 1, entries: f.log.entries, slice: s, line: line,
			text: f.log.text, html: f.log.html, files: &f.log.files,
		}
		if mail := f.mail(&whole); mail.Size() <= limit {
			return emit(&whole, mail)
		}
	}
	if err := f.split(&s, line, limit); err != nil {
		return err
	}
	for i := range f.parts {
		mail, err := f.mailOf(&f.parts[i], &s)
		if err != nil {
			return err
		}
		if err := emit(&f.parts[i], mail); err != nil {
			return err
		}
	}
	return nil
}

// release gives back the memory of a slice that was much larger than most, and
// of its texts.
func (f *Format) release() {
	const most = 4 << 20
	if cap(f.out) > most || cap(f.log.text) > most {
		f.log, f.own, f.parts, f.textHead, f.htmlHead, f.line, f.out = log{}, log{}, nil, nil, nil, nil, nil
	}
	clear(f.cast.people)
	clear(f.parts)
	clear(f.inside[:cap(f.inside)])
	clear(f.long[:cap(f.long)])
	f.log.files, f.own.files = files{}, files{}
}

// mailOf returns the mail of a part of s.
func (f *Format) mailOf(p *part, s *archive.Slice) (mail archive.Document, err error) {
	p.slice = *s
	last := p.before
	if n := len(p.entries); n > 0 {
		last = p.entries[n-1]
	}
	p.slice.Messages = s.Messages[p.before.messages:last.messages]
	p.slice.Happened = s.Happened[p.before.happened:last.happened]
	if f.line, err = archive.AppendLine(f.line[:0], &p.slice); err != nil {
		return archive.Document{}, err
	}
	p.line = f.line
	p.text, p.html, p.files = f.log.text[p.before.text:last.text], f.log.html[p.before.html:last.html], &f.log.files
	if f.log.files.any() {
		f.own.files.slice = &f.log.files
		f.own.write(&p.slice, &f.cast, f.cast.senders[p.before.messages:], f.zone)
		p.text, p.html, p.files = f.own.text, f.own.html, &f.own.files
	}
	return f.mail(p), nil
}

var errOtherLine = errors.New("the line is not as this version writes it, so that its parts would not be it")

// date is when a mail's first or last message was sent, else when something
// happened, else when the conversation began or ended; 0 where nothing is known.
func (f *Format) date(p *part) int64 {
	s, pick := &p.slice, firstTime
	if f.settings.Date == DateLast {
		pick = lastTime
	}
	at := pick(len(s.Messages), func(i int) int64 { return s.Messages[i].SentAt })
	if at == 0 {
		at = pick(len(s.Happened), func(i int) int64 { return s.Happened[i].At })
	}
	for _, known := range [...]int64{s.StartedAt, s.EndedAt} {
		if at == 0 {
			at = known
		}
	}
	return at
}

// firstTime returns the first of n times that is known.
func firstTime(n int, at func(int) int64) int64 {
	for i := range n {
		if at := at(i); at != 0 {
			return at
		}
	}
	return 0
}

// lastTime returns the last of n times that is known.
func lastTime(n int, at func(int) int64) int64 {
	return firstTime(n, func(i int) int64 { return at(n - 1 - i) })
}
