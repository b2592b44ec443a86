package exporter

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// keep notes that a file's bytes are in the state.
func (s *sought) keep() {
	kind, extension := s.got.called(s.Label)
	s.State, s.NextAt, s.Error = checkpoint.FileKept, 0, ""
	s.forgetDoubt()
	s.SHA256, s.Bytes, s.Type, s.Name = s.got.sha256, s.got.bytes, kind, archive.AttachmentName(s.got.sha256, extension)
}

// leastLooks is how often a file is looked for at least before it is given up.
const leastLooks = 3

// outcome settles one file after a look, and tells whether an archive is to know.
// fault is why the look ended before its end.
func (l *looking) outcome(s *sought, fault error) (tell bool) {
	found := s.have || s.among || s.why != "" // out
	if s.State == checkpoint.FileKept || l.more && !found {
		return false // it is not looked for, or with the next look
	}
	now := l.millis()
	s.changed, s.Attempts = true, s.Attempts+1
	switch {
	case s.have:
		s.keep()
		return true
	case s.inDoubt:
		return l.doubt(s, now)
	case s.among || s.State == checkpoint.FileAmong:
		l.settleAmongOthers(s, now)
	case !found:
		s.SoughtAt, s.NextAt, s.Error = 0, now+lookPause(s.Attempts), textOf(cmp.Or(fault, l.fault, l.refusal))
	case s.State == checkpoint.FileMissing:
		s.NextAt, s.Error = now+missingPause.Milliseconds(), s.why
	default:
		return l.inVain(s, now)
	}
	return false
}

// settleAmongOthers settles a file that nobody tells from others. Links may come late:
// there is one more look.
func (l *looking) settleAmongOthers(s *sought, now int64) {
	s.Error = ""
	switch {
	case s.State != checkpoint.FileAmong:
		s.State, s.NextAt = checkpoint.FileAmong, now+longestLook.Milliseconds()
	case s.NextAt == 0 || s.NextAt > now:
	case l.looked:
		s.NextAt = 0
	default:
		s.NextAt = now + lookPause(s.Attempts)
	}
}

// inVain puts off a file that LivePerson does not give, or gives it up. Only the time
// counts in which it was answered each time.
func (l *looking) inVain(s *sought, now int64) (tell bool) {
	if s.Error = s.why; s.SoughtAt == 0 || s.SoughtAt > now {
		s.SoughtAt = now
	}
	if s.forever || now-s.SoughtAt >= l.mostSought(s, now) && s.Attempts >= leastLooks {
		if s.DoubtSHA256 != "" && s.DoubtFits && !s.forever {
			s.keepDoubtful("LivePerson gave nothing better until it was given up")
			return true
		}
		s.State, s.NextAt = checkpoint.FileMissing, now+missingPause.Milliseconds()
		return s.SHA256 == "" // archives have one that the state had once
	}
	s.NextAt = now + lookPause(s.Attempts)
	if s.DoubtSHA256 != "" {
		s.State, s.NextAt = checkpoint.FileDoubtful, min(s.NextAt, max(s.DoubtAt+doubtApart.Milliseconds(), now+lookPause(1)))
	}
	if s.why == whyNotListed {
		s.Error = "" // it may take a while
	}
	return false
}

// mostSought is for how long a file is looked for, in milliseconds. Bytes that came now
// for the first time, under a name that says nothing for them, may come once more.
func (l *looking) mostSought(s *sought, now int64) int64 {
	most := l.Files.GiveUp
	if s.inDoubt && s.DoubtAt == now && !s.DoubtFits {
		most += doubtApart
	}
	return most.Milliseconds()
}

// lookPause is how long to wait after so many looks, in milliseconds.
func lookPause(looks int) int64 { return doubled(looks, longestLook).Milliseconds() }

// inWorkPause is when a conversation is looked at again that somebody else has in work.
const inWorkPause = time.Minute

