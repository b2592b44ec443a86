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

// lonelyFaults is how many items one after the other may fail, each by its own
// fault, until it is taken for one of the destination.
const lonelyFaults = 20

// deliver renders and hands over, in the order of their serials, the bundles
// that the destination has not taken. What it rejects waits for a person and
// stops nothing. When the destination itself fails, the rest waits for a later run.
func (w *worker) deliver(ctx context.Context) error {
	bundles, err := w.cp.Undelivered(ctx, w.row.ID)
	if err != nil {
		return err
	}
	for _, b := range bundles {
		if err := ctx.Err(); err != nil {
			return err
		}
		dir, err := w.render(ctx, &b)
		if err != nil {
			return err
		}
		if w.failed != nil {
			continue
		}
		if err := w.handOver(ctx, &b, dir); err != nil {
			return err
		}
	}
	return nil
}

// handOver delivers what waits of one bundle. Its error is one that will not
// pass by itself.
func (w *worker) handOver(ctx context.Context, b *checkpoint.Bundle, dir string) error {
	items, err := w.cp.Unsent(ctx, b.ID)
	if err != nil {
		return err
	}
	h := &handing{worker: w, bundle: b, dir: dir}
	for i := range items {
		if err := ctx.Err(); err != nil {
			return errors.Join(err, h.store(ctx))
		}
		if err := h.one(ctx, &items[i]); err != nil {
			return errors.Join(err, h.store(ctx))
		}
		if w.failed != nil {
			break
		}
	}
	return h.settle(ctx)
}

