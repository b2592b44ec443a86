package exporter

import (
	"context"
	"errors"

	"lpexport/exporter/checkpoint"
)

// roundsAtMost is how often in a turn what was too large may be cut again: each time
// mails have at most half of what was refused.
const roundsAtMost = 16

// deliver renders and hands over, in the order of their serials, the bundles
// that the destination has not taken. What it rejects waits for a person and
// stops nothing, what it refuses for its size goes out again in smaller items. When
// the destination itself fails, the rest waits for a later run.
func (w *worker) deliver(ctx context.Context) error {
	for range roundsAtMost {
		if err := w.handOverAll(ctx); err != nil || w.failed != nil {
			return err
		}
		if again, err := w.cutAgain(ctx); err != nil || !again {
			return err
		}
	}
	return nil
}

// handOverAll hands over what waits, each item once and those again that failed by
// a fault that may have passed. Files that were tried before come last, so that one
// that fails each time never stands before the others; whole bundles keep their order.
func (w *worker) handOverAll(ctx context.Context) error {
	if most := w.mostBytes(); most > 0 && most < LeastItem {
		if err := w.askSize(ctx); err != nil {
			return err
		}
	}
	if stands, err := w.soundOut(ctx); err != nil || stands {
		return err
	}
	bundles, err := w.cp.Undelivered(ctx, w.row.ID)
	if err != nil {
		return err
	}
	w.putOff, w.pauses, w.faults, w.doubt = map[int64]bool{}, 0, 0, nil
	left, err := w.pass(ctx, bundles, func(i *checkpoint.Item) bool { return i.NextAt == 0 && (i.Attempts == 0 || i.File == "") })
	if err == nil {
		left, err = w.pass(ctx, left, func(i *checkpoint.Item) bool {
			return !w.putOff[i.ID] && (i.NextAt <= w.millis() || w.now) && (i.NextAt != 0 || i.Attempts != 0)
		})
	}
	if err == nil {
		err = w.settleDoubt(ctx)
	}
	if err == nil {
		err = w.onceMore(ctx, left)
	}
	return err
}

// onceMore tries the items again that failed in this run for the first time, after
// short pauses and as long as that helps.
func (w *worker) onceMore(ctx context.Context, left []checkpoint.Bundle) (err error) {
	w.rounds = true
	defer func() { w.rounds = false }()
	for w.pauses = 0; len(w.putOff) > 0 && len(left) > 0 && w.failed == nil && w.pauses < len(shortPauses); {
		if err := w.shortPause(ctx); err != nil {
			return err
		}
		these := w.putOff
		w.putOff = map[int64]bool{}
		if left, err = w.pass(ctx, left, func(i *checkpoint.Item) bool { return these[i.ID] }); err != nil {
			return err
		}
		if err := w.settleDoubt(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pass hands over those items of some bundles that are chosen, and returns the
// bundles of which something still waits.
func (w *worker) pass(ctx context.Context, bundles []checkpoint.Bundle, chosen func(*checkpoint.Item) bool) (left []checkpoint.Bundle, err error) {
	for i := range bundles {
		if err := ctx.Err(); err != nil {
			return left, err
		}
		b := &bundles[i]
		if w.failed != nil && b.State == checkpoint.Rendered {
			continue
		}
		dir, err := w.render(ctx, b)
		if err != nil {
			return left, err
		}
		if dir == "" || w.failed != nil {
			continue
		}
		done, err := w.handOver(ctx, b, dir, chosen)
		if err != nil {
			return left, err
		}
		if !done {
			left = append(left, *b)
		}
	}
	return left, nil
}

// handOver delivers the chosen ones of what waits of one bundle, and reports whether
// nothing is left of it. Its error is one that will not pass by itself.
func (w *worker) handOver(ctx context.Context, b *checkpoint.Bundle, dir string, chosen func(*checkpoint.Item) bool) (done bool, err error) {
	items, err := w.cp.Unsent(ctx, b.ID)
	if err != nil {
		return false, err
	}
	after, err := w.after(ctx)
	if err != nil {
		return false, err
	}
	h := &handing{worker: w, bundle: b, dir: dir, after: after}
	for i := range items {
		if err := ctx.Err(); err != nil {
			return false, errors.Join(err, h.store(ctx))
		}
		if !chosen(&items[i]) {
			continue
		}
		if err := h.one(ctx, &items[i]); err != nil {
			return false, errors.Join(err, h.store(ctx))
		}
		if w.failed != nil {
			break
		}
	}
	return h.settle(ctx)
}
