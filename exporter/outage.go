package exporter

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// OutageStatus is that LivePerson is unavailable. Since is zero while it is not.
type OutageStatus struct {
	Since time.Time
	Until time.Time // no run asks before that
	Cause string    // one line
}

// Bounds of the time in which an unavailable LivePerson is not asked.
const (
	longOutagePause = 30 * time.Minute // doubled up to it from a minute; LivePerson may ask for more
	mostOutagePause = 24 * time.Hour
	causeLimit      = 500 // bytes of a cause
)

// outage is what a process knows of LivePerson being unavailable. It is stored, so
// that the next run and other processes know it too.
type outage struct {
	mu    sync.Mutex
	known checkpoint.Outage
	noted *liveperson.UnavailableError // the source's, stored already
}

// holds reports whether nobody is to ask now. A time farther ahead than any that is
// stored was stored under a clock that has been set back since.
func holds(o checkpoint.Outage, now int64) bool {
	return o.Since != 0 && now < o.Until && o.Until-now <= mostOutagePause.Milliseconds()
}

func outageError(o checkpoint.Outage) *liveperson.UnavailableError {
	return &liveperson.UnavailableError{Until: time.UnixMilli(o.Until).UTC(), Err: errors.New(o.Cause)}
}

// isUnavailable reports whether err says that LivePerson is unavailable.
func isUnavailable(err error) bool {
	_, is := errors.AsType[*liveperson.UnavailableError](err)
	return is
}

// resumer is a Source that refuses by itself to ask an unavailable LivePerson.
type resumer interface{ Resume() }

// mayAsk reads from the checkpoint whether LivePerson may be asked now, and fails
// with the stored words when it is unavailable.
func (e *Exporter) mayAsk(ctx context.Context) error {
	known, err := e.cp.Outage(ctx)
	if err != nil {
		return err
	}
	e.outage.mu.Lock()
	defer e.outage.mu.Unlock()
	e.outage.known = known
	if holds(known, e.millis()) {
		return outageError(known)
	}
	return nil
}

// resume is mayAsk before a run or a cycle begins to capture: the time that the
// checkpoint names counts, not the one that the source remembers.
func (e *Exporter) resume(ctx context.Context) error {
	err := e.mayAsk(ctx)
	if g, ok := e.Source.(*guard); err == nil && ok {
		if r, ok := g.Source.(resumer); ok {
			r.Resume()
		}
	}
	return err
}

// unavailable is the error of a request that is not sent; nil: it may be.
func (e *Exporter) unavailable() error {
	e.outage.mu.Lock()
	defer e.outage.mu.Unlock()
	if holds(e.outage.known, e.millis()) {
		return outageError(e.outage.known)
	}
	return nil
}

// asked notes what a request has shown. Only history that was answered ends an
// outage: users may be listed while nothing can be captured.
func (e *Exporter) asked(ctx context.Context, err error, history bool) error {
	ctx = context.WithoutCancel(ctx)
	if open, ok := errors.AsType[*liveperson.UnavailableError](err); ok {
		return e.noteOutage(ctx, open)
	}
	if err == nil && history {
		return e.endOutage(ctx)
	}
	return err
}

// noteOutage stores that LivePerson is unavailable, once for each time the source
// finds it so, and returns the error that names the time until which nobody asks.
// Pauses grow while it stays so.
func (e *Exporter) noteOutage(ctx context.Context, open *liveperson.UnavailableError) error {
	o := e.outage
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.noted == open {
		return outageError(o.known)
	}
	var next checkpoint.Outage
	err := e.cp.Update(ctx, func(tx *checkpoint.Tx) (err error) {
		now := e.millis()
		if next, err = tx.Outage(); err != nil {
			return err
		}
		if next.Since == 0 {
			next.Since = now
		}
		found := holds(next, now) // by another process
		if !found {
			next.Tries++
		}
		pause := doubled(next.Tries, longOutagePause)
		pause += time.Duration(e.Random() / 4 * float64(pause)) // so that many accounts do not come back at once
		until := max(open.Until.UnixMilli(), now+pause.Milliseconds())
		if found {
			until = max(until, next.Until)
		}
		next.Until = min(until, now+mostOutagePause.Milliseconds())
		next.Cause = oneLine(open.Err.Error(), causeLimit)
		return tx.SetOutage(next)
	})
	if err != nil {
		return errors.Join(open, err)
	}
	o.known, o.noted = next, open
	return outageError(next)
}

