package exporter

import (
	"context"
	"time"
)

const (
	tendEvery  = 5 * time.Minute // at least: conversations close, files are taken, pauses end
	checkEvery = 5 * time.Minute // that the place is what it was
	tendAgain  = time.Minute     // after what is no fault of the destination
)

// tend cuts and delivers for one destination as long as the service runs: soon
// after events or pages have made something due for it, and now and then.
func (s *Service) tend(ctx context.Context, w *worker) {
	about := "destination " + w.dest.Name
	for wait := time.Duration(0); ; {
		if wait > 0 && w.sleep(ctx, wait) != nil || ctx.Err() != nil {
			return
		}
		next, err := w.tendOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			next = tendAgain
		}
		if s.news.is(about, newsOf(err)) && err != nil {
			s.Log.Error("nothing is cut or delivered for now", "destination", w.dest.Name, "error", err)
		}
		wait = next
	}
}

// sleep waits until something has become due, or for a while.
func (w *worker) sleep(ctx context.Context, wait time.Duration) error {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.wake:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// tendOnce does what there is to do, and tells for how long nothing more will be,
// unless something becomes due.
func (w *worker) tendOnce(ctx context.Context) (time.Duration, error) {
	if err := w.readRow(ctx); err != nil {
		return 0, err
	}
	now := w.Now()
	if w.row.Retired {
		return tendEvery, nil
	}
	if next := time.UnixMilli(w.row.Trouble.NextAt); next.After(now) {
		return min(next.Sub(now), tendEvery), nil
	}
	if now.Sub(w.tended) >= tendEvery {
		w.again.Store(true)
	}
	if !w.again.Load() {
		wait, err := w.fullIn(ctx)
		if err != nil || wait > 0 {
			return wait, err
		}
	}
	if w.again.Swap(false) {
		clear(w.refused)
	}
	w.tended = now
	if err := w.once(ctx); err != nil {
		return 0, err
	}
	if w.report.Err != nil {
		return w.restFor(), nil
	}
	wait, err := w.fullIn(ctx)
	return min(wait, w.restFor()), err
}

// fullIn tells in how long what is due is worth a bundle: with the first of it
// waiting for others as long as it may.
func (w *worker) fullIn(ctx context.Context) (time.Duration, error) {
	n, since, err := w.cp.CountReady(ctx, w.cutting())
	if err != nil || n-len(w.refused) <= 0 {
		return max(tendEvery-w.Now().Sub(w.tended), time.Millisecond), err
	}
	if n >= w.dest.Bounds.Conversations {
		return 0, nil
	}
	waited := time.Duration(w.millis()-since) * time.Millisecond // below 0 when the clock was set back
	return max(w.dest.Bounds.EventWait-max(waited, 0), 0), nil
}

// restFor is how long a worker rests after its work: it is woken when more is due.
func (w *worker) restFor() time.Duration {
	if next := time.UnixMilli(w.row.Trouble.NextAt); next.After(w.Now()) {
		return min(next.Sub(w.Now()), tendEvery)
	}
	return tendEvery
}

// once cuts and delivers all that is ready, as a run does.
func (w *worker) once(ctx context.Context) (err error) {
	if w.norm, err = w.names(ctx, w.dest); err != nil {
		return err
	}
	w.failed, w.report = nil, DestinationReport{Name: w.dest.Name}
	captured := make(chan struct{})
	close(captured)
	return w.run(ctx, captured)
}
