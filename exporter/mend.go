package exporter

import (
	"context"
	"errors"

	"lpexport/archive"
)

// mend makes the destination whole once the files are there that it needs.
func (w *worker) mend() error {
	if w.dest.Mend == nil {
		return nil
	}
	made, err := w.dest.Mend()
	if err != nil {
		return err
	}
	w.dest.Target, w.dest.Seal, w.dest.SettingsSHA256, w.dest.Mend = made.Target, made.Seal, made.SettingsSHA256, nil
	return nil
}

// clean removes unfinished work at the destination. What nobody may remove there
// is said once.
func (w *worker) clean(ctx context.Context) error {
	err := w.dest.Target.Clean(ctx)
	left, ok := errors.AsType[*archive.LeftError](err)
	if !ok {
		return err
	}
	if w.news.is("left at "+w.dest.Name, left.Error()) {
		w.Log.Info("unfinished work stays at the destination, which lets nobody remove it; it is in nobody's way", "destination", w.dest.Name, "left", len(left.Names), "error", left)
	}
	return nil
}

// lacking says of a destination that is not whole that it halts, whether a run has
// met that yet or not.
func (s *DestinationStatus) lacking(d Destination) {
	if d.Mend == nil {
		return
	}
	_, err := d.Mend()
	if err == nil {
		return
	}
	s.Halted, s.LastError, s.Remedy = true, err.Error(), ""
	if at, ok := errors.AsType[*archive.Error](err); ok {
		s.Remedy = at.Hint
	}
}
