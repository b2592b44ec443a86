package exporter

import (
	"context"
	"errors"
	"fmt"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// looking is one look at the files of one conversation: everything that
// LivePerson lists for it is fetched, what its messages name and what bears no
// message's name (unclaimed.go). looked.go stores what came of it.
type looking struct {
	*fetcher
	wanting   checkpoint.Wanting
	named     []*sought // files that messages name
	unclaimed []*sought // what is, or was, listed without a message's name: by the paths of links, or kept
	looked    bool      // all that is listed was gone through
	more      bool      // there is more than one look fetches
	fetched   int64     // files that were not had before
	bytes     int64     // of these
	unusable  int       // links that cannot be followed
	unsettled int       // links without a message's name that were followed in vain and are not given up
	refusal   error     // why some link cannot be followed; nil: none
	fault     error     // of LivePerson, with one of them; nil: there was none
	broken    int       // such faults, one after the other
}

// sought is a file of the conversation, and what came of looking for it.
type sought struct {
	checkpoint.HostedFile
	got     content
	have    bool   // got was fetched in this look, and is it
	inDoubt bool   // got was fetched in this look, and may be it
	why     string // it is not to be had; "": that was not found out
	forever bool   // nor will it be
	among   bool   // as many files that no message claims are kept, and which of them it is nobody tells

	// Of what no message claims:
	listed bool // there is such a link
	shared bool // there are several
	early  bool // it is not looked for now
	failed bool // one of the links under its path was followed in vain

	changed bool // it is to be stored
	dropped bool // it is to be forgotten
}

// Why a file is not to be had. The words go into archives.
const (
	whyNotListed = "LivePerson lists no such file"
	whyUnsure    = "LivePerson lists several files that may be it"
	whyNoAnswer  = "LivePerson lists the file and does not give it"
	whyInstead   = "LivePerson gives %s in its place"
	whyInDoubt   = "LivePerson gives %s, which may not be the file"
	whyEmpty     = "LivePerson gives an empty file"
	whyBadLink   = "LivePerson gives a link that cannot be followed safely"
)

// mostFiles are fetched in one look: what is fetched is stored when it ends, and a
// process that ends before has fetched them in vain.
const mostFiles = 200

// begin lists what is known. Where another file is looked for in the place of what was
// kept under a path, the path is that one's.
func (l *looking) begin(files []checkpoint.HostedFile) {
	instead := map[string]bool{}
	for i := range files {
		if f := &files[i]; f.Path != "" && f.Link != "" {
			instead[f.Path] = true
		}
	}
	for i := range files {
		switch s := (&sought{HostedFile: files[i]}); {
		case s.Path == "":
			l.unclaimed = append(l.unclaimed, s)
		case s.Link != "" || !instead[s.Path]:
			l.named = append(l.named, s)
		}
	}
}

// fetch looks. Its error is one of LivePerson's or of this machine; what was found
// out until then counts.
func (l *looking) fetch(ctx context.Context) error {
	// Links end after a minute: as long as that brings files, and once more, they
	// are asked for again.
	for barren := 0; barren < 2; barren++ {
		before := l.fetched
		links, err := l.Files.Source.ConversationFiles(ctx, l.wanting.SourceID)
		if err != nil {
			return err
		}
		ended, err := l.fetchAll(ctx, links)
		if err != nil || !ended || l.more {
			return err
		}
		if l.fetched > before {
			barren = 0
		}
	}
	return nil
}

// fetchAll fetches what is behind links, and tells whether some of them have ended.
func (l *looking) fetchAll(ctx context.Context, links []liveperson.Link) (ended bool, err error) {
	usable := make([]liveperson.Link, 0, len(links))
	l.unusable, l.unsettled = 0, 0
	for _, k := range links {
		if k.Err != nil {
			l.refusal = k.Err
			l.unusable++
			continue
		}
		usable = append(usable, k)
	}
	finds, others := match(l.named, usable)
	for _, one := range finds {
		s := one.file
		switch {
		case s.State == checkpoint.FileKept || s.have || s.inDoubt:
		case one.link == nil:
			l.lacks(one)
		case l.full():
			return false, nil
		default:
			if err := l.fetchOne(ctx, s, *one.link); err != nil {
				return false, err
			}
			if s.have {
				l.count(&s.got)
			}
			ended = ended || s.why == whyNoAnswer
		}
	}
	nameless := !bearNames(finds, usable)
	had, othersEnded, err := l.fetchUnclaimed(ctx, usable, others, nameless)
	if err == nil && !l.more {
		l.looked = true
		settleAmong(finds, nameless, had, l.unsettled)
	}
	return ended || othersEnded, err
}

// lacks notes that no link is a file's. One that could not be used may be.
func (l *looking) lacks(one find) {
	switch {
	case l.refusal != nil:
		one.file.why = ""
	case one.unsure:
		one.file.why = whyUnsure
	default:
		one.file.why = whyNotListed
	}
}

// unlisted counts the files of which it is not known whether they are listed.
func (l *looking) unlisted() (n int) {
	for _, s := range l.named {
		if s.State != checkpoint.FileKept && !s.have && s.why == "" {
			n++
		}
	}
	return n
}

// settleAmong settles files that no link tells, where at least as many that no
// message claims are kept: they are among these. Where links bear names, that is so
// only of those that several links fit. While it is open what other links lead to, it
// is open whether a file is listed.
func settleAmong(finds []find, nameless bool, had, unsettled int) {
	var left []*sought
	for _, one := range finds {
		if one.link == nil && one.file.State != checkpoint.FileKept && (nameless || one.unsure) {
			left = append(left, one.file)
		}
	}
	for _, s := range left {
		if s.among = had >= len(left); !s.among && nameless && unsettled > 0 {
			s.why = ""
		}
	}
}

// count counts a file that was not had before.
func (l *looking) count(c *content) {
	l.fetched++
	l.bytes += c.bytes
}

// full tells whether the look has fetched as much as one may.
func (l *looking) full() bool {
	l.more = l.more || l.fetched >= mostFiles
	return l.more
}

// fetchOne stores what is behind a link. Its error is a fault that others meet
// too; what is wrong with this file alone is in s, or in fault.
func (l *looking) fetchOne(ctx context.Context, s *sought, link liveperson.Link) error {
	s.why, s.forever, s.inDoubt = "", false, false
	made, err := l.contents().put(answered{path: s.Path, link: link.Path, label: s.Label}, func(w *contentWriter) error {
		_, err := l.Files.Source.File(ctx, link, l.Files.MaxBytes, w)
		return err
	})
	var host *liveperson.HostError
	var instead *notAFileError
	switch {
	case err == nil && made.judged.verdict == doubtful && made.sha256 != s.SHA256:
		l.Step("file stored")
		s.got, s.inDoubt, s.why = made, true, fmt.Sprintf(whyInDoubt, made.judged.what)
	case err == nil:
		l.Step("file stored")
		s.got, s.have = made, true
	case errors.Is(err, liveperson.ErrLinkExpired):
		s.why = whyNoAnswer
	case errors.As(err, &instead):
		s.why = fmt.Sprintf(whyInstead, instead.what)
	case errors.Is(err, liveperson.ErrNoContent):
		s.why = whyEmpty
	case errors.Is(err, liveperson.ErrTooLarge):
		s.why, s.forever = fmt.Sprintf("the file is larger than the %d bytes that are fetched at most", l.Files.MaxBytes), true
	case errors.As(err, &host), errors.Is(err, liveperson.ErrBadLink):
		l.refusal = err
	case isLivePersons(err) && !isUnavailable(err) && ctx.Err() == nil && l.broken < mostBroken:
		l.fault = err
		l.broken++
		return nil
	default:
		return err
	}
	l.broken = 0
	return nil
}

// mostBroken files, one after the other, end a look: it is not they that are broken.
const mostBroken = 10
