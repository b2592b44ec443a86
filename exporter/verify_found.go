package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// verifying reads one destination back, and keeps what it finds of the bundles that
// this state has written: a fault stays one until a person accepts it, whatever
// becomes of the bundle.
type verifying struct {
	*worker
	source archive.Source
	report func(archive.Problem)

	told    map[string]bool // paths of bundles of which a problem was reported
	faulty  map[string]bool // … that is more than that they could not be read
	lacking map[string]bool // names of bundles that a person has accepted as they are, or given up
	waiting map[string]bool // names of bundles that the destination has refused, and that wait for a person
}

// empty reports a destination that has taken something and holds nothing. Nothing is
// kept of that: a share that is not mounted loses no bundle.
func (v *verifying) empty(ctx context.Context) error {
	last, taken, err := v.cp.LastTaken(ctx, v.row.ID)
	if err != nil || !taken {
		return err
	}
	paths, err := v.source.Bundles(ctx, "")
	if err != nil {
		return v.gone(ctx, err)
	}
	if slices.ContainsFunc(paths, v.owns) {
		return nil
	}
	v.report(archive.Problem{Kind: archive.Missing, Path: last.Path, Detail: "neither it nor any other bundle that was delivered is there"})
	return &GoneError{Destination: v.dest.Name, Bundle: path.Base(last.Path), Empty: true}
}

// neverTaken learns which bundles the destination has refused as a whole: that they are
// not there was never otherwise.
func (v *verifying) neverTaken(ctx context.Context) error {
	return v.cp.NeverTaken(ctx, v.row.ID, func(name string, givenUp bool) error {
		if givenUp {
			v.lacking[name] = true
		} else {
			v.waiting[name] = true
		}
		return nil
	})
}

// standing is which bundles lie as a person has accepted them.
func (v *verifying) standing(ctx context.Context) (map[string]bool, error) {
	accepted, err := v.accepted(ctx, v.row.ID)
	if err != nil {
		return nil, err
	}
	as := map[string]bool{}
	for p, digest := range accepted {
		sum, _, err := v.cp.Known(ctx, v.row.ID, p)
		if err != nil {
			return nil, err
		}
		l, err := v.look(ctx, v.source, p, sum)
		if err != nil {
			return nil, err
		}
		if l.digest == digest && !l.whole() {
			as[p] = true
			v.lacking[path.Base(p)] = true // the chain must do without it
		}
	}
	return as, nil
}

// problem is told what is wrong with the bundles.
func (v *verifying) problem(p archive.Problem) {
	bundle := bundleIn(p.Path)
	if p.Kind == archive.Missing && bundle == p.Path && v.mayLack(bundle) {
		return
	}
	if v.told[bundle] = true; p.Kind != archive.Unreadable {
		v.faulty[bundle] = true
	}
	v.report(p)
}

// bundleIn is the path of the bundle that a path is of. The walk does not know the
// day of a bundle that is gone.
func bundleIn(p string) string {
	parts := strings.Split(p, "/")
	if len(parts) == 2 {
		return p
	}
	return strings.Join(parts[:min(5, len(parts))], "/") // account, year, month, day, bundle
}

// mayLack reports whether a person has accepted that a bundle is gone.
func (v *verifying) mayLack(bundle string) bool {
	return v.lacking[path.Base(bundle)] || serialIn(bundle) <= v.row.GivenUp
}

// receipt is a bundle that was delivered.
type receipt struct{ path, sum string }

// delivered compares the destination with the receipts, and keeps what is wrong.
func (v *verifying) delivered(ctx context.Context, accepted map[string]bool) error {
	var wrong []receipt
	err := v.cp.DeliveredPaths(ctx, v.row.ID, func(p, sum string) error {
		if accepted[p] {
			return nil
		}
		raw, err := readManifest(ctx, v.source, p)
		switch {
		case errors.Is(err, fs.ErrNotExist) && v.mayLack(p):
		case errors.Is(err, fs.ErrNotExist):
			v.problem(archive.Problem{Kind: archive.Missing, Path: p, Detail: "it was delivered and is not there"})
			delete(v.faulty, v.Account+"/"+path.Base(p)) // as the walk calls it
		case err != nil && !errors.Is(err, errManifestSize):
			v.problem(archive.Problem{Kind: archive.Unreadable, Path: p, Detail: err.Error()})
		case err != nil || hexSum(raw) != sum:
			v.problem(archive.Problem{Kind: archive.Damaged, Path: p + "/" + archive.ManifestFile, Detail: "it is not the manifest that was delivered: expected hash " + sum})
		}
		if v.faulty[p] {
			wrong = append(wrong, receipt{p, sum})
			delete(v.faulty, p)
		}
		return nil
	})
	for _, w := range wrong {
		err = errors.Join(err, v.keep(ctx, w))
	}
	for p := range v.faulty { // of which this state has no receipt
		if isBundleOf(p, v.Account, v.dest.Name) {
			err = errors.Join(err, v.keepGap(ctx, p))
		}
	}
	return err
}

// keep keeps what is wrong with a bundle that was delivered.
func (v *verifying) keep(ctx context.Context, r receipt) error {
	l, err := v.look(ctx, v.source, r.path, r.sum)
	if err != nil || l.whole() {
		return err // whole: what was written says what cannot be
	}
	return v.find(ctx, r.path, r.sum, l)
}

// keepGap keeps that a bundle which others come after is gone. Of what is wrong with
// one that is there nothing is kept: this state has not written it.
func (v *verifying) keepGap(ctx context.Context, p string) error {
	if strings.Count(p, "/") > 1 || v.waiting[path.Base(p)] {
		return nil
	}
	return v.find(ctx, p, "", &lying{lacks: true, faults: []string{"it is not there, but later ones are"}})
}

// found reports what was found before and is still to be decided on, and ends what
// was only missing and is there again.
func (v *verifying) found(ctx context.Context) error {
	open, err := v.cp.OpenFindings(ctx, v.row.ID)
	if err != nil {
		return err
	}
	for _, f := range open {
		sum, _, err := v.cp.Known(ctx, v.row.ID, f.Path)
		if err != nil {
			return err
		}
		l, err := v.look(ctx, v.source, f.Path, cmp.Or(sum, f.Was))
		if err != nil {
			return err
		}
		if f.Kind == checkpoint.FoundMissing && l.whole() {
			err = v.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.EndFinding(f.ID, checkpoint.FindingSettled, 0, v.millis()) })
			if err != nil {
				return err
			}
			continue
		}
		if f.Found != l.digest || !v.told[f.Path] {
			v.report(standingProblem(f))
		}
	}
	return nil
}

// standingProblem is what was found before.
func standingProblem(f checkpoint.Finding) archive.Problem {
	kind := archive.Damaged
	if f.Kind == checkpoint.FoundMissing {
		kind = archive.Missing
	}
	return archive.Problem{Kind: kind, Path: f.Path, Detail: fmt.Sprintf("found %s on %s, and nobody has accepted that: %s", f.Kind, timeOf(f.FoundAt).Format(time.DateOnly), f.Detail)}
}
