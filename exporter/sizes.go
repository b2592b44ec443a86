package exporter

import (
	"context"
	"encoding/json"
	"fmt"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// LeastItem is the size below which no transport is of use: what a mail has around its
// messages needs that much.
const LeastItem = 64 << 10

// SizesError is a destination that takes only items in which nothing fits.
type SizesError struct{ Most int64 }

func (e *SizesError) Error() string {
	return fmt.Sprintf("it takes items of at most %d bytes, in which nothing fits", e.Most)
}

// NothingFits is the halt of a destination that takes items of at most so many bytes.
func NothingFits(most int64) *archive.Error {
	return &archive.Error{Class: archive.Halt, Op: "compare sizes", Err: &SizesError{most}, Hint: hintSizes}
}

const hintSizes = "ask the archive to take larger mails, look at smtp.max_bytes, or let lpexport fetch smaller files: files.max_bytes"

// mostBytes is how many bytes an item may have at the destination, by the least that
// is known; 0: nothing is.
func (w *worker) mostBytes() int64 {
	return leastOf(w.dest.MostBytes, w.row.Sizes.Said, w.row.Sizes.Learned)
}

// leastOf is the least of some limits, of which 0 is none.
func leastOf(limits ...int64) (least int64) {
	for _, n := range limits {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// rendering is by what the next bundle's files are made: as it is configured, within
// the size that the far side takes.
func (w *worker) rendering() (json.RawMessage, error) {
	most := w.mostBytes()
	if w.dest.Fit == nil || most == 0 {
		return w.dest.Rendering, nil
	}
	if most < LeastItem {
		return nil, NothingFits(most)
	}
	return w.dest.Fit(w.dest.Rendering, most)
}

// askSize finds out what the far side says of sizes now, before something is cut. One
// that cannot be asked is taken at its last word: delivery will tell what is wrong.
func (w *worker) askSize(ctx context.Context) error {
	sized, ok := w.dest.Target.(archive.Sized)
	if !ok || w.dest.Fit == nil || w.failed != nil {
		return nil
	}
	said, err := sized.MostBytes(w.handOverContext(ctx))
	if err != nil {
		w.Log.Debug("the destination could not be asked for its limit of size", "destination", w.dest.Name, "error", err)
		return ctx.Err()
	}
	return w.setSizes(ctx, said, w.row.Sizes.Learned)
}

// setSizes keeps what is known of sizes. Where the far side names another limit, what
// its refusals have shown is of the former one.
func (w *worker) setSizes(ctx context.Context, said, learned int64) error {
	if said != w.row.Sizes.Said {
		w.Log.Info("the destination names its limit of size", "destination", w.dest.Name, "bytes", said)
		learned = 0
	}
	sizes := checkpoint.Sizes{Said: said, Learned: learned}
	if sizes == w.row.Sizes {
		return nil
	}
	w.row.Sizes = sizes
	return w.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.SetSizes(w.row.ID, sizes) })
}

// overSize is the fault of an item that is larger than is known to be taken; nil: it is
// none. It need not be sent to be refused.
func (h *handing) overSize(i *checkpoint.Item) *archive.Error {
	most := h.mostBytes()
	if !h.splits(i) || most == 0 || i.Bytes <= most {
		return nil
	}
	return &archive.Error{Class: archive.Reject, Op: "deliver", Path: h.dest.Where, TooLarge: true, Limit: most,
		Err: fmt.Errorf("the item has %d bytes, %d are taken at most", i.Bytes, most), Hint: hintSizes}
}

// splits tells whether smaller items may be made of one. What was taken before, and is
// handed over again by a person's wish, goes as it was or not at all.
func (h *handing) splits(i *checkpoint.Item) bool {
	return h.dest.Fit != nil && i.File != "" && i.TakenAt == 0
}

// smaller is what the refusal of an item for its size shows of the destination, and
// whether smaller items can be made of it.
func (h *handing) smaller(i *checkpoint.Item, at *archive.Error) (sizes checkpoint.Sizes, split bool) {
	sizes = h.row.Sizes
	if !at.TooLarge {
		return sizes, false
	}
	switch at.Limit {
	case 0: // smaller than this one, and nobody says by how much
		if i.Bytes <= LeastItem {
			return sizes, false
		}
		sizes.Learned = leastOf(sizes.Learned, max(i.Bytes/2, LeastItem))
	case h.dest.MostBytes, h.row.Sizes.Said, h.row.Sizes.Learned:
	default:
		sizes = checkpoint.Sizes{Said: at.Limit}
	}
	return sizes, h.splits(i)
}

// toSplit lets an item wait to be cut again, in smaller ones.
func (h *handing) toSplit(tx *checkpoint.Tx, i *checkpoint.Item, at *archive.Error, sizes checkpoint.Sizes) error {
	h.Log.Warn("an item is too large for the destination: it is split", "destination", h.dest.Name, "item", h.label(i), "error", at)
	answer, err := json.Marshal(archive.Receipt{Answer: at.Error()})
	if err != nil {
		return err
	}
	if err := tx.SetSizes(h.row.ID, sizes); err != nil {
		return err
	}
	return tx.SetTooLarge(i.ID, string(answer), h.millis())
}
