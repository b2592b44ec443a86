package exporter

import (
	"context"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// unfitError is a conversation that the destination's format cannot hold.
type unfitError struct{ err error }

func (e *unfitError) Error() string { return e.err.Error() }

// lines freezes the slices of a conversation. Those of a format that may refuse
// one are returned, since then none of them must be in the bundle; others go
// there at once.
func (b *cutBundle) lines(ctx context.Context, s *slicer) (lines []checkpoint.Line, err error) {
	err = s.each(ctx, func(out *archive.Slice) error {
		line, err := b.freezer.freeze(b.packer, out)
		if err != nil {
			return err
		}
		defer b.freezer.drop()
		if b.dest.Shape == nil {
			return b.put(ctx, line)
		}
		if err := b.tryFormat(b.freezer.line); err != nil {
			return &unfitError{err}
		}
		lines = append(lines, line)
		return nil
	})
	return lines, err
}

// tryFormat renders a slice into nothing, so that no bundle is frozen that
// cannot be rendered.
func (b *cutBundle) tryFormat(line []byte) error {
	if b.format == nil {
		shape, err := b.shape(&frozenHead{Rendering: b.head.Rendering})
		if err != nil {
			return err
		}
		b.format = shape.Format
	}
	return b.format.Documents(line, func(archive.Document) error { return nil })
}
