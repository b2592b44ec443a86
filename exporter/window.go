package exporter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// Bounds of reading a window.
const (
	border     = 10 * time.Minute // to which the API rounds every time filter, outwards
	pageLimit  = liveperson.MaxLimit
	ceiling    = 5000 // records of a window; the API's own result window ends at 10,000. An Exporter's own may be lower
	maxReads   = 3    // of one window in one run
	aboutLimit = 10000
)

// reading is one window being read: every page of one query, in the order of the
// conversations' starts. How that proves that none was passed over: walk.go.
type reading struct {
	c      *capture
	query  liveperson.Query
	fixed  bool  // only a new start, or a deletion, changes which conversations match
	before int64 // of a window that reaches into the present: only what started before counts; 0: all of it
	clock  *clock
	noted  func(*checkpoint.Tx, int) error

	mu     sync.Mutex
	failed error // of the last page that failed
	walk   walk  // of the present pass
}

// errTooMany means that a window holds more than the ceiling.
type errTooMany struct{ count int }

func (e *errTooMany) Error() string { return fmt.Sprintf("the window holds %d conversations", e.count) }

// errIncomplete means that a window stays open for the next run.
var errIncomplete = errors.New("a window could not be read whole")

// run reads the window until it is known that no conversation was passed over, at
// most maxReads times. It returns errTooMany before the second page when the
// window must be split, and an error of errIncomplete when it stays open. That it
// listed nobody is for the caller to believe: control.go.
func (r *reading) run(ctx context.Context, mayTooMany bool) error {
	seen, doubt := map[string]int{}, ""
	for pass := range maxReads {
		r.failed, r.walk = nil, walk{seen: seen, pass: pass + 1, before: r.before}
		if err := r.pass(ctx, mayTooMany); err != nil {
			return err
		}
		if r.failed != nil {
			return r.failed
		}
		if doubt = r.walk.doubt(r.fixed); doubt == "" {
			return nil
		}
		r.c.Log.Info("a window is read again", "because", doubt, "from", r.query.Start.From, "to", r.query.Start.To)
	}
	return fmt.Errorf("%w: read %d times, %s", errIncomplete, maxReads, doubt)
}

// runSurely is run, and where that lists nobody, makes sure that LivePerson lists others
// and asks again: an outage may have ended in between.
func (r *reading) runSurely(ctx context.Context, mayTooMany bool) error {
	if err := r.run(ctx, mayTooMany); err != nil || !r.nobody() {
		return err
	}
	if err := r.c.believeNobody(ctx, r.query.Start); err != nil {
		return err
	}
	return r.run(ctx, mayTooMany)
}

// pass reads every page once: the first, those that the count promises several at
// a time, then whatever the walk over them still needs. A page that stays bad is
// noted, and the others go on.
func (r *reading) pass(ctx context.Context, mayTooMany bool) error {
	first, err := r.extent(ctx, 0, pageLimit)
	if err := r.note(ctx, err); err != nil {
		return err
	}
	count := first.count
	if err != nil {
		// The other pages go on: how many there are takes no record to tell.
		look, err := r.look(ctx)
		if err != nil {
			return r.stop(ctx, err)
		}
		count, first.date = look.Count, look.Date
	}
	if r.clock != nil && r.clock.date.IsZero() {
		*r.clock = clock{date: first.date, ours: r.c.Now()}
	}
	if count < 0 {
		return fmt.Errorf("%w: %w", errIncomplete, errNoCount)
	}
	if count > r.c.ceiling && mayTooMany {
		return &errTooMany{count}
	}
	if count > aboutLimit-pageLimit {
		r.c.Log.Error("window is at the limit of what LivePerson shows", "from", r.query.Start.From, "count", count)
	}
	pages, err := r.ahead(ctx, count)
	if err != nil || r.failed != nil {
		return err
	}
	pages[0] = first
	return r.stop(ctx, r.walk.over(pages, func(offset int) (extent, error) { return r.extent(ctx, offset, pageLimit) }))
}

