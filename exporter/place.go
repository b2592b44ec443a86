package exporter

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// GoneError is a destination that has taken something and does not hold it any
// more: a share that is not mounted, a bucket made anew, a folder that was moved.
// Nothing is written there until a person has decided.
type GoneError struct {
	Destination string
	Bundle      string // the last that it took; "": files that an importer takes
	Empty       bool   // none of the others is there either
	Err         error  // what the place answered, or nil
}

func (e *GoneError) Error() string {
	switch {
	case e.Bundle == "":
		return fmt.Sprintf("the folder of destination %s is not the one that took files before: %v", e.Destination, e.Err)
	case !e.Empty:
		return fmt.Sprintf("destination %s does not hold %s, the last bundle that it took", e.Destination, e.Bundle)
	case e.Err != nil:
		return fmt.Sprintf("destination %s holds none of the bundles that it took, up to %s: %v", e.Destination, e.Bundle, e.Err)
	}
	return fmt.Sprintf("destination %s is empty: it holds none of the bundles that it took, up to %s", e.Destination, e.Bundle)
}

func (e *GoneError) Unwrap() error { return e.Err }

// Hint is what to do about it.
func (e *GoneError) Hint() string {
	switch {
	case e.Bundle == "":
		return fmt.Sprintf("mount it, or bring it back: delivery then goes on by itself. If it is meant to be another folder from now on, nothing is delivered again: "+
			"lpexport accept place %s --reason TEXT", e.Destination)
	case !e.Empty:
		return fmt.Sprintf("bring it back, or deliver it again: lpexport replay --destination %s. If it is meant to be gone: lpexport accept bundle %s --reason TEXT",
			e.Destination, e.Bundle)
	}
	return fmt.Sprintf("mount it, or bring it back: delivery then goes on by itself. If it was emptied on purpose, deliver all again with `lpexport recover --destination %s`, "+
		"or go on with nothing delivered again: lpexport accept place %s --reason TEXT", e.Destination, e.Destination)
}

// ChangedError is a bundle that a destination took and that is another one now.
type ChangedError struct {
	Destination string
	Bundle      string
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("destination %s holds bundle %s changed: it is not what this state has delivered", e.Destination, e.Bundle)
}

// Hint is what to do about it.
func (e *ChangedError) Hint() string {
	return fmt.Sprintf("find out who changed it. Put it back from a copy or with `lpexport replay --destination %s --overwrite --reason TEXT`, then, or to let it stand as it is: "+
		"lpexport accept bundle %s --reason TEXT", e.Destination, e.Bundle)
}

// CheckPlace makes sure that a destination is where it was, that it still holds what
// it took last, and that nobody else has written there. It writes nothing there. A
// destination that this state does not know yet passes.
func (e *Exporter) CheckPlace(ctx context.Context, name string) error {
	d, row, err := e.known(ctx, name)
	var unknown *UnknownDestinationError
	if errors.As(err, &unknown) {
		return nil
	}
	if err != nil {
		return err
	}
	w := &worker{Exporter: e, dest: d, row: row}
	if err := d.moved(row); err != nil {
		return err
	}
	return w.gone(ctx, w.checkPlace(ctx))
}

// checkPlace compares what lies at the destination with what it took.
func (w *worker) checkPlace(ctx context.Context) error {
	if source, ok := w.dest.Target.(archive.Source); ok {
		return w.checkBundles(ctx, source)
	}
	return w.checkStand(ctx)
}

// checkBundles looks at the day of the last bundle and the days since: whoever else
// writes there, or wrote after a copy of the state was made, wrote later than that.
func (w *worker) checkBundles(ctx context.Context, source archive.Source) error {
	last, taken, err := w.cp.LastTaken(ctx, w.row.ID)
	if err != nil {
		return err
	}
	since := w.dayOf(w.row.PreviousPath)
	if taken {
		since = min(since, w.dayOf(last.Path))
	}
	paths, err := source.Bundles(ctx, since)
	if err != nil {
		return err
	}
	for _, p := range paths {
		if !w.owns(p) {
			continue
		}
		sum, found, err := w.cp.Known(ctx, w.row.ID, p)
		if err != nil {
			return err
		}
		if !found {
			return &ForkError{Destination: w.dest.Name, Bundle: p, Reason: "which this state has not written"}
		}
		if p != w.row.PreviousPath && p != last.Path {
			continue
		}
		if err := w.checkLast(ctx, source, p, sum, p == last.Path); err != nil {
			return err
		}
	}
	if taken && !slices.Contains(paths, last.Path) {
		return w.lost(ctx, source, last, len(paths) > 0)
	}
	return nil
}

