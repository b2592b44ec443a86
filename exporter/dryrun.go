package exporter

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// DryBundle is a bundle that was rendered to be looked at.
type DryBundle struct {
	Destination string
	Path        string // its folder
	Slices      int
	Messages    int
	Held        int // conversations that could not be cut
}

// DryRun captures as a cycle does, files too, and renders below dir the bundle that each
// destination would be given next, as far as one bundle goes. Nothing is cut,
// numbered or delivered.
func (e *Exporter) DryRun(ctx context.Context, dir string, only []string) (bundles []DryBundle, err error) {
	release, err := e.leaseCycle()
	if err != nil {
		return nil, err
	}
	defer release()
	if err := e.register(ctx); err != nil {
		return nil, err
	}
	whole := false
	c, err := e.begin(ctx, func() {})
	if err == nil {
		whole, err = c.cycle(ctx)
	}
	if err == nil && !whole {
		err = ErrIncomplete
	}
	if err != nil && !errors.Is(err, ErrIncomplete) && !isUnavailable(err) {
		return nil, err
	}
	captured := make(chan struct{})
	close(captured)
	files := e.newFetcher(func() {})
	files.atMost = cycleFetches
	err = errors.Join(err, files.run(ctx, captured))
	for _, w := range e.workers(only) {
		b, found, derr := w.dryRun(ctx, filepath.Join(dir, w.dest.Name))
		if derr != nil {
			return bundles, errors.Join(err, fmt.Errorf("destination %s: %w", w.dest.Name, derr))
		}
		if found {
			bundles = append(bundles, b)
		}
	}
	return bundles, err
}

// dryRun renders the destination's next bundle into a new folder below dir.
func (w *worker) dryRun(ctx context.Context, dir string) (made DryBundle, found bool, err error) {
	if w.norm, err = w.names(ctx, w.dest); err != nil {
		return made, false, err
	}
	if err := w.readRow(ctx); err != nil {
		return made, false, err
	}
	if w.recovered, err = w.cp.AnyHeld(ctx); err != nil {
		return made, false, err
	}
	due, err := w.cp.ReadyToCut(ctx, w.cutting(), w.dest.Bounds.Conversations)
	if err != nil || len(due) == 0 {
		return made, false, err
	}
	head := w.head(w.Now().UTC().Truncate(time.Millisecond))
	dir = filepath.Join(dir, archive.BundleName(head.Destination, head.Serial))
	if err := archive.MkdirAll(dir); err != nil {
		return made, false, err
	}
	rendering, err := w.rendering()
	if err != nil {
		return made, false, err
	}
	frozen := frozenHead{Head: head}
	if err := w.freezeRendering(&frozen, rendering); err != nil { // without a seal: it is to be looked at
		return made, false, err
	}
	shape, err := w.shape(&frozen)
	if err != nil {
		return made, false, err
	}
	out, err := archive.NewWriter(dir, head, shape)
	if err != nil {
		return made, false, err
	}
	defer out.Discard()
	b := &cutBundle{worker: w, head: frozen, dry: out}
	if _, err := b.addAll(ctx, due); err != nil {
		return made, false, err
	}
	_, err = out.Close()
	return DryBundle{Destination: w.dest.Name, Path: dir, Slices: b.row.Slices, Messages: b.row.Messages, Held: len(w.refused)}, true, err
}

// putDry renders a slice instead of storing it.
func (b *cutBundle) putDry(l *checkpoint.Line) error {
	line, err := b.packer.unpack(nil, l.Frame)
	if err != nil {
		return err
	}
	return b.dry.Add(line, l.Listing, archive.Counts{Conversation: l.Conversation, Messages: l.Messages, Amendments: l.Amendments, From: l.From, To: l.To})
}
