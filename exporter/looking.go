package exporter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// looking is one look at the files of one conversation: everything that
// LivePerson lists for it is fetched, what its messages name and what bears no
// message's name.
type looking struct {
	*fetcher
	wanting checkpoint.Wanting
	files   []checkpoint.HostedFile // what was known of them
	sought  map[int64]*sought       // what came of those that are not kept yet, by their ID
	strange []checkpoint.HostedFile // found without a message's name, and not known before
	unnamed unnamed                 // what is listed without a message's name
	fetched int64
	bytes   int64
	refusal error // why some link cannot be followed; nil: none
	fault   error // of LivePerson, with one of them; nil: there was none
	broken  int   // such faults, one after the other
}

// sought is a file that is looked for.
type sought struct {
	content
	have    bool
	why     string // it was not to be had
	forever bool   // nor will it be
}

// Why a file is not to be had. The words go into archives.
const (
	whyNotListed = "LivePerson lists no such file"
	whyNoAnswer  = "LivePerson lists the file and does not give it"
	whyWebPage   = "LivePerson gives a web page in its place"
	whyEmpty     = "LivePerson gives an empty file"
)

// waits tells whether a file is looked for.
func waits(f *checkpoint.HostedFile) bool {
	return f.State == checkpoint.FileWaiting || f.State == checkpoint.FileMissing
}

// begin lists what is sought.
func (l *looking) begin(files []checkpoint.HostedFile) {
	l.sought = map[int64]*sought{}
	for _, f := range files {
		if f.Path == "" && f.Link == "" {
			l.unnamed.HostedFile = f
			continue
		}
		l.files = append(l.files, f)
		if waits(&f) {
			l.sought[f.ID] = &sought{}
		}
	}
}

// unnamed stands, while it waits, for whatever LivePerson lists of a conversation
// without a message's name.
type unnamed struct {
	checkpoint.HostedFile
	found bool // there is such a file, and it is not kept
}

// How long after such a file was seen history must have been read to, and how long
// it waits at most, where history is not read at all.
const (
	historyLag  = 10 * time.Minute
	unnamedMost = 24 * time.Hour
)

// ripe tells whether history has told of the message, if there is one.
func (u *unnamed) ripe(f *fetcher) bool {
	return u.State == checkpoint.FileWaiting &&
		(f.watermark >= u.NotedAt+historyLag.Milliseconds() || f.millis() >= u.NotedAt+unnamedMost.Milliseconds())
}