// settle stores what came of a look: the files, and in one revision what archives
// are to know of them.
func (l *looking) settle(ctx context.Context, fault error) error {
	var tell []archive.Happening
	for _, s := range l.named {
		if l.outcome(s, fault) {
			tell = append(tell, filed(&s.HostedFile))
		}
	}
	for _, s := range l.unclaimed {
		if l.settleUnclaimed(s, fault) {
			tell = append(tell, filed(&s.HostedFile))
		}
	}
	due := false
	err := l.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		free, err := l.tell(tx, tell)
		if err != nil {
			return err
		}
		if due = free && len(tell) > 0; !free {
			return l.putOff(tx) // nothing has come of it
		}
		return l.put(tx)
	})
	l.Step("files stored")
	if err != nil {
		return fmt.Errorf("store files of conversation %s: %w", l.wanting.SourceID, err)
	}
	if due {
		l.report(tell)
		l.due()
	}
	return nil
}

// putOff makes sure that the conversation is not looked at again at once.
func (l *looking) putOff(tx *checkpoint.Tx) error {
	now := l.millis()
	return tx.PutOffFiles(l.wanting.Conversation, now, farthest(now), now+inWorkPause.Milliseconds())
}

// farthest is behind every pause that can have begun by now.
func farthest(now int64) int64 { return now + missingPause.Milliseconds() + time.Hour.Milliseconds() }

func (l *looking) put(tx *checkpoint.Tx) error {
	for _, list := range [][]*sought{l.named, l.unclaimed} {
		for _, s := range list {
			switch {
			case s.dropped && s.ID != 0:
				if err := tx.DropFile(s.ID); err != nil {
					return err
				}
			case s.changed:
				if err := tx.PutFile(&s.HostedFile); err != nil {
					return err
				}
			}
		}
	}
	if l.more {
		return nil
	}
	return l.putOff(tx)
}

// tell makes a revision of what happened. free is false while the conversation is
// captured in sections, or is not captured yet.
func (l *looking) tell(tx *checkpoint.Tx, happened []archive.Happening) (free bool, err error) {
	if len(happened) == 0 {
		return true, nil
	}
	known, err := tx.Conversation(l.wanting.SourceID)
	if err != nil || known.Revision == 0 {
		return false, err
	}
	half, err := tx.AnyPartsAfter(known.ID, known.Revision)
	if err != nil || half && l.sectionsInWork() {
		return false, err
	}
	s, err := decodeSeen(known.Seen, known.SourceID)
	if err != nil {
		return false, err
	}
	m, err := newMerger(tx, s, &known, l.held)
	if err != nil {
		return false, err
	}
	for _, h := range happened {
		if addName(&s.happened, hash64([]byte(h.Name)), m.revision) {
			m.happened++
			m.entry(h.At)
		}
	}
	if !m.deliver() {
		return true, nil
	}
	if half {
		if err := tx.DropPartsAfter(known.ID, known.Revision); err != nil {
			return false, err
		}
	}
	known.Revision, known.EntryAt = m.revision, max(known.EntryAt, m.newest)
	known.Seen = s.encode(known.Seen[:0], known.SourceID)
	if err := tx.PutTold(&known); err != nil {
		return false, err
	}
	raw, err := encodeHappened(happened)
	if err != nil {
		return false, err
	}
	now := l.millis()
	if err := tx.PutPart(known.ID, known.Revision, 0, l.packer.part(sectionHappened, raw), now); err != nil {
		return false, err
	}
	return true, tx.MakeDue(known.ID, known.Revision, m.oldest, now)
}

// report counts what a look brought.
func (l *looking) report(told []archive.Happening) {
	missing := int64(0)
	for i := range told {
		if !told[i].File.Held() {
			missing++
		}
	}
	l.tally.add(CounterFiles, "fetched", "", int64(len(told))-missing)
	l.tally.add(CounterFiles, "missing", "", missing)
	l.tally.add(CounterBytes, "files", "", l.bytes)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sums.Fetched += int64(len(told)) - missing
	l.sums.FetchedBytes += l.bytes
	if missing > 0 {
		l.Log.Warn("files that messages name are not to be had: the archive is told", "conversation_id", l.wanting.SourceID, "files", missing)
	}
}