func (w *worker) dayOf(bundle string) string {
	if bundle == "" {
		return ""
	}
	return strings.TrimPrefix(path.Dir(bundle), w.Account+"/")
}

// checkLast makes sure that the last bundle is the one that was written.
func (w *worker) checkLast(ctx context.Context, source archive.Source, p, sum string, taken bool) error {
	manifest, err := readManifest(ctx, source, p)
	if err != nil && !errors.Is(err, errManifestSize) {
		return err
	}
	if err == nil && hexSum(manifest) == sum {
		return nil
	}
	if !taken {
		return &ForkError{Destination: w.dest.Name, Bundle: p, Reason: "whose manifest is not the one this state has written"}
	}
	l, err := w.look(ctx, source, p, sum)
	if err != nil {
		return err
	}
	if accepted, err := w.accepts(ctx, p, l.digest); err != nil || accepted {
		return err
	}
	if err := w.find(ctx, p, sum, l); err != nil {
		return err
	}
	return &ChangedError{Destination: w.dest.Name, Bundle: path.Base(p)}
}

// lost says that the last bundle is not there, and whether any other one is.
func (w *worker) lost(ctx context.Context, source archive.Source, last checkpoint.Bundle, others bool) error {
	if !others {
		paths, err := source.Bundles(ctx, "")
		if err != nil {
			return err
		}
		others = slices.ContainsFunc(paths, w.owns)
	}
	if others {
		if err := w.find(ctx, last.Path, last.ManifestSHA256, &lying{}); err != nil {
			return err
		}
	}
	return &GoneError{Destination: w.dest.Name, Bundle: path.Base(last.Path), Empty: !others}
}

// checkStand makes sure that a flat folder, from which an importer takes what is put
// there, is what it was known by when something was put there. It learns that once.
func (w *worker) checkStand(ctx context.Context) error {
	stander, ok := w.dest.Target.(archive.Stander)
	if !ok {
		return nil
	}
	taken, err := w.cp.HasTaken(ctx, w.row.ID)
	if err != nil {
		return err
	}
	stands, err := stander.Stand(ctx)
	switch {
	case errors.Is(err, archive.ErrGone) && !taken:
		return nil // the delivery says what is wrong
	case err != nil:
		return err
	case stands == w.row.Stands:
		return nil
	case w.row.Stands != "" && taken:
		return fmt.Errorf("%w: it is no %s any more", archive.ErrGone, w.row.Stands)
	}
	w.row.Stands = stands
	return w.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.SetStands(w.row.ID, stands) })
}

// gone makes a GoneError of what a place answers that does not hold what it took.
func (w *worker) gone(ctx context.Context, err error) error {
	var known *GoneError
	if err == nil || errors.As(err, &known) || !errors.Is(err, archive.ErrGone) {
		return err
	}
	if _, ok := w.dest.Target.(archive.Source); !ok {
		return &GoneError{Destination: w.dest.Name, Err: err}
	}
	last, taken, lastErr := w.cp.LastTaken(context.WithoutCancel(ctx), w.row.ID)
	if lastErr != nil || !taken {
		return errors.Join(err, lastErr)
	}
	return &GoneError{Destination: w.dest.Name, Bundle: path.Base(last.Path), Empty: true, Err: err}
}

// after is what shows that the place is still the one that took what came before.
func (w *worker) after(ctx context.Context) (string, error) {
	if w.dest.Files {
		return w.row.Stands, nil
	}
	if _, ok := w.dest.Target.(archive.Source); !ok {
		return "", nil
	}
	last, _, err := w.cp.LastTaken(ctx, w.row.ID)
	return last.Path, err
}
