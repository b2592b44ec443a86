package exporter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// comparing is a replay to a destination that can be read back.
type comparing struct {
	*worker
	source    archive.Source
	overwrite *Acceptance
	replayed  *Replayed
	after     string          // the last bundle that is there
	missing   map[string]bool // paths of bundles that were found to be missing
}

// run compares bundles, the oldest first, and mends what may be mended.
func (c *comparing) run(ctx context.Context, bundles []checkpoint.Bundle) error {
	defer c.closeTarget()
	open, err := c.cp.OpenFindings(ctx, c.row.ID)
	c.missing = map[string]bool{}
	for _, f := range open {
		c.missing[f.Path] = c.missing[f.Path] || f.Kind == checkpoint.FoundMissing
	}
	if err == nil {
		err = c.place(ctx)
	}
	for i := 0; err == nil && i < len(bundles); i++ {
		err = c.one(ctx, &bundles[i])
	}
	waiting, werr := c.cp.Waiting(ctx, c.row.ID)
	c.replayed.Pending = waiting.Bundles
	if err == nil && c.replayed.Differs+c.replayed.Absent > 0 {
		err = &DiffersError{Destination: c.dest.Name, Bundles: c.replayed.Differs + c.replayed.Absent, Overwrite: c.overwrite != nil}
	}
	return errors.Join(err, werr)
}

// place makes sure that it is the destination's place. That single bundles are gone or
// changed is what a replay is for.
func (c *comparing) place(ctx context.Context) error {
	if err := c.sameTarget(ctx); err != nil {
		return err
	}
	err := c.gone(ctx, c.checkPlace(ctx))
	var gone *GoneError
	var changed *ChangedError
	switch {
	case errors.As(err, &gone) && !gone.Empty, errors.As(err, &changed):
		return nil
	case err != nil:
		return err
	}
	c.after, err = c.worker.after(ctx)
	return err
}

// one compares a bundle, and mends it.
func (c *comparing) one(ctx context.Context, b *checkpoint.Bundle) error {
	l, err := c.look(ctx, c.source, b.Path, b.ManifestSHA256)
	if err != nil {
		return err
	}
	c.replayed.Bundles++
	accepted, err := c.accepts(ctx, b.Path, l.digest)
	switch {
	case err != nil:
		return err
	case l.whole():
		c.replayed.Same++
		return c.settleMissing(ctx, b)
	case accepted && c.overwrite == nil:
		c.replayed.Same++ // as a person has accepted it
		return nil
	}
	if !accepted {
		if err := c.find(ctx, b.Path, b.ManifestSHA256, l); err != nil {
			return err
		}
		c.missing[b.Path] = true
	}
	if l.other && c.overwrite == nil {
		c.left(b, ReplayDiffers, l.detail())
		return nil
	}
	if len(b.Head) == 0 {
		c.left(b, ReplayAbsent, "another state delivered it, so that it cannot be made here: "+l.detail())
		return nil
	}
	return c.mend(ctx, b, l)
}

// left notes what was left as it is.
func (c *comparing) left(b *checkpoint.Bundle, result ReplayResult, detail string) {
	switch result {
	case ReplayAbsent:
		c.replayed.Absent++
	case ReplayDiffers:
		c.replayed.Differs++
	case ReplayRepaired:
		c.replayed.Repaired++
	case ReplayOverwritten:
		c.replayed.Overwritten++
	}
	c.replayed.Each = append(c.replayed.Each, ReplayedBundle{path.Base(b.Path), result, detail})
}

// mend makes a bundle again and puts it in the place of what was found.
func (c *comparing) mend(ctx context.Context, b *checkpoint.Bundle, l *lying) error {
	dir := filepath.Join(c.spoolDir(c.dest.Name), path.Base(b.Path))
	_, err := c.beside(dir, func(beside string) (archive.Rendered, error) { return c.writeAgain(ctx, b, beside) })
	if lost, ok := errors.AsType[*unrenderableError](err); ok {
		c.left(b, ReplayAbsent, fmt.Sprintf("it cannot be made again: %v; %s", lost, l.detail()))
		return nil
	}
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	decision, err := c.decided(ctx, b, l)
	if err != nil {
		return err
	}
	item := archive.Item{Path: b.Path, Dir: dir, ManifestSHA256: b.ManifestSHA256}
	if c.after != b.Path {
		item.After = c.after
	}
	if err := c.repair(ctx, item, l); err != nil {
		at, ok := errors.AsType[*archive.Error](err)
		if !ok || ctx.Err() != nil || errors.Is(err, archive.ErrGone) || at.Class != archive.Halt && at.Class != archive.Reject {
			return c.gone(ctx, err)
		}
		c.left(b, ReplayDiffers, fmt.Sprintf("%v; %s", at, l.detail()))
		return nil
	}
	return c.mended(ctx, b, l, decision)
}

// decided puts on record that what was found is overwritten, before it is. A bundle
// of which only something is missing needs no decision: 0.
func (c *comparing) decided(ctx context.Context, b *checkpoint.Bundle, l *lying) (int64, error) {
	if !l.other {
		return 0, nil
	}
	facts := bundleFacts{Destination: c.dest.Name, Path: b.Path, Found: l.faults, Overwritten: true}
	d := checkpoint.Decision{Kind: checkpoint.DecidedBundle, Subject: path.Base(b.Path), Was: b.ManifestSHA256, Found: l.digest}
	done, err := c.decide(ctx, *c.overwrite, d, facts, func(*checkpoint.Tx, int64) error { return nil })
	return done.Decision, err
}

// repair delivers what is not there at all, and mends the rest where it lies.
func (c *comparing) repair(ctx context.Context, item archive.Item, l *lying) error {
	if l.digest == "" {
		_, err := c.dest.Target.Deliver(ctx, item)
		return err
	}
	repairer, ok := c.dest.Target.(archive.Repairer)
	if !ok {
		return &archive.Error{Class: archive.Halt, Op: "repair", Path: item.Path, Err: errNoRepair}
	}
	_, err := repairer.Repair(ctx, item, l.other)
	return err
}

var errNoRepair = errors.New("this destination cannot be mended where it lies")

// mended reads back what was mended, and ends what was found of it.
func (c *comparing) mended(ctx context.Context, b *checkpoint.Bundle, was *lying, decision int64) error {
	l, err := c.look(ctx, c.source, b.Path, b.ManifestSHA256)
	if err != nil {
		return err
	}
	if !l.whole() {
		c.left(b, ReplayDiffers, "it is not what was written just now: "+l.detail())
		return nil
	}
	if !was.other {
		c.left(b, ReplayRepaired, was.detail())
		return c.settleMissing(ctx, b)
	}
	c.left(b, ReplayOverwritten, was.detail())
	open, err := c.openOf(ctx, c.row.ID, path.Base(b.Path))
	if err != nil {
		return err
	}
	return c.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		for _, f := range open {
			if err := tx.EndFinding(f.ID, checkpoint.FindingSettled, decision, c.millis()); err != nil {
				return err
			}
		}
		return tx.ForgetAccepted(c.row.ID, b.Path, c.millis())
	})
}

// settleMissing ends that a bundle, which is whole again, was missing.
func (c *comparing) settleMissing(ctx context.Context, b *checkpoint.Bundle) error {
	if !c.missing[b.Path] {
		return nil
	}
	return c.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.SettleMissing(c.row.ID, b.Path, 0, c.millis()) })
}
