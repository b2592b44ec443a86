package exporter

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// keep notes that a file's bytes are in the state.
func (s *sought) keep(f *checkpoint.HostedFile) {
	kind, extension := s.called(f.Label)
	f.State, f.NextAt, f.Error = checkpoint.FileKept, 0, ""
	f.SHA256, f.Bytes, f.Type, f.Name = s.sha256, s.bytes, kind, archive.AttachmentName(s.sha256, extension)
}

// leastLooks is how often a file is looked for at least before it is given up.
const leastLooks = 3

// outcome settles one file after a look, and tells whether an archive is to know.
// fault is why the look ended before its end.
func (l *looking) outcome(f *checkpoint.HostedFile, s *sought, fault error) (tell bool) {
	now := l.millis()
	f.Attempts++
	switch {
	case f.State == checkpoint.FileAmong:
		f.NextAt, f.Error = 0, ""
		return false
	case s.have:
		s.keep(f)
		return true
	case s.why == "": // it was not found out
		f.NextAt, f.Error = now+lookPause(f.Attempts), textOf(cmp.Or(fault, l.fault, l.refusal))
		return false
	}
	if f.Error = s.why; f.State == checkpoint.FileMissing {
		f.NextAt = now + missingPause.Milliseconds()
		return false
	}
	if !s.forever && (now-f.NotedAt < l.Files.GiveUp.Milliseconds() || f.Attempts < leastLooks) {
		f.NextAt = now + lookPause(f.Attempts)
		if s.why == whyNotListed {
			f.Error = "" // it may take a while
		}
		return false
	}
	f.State, f.NextAt = checkpoint.FileMissing, now+missingPause.Milliseconds()
	return true
}

// lookPause is how long to wait after so many looks, in milliseconds.
func lookPause(looks int) int64 {
	wait := firstPause
	for n := 1; n < looks && wait < longestLook; n++ {
		wait *= 2
	}
	return min(wait, longestLook).Milliseconds()
}

// inWorkPause is when a conversation is looked at again that somebody else has in work.
const inWorkPause = time.Minute

// settle stores what came of a look: the files, and in one revision what archives
// are to know of them.
func (l *looking) settle(ctx context.Context, fault error) error {
	was := slices.Clone(l.files)
	var tell []archive.Happening
	for i := range l.files {
		f := &l.files[i]
		if s := l.sought[f.ID]; s != nil && l.outcome(f, s, fault) {
			tell = append(tell, filed(f))
		}
	}
	for i := range l.strange {
		tell = append(tell, filed(&l.strange[i]))
	}
	due := false
	err := l.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		free, err := l.tell(tx, tell)
		if err != nil {
			return err
		}
		due = free && len(tell) > 0
		if !free { // nothing has come of it
			l.files, l.strange = was, nil
			for i := range l.files {
				l.files[i].NextAt = l.millis() + inWorkPause.Milliseconds()
			}
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

func (l *looking) put(tx *checkpoint.Tx) error {
	for i := range l.files {
		if l.sought[l.files[i].ID] == nil {
			continue
		}
		if err := tx.PutFile(&l.files[i]); err != nil {
			return err
		}
	}
	for i := range l.strange {
		if err := tx.PutFile(&l.strange[i]); err != nil {
			return err
		}
	}
	if l.unnamed.settle(l) {
		return tx.PutFile(&l.unnamed.HostedFile)
	}
	return nil
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
