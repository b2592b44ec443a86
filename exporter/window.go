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

// reading is one window being read: every page of one query.
type reading struct {
	c      *capture
	query  liveperson.Query
	before int64 // of a window that reaches into the present: only what started before counts
	last   bool  // compare with a last look even when one page was all
	clock  *clock
	noted  func(*checkpoint.Tx, int) error
	failed bool
	err    error // of the last page that failed
	mu     sync.Mutex
	ids    map[string]struct{}
}

// errTooMany means that a window holds more than the ceiling.
type errTooMany struct{ count int }

func (e *errTooMany) Error() string { return fmt.Sprintf("the window holds %d conversations", e.count) }

// errIncomplete means that a window stays open for the next run.
var errIncomplete = errors.New("a window could not be read whole")

// run reads the window until a last look agrees with what was seen, at most
// maxReads times. It returns errTooMany before the second page when the window
// must be split, and an error of errIncomplete when it stays open.
func (r *reading) run(ctx context.Context, mayTooMany bool) error {
	for range maxReads {
		count, err := r.pass(ctx, mayTooMany)
		if err != nil {
			return err
		}
		if r.failed {
			return fmt.Errorf("%w: %w", errIncomplete, r.err)
		}
		whole, err := r.agrees(ctx, count)
		if err != nil {
			return r.stop(ctx, err)
		}
		if whole {
			return nil
		}
		r.c.Log.Info("window changed while it was read", "from", r.query.Start.From, "to", r.query.Start.To, "seen", len(r.ids), "count", count)
	}
	return fmt.Errorf("%w: it held other conversations each time it was counted", errIncomplete)
}

// pass reads every page once. A page that stays bad is noted, and the others go on.
func (r *reading) pass(ctx context.Context, mayTooMany bool) (count int, err error) {
	r.ids, r.failed, r.err = map[string]struct{}{}, false, nil
	first, err := r.page(ctx, 0, pageLimit)
	if err := r.note(ctx, err); err != nil {
		return 0, err
	}
	if err != nil {
		// The other pages go on: how many there are takes no record to tell.
		if first, err = r.look(ctx); err != nil {
			return 0, r.stop(ctx, err)
		}
		first.Records = pageLimit
	}
	if r.clock != nil && r.clock.date.IsZero() {
		*r.clock = clock{date: first.Date, ours: r.c.Now()}
	}
	if first.Count < 0 {
		return 0, fmt.Errorf("%w: the answer did not say how many there are", errIncomplete)
	}
	if first.Count > r.c.ceiling && mayTooMany {
		return 0, &errTooMany{first.Count}
	}
	if first.Count > aboutLimit-pageLimit {
		r.c.Log.Error("window is at the limit of what LivePerson shows", "from", r.query.Start.From, "count", first.Count)
	}
	r.c.expect(first.Count)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * max(1, r.c.Concurrency)) // as many again are being read and stored
	for offset := first.Records; offset < first.Count && first.Records > 0; offset += pageLimit {
		g.Go(func() error {
			_, err := r.page(ctx, offset, min(pageLimit, first.Count-offset))
			return r.note(ctx, err)
		})
	}
	return first.Count, g.Wait()
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
	if !r.failed {
		r.c.Log.Warn("page stays bad: its window is left open", "from", r.query.Start.From, "to", r.query.Start.To, "error", err)
	}
	r.failed, r.err = true, err
	return nil
}

// stop tells errors that end the capture (a signal, refused credentials, our
// own state) from those that end a window.
func (r *reading) stop(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var api *liveperson.APIError
	var auth *liveperson.AuthError
	if ctx.Err() != nil || errors.As(err, &auth) || !errors.As(err, &api) {
		return err
	}
	return fmt.Errorf("%w: %w", errIncomplete, err)
}

