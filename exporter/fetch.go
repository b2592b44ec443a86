package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// FileSettings say how the files that messages name are fetched.
type FileSettings struct {
	Fetch    bool          // else they are only named
	Source   FileSource    // nil for commands that do not capture
	MaxBytes int64         // of one file
	GiveUp   time.Duration // for how long a file is looked for that LivePerson does not list; then it is on record as missing
}

// FileSource is the API of files, as *liveperson.Client offers it.
type FileSource interface {
	ConversationFiles(ctx context.Context, conversation string) ([]liveperson.Link, error)
	File(ctx context.Context, link liveperson.Link, limit int64, to liveperson.FileSink) (mediaType string, err error)
}

// filesHold is how long a destination that waits for conversations to close, waits
// besides for the first look at their files, so that a mail has them attached.
// Then they come in a later slice.
const filesHold = time.Hour

// Pauses between two looks at what is not there.
const (
	refusedPause = 15 * time.Minute    // LivePerson gives this login no files
	absentFor    = 24 * time.Hour      // a service that does not answer for so long is none
	absentPause  = 24 * time.Hour      // there is none
	longestLook  = 24 * time.Hour      // doubled up to it from a minute
	missingPause = 30 * 24 * time.Hour // what was given up may turn up
)

// fetcher fetches files while a run captures, or as long as a service runs.
type fetcher struct {
	*Exporter
	wake      chan struct{}   // a page was stored
	due       func()          // something became due
	watermark int64           // up to which history has been read
	held      bool            // some destination was recovered: revisions go on from the archive's
	captured  <-chan struct{} // closed when a run has captured everything; nil: it is no run's
	atMost    time.Duration   // for how long it goes on once everything is captured; 0: to the end
	until     time.Time       // when that ends; zero before that
	down      bool            // they could not be reached when they were asked for last
	downAt    time.Time       // when that was
	mu        sync.Mutex
	absentAt  int64       // since when the service has answered each time that it does not exist; 0: it does
	sums      FilesReport // but for its FileStatus
	faults    int         // LivePerson's, one after the other
}

func (e *Exporter) newFetcher(due func()) *fetcher {
	return &fetcher{Exporter: e, wake: make(chan struct{}, 1), due: due}
}

// run fetches until captured is closed and everything was looked for once that is
// to be looked for now. Its error is one of this machine: files that LivePerson does
// not give are no fault of the run's.
func (f *fetcher) run(ctx context.Context, captured <-chan struct{}) error {
	f.captured = captured
	for done := false; !done; {
		select {
		case <-captured:
			done = true
		case <-f.wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if !f.Files.Fetch || f.rests() {
			continue
		}
		if err := f.all(ctx); err != nil {
			return err
		}
	}
	return nil
}

// rests tells whether files could not be reached a moment ago: all that is due waits
// while they are asked for in vain.
func (f *fetcher) rests() bool {
	return f.down && f.Now().Sub(f.downAt) < fetchEvery
}

// cycleFetches is how long a cycle fetches at most when it has captured everything:
// the next one begins when its process has ended.
const cycleFetches = 10 * time.Minute

// goesOn tells whether there is time for more.
func (f *fetcher) goesOn() bool {
	select {
	case <-f.captured:
		if f.until.IsZero() {
			f.until = f.Now().Add(f.atMost)
		}
	default:
	}
	return f.atMost == 0 || f.until.IsZero() || f.Now().Before(f.until)
}

// errFilesDown is, beside liveperson.ErrFilesRefused, a reason to look for no more
// files for now.
var errFilesDown = errors.New("LivePerson's files cannot be reached")

// Faults of LivePerson's, one after the other, end a look: each has been repeated by
// the client. Answers that repeating does not change may concern one conversation.
const (
	mostFaults  = 3
	mostAnswers = 100
)

// all looks for every file whose time has come. While another process does so, there
// is nothing to do.
func (f *fetcher) all(ctx context.Context) error {
	if err := f.mayAsk(ctx); isUnavailable(err) {
		return nil
	} else if err != nil {
		return err
	}
	refusal, err := f.cp.FilesRefused(ctx)
	if err != nil {
		return err
	}
	f.noFiles.Store(refusal.At != 0) // another process may have found out
	pause := refusedPause
	if refusal.Off {
		pause = absentPause
	}
	if since := f.millis() - refusal.At; refusal.At != 0 && since >= 0 && since < pause.Milliseconds() {
		return nil
	}
	f.setAbsent(refusal.AbsentAt)
	f.faults = 0
	for more := true; more && err == nil && f.goesOn(); {
		more, err = f.some(ctx)
	}
	if f.down = errors.Is(err, errFilesDown); f.down {
		f.downAt = f.Now()
	}
	switch what := cmp.Or(whichOf(err, liveperson.ErrFilesRefused, errFilesDown), err); {
	case ctx.Err() != nil:
	case f.news.is("files", newsOf(what)) && err != nil:
		f.Log.Warn("files that messages name are not fetched for now", "error", err)
	}
	if f.down || errors.Is(err, liveperson.ErrFilesRefused) {
		return nil
	}
	return err
}

// whichOf is which of some errors err is, nil for none: the words of answers differ.
func whichOf(err error, kinds ...error) error {
	for _, k := range kinds {
		if errors.Is(err, k) {
			return k
		}
	}
	return nil
}

// someFiles is how many conversations are looked at in one go.
const someFiles = 64

// some looks for the files of some conversations, and tells whether there may be
// more. Only one process does so at a time.
func (f *fetcher) some(ctx context.Context) (more bool, err error) {
	release, free, err := f.tryLease("files")
	if err != nil || !free {
		return false, err
	}
	defer release()
	if err := f.contents().tidy(); err != nil {
		return false, fmt.Errorf("files: %w", err)
	}
	if err := f.suspect(ctx); err != nil {
		return false, fmt.Errorf("files: %w", err)
	}
	if f.held, err = f.cp.AnyHeld(ctx); err != nil {
		return false, err
	}
	place, err := f.cp.Place(ctx)
	if err != nil {
		return false, err
	}
	f.watermark = place.Watermark
	list, err := f.cp.WantingFiles(ctx, f.millis(), farthest(f.millis()), someFiles)
	if err != nil || len(list) == 0 {
		return false, err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(f.Concurrency-1, 1)) // history goes on meanwhile
	for _, w := range list {
		g.Go(func() error { return f.look(ctx, w) })
	}
	return true, g.Wait()
}

// look fetches the files of one conversation.
func (f *fetcher) look(ctx context.Context, w checkpoint.Wanting) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	l := &looking{fetcher: f, wanting: w}
	if w.Half && f.sectionsInWork() {
		return f.cp.Update(ctx, l.putOff)
	}
	files, err := f.cp.FilesOf(ctx, w.Conversation)
	if err != nil {
		return err
	}
	l.begin(files)
	err = l.fetch(ctx)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, liveperson.ErrFilesRefused):
		return f.refused(ctx, err, errors.Is(err, liveperson.ErrNoFileService))
	case errors.Is(err, liveperson.ErrNoFileService):
		if none, err := f.absent(ctx, err); none || err != nil {
			return err
		}
	case err != nil && !isLivePersons(err):
		return fmt.Errorf("files of conversation %s: %w", w.SourceID, err)
	}
	if err := l.settle(ctx, err); err != nil {
		return err
	}
	if err == nil && f.answers() {
		if err := f.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.RefuseFiles(checkpoint.Refusal{}) }); err != nil {
			return err
		}
	}
	return f.faulty(err)
}

