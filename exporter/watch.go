package exporter

import (
	"context"
	"path"
	"slices"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// watchAtOnce is how many files of a flat folder are looked for in one run.
const watchAtOnce = 10_000

// watch finds out which files an importer has taken from the destination's flat
// folder: those are acknowledged. One that stays too long is spoken of.
func (w *worker) watch(ctx context.Context) error {
	watcher, ok := w.dest.Target.(archive.Watcher)
	if !ok || w.failed != nil {
		return nil
	}
	items, err := w.cp.Untaken(ctx, w.row.ID, watchAtOnce)
	if err != nil || len(items) == 0 {
		return err
	}
	names := make([]string, len(items))
	for i := range items {
		names[i] = path.Base(items[i].File)
	}
	left, err := watcher.Left(ctx, names)
	if err == nil {
		err = w.checkStand(ctx) // after it was listed: a mount that has gone leaves an empty folder
	}
	if err != nil {
		return err
	}
	late := 0
	err = w.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		for i := range items {
			if _, there := slices.BinarySearch(left, names[i]); there {
				if w.stays(&items[i]) {
					late++
				}
			} else if err := tx.SetGone(items[i].ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && late > 0 {
		w.Log.Warn("files lie in the folder for too long: does the importer run?", "destination", w.dest.Name, "files", late)
	}
	return err
}

// stays tells whether a file has been lying for too long.
func (w *worker) stays(i *checkpoint.Item) bool { return tooLong(w.dest, i, w.millis()) }

func tooLong(d Destination, i *checkpoint.Item, now int64) bool {
	return d.Stay > 0 && time.Duration(now-i.TakenAt)*time.Millisecond > d.Stay
}
