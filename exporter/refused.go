package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// How many items a destination may refuse one after the other, without taking one in
// between, until it is taken for what it is: a place that refuses all of them, each by
// itself, because of who sends them. mostAlike is for those with one reason, mostRefused
// for any.
const (
	mostAlike   = 3
	mostRefused = 10
)

// RefusedAlikeError is a destination that has refused so many items in a row.
type RefusedAlikeError struct {
	Refused int
	Err     error // the last refusal
}

func (e *RefusedAlikeError) Error() string {
	return fmt.Sprintf("%d items in a row were refused, and none was taken in between: %v", e.Refused, e.Err)
}

func (e *RefusedAlikeError) Unwrap() error { return e.Err }

// hintRefusedAlike is what to do where the refusals do not say what they are for.
const hintRefusedAlike = "the archive refuses everything that comes from here: ask its people for the reason of the answer above"

// forSize is what refusals have in common that are for size and name no limit.
const forSize = "size"

// refusal is an item that the far side will never take as it is, and what comes of it.
type refusal struct {
	at     *archive.Error
	said   checkpoint.Rejection // Reason "": it is this item's own
	reason string               // for a person
	sizes  checkpoint.Sizes     // that it shows
	split  bool                 // smaller items can be made of it
	row    checkpoint.InRow     // that it is the last of
	stands bool                 // the destination does, for that row
}

func (h *handing) refusalOf(i *checkpoint.Item, at *archive.Error, err error) *refusal {
	r := &refusal{at: at, reason: err.Error()}
	r.said = checkpoint.Rejection{At: h.millis(), Reason: at.Alike, Answer: at.Err.Error(), Hint: cmp.Or(at.Hint, hintRefusedAlike)}
	if at.TooLarge {
		r.reason += ": " + at.Hint
		if at.Limit == 0 {
			r.said.Reason = forSize
		}
	}
	r.sizes, r.split = h.smaller(i, at)
	return r
}

// refused sorts out a refusal: the item waits for a person, or, where it is too large, to
// be split. Items that are refused one after the other halt the destination.
func (h *handing) refused(ctx context.Context, i *checkpoint.Item, at *archive.Error, err error) error {
	r := h.refusalOf(i, at, err)
	if least := leastOf(h.dest.MostBytes, r.sizes.Said); h.dest.Fit != nil && least > 0 && least < LeastItem {
		return errors.Join(NothingFits(least), h.putBack(ctx, i))
	}
	if err := h.store(ctx); err != nil {
		return err
	}
	if err := h.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) error { return h.keepRefusal(tx, i, r) }); err != nil {
		return err
	}
	h.refusing = h.refusing || r.row.All > 0
	if r.split || r.stands {
		h.row.Sizes = r.sizes
	}
	if r.stands {
		return &archive.Error{Class: archive.Halt, Op: at.Op, Path: at.Path, Err: &RefusedAlikeError{r.row.All, at.Err}, Hint: r.said.Hint}
	}
	return nil
}

// keepRefusal counts a refusal, and puts the item where it waits.
func (h *handing) keepRefusal(tx *checkpoint.Tx, i *checkpoint.Item, r *refusal) (err error) {
	if r.said.Reason != "" {
		if r.row, err = tx.AddRefusal(h.row.ID, i.ID, r.said); err != nil {
			return err
		}
	}
	switch {
	case r.row.All >= mostRefused, r.row.Alike >= mostAlike && r.said.Reason != forSize:
		r.stands, r.sizes.Learned = true, 0 // it was not the size
		return errors.Join(h.takeBack(tx, i), tx.SetSizes(h.row.ID, r.sizes))
	case r.split:
		return h.toSplit(tx, i, r.at, r.sizes)
	}
	return h.rejectIn(tx, i, r.reason)
}

// StandsFor is why a destination stands still that has refused item after item, and has
// taken none since; nil: it does not.
func (e *Exporter) StandsFor(ctx context.Context, name string) (*archive.Error, error) {
	row, found, err := e.cp.Destination(ctx, name)
	if err != nil || !found {
		return nil, err
	}
	if _, stands, err := e.cp.AnyRow(ctx, row.ID); err != nil || !stands {
		return nil, err
	}
	last, all, err := e.cp.LastRefusal(ctx, row.ID)
	if err != nil {
		return nil, err
	}
	return &archive.Error{Class: archive.Halt, Op: "deliver", Path: row.Target, Err: &RefusedAlikeError{all, errors.New(last.Answer)}, Hint: last.Hint}, nil
}

// takeBack takes the items that were refused in a row out of the quarantine: they wait
// for the place, not for a person each.
func (h *handing) takeBack(tx *checkpoint.Tx, last *checkpoint.Item) error {
	back, err := tx.TakeBack(h.row.ID, last.ID)
	if err != nil {
		return err
	}
	for _, r := range back {
		if err := tx.ResolveItem(h.row.ID, itemLabel(r.Path, r.File), h.millis()); err != nil {
			return err
		}
	}
	return nil
}

// soundOut sends a single item, another one each time, where the last ones were all
// refused, and reports whether the destination still stands. Once it has taken one, the
// refused ones have one more try each.
func (w *worker) soundOut(ctx context.Context) (stands bool, err error) {
	if w.refusing, stands, err = w.cp.AnyRow(ctx, w.row.ID); err != nil || !stands {
		return false, err
	}
	item, found, err := w.cp.LeastTried(ctx, w.row.ID)
	if err != nil || !found {
		return false, err
	}
	bundles, err := w.cp.Undelivered(ctx, w.row.ID)
	if err != nil {
		return false, err
	}
	w.putOff, w.pauses, w.faults, w.doubt = map[int64]bool{}, 0, 0, nil
	for i := range bundles {
		if bundles[i].ID != item.Bundle {
			continue
		}
		if _, err := w.pass(ctx, bundles[i:i+1], func(i *checkpoint.Item) bool { return i.ID == item.ID }); err != nil {
			return true, err
		}
	}
	if err := w.settleDoubt(ctx); err != nil {
		return true, err
	}
	_, stands, err = w.cp.AnyRow(ctx, w.row.ID)
	return stands, err
}
