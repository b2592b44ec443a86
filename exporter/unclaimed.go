package exporter

import (
	"context"
	"slices"
	"strings"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// Everything that LivePerson lists is kept, also what bears the name of no message's
// file. Such a link waits in the state under its path until it has been followed, or
// given up; what was fetched is known by the path and its hash, since several links
// may have one path. Neither is for archives to know.

// waitingLink and keptLink are the links by which such files are known. No two paths
// make them equal.
func waitingLink(path string) string      { return path + "#" }
func keptLink(path, sha256 string) string { return path + "#" + sha256 }

// How long after such a link was first seen history must have been read to, and how
// long it waits at most, where history is not read at all.
const (
	historyLag    = 10 * time.Minute
	unclaimedMost = 24 * time.Hour
)

// fetchUnclaimed fetches what bears no message's name, and tells how many of these
// links lead to files that are kept. Such a file may be of a message that is not
// captured yet, and bear its name: so where links bear names at all, it waits until
// history has been read far enough to have told of it.
func (l *looking) fetchUnclaimed(ctx context.Context, all, others []liveperson.Link, nameless bool) (had int, ended bool, err error) {
	paths := map[string]int{}
	for i := range all {
		paths[all[i].Path]++
	}
	kept, byPath := l.known()
	if l.unusable > l.unlisted() {
		s := l.waiting(byPath, "")
		s.listed, s.why = true, whyBadLink
	}
	for _, k := range others {
		alone := paths[k.Path] == 1 // else the path names none of them
		if alone && kept[k.Path] {
			had++
			continue
		}
		s := l.waiting(byPath, k.Path)
		s.listed, s.shared = true, !alone
		if s.early = !nameless && !l.ripe(s) || s.State == checkpoint.FileMissing && s.NextAt > l.millis(); s.early {
			continue
		}
		if l.full() {
			return had, false, nil
		}
		have, err := l.fetchStrange(ctx, s, k)
		if err != nil {
			return had, ended, err
		}
		switch {
		case have:
			had++
		case s.State != checkpoint.FileMissing:
			l.unsettled++
		}
		ended = ended || s.why == whyNoAnswer
	}
	return had, ended, nil
}

// known are the paths under which something is kept, and those that wait or were
// given up, as no link has been followed yet.
func (l *looking) known() (kept map[string]bool, byPath map[string]*sought) {
	kept, byPath = map[string]bool{}, map[string]*sought{}
	for _, s := range l.unclaimed {
		if s.State == checkpoint.FileKept {
			kept[strings.TrimSuffix(s.Link, keptLink("", s.SHA256))] = true
			continue
		}
		byPath[strings.TrimSuffix(s.Link, waitingLink(""))] = s
		s.listed, s.early, s.have, s.inDoubt, s.failed, s.why = false, false, false, false, false, ""
	}
	return kept, byPath
}

// waiting is what is known of a path, made now if nothing is.
func (l *looking) waiting(byPath map[string]*sought, path string) *sought {
	s := byPath[path]
	if s == nil {
		s = &sought{HostedFile: checkpoint.HostedFile{Conversation: l.wanting.Conversation, Link: waitingLink(path),
			NotedAt: l.millis(), State: checkpoint.FileWaiting}}
		l.unclaimed, byPath[path] = append(l.unclaimed, s), s
	}
	return s
}

// ripe tells whether history has told of a link's message, if there is one.
func (l *looking) ripe(s *sought) bool {
	return s.State == checkpoint.FileMissing || s.ID != 0 &&
		(l.watermark >= s.NotedAt+historyLag.Milliseconds() || l.millis() >= s.NotedAt+unclaimedMost.Milliseconds())
}

// fetchStrange follows one of the links under a path, and tells whether what it leads
// to is kept.
func (l *looking) fetchStrange(ctx context.Context, s *sought, k liveperson.Link) (have bool, err error) {
	var one sought
	if err := l.fetchOne(ctx, &one, k); err != nil {
		return false, err
	}
	kept := (one.have || one.inDoubt) && slices.ContainsFunc(l.unclaimed, func(o *sought) bool { return o.State == checkpoint.FileKept && o.SHA256 == one.got.sha256 })
	if !one.have && !kept {
		l.doubtStrange(s, &one)
		s.have, s.failed, s.why, s.forever = false, true, one.why, one.forever && !s.inDoubt
		return false, nil
	}
	s.have = !s.failed
	if kept {
		return true, nil
	}
	one.HostedFile = checkpoint.HostedFile{Conversation: l.wanting.Conversation, Link: keptLink(k.Path, one.got.sha256),
		SentAt: l.newest(), NotedAt: l.millis(), Attempts: 1}
	one.keep()
	l.unclaimed = append(l.unclaimed, &one)
	l.count(&one.got)
	return true, nil
}

// newest is the time of the last message that names a file: of those that a file
// without a name may be of.
func (l *looking) newest() (at int64) {
	for _, s := range l.named {
		at = max(at, s.SentAt)
	}
	return at
}

// settleUnclaimed says what becomes of what no message claims, and tells whether an
// archive is to know. fault is why the look ended before its end.
func (l *looking) settleUnclaimed(s *sought, fault error) (tell bool) {
	now := l.millis()
	switch {
	case s.State == checkpoint.FileKept:
		s.changed = s.ID == 0
		return s.changed
	case s.have, l.looked && !s.listed && (s.State == checkpoint.FileWaiting || s.State == checkpoint.FileDoubtful && l.elsewhere(s)):
		s.dropped = true
	case l.looked && !s.listed && s.State == checkpoint.FileDoubtful:
		s.why = whyNotListed
		tell = l.settleStrange(s, fault)
		s.dropped = s.State == checkpoint.FileMissing // it was a page: a message's file is on record by itself
		return tell && !s.dropped
	case l.looked && !s.listed:
		s.changed, s.NextAt = true, now+missingPause.Milliseconds()
	case s.early && s.ID == 0:
		s.changed, s.Attempts, s.NextAt = true, 1, now+historyLag.Milliseconds()
	case s.early && s.State == checkpoint.FileWaiting:
		s.changed, s.Attempts = true, s.Attempts+1
		s.NextAt = now + lookPause(s.Attempts)
	case s.early:
	case l.more && s.why == "":
		s.changed, s.NextAt = s.ID == 0, now // with the next look
	default:
		return l.settleStrange(s, fault)
	}
	return false
}

// settleStrange settles what bears no message's name as any other file. What is kept in
// the end is known by its bytes, and where other links have its path they are followed
// with the next look.
func (l *looking) settleStrange(s *sought, fault error) (tell bool) {
	s.SentAt = l.newest()
	tell = l.outcome(s, fault)
	if s.State != checkpoint.FileKept {
		return tell
	}
	path := strings.TrimSuffix(s.Link, waitingLink(""))
	s.Link = keptLink(path, s.SHA256)
	if s.shared {
		w := l.waiting(map[string]*sought{}, path)
		w.changed, w.NextAt = true, l.millis()
	}
	return tell
}

// doubtStrange notes that what a link leads to may be a file. Of several links with one
// path, one after the other is settled; links of which the paths change lead to the file
// that was in doubt before, if they lead to the same bytes.
func (l *looking) doubtStrange(s, one *sought) {
	if !one.inDoubt || s.inDoubt && one.got.sha256 != s.DoubtSHA256 {
		return
	}
	s.inDoubt, s.got = true, one.got
	for _, o := range l.unclaimed {
		if o.State == checkpoint.FileDoubtful && o.DoubtSHA256 == one.got.sha256 && s.DoubtSHA256 != o.DoubtSHA256 {
			s.Doubt, s.DoubtSHA256, s.DoubtAt, s.DoubtFits = o.Doubt, o.DoubtSHA256, o.DoubtAt, o.DoubtFits
			s.Bytes, s.Type, s.Name = o.Bytes, o.Type, o.Name
		}
	}
}

// elsewhere reports whether what was in doubt is now known under another path.
func (l *looking) elsewhere(s *sought) bool {
	return slices.ContainsFunc(l.unclaimed, func(o *sought) bool {
		return o != s && (o.State == checkpoint.FileKept && o.SHA256 == s.DoubtSHA256 || o.inDoubt && o.got.sha256 == s.DoubtSHA256)
	})
}
