package exporter

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// unrenderableError is a bundle that cannot be rendered, which is no fault of the
// machine or of the destination.
type unrenderableError struct {
	err  error
	hint string // what a person can do about it, or ""
}

func (e *unrenderableError) Error() string { return e.err.Error() }

func (e *unrenderableError) Unwrap() error { return e.err }

var (
	errOtherBytes = errors.New("rendering it again gives other bytes than the first time")
	errNoCopy     = errors.New("the destination has no copy of it that could be read back")
)

// otherRendererError is a bundle that another version rendered.
type otherRendererError struct{ generator string }

func (e *otherRendererError) Error() string {
	return "it was rendered by " + e.generator + ", and this version makes other bytes"
}

// writeAgain renders a bundle that was rendered before. Other bytes than those of
// then are an *unrenderableError.
func (w *worker) writeAgain(ctx context.Context, b *checkpoint.Bundle, dir string) (made archive.Rendered, err error) {
	head, err := w.thaw(b)
	if err != nil {
		return made, &unrenderableError{err: err}
	}
	if head.Renderer != archive.Renderer {
		return made, &unrenderableError{err: &otherRendererError{head.Generator}}
	}
	made, err = w.write(ctx, b, dir)
	if err == nil && made.ManifestSHA256 != b.ManifestSHA256 {
		err = &unrenderableError{err: errOtherBytes}
	}
	return made, err
}

// fetchBack takes a bundle into the spool from where it was delivered to before.
// It fails with errNoCopy where the very bytes are not there.
func (w *worker) fetchBack(ctx context.Context, b *checkpoint.Bundle, dir string) error {
	source, readable := w.dest.Target.(archive.Source)
	if !readable || w.dest.Files {
		return errNoCopy
	}
	_, err := w.beside(dir, func(beside string) (archive.Rendered, error) {
		return archive.Rendered{}, archive.FetchBundle(ctx, source, b.Path, b.ManifestSHA256, beside)
	})
	if _, other := errors.AsType[*archive.OtherBundleError](err); other {
		return errNoCopy
	}
	if _, classed := errors.AsType[*archive.Error](err); err != nil && !classed {
		err = &archive.Error{Class: archive.Retry, Op: "read back", Path: b.Path, Err: err}
	}
	return err
}

// setAside puts a bundle before a person that was rendered before, is not in the
// spool any more and cannot be made again. Those after it know its manifest by its
// hash, so they go on.
func (w *worker) setAside(ctx context.Context, b *checkpoint.Bundle, lost *unrenderableError) error {
	name := filepath.Base(b.Path)
	reason := fmt.Sprintf("it is gone from the spool and cannot be made again: %v; put a copy of its folder into %s, then: lpexport quarantine retry",
		lost.err, w.spoolDir(w.dest.Name))
	if lost.hint != "" {
		reason = fmt.Sprintf("it is gone from the spool and cannot be made again: %v; %s, then: lpexport quarantine retry", lost.err, lost.hint)
	}
	w.aside++
	w.Log.Error("a bundle cannot be made again: lpexport quarantine list", "destination", w.dest.Name, "bundle", name, "error", lost.err)
	return w.cp.Update(context.WithoutCancel(ctx), func(tx *checkpoint.Tx) error {
		if err := tx.SetAside(b.ID, checkpoint.Quarantined{Destination: w.row.ID, SourceID: itemLabel(b.Path, ""), Reason: reason}, w.millis()); err != nil {
			return err
		}
		_, err := tx.SetDelivered(b.ID, w.millis())
		return err
	})
}
