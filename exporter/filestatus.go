package exporter

import (
	"context"
	"time"
)

// FilesReport is what became of the files that messages name.
type FilesReport struct {
	Fetched      int64 // in this run
	FetchedBytes int64 // of these
	FileStatus
}

// FileStatus is how many of the files that messages name are where.
type FileStatus struct {
	Off     bool          // files are not fetched: that is not wanted, or Unavailable
	Waiting int64         // not fetched yet
	Overdue int64         // of those: for longer than LivePerson may need to list them, or something is wrong
	Wrong   string        // what is, most often; "": nothing
	Oldest  time.Duration // for how long the first of them has been known
	Kept    int64
	Bytes   int64  // of those kept
	Missing int64  // LivePerson does not have them
	Refused string // why LivePerson gives this login none; "": it does

	Unavailable bool // there are none to be given: the account has no file service. It is asked again every day

	Doubtful int64 // what LivePerson gives may be they, or a page in their place: they are looked at again
}

// Lacking reports whether the next run has to try again: a login that was never
// given a file is no reason to, for a person has to change that or to do without.
func (s *FileStatus) Lacking() bool { return !s.Off && s.Overdue+s.Doubtful > 0 && !s.NotGranted() }

// NotGranted reports that LivePerson has never given this login a file, and says that
// it does not: there is nothing to do, unless somebody wants the files.
func (s *FileStatus) NotGranted() bool { return s.Refused != "" && s.Kept == 0 }

// sum tells what was fetched, and what is left.
func (f *fetcher) sum(ctx context.Context) (r FilesReport, err error) {
	r = f.sums
	r.FileStatus, err = f.fileStatus(ctx)
	return r, err
}

func (e *Exporter) fileStatus(ctx context.Context) (s FileStatus, err error) {
	n, err := e.cp.Files(ctx, e.Now().Add(-filesHold).UnixMilli())
	if err != nil {
		return s, err
	}
	refusal, err := e.cp.FilesRefused(ctx)
	s = FileStatus{Off: !e.Files.Fetch || refusal.Off, Unavailable: e.Files.Fetch && refusal.Off,
		Waiting: n.Waiting, Overdue: n.Overdue, Wrong: n.Wrong, Kept: n.Kept, Bytes: n.Bytes, Missing: n.Missing, Refused: refusal.Why, Doubtful: n.Doubtful}
	if n.OldestAt != 0 {
		s.Oldest = max(time.Duration(e.millis()-n.OldestAt)*time.Millisecond, 0)
	}
	return s, err
}
