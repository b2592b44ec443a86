package main

import (
	"cmp"
	"context"
	"errors"

	"lpexport/archive"
	"lpexport/archive/pgp"
	"lpexport/exporter"
	"lpexport/exporter/config"
)

// tryDestination makes sure that a destination is what it was, and tries what an
// export needs of it.
func tryDestination(ctx context.Context, c *config.Config, e *exporter.Exporter, d exporter.Destination) (facts []string, err error) {
	if err = e.CheckPlace(ctx, d.Name); err == nil { // a probe would write into what a missing mount leaves
		facts, err = d.Target.Probe(ctx)
	}
	if err == nil {
		var sizes []string
		sizes, err = trySizes(ctx, c, d)
		facts = append(facts, sizes...)
	}
	err = errors.Join(err, d.Target.Close())
	if err == nil && d.Seal != nil {
		_, err = d.Seal()
	}
	if err == nil {
		err = tryRefusals(ctx, e, d)
	}
	if err == nil {
		err = stillHalts(ctx, e, d.Name)
	}
	return facts, forAPerson(err)
}

// forAPerson lets a check that finds what halts a destination end as one that finds
// a fault of the configuration: repeating it does not help.
func forAPerson(err error) error {
	if err == nil || exitCode(err) == exitDamage {
		return err
	}
	if at, ok := errors.AsType[*archive.Error](err); ok && at.Class == archive.Halt {
		return &outcome{code: exitUsage, err: err, hint: at.Hint}
	}
	if is[*pgp.KeyError](err) {
		return &outcome{code: exitUsage, fact: "pgp.keys", err: err, hint: hintKeys}
	}
	return err
}

const hintKeys = "give the destination's pgp.keys a key that is valid now"

// stillHalts returns what the last run has halted a destination for: a probe may
// not see it, such as that every item is refused.
func stillHalts(ctx context.Context, e *exporter.Exporter, name string) error {
	status, err := e.Status(ctx)
	if err != nil {
		return err
	}
	for _, d := range status.Destinations {
		if d.Name == name && d.Halted {
			return &outcome{
				code: exitUsage, fact: "it halts since the last run: " + d.LastError,
				hint: cmp.Or(d.Remedy, "the check finds nothing else wrong: if that is mended, let a run try again: lpexport export"),
			}
		}
	}
	return nil
}
