package exporter

import (
	"encoding/json"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// frozenHead is what is known of a bundle when it is cut, and decides, with its
// slices, every byte of it.
type frozenHead struct {
	archive.Head
	Renderer  int             `json:",omitempty"` // the archive.Renderer that decides its bytes; 0: of a time before there were numbers
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
	frozen = frozenHead{Head: head}
	if err := w.freezeRendering(&frozen, rendering); err != nil {
		return frozen, err
	}
	if w.dest.Seal != nil {
		seal, err := w.dest.Seal()
		if err != nil {
			return frozen, &archive.Error{Class: archive.Halt, Op: "encrypt", Err: err, Hint: "give the destination's pgp.keys a key that is valid now"}
		}
		frozen.Seal = seal
	}
	return frozen, nil
}

// freezeRendering decides that this version renders a bundle, and how.
func (w *worker) freezeRendering(head *frozenHead, rendering []byte) (err error) {
	head.Renderer, head.Rendering = archive.Renderer, rendering
	if w.dest.Freeze != nil && len(rendering) > 0 {
		head.Rendering, err = w.dest.Freeze(rendering, head.Created)
	}
	return err
}

// thaw reads the head of a bundle. One that was cut by another version and never
// rendered has no bytes yet: this version decides them, and b says so.
func (w *worker) thaw(b *checkpoint.Bundle) (head frozenHead, err error) {
	if err := json.Unmarshal(b.Head, &head); err != nil {
		return head, err
	}
	if b.State != checkpoint.Cut || head.Renderer == archive.Renderer {
		return head, nil
	}
	if err := w.freezeRendering(&head, head.Rendering); err != nil {
		return head, err
	}
	b.Head, err = json.Marshal(head)
	return head, err
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
