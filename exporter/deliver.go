package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// deliver renders and hands over, in the order of their serials, the bundles
// that the destination has not taken. After a failure the rest waits: it is
// rendered, and tried again in the next run.
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
		if err := w.handOver(ctx, b, dir); err != nil {
			return err
		}
	}
	return nil
}

// spoolDir is where a destination's bundles lie until it has taken them.
func (e *Exporter) spoolDir(destination string) string {
	return filepath.Join(e.State, "spool", destination)
}

// render writes a bundle into the spool, unless it lies there already, and
// returns its folder. What is in the spool is what is sent, however often.
func (w *worker) render(ctx context.Context, b *checkpoint.Bundle) (dir string, err error) {
	dir = filepath.Join(w.spoolDir(w.dest.Name), filepath.Base(b.Path))
	if b.State == checkpoint.Rendered && lies(dir) {
		return dir, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("spool: %w", err)
	}
	if err := archive.MkdirAll(dir); err != nil {
		return "", fmt.Errorf("spool: %w", err)
	}
	sum, err := w.write(ctx, b, dir)
	if err != nil {
		return "", fmt.Errorf("render %s: %w", filepath.Base(b.Path), err)
	}
	w.Step("bundle spooled")
	if b.State == checkpoint.Rendered {
		if sum != b.ManifestSHA256 {
			return "", &archive.Error{Class: archive.Abort, Op: "render", Path: b.Path, Err: errOtherBytes}
		}
		return dir, nil
	}
	b.ManifestSHA256, b.State = sum, checkpoint.Rendered
	err = w.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		return tx.SetRendered(w.row.ID, *b, filepath.Base(b.Path))
	})
	w.Step("bundle rendered")
	if b.Serial == w.row.Serial {
		w.row.PreviousBundle, w.row.PreviousSHA256, w.row.PreviousPath = filepath.Base(b.Path), sum, b.Path
	}
	return dir, err
}

var errOtherBytes = errors.New("rendering it again gives other bytes than the first time")

func lies(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, archive.ManifestFile))
	return err == nil
}

// write renders the frozen slices: no clock, nothing but what the cut stored.
func (w *worker) write(ctx context.Context, b *checkpoint.Bundle, dir string) (manifestSHA256 string, err error) {
	var head archive.Head
	if err := json.Unmarshal(b.Head, &head); err != nil {
		return "", err
	}
	out, err := archive.NewWriter(dir, head)
	if err != nil {
		return "", err
	}
	defer out.Discard()
	var line []byte
	err = w.cp.Slices(ctx, b.ID, func(s checkpoint.Line) (err error) {
		if line, err = w.packer.unpack(line[:0], s.Frame); err != nil {
			return err
		}
		return out.Add(line, s.Listing, archive.Counts{Conversation: s.Conversation, Messages: s.Messages, Amendments: s.Amendments, From: s.From, To: s.To})
	})
	if err != nil {
		return "", err
	}
	rendered, err := out.Close()
	return rendered.ManifestSHA256, err
}

// handOver delivers one bundle and stores the receipt. A failure that may pass
// is stored and ends the deliveries of this run; one that will not is returned.
func (w *worker) handOver(ctx context.Context, b checkpoint.Bundle, dir string) error {
	w.Step("bundle handed over")
	receipt, err := w.dest.Target.Deliver(ctx, archive.Item{Path: b.Path, Dir: dir, ManifestSHA256: b.ManifestSHA256})
	w.Step("bundle taken")
	if err != nil {
		return w.deliveryFailed(ctx, b, err)
	}
	answer, err := json.Marshal(receipt)
	if err != nil {
		return err
	}
	// The far side has it: that is stored even when a signal came meanwhile.
	if err := w.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) error {
		return tx.SetDelivered(b.ID, string(answer), w.millis())
	}); err != nil {
		return err
	}
	w.Step("receipt stored")
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("empty spool: %w", err)
	}
	return nil
}

func (w *worker) deliveryFailed(ctx context.Context, b checkpoint.Bundle, err error) error {
	if ctx.Err() != nil {
		return err
	}
	var e *archive.Error
	if errors.As(err, &e) && (e.Class == archive.Halt || e.Class == archive.Abort) {
		return err
	}
	if b.Error != err.Error() {
		w.Log.Warn("delivery failed: the next run tries again", "destination", w.dest.Name, "bundle", filepath.Base(b.Path), "error", err)
	}
	w.failed = err
	return w.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		return tx.SetFailed(b.ID, err.Error())
	})
}

// tidySpool removes what lies in the spool and is not to be delivered: a run
// that was killed between a receipt and the removal left it.
func (w *worker) tidySpool(ctx context.Context) error {
	bundles, err := w.cp.Undelivered(ctx, w.row.ID)
	if err != nil {
		return err
	}
	needed := map[string]bool{}
	for _, b := range bundles {
		needed[filepath.Base(b.Path)] = true
	}
	there, err := os.ReadDir(w.spoolDir(w.dest.Name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("spool: %w", err)
	}
	for _, d := range there {
		if needed[d.Name()] {
			continue
		}
		if err := os.RemoveAll(filepath.Join(w.spoolDir(w.dest.Name), d.Name())); err != nil {
			return fmt.Errorf("spool: %w", err)
		}
	}
	return nil
}