// settle prepares it to be stored, and tells whether it has to be.
func (u *unnamed) settle(l *looking) bool {
	now := l.millis()
	switch {
	case !u.found && (u.ID == 0 || u.State != checkpoint.FileWaiting):
		return false
	case !u.found:
		u.State, u.NextAt = checkpoint.FileAmong, 0
	case u.State != checkpoint.FileWaiting:
		u.Conversation, u.State, u.NotedAt, u.Attempts, u.NextAt = l.wanting.Conversation, checkpoint.FileWaiting, now, 1, now+historyLag.Milliseconds()
	default:
		u.Attempts++
		u.NextAt = now + lookPause(u.Attempts)
	}
	return true
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
		if err != nil || !ended {
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
	for _, k := range links {
		if k.Err != nil {
			l.refusal = k.Err
			continue
		}
		usable = append(usable, k)
	}
	finds, others := match(l.files, usable)
	left, named := 0, false // files that no link names; some link names one
	for _, one := range finds {
		s := l.sought[one.file.ID]
		named = named || one.link != nil || one.file.State == checkpoint.FileKept
		switch {
		case one.link == nil && one.file.State != checkpoint.FileKept:
			left++
			if s != nil && l.refusal == nil {
				s.why = whyNotListed
			}
		case s != nil && !s.have:
			if err := l.fetchOne(ctx, s, one.file.Label, *one.link); err != nil {
				return false, err
			}
			ended = ended || s.why == whyNoAnswer
		}
	}
	had, strangeEnded, err := l.fetchOthers(ctx, usable, others, left > 0 && !named)
	if had >= left {
		l.countAmong(finds)
	}
	return ended || strangeEnded, err
}

// fetchOthers fetches what bears no message's name, and tells how many of these
// files are kept. Such a file may be of a message that is not captured yet, and
// bear its name: so where links bear names at all, it waits until history has been
// read far enough to have told of it.
func (l *looking) fetchOthers(ctx context.Context, all, others []liveperson.Link, nameless bool) (had int, ended bool, err error) {
	var unknown []liveperson.Link
	for _, k := range others {
		if !l.knows(all, k.Path) {
			unknown = append(unknown, k)
		}
	}
	had = len(others) - len(unknown)
	l.unnamed.found = len(unknown) > 0
	if len(unknown) == 0 || !nameless && !l.unnamed.ripe(l.fetcher) {
		return had, false, nil
	}
	for _, k := range unknown {
		have, err := l.fetchStrange(ctx, k)
		if err != nil {
			return had, ended, err
		}
		if have {
			had++
		}
		ended = ended || !have
	}
	l.unnamed.found = ended
	return had, ended, nil
}

// countAmong settles files whose names no link bears, where there are as many
// files without a name: all of them are kept, only not who sent which.
func (l *looking) countAmong(finds []find) {
	for _, one := range finds {
		if s := l.sought[one.file.ID]; s != nil && one.link == nil {
			one.file.State, s.why = checkpoint.FileAmong, ""
		}
	}
}

// fetchOne stores what is behind a link. Its error is a fault that others meet
// too; what is wrong with this file alone is in s, or in fault.
func (l *looking) fetchOne(ctx context.Context, s *sought, label string, link liveperson.Link) error {
	s.why, s.forever = "", false
	made, err := l.contents().put(func(w *contentWriter) error {
		if _, err := l.Files.Source.File(ctx, link, l.Files.MaxBytes, w); err != nil {
			return err
		}
		c := w.content()
		return c.check(label)
	})
	var host *liveperson.HostError
	switch {
	case err == nil:
		l.Step("file stored")
		s.content, s.have = made, true
		l.fetched++
		l.bytes += made.bytes
	case errors.Is(err, liveperson.ErrLinkExpired):
		s.why = whyNoAnswer
	case errors.Is(err, errNotTheFile), errors.Is(err, liveperson.ErrNotAFile):
		s.why = whyWebPage
	case errors.Is(err, liveperson.ErrNoContent):
		s.why = whyEmpty
	case errors.Is(err, liveperson.ErrTooLarge):
		s.why, s.forever = fmt.Sprintf("the file is larger than the %d bytes that are fetched at most", l.Files.MaxBytes), true
	case errors.As(err, &host), errors.Is(err, liveperson.ErrBadLink):
		l.refusal = err
	case isLivePersons(err) && ctx.Err() == nil && l.broken < mostBroken:
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

// fetchStrange fetches what bears no message's name, and tells whether it is there.
func (l *looking) fetchStrange(ctx context.Context, k liveperson.Link) (have bool, err error) {
	var s sought
	if err := l.fetchOne(ctx, &s, "", k); err != nil || !s.have {
		return false, err
	}
	f := checkpoint.HostedFile{Conversation: l.wanting.Conversation, Link: k.Path + "#" + s.sha256, NotedAt: l.millis(), State: checkpoint.FileKept, Attempts: 1}
	for i := range l.files {
		f.SentAt = max(f.SentAt, l.files[i].SentAt) // the messages that it may be of
		if l.files[i].Path == "" && l.files[i].SHA256 == s.sha256 {
			return true, nil
		}
	}
	s.keep(&f)
	for i := range l.strange {
		if l.strange[i].SHA256 == f.SHA256 {
			return true, nil
		}
	}
	l.strange = append(l.strange, f)
	return true, nil
}

// knows tells whether what a link names was kept before. Where several links
// have one path, it names none of them.
func (l *looking) knows(all []liveperson.Link, path string) bool {
	same := 0
	for i := range all {
		if all[i].Path == path {
			same++
		}
	}
	for _, files := range [][]checkpoint.HostedFile{l.files, l.strange} {
		for i := range files {
			if files[i].Path == "" && same == 1 && strings.HasPrefix(files[i].Link, path+"#") {
				return true
			}
		}
	}
	return false
}
