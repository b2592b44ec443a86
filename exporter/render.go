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

// frozenHead is what is known of a bundle when it is cut, and decides, with its
// slices, every byte of it.
type frozenHead struct {
	archive.Head
	Rendering json.RawMessage `json:",omitempty"`
	Seal      json.RawMessage `json:",omitempty"`
}

// freezeHead makes the head of a new bundle. What is random in it, its seal, is
// made here and never again.
func (w *worker) freezeHead(head archive.Head) (frozen frozenHead, err error) {
	rendering, err := w.rendering()
	if err != nil {
		return frozen, err
	}
	frozen = frozenHead{Head: head, Rendering: rendering}
	if w.dest.Seal != nil {
		seal, err := w.dest.Seal()
		if err != nil {
			return frozen, &archive.Error{Class: archive.Halt, Op: "encrypt", Err: err, Hint: "give the destination's pgp.keys a key that is valid now"}
		}
		frozen.Seal = seal
	}
	return frozen, nil
}

// shape is what the files of a frozen bundle are.
func (w *worker) shape(head *frozenHead) (archive.Shape, error) {
	shape := archive.Shape{Format: archive.JSONL{}}
	if w.dest.Shape != nil {
		var err error
		if shape, err = w.dest.Shape(head.Rendering, head.Seal); err != nil {
			return shape, err
		}
	}
	shape.Unique = w.dest.Files
	shape.Contents = w.contents().open
	return shape, nil
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
	made, err := w.write(ctx, b, dir)
	if damaged, ok := errors.AsType[*archive.ContentError](err); ok {
		if err := w.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.FetchAgain(damaged.SHA256) }); err != nil {
			return "", err
		}
		return "", &archive.Error{Class: archive.Halt, Op: "render", Path: b.Path, Err: damaged,
			Hint: "the state lacks a file that was fetched: put its folder files back from a copy; the next run asks LivePerson for it again"}
	}
	if err != nil {
		return "", fmt.Errorf("render %s: %w", filepath.Base(b.Path), err)
	}
	w.Step("bundle spooled")
	if b.State == checkpoint.Rendered {
		if made.ManifestSHA256 != b.ManifestSHA256 {
			return "", &archive.Error{Class: archive.Abort, Op: "render", Path: b.Path, Err: errOtherBytes,
				Hint: "its manifest names the version that rendered it: deliver it with that one"}
		}
		return dir, nil
	}
	b.ManifestSHA256, b.State = made.ManifestSHA256, checkpoint.Rendered
	err = w.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		return tx.SetRendered(w.row.ID, *b, filepath.Base(b.Path), w.items(made))
	})
	w.Step("bundle rendered")
	if b.Serial == w.row.Serial {
		w.row.PreviousBundle, w.row.PreviousSHA256, w.row.PreviousPath = filepath.Base(b.Path), made.ManifestSHA256, b.Path
	}
	return dir, err
}

var errOtherBytes = errors.New("rendering it again gives other bytes than the first time")

// items is what is handed over of a rendered bundle: all of it, or its files.
func (w *worker) items(made archive.Rendered) []checkpoint.Item {
	if !w.dest.Files {
		return []checkpoint.Item{{}}
	}
	items := make([]checkpoint.Item, len(made.Files))
	for i, f := range made.Files {
		items[i] = checkpoint.Item{File: f.Path, Bytes: f.Bytes, SHA256: f.SHA256, At: f.At}
	}
	return items
}

func lies(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, archive.ManifestFile))
	return err == nil
}

// write renders the frozen slices: no clock, nothing but what the cut stored.
func (w *worker) write(ctx context.Context, b *checkpoint.Bundle, dir string) (made archive.Rendered, err error) {
	var head frozenHead
	if err := json.Unmarshal(b.Head, &head); err != nil {
		return made, err
	}
	shape, err := w.shape(&head)
	if err != nil {
		return made, err
	}
	out, err := archive.NewWriter(dir, head.Head, shape)
	if err != nil {
		return made, err
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
		return made, err
	}
	return out.Close()
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