// ahead reads the pages behind the first one that the count promises.
func (r *reading) ahead(ctx context.Context, count int) (map[int]extent, error) {
	pages := map[int]extent{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * max(1, r.c.Concurrency)) // as many again are being read and stored
	for offset := pageLimit - overlap; offset+overlap < count; offset += pageLimit - overlap {
		g.Go(func() error {
			e, err := r.extent(ctx, offset, pageLimit)
			if err == nil {
				r.mu.Lock()
				defer r.mu.Unlock()
				pages[offset] = e
			}
			return r.note(ctx, err)
		})
	}
	return pages, g.Wait()
}

// note keeps a page's failure and lets the others go on, unless nothing can.
func (r *reading) note(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if err := r.stop(ctx, err); !errors.Is(err, errIncomplete) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.c.Log.Warn("page stays bad: its window is left open", "from", r.query.Start.From, "to", r.query.Start.To, "error", err)
	}
	r.failed = err
	return nil
}

// nobody reports whether the window listed no conversation.
func (r *reading) nobody() bool { return r.walk.ids == 0 }

// stop tells errors that end the capture (a signal, refused credentials, our
// own state) from those that end a window.
func (r *reading) stop(ctx context.Context, err error) error { return windowError(ctx, err) }

func windowError(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, errIncomplete) {
		return err
	}
	var api *liveperson.APIError
	var auth *liveperson.AuthError
	if ctx.Err() != nil || errors.As(err, &auth) || !errors.As(err, &api) {
		return err
	}
	return fmt.Errorf("%w: %w", errIncomplete, err)
}

// extent reads and stores one page. What times out or is too big is asked for in
// two smaller ones, the second of which begins within the first.
func (r *reading) extent(ctx context.Context, offset, limit int) (extent, error) {
	got, err := r.page(ctx, offset, limit)
	var api *liveperson.APIError
	tooMuch := errors.As(err, &api) && (api.Timeout || errors.Is(err, liveperson.ErrTooLarge))
	if !tooMuch || limit == 1 || ctx.Err() != nil {
		return got, err
	}
	half := (limit + 1) / 2
	first, err := r.extent(ctx, offset, half)
	if err != nil {
		return first, err
	}
	again := min(overlap, half-1)
	second, err := r.extent(ctx, offset+half-again, limit-half+again)
	if err != nil {
		return second, err
	}
	return first.join(second), nil
}

// page reads and stores one page. From the request until the page is stored it
// holds room for it, of what all windows share.
func (r *reading) page(ctx context.Context, offset, limit int) (extent, error) {
	leave, err := r.c.room.enter(ctx)
	if err != nil {
		return extent{}, err
	}
	q := r.query
	q.Offset, q.Limit = offset, limit
	p, err := r.c.page(ctx)
	defer func() { leave(p.held) }()
	if err != nil {
		return extent{}, err
	}
	got, err := r.c.Source.Search(ctx, q, p)
	if err != nil {
		return extent{}, err
	}
	err = r.c.keep(ctx, p, r.noted)
	if again := min(offset, overlap); err == nil && r.walk.pass == 1 {
		r.c.advance(len(p.listed) - again)
	}
	return extent{offset: offset, end: offset + len(p.listed), full: len(p.listed) >= limit, count: got.Count, date: got.Date, listed: p.listed}, err
}

// keep stores a page, then fetches by id what did not come whole or came late.
// noted is told, in the page's transaction, how many records there were.
func (c *capture) keep(ctx context.Context, p *page, noted func(*checkpoint.Tx, int) error) error {
	records := len(p.records)
	err := c.store(ctx, p, func(tx *checkpoint.Tx) error {
		if noted == nil {
			return nil
		}
		return noted(tx, records)
	})
	if err != nil {
		return err
	}
	return c.fetchRest(ctx, p)
}

// look asks only how many there are.
func (r *reading) look(ctx context.Context) (liveperson.Page, error) {
	q := r.query
	q.Offset, q.Limit, q.Content = 0, 1, []string{}
	return r.c.Source.Search(ctx, q, nothing{})
}

// nothing is a sink that keeps nothing.
type nothing struct{}

func (nothing) Reset()                 {}
func (nothing) Record([]byte) error    { return nil }
func (nothing) Oversized([]byte) error { return nil }