// endOutage forgets an outage. An answer that was under way when it was found does
// not end it.
func (e *Exporter) endOutage(ctx context.Context) error {
	e.outage.mu.Lock()
	defer e.outage.mu.Unlock()
	if o := e.outage.known; o.Since == 0 || holds(o, e.millis()) {
		return nil
	}
	return e.forgetOutage(ctx)
}

func (e *Exporter) forgetOutage(ctx context.Context) error {
	err := e.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.SetOutage(checkpoint.Outage{}) })
	if err == nil {
		e.outage.known = checkpoint.Outage{}
	}
	return err
}

// Answers notes that LivePerson answers, as somebody has found out: the next run
// asks it, whatever the time was that had been noted. It reports whether it had
// been unavailable.
func (e *Exporter) Answers(ctx context.Context) (was bool, err error) {
	known, err := e.cp.Outage(ctx)
	if err != nil || known.Since == 0 {
		return false, err
	}
	e.outage.mu.Lock()
	defer e.outage.mu.Unlock()
	return true, e.forgetOutage(ctx)
}

func (e *Exporter) outageStatus(ctx context.Context) (OutageStatus, error) {
	o, err := e.cp.Outage(ctx)
	if err != nil || o.Since == 0 {
		return OutageStatus{}, err
	}
	return OutageStatus{Since: timeOf(o.Since), Until: timeOf(o.Until), Cause: o.Cause}, nil
}

// oneLine is text on one line, of at most so many bytes.
func oneLine(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// guard is a Source that is not asked while LivePerson is known to be unavailable.
type guard struct {
	Source
	e *Exporter
}

func (g *guard) Search(ctx context.Context, q liveperson.Query, sink liveperson.Sink) (p liveperson.Page, err error) {
	if err := g.e.unavailable(); err != nil {
		return p, err
	}
	p, err = g.Source.Search(ctx, q, sink)
	return p, g.e.asked(ctx, err, true)
}

func (g *guard) Conversations(ctx context.Context, ids []string, sink liveperson.Sink) (p liveperson.Page, err error) {
	if err := g.e.unavailable(); err != nil {
		return p, err
	}
	p, err = g.Source.Conversations(ctx, ids, sink)
	return p, g.e.asked(ctx, err, true)
}

func (g *guard) Conversation(ctx context.Context, id string, limit int64, sink liveperson.Sink) (p liveperson.Page, err error) {
	if err := g.e.unavailable(); err != nil {
		return p, err
	}
	p, err = g.Source.Conversation(ctx, id, limit, sink)
	return p, g.e.asked(ctx, err, true)
}

func (g *guard) Section(ctx context.Context, id, section string, reset func(), each func([]byte) error) (found bool, err error) {
	if err := g.e.unavailable(); err != nil {
		return false, err
	}
	found, err = g.Source.Section(ctx, id, section, reset, each)
	return found, g.e.asked(ctx, err, true)
}

func (g *guard) Users(ctx context.Context) (list []liveperson.User, err error) {
	if err := g.e.unavailable(); err != nil {
		return nil, err
	}
	list, err = g.Source.Users(ctx)
	return list, g.e.asked(ctx, err, false)
}

func (g *guard) Skills(ctx context.Context) (list []liveperson.Skill, err error) {
	if err := g.e.unavailable(); err != nil {
		return nil, err
	}
	list, err = g.Source.Skills(ctx)
	return list, g.e.asked(ctx, err, false)
}

// fileGuard is the same for files.
type fileGuard struct {
	FileSource
	e *Exporter
}

func (g *fileGuard) ConversationFiles(ctx context.Context, conversation string) (links []liveperson.Link, err error) {
	if err := g.e.unavailable(); err != nil {
		return nil, err
	}
	links, err = g.FileSource.ConversationFiles(ctx, conversation)
	return links, g.e.asked(ctx, err, false)
}

func (g *fileGuard) File(ctx context.Context, link liveperson.Link, limit int64, to liveperson.FileSink) (mediaType string, err error) {
	if err := g.e.unavailable(); err != nil {
		return "", err
	}
	mediaType, err = g.FileSource.File(ctx, link, limit, to)
	return mediaType, g.e.asked(ctx, err, false)
}
