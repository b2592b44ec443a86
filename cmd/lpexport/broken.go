package main

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"lpexport/archive"
	"lpexport/archive/pgp"
	"lpexport/archive/profile"
	"lpexport/exporter/config"
)

// unusable is what halts a destination whose files cannot be used, with what to do
// about that.
func unusable(op string, err error) error {
	hint := "give the destination what it needs; delivery then goes on by itself"
	key, ok := errors.AsType[*pgp.KeyError](err)
	switch {
	case ok && key.Hint != "":
		hint = key.Hint + "; delivery then goes on by itself"
	case errors.Is(err, fs.ErrNotExist):
		hint = "put the file there, or name the right one in the configuration; delivery then goes on by itself"
	case errors.Is(err, fs.ErrPermission):
		hint = "let the user that runs lpexport read the file; delivery then goes on by itself"
	}
	return &archive.Error{Class: archive.Halt, Op: op, Err: err, Hint: hint}
}

// broken stands for a target that cannot be made.
type broken struct{ err error }

// brokenSource is broken where the target could be read back.
type brokenSource struct{ broken }

var (
	_ archive.Destination = broken{}
	_ archive.Source      = brokenSource{}
)

// newBroken stands for a destination's target that err keeps from being made.
func newBroken(d config.Destination, err error) archive.Destination {
	if d.Layout == profile.LayoutBundle {
		return brokenSource{broken{err}}
	}
	return broken{err}
}

func (b broken) Deliver(context.Context, archive.Item) (archive.Receipt, error) {
	return archive.Receipt{}, b.err
}
func (b broken) Clean(context.Context) error             { return b.err }
func (b broken) Probe(context.Context) ([]string, error) { return nil, b.err }
func (b broken) Close() error                            { return nil }

func (b brokenSource) Bundles(context.Context, string) ([]string, error) { return nil, b.err }
func (b brokenSource) Files(context.Context, string) ([]string, error)   { return nil, b.err }
func (b brokenSource) Open(context.Context, string) (io.ReadCloser, error) {
	return nil, b.err
}