// page reads and stores one page. What times out or is too big is asked for in
// smaller ones.
func (r *reading) page(ctx context.Context, offset, limit int) (liveperson.Page, error) {
	got, err := r.wholePage(ctx, offset, limit)
	var api *liveperson.APIError
	tooMuch := errors.As(err, &api) && (api.Timeout || errors.Is(err, liveperson.ErrTooLarge))
	if tooMuch && limit > 1 && ctx.Err() == nil {
		half := (limit + 1) / 2
		first, err := r.page(ctx, offset, half)
		if err != nil {
			return first, err
		}
		second, err := r.page(ctx, offset+half, limit-half)
		second.Records += first.Records
		return second, err
	}
	return got, err
}

// wholePage reads and stores one page. From the request until the page is
// stored it holds room for it, of what all windows share.
func (r *reading) wholePage(ctx context.Context, offset, limit int) (liveperson.Page, error) {
	leave, err := r.c.room.enter(ctx)
	if err != nil {
		return liveperson.Page{}, err
	}
	q := r.query
	q.Offset, q.Limit = offset, limit
	p, err := r.c.page(ctx)
	defer func() { leave(p.held) }()
	if err != nil {
		return liveperson.Page{}, err
	}
	got, err := r.c.Source.Search(ctx, q, p)
	if err != nil {
		return got, err
	}
	return got, r.keep(ctx, p)
}

// keep stores a page, then fetches by id what did not come whole or
// came late.
func (r *reading) keep(ctx context.Context, p *page) error {
	known := len(p.records)
	r.see(p)
	err := r.c.store(ctx, p, func(tx *checkpoint.Tx) error {
		if r.noted == nil {
			return nil
		}
		return r.noted(tx, known)
	})
	if err != nil {
		return err
	}
	return r.c.fetchRest(ctx, p)
}

// see counts the distinct conversations of the window.
func (r *reading) see(p *page) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range p.records {
		c := &p.records[i]
		switch {
		case r.before != 0 && c.startedAt >= r.before:
		case c.id == "":
			r.ids[string(c.sha256[:])] = struct{}{}
		default:
			r.ids[c.id] = struct{}{}
		}
	}
	for _, o := range p.oversized {
		if r.before == 0 || o.startedAt < r.before {
			r.ids[o.id] = struct{}{}
		}
	}
}

// agrees takes a last look: whether the window holds just what was seen.
func (r *reading) agrees(ctx context.Context, count int) (bool, error) {
	if r.before != 0 {
		return r.agreesBefore(ctx)
	}
	if count <= pageLimit && !r.last {
		return len(r.ids) >= count, nil
	}
	look, err := r.look(ctx)
	if err != nil {
		return false, err
	}
	if r.last {
		return len(r.ids) == look.Count, nil
	}
	// Conversations enter such a window while it is read. Those come again in
	// the next cycle; it is enough that none was jumped over.
	return len(r.ids) >= min(count, look.Count), nil
}

// look asks only how many there are.
func (r *reading) look(ctx context.Context) (liveperson.Page, error) {
	q := r.query
	q.Offset, q.Limit, q.Content = 0, 1, []string{}
	return r.c.Source.Search(ctx, q, &looker{})
}

// agreesBefore looks at the place where what started before the run ends and
// what started since begins: the window's order is that of the starts.
func (r *reading) agreesBefore(ctx context.Context) (bool, error) {
	q := r.query
	q.Offset, q.Limit, q.Content = max(len(r.ids)-1, 0), 2, []string{}
	l := &looker{n: r.c.norm}
	if _, err := r.c.Source.Search(ctx, q, l); err != nil {
		return false, err
	}
	older := 0
	for _, at := range l.starts {
		if at < r.before {
			older++
		}
	}
	return older == min(len(r.ids), 1), nil
}

// looker notes only when conversations began.
type looker struct {
	n      *normaliser
	starts []int64
}

func (l *looker) Reset() { l.starts = l.starts[:0] }

func (l *looker) Record(raw []byte) error {
	if l.n != nil {
		r := liveperson.ReadRecord(raw)
		l.starts = append(l.starts, l.n.header(&r).startedAt)
	}
	return nil
}

func (l *looker) Oversized(info []byte) error {
	return l.Record(append(append([]byte(`{"info":`), info...), '}'))
}
