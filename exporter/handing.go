package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// handing is the handing over of one bundle's items. What came of one is stored
// in the transaction that announces the next.
type handing struct {
	*worker
	bundle *checkpoint.Bundle
	dir    string
	after  string                     // archive.Item's
	since  func(*checkpoint.Tx) error // not stored yet
}

// store writes what is not stored yet: also after a signal, since the far side
// has answered.
func (h *handing) store(ctx context.Context) error {
	if h.since == nil {
		return nil
	}
	err := h.cp.Update(context.WithoutCancel(ctx), h.since)
	h.since = nil
	h.Step("receipt stored")
	return err
}

// one hands over one item, again after short pauses where the far side may only have
// stumbled.
func (h *handing) one(ctx context.Context, i *checkpoint.Item) error {
	if reason := h.tooOld(i, h.millis()); reason != "" {
		return h.reject(ctx, i, reason)
	}
	if over := h.overSize(i); over != nil {
		return h.refused(ctx, i, over, over)
	}
	for {
		begun := h.Now()
		receipt, err := h.try(ctx, i)
		if err == nil {
			return h.taken(ctx, i, receipt)
		}
		at := h.classified(err)
		if !h.stumbled(at, h.Now().Sub(begun)) || ctx.Err() != nil {
			return h.fault(ctx, i, at, err)
		}
		if err := h.putBack(ctx, i); err != nil {
			return err
		}
		h.tally.add(CounterDeliveries, at.Class.String(), h.dest.Name, 1)
		h.Log.Debug("the destination failed: tried again at once", "destination", h.dest.Name, "item", h.label(i), "error", err)
		if err := h.shortPause(ctx); err != nil {
			return err
		}
	}
}

// try hands over one item once.
func (h *handing) try(ctx context.Context, i *checkpoint.Item) (receipt archive.Receipt, err error) {
	if err := h.announce(ctx, i); err != nil {
		return receipt, &stateError{err}
	}
	i.State = checkpoint.ItemWaiting // that a process died with it has been noted
	item := archive.Item{Path: h.bundle.Path, Dir: h.dir, ManifestSHA256: h.bundle.ManifestSHA256, After: h.after}
	if i.File != "" {
		item.File = &archive.FileInfo{Path: i.File, Bytes: i.Bytes, SHA256: i.SHA256}
	}
	h.Step("item handed over")
	receipt, err = h.dest.Target.Deliver(h.handOverContext(ctx), item)
	h.Step("item taken")
	return receipt, err
}

// taken keeps the receipt of an item, to be stored with what comes next.
func (h *handing) taken(ctx context.Context, i *checkpoint.Item, receipt archive.Receipt) error {
	answer, err := json.Marshal(receipt)
	if err != nil {
		return err
	}
	counts := []checkpoint.Count{{Name: CounterDeliveries, Label: "taken", Second: h.dest.Name, Value: 1},
		{Name: CounterDelivered, Second: h.dest.Name, Value: h.bytesOf(i)}}
	well, rowEnds := h.row.Trouble == checkpoint.Trouble{}, h.refusing
	h.row.Trouble, h.refusing = checkpoint.Trouble{}, false
	h.pauses, h.faults = 0, 0
	if i.Attempts > 0 {
		h.news.is("item "+h.label(i), "")
	}
	id, row := i.ID, h.row.ID
	h.since = func(tx *checkpoint.Tx) error {
		if err := errors.Join(tx.SetTaken(id, string(answer), h.millis()), tx.AddCounts(counts)); err != nil {
			return err
		}
		if rowEnds {
			if err := tx.EndRow(row); err != nil {
				return err
			}
		}
		if well {
			return nil
		}
		return tx.SetTrouble(row, checkpoint.Trouble{})
	}
	return h.clearDoubt(ctx)
}

// bytesOf is how many bytes an item has: its file, or all of the bundle's.
func (h *handing) bytesOf(i *checkpoint.Item) (total int64) {
	if i.File != "" {
		return i.Bytes
	}
	// What cannot be counted is not worth a failure of what was delivered.
	_ = filepath.WalkDir(h.dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total
}

// handOverContext is that of one hand-over. A service that stops lets the one
// that is under way come to its end, within a bound.
func (w *worker) handOverContext(ctx context.Context) context.Context {
	if w.hard != nil {
		return w.hard
	}
	return ctx
}

// announce notes that an item is about to be handed over. A bundle can be
// delivered twice without harm; of a single file a process that died in between
// cannot tell whether the far side has it, and that is counted.
func (h *handing) announce(ctx context.Context, i *checkpoint.Item) error {
	if i.File == "" {
		return h.store(ctx)
	}
	before := h.since
	h.since = nil
	err := h.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		if before != nil {
			if err := before(tx); err != nil {
				return err
			}
		}
		if i.State == checkpoint.ItemSending {
			if err := tx.AddUncertain(i.ID, `{"Answer":"the process ended while it was being sent"}`, h.millis()); err != nil {
				return err
			}
		}
		return tx.SetSending(i.ID)
	})
	h.Step("item announced")
	return err
}

// tooOld says why an item is not handed over any more, or "".
func (h *handing) tooOld(i *checkpoint.Item, now int64) string {
	limit := h.dest.MaxAge
	if limit == 0 || i.At == 0 || now-i.At <= limit.Milliseconds() {
		return ""
	}
	return fmt.Sprintf("it is filed under %s, and the archive takes nothing older than %d days this way: %s",
		time.UnixMilli(i.At).UTC().Format(time.DateOnly), int(limit.Hours()/24), h.dest.OlderGo)
}

// label names an item for people: its bundle, and its file.
func (h *handing) label(i *checkpoint.Item) string {
	return itemLabel(h.bundle.Path, i.File)
}

func itemLabel(bundlePath, file string) string {
	name := filepath.Base(bundlePath)
	if file == "" {
		return name
	}
	return name + "/" + file
}

// settle ends the bundle if nothing of it waits any more, and reports whether. Where the far side
// gets no manifest, the state keeps it.
func (h *handing) settle(ctx context.Context) (done bool, err error) {
	if h.dest.Files {
		if err := h.keepManifest(h.bundle, h.dir); err != nil {
			return false, errors.Join(err, h.store(ctx))
		}
	}
	err = h.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) (err error) {
		if h.since != nil {
			if err := h.since(tx); err != nil {
				return err
			}
		}
		done, err = tx.SetDelivered(h.bundle.ID, h.millis())
		return err
	})
	h.Step("receipt stored")
	if err != nil || !done {
		return false, err
	}
	if err := os.RemoveAll(h.dir); err != nil {
		return true, fmt.Errorf("empty spool: %w", err)
	}
	return true, nil
}
