package exporter

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// Documents reads slices back out of the files of a bundle.
func Documents() map[string]archive.Lines { return map[string]archive.Lines{".eml": mail.Lines} }

// Verify reads back every configured destination and reports one problem for
// each fault: what archive.Verify finds, bundles that were delivered and are not
// there or are there with another manifest, and what was found changed before,
// until a person has accepted it. It goes on in spite of faults; its error means
// that a destination could not be read, or holds nothing of what it took.
func (e *Exporter) Verify(ctx context.Context, report func(archive.Problem)) (archive.Result, error) {
	var all archive.Result
	var errs []error
	for _, d := range e.Destinations {
		source, ok := d.Target.(archive.Source)
		if !ok {
			n, err := e.verifyKept(ctx, d, report)
			all.Bundles += n
			errs = append(errs, err)
			continue
		}
		r, err := e.verifySource(ctx, d, source, report)
		all.Bundles += r.Bundles
		all.Files += r.Files
		all.Bytes += r.Bytes
		errs = append(errs, err)
	}
	errs = append(errs, e.verifyContents(ctx, report))
	return all, errors.Join(errs...)
}

// verifyContents reads the files that were fetched and that the state keeps.
func (e *Exporter) verifyContents(ctx context.Context, report func(archive.Problem)) error {
	held := e.contents()
	return e.cp.KeptFiles(ctx, func(sha256 string, bytes int64) error {
		made, err := held.read(sha256)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			report(archive.Problem{Kind: archive.Missing, Path: held.path(sha256), Detail: "a file that was fetched is not in the state"})
		case err != nil:
			report(archive.Problem{Kind: archive.Unreadable, Path: held.path(sha256), Detail: err.Error()})
		case made.sha256 != sha256 || made.bytes != bytes:
			report(archive.Problem{Kind: archive.Damaged, Path: held.path(sha256), Detail: "it is not the file that was fetched"})
		}
		return nil
	})
}

// verifySource reads a destination back. What it finds of bundles that this state
// knows is kept, see verifyFound.
func (e *Exporter) verifySource(ctx context.Context, d Destination, source archive.Source, report func(archive.Problem)) (r archive.Result, err error) {
	row, registered, err := e.cp.Destination(ctx, d.Name)
	if err != nil {
		return r, err
	}
	own := ownBundles{source, e.Account, d.Name, nil}
	if !registered {
		return archive.Verify(ctx, own, Documents(), report)
	}
	v := &verifying{worker: &worker{Exporter: e, dest: d, row: row}, source: source, report: report,
		told: map[string]bool{}, faulty: map[string]bool{}, lacking: map[string]bool{}, waiting: map[string]bool{}}
	if err := v.empty(ctx); err != nil {
		return r, err
	}
	if err := v.neverTaken(ctx); err != nil {
		return r, err
	}
	if own.accepted, err = v.standing(ctx); err != nil {
		return r, err
	}
	r, err = archive.Verify(ctx, own, Documents(), v.problem)
	if r.Bundles += len(own.accepted); err != nil {
		return r, err
	}
	if err := v.delivered(ctx, own.accepted); err != nil {
		return r, err
	}
	return r, v.found(ctx)
}

// verifyKept compares the manifests that the state keeps, for a destination
// that gets none and cannot be read back, with those that were rendered.
func (e *Exporter) verifyKept(ctx context.Context, d Destination, report func(archive.Problem)) (bundles int, err error) {
	row, registered, err := e.cp.Destination(ctx, d.Name)
	if err != nil || !registered {
		return 0, err
	}
	if err := e.verifyWithdrawn(ctx, row.ID, report); err != nil {
		return 0, err
	}
	err = e.cp.DeliveredPaths(ctx, row.ID, func(path, sum string) error {
		bundles++
		name := filepath.Join(e.manifestsDir(), filepath.FromSlash(path), archive.ManifestFile)
		raw, err := os.ReadFile(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			report(archive.Problem{Kind: archive.Missing, Path: name, Detail: "the manifest of what was delivered is not there"})
		case err != nil:
			report(archive.Problem{Kind: archive.Unreadable, Path: name, Detail: err.Error()})
		case hexSum(raw) != sum:
			report(archive.Problem{Kind: archive.Damaged, Path: name, Detail: "it is not the manifest that was rendered"})
		}
		return nil
	})
	if err != nil {
		return bundles, err
	}
	open, err := e.cp.OpenFindings(ctx, row.ID)
	for _, f := range open {
		report(standingProblem(f))
	}
	return bundles, err
}

// ownBundles is what a source holds of one destination, but for what a person has
// accepted as it is: several may share a root.
type ownBundles struct {
	archive.Source
	account, destination string
	accepted             map[string]bool
}

func (o ownBundles) Bundles(ctx context.Context, since string) ([]string, error) {
	paths, err := o.Source.Bundles(ctx, since)
	return slices.DeleteFunc(paths, func(p string) bool { return o.accepted[p] || !isBundleOf(p, o.account, o.destination) }), err
}
