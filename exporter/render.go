package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// spoolDir is where a destination's bundles lie until it has taken them.
func (e *Exporter) spoolDir(destination string) string {
	return filepath.Join(e.State, "spool", destination)
}

// render sees to it that a bundle lies in the spool, and returns its folder.
// What is in the spool is what is sent, however often. A bundle that was rendered
// before, has been lost or damaged here, and cannot be made again is set aside for
// a person: then dir is "".
func (w *worker) render(ctx context.Context, b *checkpoint.Bundle) (dir string, err error) {
	dir = filepath.Join(w.spoolDir(w.dest.Name), filepath.Base(b.Path))
	if b.State == checkpoint.Rendered {
		return w.respool(ctx, b, dir)
	}
	made, err := w.beside(dir, func(beside string) (archive.Rendered, error) { return w.write(ctx, b, beside) })
	if lost, ok := errors.AsType[*unrenderableError](err); ok {
		// The next bundle would have to name this one's manifest, so nothing can follow it.
		return "", &archive.Error{Class: archive.Halt, Op: "render", Path: b.Path, Err: lost.err,
			Hint: cmp.Or(lost.hint, "the state is damaged: put a backup of it in its place, then: lpexport recover --destination "+w.dest.Name)}
	}
	if err != nil {
		return "", fmt.Errorf("render %s: %w", filepath.Base(b.Path), err)
	}
	w.Step("bundle spooled")
	b.ManifestSHA256, b.State = made.ManifestSHA256, checkpoint.Rendered
	err = w.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		return tx.SetRendered(w.row.ID, *b, filepath.Base(b.Path), w.items(made))
	})
	w.Step("bundle rendered")
	w.vouch(b)
	if b.Serial == w.row.Serial {
		w.row.PreviousBundle, w.row.PreviousSHA256, w.row.PreviousPath = filepath.Base(b.Path), made.ManifestSHA256, b.Path
	}
	return dir, err
}

// respool returns the folder of a bundle that was rendered before. Unless its
// very bytes lie there it is rendered again, or its copy read back.
func (w *worker) respool(ctx context.Context, b *checkpoint.Bundle, dir string) (string, error) {
	if w.sound[b.ID] && lies(dir) {
		return dir, nil
	}
	damage := archive.CheckBundle(dir, b.ManifestSHA256)
	if damage == nil {
		w.vouch(b)
		return dir, nil
	}
	if !errors.Is(damage, fs.ErrNotExist) {
		w.Log.Warn("a bundle in the spool is damaged: it is made again", "destination", w.dest.Name, "bundle", filepath.Base(b.Path), "error", damage)
	}
	_, err := w.beside(dir, func(beside string) (archive.Rendered, error) { return w.writeAgain(ctx, b, beside) })
	if lost, ok := errors.AsType[*unrenderableError](err); ok {
		err = w.fetchBack(ctx, b, dir)
		if errors.Is(err, errNoCopy) {
			return "", w.setAside(ctx, b, lost)
		}
	}
	if err != nil {
		return "", err
	}
	w.Step("bundle spooled again")
	w.vouch(b)
	return dir, nil
}

// vouch notes that this process has seen a bundle whole in the spool.
func (w *worker) vouch(b *checkpoint.Bundle) {
	if w.sound == nil {
		w.sound = map[int64]bool{}
	}
	w.sound[b.ID] = true
}

func lies(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, archive.ManifestFile))
	return err == nil
}

// beside lets fill make a bundle in a folder with a hidden name, and moves it to
// dir when nothing is wrong with it. dir never holds anything else.
func (w *worker) beside(dir string, fill func(beside string) (archive.Rendered, error)) (made archive.Rendered, err error) {
	spool := filepath.Dir(dir)
	beside := filepath.Join(spool, "."+filepath.Base(dir))
	if err := os.RemoveAll(beside); err != nil {
		return made, fmt.Errorf("spool: %w", err)
	}
	if err := archive.MkdirAll(beside); err != nil {
		return made, fmt.Errorf("spool: %w", err)
	}
	if made, err = fill(beside); err != nil {
		if rerr := os.RemoveAll(beside); rerr != nil {
			w.Log.Debug("unfinished work stays in the spool", "destination", w.dest.Name, "error", rerr)
		}
		return made, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return made, fmt.Errorf("spool: %w", err)
	}
	if err := archive.Rename(beside, dir); err != nil {
		return made, fmt.Errorf("spool: %w", err)
	}
	return made, nil
}

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

// write renders the frozen slices: no clock, nothing but what the cut stored. Its
// error is an *unrenderableError where the bundle itself is at fault, not the
// machine.
func (w *worker) write(ctx context.Context, b *checkpoint.Bundle, dir string) (made archive.Rendered, err error) {
	head, err := w.thaw(b)
	if err != nil {
		return made, &unrenderableError{err: err}
	}
	shape, err := w.shape(&head)
	if err != nil {
		return made, &unrenderableError{err: err}
	}
	out, err := archive.NewWriter(dir, head.Head, shape)
	if err != nil {
		return made, err
	}
	defer out.Discard()
	var line []byte
	turn := &largeTurn{Exporter: w.Exporter}
	err = w.cp.Slices(ctx, b.ID, func(s checkpoint.Line) (err error) {
		if err := turn.take(ctx, unpackedLen(s.Frame)); err != nil {
			return err
		}
		defer turn.end()
		if line, err = w.packer.unpack(keep(line), s.Frame); err != nil {
			return &unrenderableError{err: err}
		}
		err = out.Add(line, s.Listing, archive.Counts{Conversation: s.Conversation, Messages: s.Messages, Amendments: s.Amendments, From: s.From, To: s.To})
		return w.blame(ctx, err)
	})
	if err != nil {
		return made, err
	}
	made, err = out.Close()
	return made, w.blame(ctx, err)
}

// blame tells faults of a bundle from those of the machine, such as a full disk.
// A file that the state lacks is asked for again.
func (w *worker) blame(ctx context.Context, err error) error {
	if damaged, ok := errors.AsType[*archive.ContentError](err); ok {
		if err := w.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.FetchAgain(damaged.SHA256) }); err != nil {
			return err
		}
		return &unrenderableError{err: damaged,
			hint: "the state lacks a file that was fetched: put its folder files back from a copy; the next run asks LivePerson for it again"}
	}
	_, path := errors.AsType[*fs.PathError](err)
	_, link := errors.AsType[*os.LinkError](err)
	if err == nil || path || link || ctx.Err() != nil {
		return err
	}
	return &unrenderableError{err: err}
}

// tidySpool removes what lies in the spool and is not to be delivered: a run
// that was killed between a receipt and the removal left it, or while it rendered
// under a hidden name. What a person has put there of a bundle that waits in
// quarantine stays.
func (w *worker) tidySpool(ctx context.Context) error {
	needed, err := w.cp.SpoolNeeds(ctx, w.row.ID)
	if err != nil {
		return err
	}
	there, err := os.ReadDir(w.spoolDir(w.dest.Name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("spool: %w", err)
	}
	for _, d := range there {
		if needed[d.Name()] && !strings.HasPrefix(d.Name(), ".") {
			continue
		}
		if err := os.RemoveAll(filepath.Join(w.spoolDir(w.dest.Name), d.Name())); err != nil {
			return fmt.Errorf("spool: %w", err)
		}
	}
	return nil
}
