package exporter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// cutAgain gives what was refused for its size a new bundle, cut under the limit that
// is known by now, and reports whether there was anything. The new bundle names the
// files that it replaces; these are withdrawn in the transaction that makes it exist.
// The old bundle stays as it was, and what was taken of it is not in the new one.
//
// The entries come as slices of their own, under new numbers: what the far side has
// taken of a slice keeps the slice's names, so that nothing else may bear them.
func (w *worker) cutAgain(ctx context.Context) (bool, error) {
	waits, err := w.cp.AnyTooLarge(ctx, w.row.ID)
	if err != nil || !waits {
		return false, err
	}
	if err := w.askSize(ctx); err != nil {
		return false, err
	}
	bundles, err := w.cp.Undelivered(ctx, w.row.ID)
	if err != nil {
		return false, err
	}
	made, err := w.prepare(ctx)
	if err != nil {
		return false, err
	}
	a := &recut{cutBundle: made, numbers: map[string]*givenNow{}}
	made.again = a
	for i := range bundles {
		if err := a.add(ctx, &bundles[i]); err != nil {
			return false, err
		}
		if made.bytes >= w.dest.Bounds.Bytes {
			break
		}
	}
	return true, made.freeze(ctx)
}

// recut is a bundle that replaces files of others.
type recut struct {
	*cutBundle
	withdrawn []int64 // items
	numbers   map[string]*givenNow
}

// givenNow is what a destination has been given of a conversation, with the new slices.
type givenNow struct {
	conversation int64
	checkpoint.Given
}

// add cuts what was too large of one bundle again.
func (a *recut) add(ctx context.Context, b *checkpoint.Bundle) error {
	items, err := a.cp.Items(ctx, b.ID)
	if err != nil {
		return err
	}
	byFile := map[string]*checkpoint.Item{}
	waits := false
	for i := range items {
		byFile[items[i].File] = &items[i]
		waits = waits || items[i].State == checkpoint.ItemTooLarge
	}
	if !waits {
		return nil
	}
	dir, err := a.render(ctx, b)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join(dir, archive.ManifestFile))
	if err != nil {
		return err
	}
	m, err := archive.ParseManifest(raw)
	if err != nil {
		return err
	}
	for position := range m.Slices {
		if err := a.addSlice(ctx, b, position, partsOf(&m.Slices[position], byFile)); err != nil {
			return err
		}
	}
	return nil
}

// addSlice cuts those parts of a slice again that were too large.
func (a *recut) addSlice(ctx context.Context, b *checkpoint.Bundle, position int, parts []*checkpoint.Item) error {
	if parts == nil {
		return nil
	}
	l, found, err := a.cp.SliceAt(ctx, b.ID, position)
	if err == nil && !found {
		err = fmt.Errorf("bundle %s has no slice at %d", b.Path, position)
	}
	if err != nil {
		return err
	}
	lines, err := a.partLines(b, &l)
	if err != nil {
		return err
	}
	if len(lines) != len(parts) {
		return fmt.Errorf("bundle %s: slice %d has %d parts, and %d files", b.Path, position, len(lines), len(parts))
	}
	newest := int64(0) // of what was taken of this slice
	for i := range parts {
		if s := parts[i].State; s == checkpoint.ItemTaken || s == checkpoint.ItemGone {
			newest = max(newest, newestOf(&lines[i], 0))
		}
	}
	for i := range parts {
		if parts[i].State != checkpoint.ItemTooLarge {
			continue
		}
		if err := a.addPart(ctx, b, parts[i], &lines[i], newest); err != nil {
			return err
		}
	}
	return nil
}

// addPart cuts what was in one item. Where it cannot be split any further, it waits for
// a person.
func (a *recut) addPart(ctx context.Context, b *checkpoint.Bundle, i *checkpoint.Item, s *archive.Slice, newest int64) error {
	if most := a.mostBytes(); most == 0 || i.Bytes <= most { // the limit was raised
		return a.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.SetUntried(i.ID) })
	}
	n, err := a.number(ctx, s.Conversation)
	if err != nil {
		return err
	}
	if n.Slices > s.Number {
		newest = max(newest, n.NewestAt)
	}
	s.Number = n.Slices + 1
	markLate(s, newest)
	line, err := a.freezer.freeze(a.packer, s)
	if err != nil {
		return err
	}
	if err := a.tryFormat(a.freezer.line); err != nil {
		if _, large := errors.AsType[*archive.TooLargeError](err); !large {
			return err
		}
		h := &handing{worker: a.worker, bundle: b}
		return h.reject(ctx, i, fmt.Sprintf("it was refused for its size, and %v: ask the archive to take larger items, then lpexport quarantine retry", err))
	}
	if err := a.put(ctx, line); err != nil {
		return err
	}
	n.Slices++
	a.withdrawn = append(a.withdrawn, i.ID)
	a.head.Replaces = append(a.head.Replaces, archive.Replaced{Bundle: filepath.Base(b.Path),
		FileInfo: archive.FileInfo{Path: i.File, Bytes: i.Bytes, SHA256: i.SHA256}})
	return nil
}

// number is what was given of a conversation so far.
func (a *recut) number(ctx context.Context, sourceID string) (*givenNow, error) {
	if n := a.numbers[sourceID]; n != nil {
		return n, nil
	}
	conversation, given, found, err := a.cp.GivenOf(ctx, a.worker.row.ID, sourceID)
	if err == nil && !found {
		err = fmt.Errorf("conversation %s was cut for %s and is not known to be given", sourceID, a.dest.Name)
	}
	n := &givenNow{conversation, given}
	a.numbers[sourceID] = n
	return n, err
}

// withdraw ends the items that the new bundle replaces, in the transaction that makes it exist.
func (a *recut) withdraw(tx *checkpoint.Tx) error {
	for _, item := range a.withdrawn {
		if err := tx.Withdraw(item, a.row.ID); err != nil {
			return err
		}
	}
	for _, n := range a.numbers {
		if err := tx.SetSlices(a.worker.row.ID, n.conversation, n.Slices); err != nil {
			return err
		}
	}
	return nil
}