// isLivePersons tells a fault of the API from one of this machine.
func isLivePersons(err error) bool {
	var api *liveperson.APIError
	var auth *liveperson.AuthError
	return errors.As(err, &api) || errors.As(err, &auth) || isUnavailable(err)
}

// faulty counts LivePerson's faults, one after the other, and fails after too many;
// nil: there was none.
func (f *fetcher) faulty(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.faults = 0
		return nil
	}
	most := mostFaults
	if api, ok := errors.AsType[*liveperson.APIError](err); ok && !api.Temporary() {
		most = mostAnswers
	}
	if f.faults++; f.faults >= most || isUnavailable(err) {
		return fmt.Errorf("%w: %w", errFilesDown, err)
	}
	return nil
}

// refused notes that LivePerson gives this login no files; off, that the account has no
// file service. Texts go on without them.
func (f *fetcher) refused(ctx context.Context, why error, off bool) error {
	f.noFiles.Store(true)
	r := checkpoint.Refusal{At: f.millis(), Why: why.Error(), Off: off}
	if off {
		f.mu.Lock()
		r.AbsentAt = f.absentAt
		f.mu.Unlock()
	}
	if err := f.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.RefuseFiles(r) }); err != nil {
		return err
	}
	f.due() // what waited for its files
	return fmt.Errorf("LivePerson gives this login no files: %w", why)
}

// answers notes that the service gives files, and reports whether that is news.
func (f *fetcher) answers() bool {
	refused, absent := f.noFiles.Swap(false), f.setAbsent(0) != 0
	return refused || absent
}

// setAbsent stores in memory since when there is no service, and returns what it was.
func (f *fetcher) setAbsent(at int64) (before int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, f.absentAt = f.absentAt, at
	return before
}

// absent notes an answer that there is no file service. When every answer of a day has
// said so, there is none: that is a refusal, whose error it returns.
func (f *fetcher) absent(ctx context.Context, why error) (none bool, err error) {
	f.mu.Lock()
	now := f.millis()
	first := f.absentAt == 0 || f.absentAt > now
	if first {
		f.absentAt = now
	}
	since := f.absentAt
	f.mu.Unlock()
	if first {
		return false, f.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.RefuseFiles(checkpoint.Refusal{AbsentAt: since}) })
	}
	if now-since < absentFor.Milliseconds() {
		return false, nil
	}
	return true, f.refused(ctx, fmt.Errorf("%w: not available since %s: %w", liveperson.ErrFilesRefused, timeOf(since).Format(time.RFC3339), why), true)
}

// Pauses of a service: between two looks at most, and before one that a page or
// an event has asked for, since more of them come.
const (
	fetchEvery = time.Minute
	fetchSoon  = time.Second
)

// sleep waits until there may be something to fetch.
func (f *fetcher) sleep(ctx context.Context) error {
	t := time.NewTimer(fetchEvery)
	defer t.Stop()
	wake := f.wake
	if f.down {
		wake = nil // whatever is new, it is no more to be reached than the rest
	}
	select {
	case <-t.C:
		return nil
	case <-wake:
		return pauseFor(ctx, fetchSoon)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// wakeUp lets files be looked for that a page has named.
func (f *fetcher) wakeUp() { wakeOne(f.wake) }