// handing is the handing over of one bundle's items. What came of one is stored
// in the transaction that announces the next.
type handing struct {
	*worker
	bundle *checkpoint.Bundle
	dir    string
	since  func(*checkpoint.Tx) error // not stored yet
	lonely int                        // items in a row that failed by a fault of their own
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

// one hands over one item.
func (h *handing) one(ctx context.Context, i *checkpoint.Item) error {
	now := h.millis()
	if i.NextAt > now && !h.now {
		return nil
	}
	if reason := h.tooOld(i, now); reason != "" {
		return h.reject(ctx, i, reason)
	}
	if err := h.announce(ctx, i); err != nil {
		return err
	}
	item := archive.Item{Path: h.bundle.Path, Dir: h.dir, ManifestSHA256: h.bundle.ManifestSHA256}
	if i.File != "" {
		item.File = &archive.FileInfo{Path: i.File, Bytes: i.Bytes, SHA256: i.SHA256}
	}
	h.Step("item handed over")
	receipt, err := h.dest.Target.Deliver(h.handOverContext(ctx), item)
	h.Step("item taken")
	if err != nil {
		return h.fault(ctx, i, err)
	}
	answer, err := json.Marshal(receipt)
	if err != nil {
		return err
	}
	counts := []checkpoint.Count{{Name: CounterDeliveries, Label: "taken", Second: h.dest.Name, Value: 1},
		{Name: CounterDelivered, Second: h.dest.Name, Value: h.bytesOf(i)}}
	h.lonely = 0
	well := h.row.Trouble == checkpoint.Trouble{}
	h.row.Trouble = checkpoint.Trouble{}
	id, row := i.ID, h.row.ID
	h.since = func(tx *checkpoint.Tx) error {
		if err := errors.Join(tx.SetTaken(id, string(answer), h.millis()), tx.AddCounts(counts)); err != nil || well {
			return err
		}
		return tx.SetTrouble(row, checkpoint.Trouble{})
	}
	return nil
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
func (h *handing) handOverContext(ctx context.Context) context.Context {
	if h.hard != nil {
		return h.hard
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

// fault sorts out an item that was not taken.
func (h *handing) fault(ctx context.Context, i *checkpoint.Item, err error) error {
	var at *archive.Error
	if !errors.As(err, &at) {
		at = &archive.Error{Class: archive.Abort, Op: "deliver", Path: h.bundle.Path, Err: err}
	}
	h.tally.add(CounterDeliveries, at.Class.String(), h.dest.Name, 1)
	switch at.Class {
	case archive.Reject:
		return h.reject(ctx, i, err.Error())
	case archive.Halt, archive.Abort:
		return errors.Join(err, h.putBack(ctx, i))
	case archive.Uncertain:
		answer, merr := json.Marshal(archive.Receipt{Answer: at.Error()})
		if merr != nil {
			return merr
		}
		return h.uncertain(ctx, i, at, func(tx *checkpoint.Tx) error { return tx.AddUncertain(i.ID, string(answer), h.millis()) })
	}
	if ctx.Err() != nil {
		return errors.Join(err, h.putBack(ctx, i))
	}
	if h.lonely++; at.Item && h.lonely < lonelyFaults {
		next := h.Now().Add(pause(i.Attempts+1, at.RetryAfter, h.Random))
		h.Log.Warn("an item was not taken: tried again later", "destination", h.dest.Name, "item", h.label(i), "error", err)
		return h.wait(ctx, i, next.UnixMilli(), nil)
	}
	return h.outage(ctx, i, at, nil)
}

// mostUncertain is how many ends of which nobody knows an item may have: each may
// have made a copy, and one on which a server dies each time would stop all
// others.
const mostUncertain = 3

// uncertain notes an end of which nobody knows.
func (h *handing) uncertain(ctx context.Context, i *checkpoint.Item, at *archive.Error, note func(*checkpoint.Tx) error) error {
	before, err := h.cp.UncertainEnds(ctx, i.ID)
	if err != nil {
		return err
	}
	if before+1 < mostUncertain {
		return h.outage(ctx, i, at, note)
	}
	if err := h.cp.Update(context.WithoutCancel(ctx), note); err != nil {
		return err
	}
	return h.reject(ctx, i, fmt.Sprintf("its delivery ended %d times without an answer, so it may have arrived as often: look for it before you retry it (%s)", before+1, at))
}

// putBack lets an item wait as if it had not been tried.
func (h *handing) putBack(ctx context.Context, i *checkpoint.Item) error {
	return h.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) error { return tx.SetUntried(i.ID) })
}

// wait notes a try in vain.
func (h *handing) wait(ctx context.Context, i *checkpoint.Item, next int64, also func(*checkpoint.Tx) error) error {
	return h.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		return tx.SetWaiting(i.ID, next)
	})
}

// outage is a fault of the destination: nothing more is handed over until its
// pause has passed.
func (h *handing) outage(ctx context.Context, i *checkpoint.Item, at *archive.Error, also func(*checkpoint.Tx) error) error {
	if err := h.wait(ctx, i, 0, also); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return at
	}
	return h.trouble(ctx, at)
}

// reject puts an item before a person; the next ones go on.
func (h *handing) reject(ctx context.Context, i *checkpoint.Item, reason string) error {
	if err := h.store(ctx); err != nil {
		return err
	}
	h.Log.Error("an item was rejected: lpexport quarantine list", "destination", h.dest.Name, "item", h.label(i), "reason", reason)
	return h.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) error {
		return tx.Reject(i.ID, checkpoint.Quarantined{Destination: h.row.ID, SourceID: h.label(i), Reason: reason, Bytes: i.Bytes}, h.millis())
	})
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

// settle ends the bundle if nothing of it waits any more. Where the far side
// gets no manifest, the state keeps it.
func (h *handing) settle(ctx context.Context) error {
	if h.dest.Files {
		if err := h.keepManifest(h.bundle, h.dir); err != nil {
			return errors.Join(err, h.store(ctx))
		}
	}
	done := false
	err := h.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) (err error) {
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
		return err
	}
	if err := os.RemoveAll(h.dir); err != nil {
		return fmt.Errorf("empty spool: %w", err)
	}
	return nil
}
