package exporter

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// Documents reads slices back out of the files of a bundle.
func Documents() map[string]archive.Lines { return map[string]archive.Lines{".eml": mail.Lines} }

// Verify reads back every configured destination and reports one problem for
// each fault: what archive.Verify finds, and bundles that were delivered and
// are not there, or are there with another manifest. It goes on in spite of
// faults; its error means that a destination could not be read.
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
		report, err := e.unlessGivenUp(ctx, d.Name, report)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r, err := archive.Verify(ctx, ownBundles{source, e.Account, d.Name}, Documents(), report)
		all.Bundles += r.Bundles
		all.Files += r.Files
		all.Bytes += r.Bytes
		if err == nil {
			err = e.verifyDelivered(ctx, d, source, report)
		}
		errs = append(errs, err)
	}
	errs = append(errs, e.verifyContents(ctx, report))
	return all, errors.Join(errs...)
}

// unlessGivenUp reports everything but that bundles are missing which a person has given
// up, and which the destination never had.
func (e *Exporter) unlessGivenUp(ctx context.Context, destination string, report func(archive.Problem)) (func(archive.Problem), error) {
	row, registered, err := e.cp.Destination(ctx, destination)
	if err != nil || !registered {
		return report, err
	}
	names, err := e.cp.GivenUp(ctx, row.ID)
	if err != nil || len(names) == 0 {
		return report, err
	}
	return func(p archive.Problem) {
		if p.Kind != archive.Missing || !slices.Contains(names, path.Base(p.Path)) {
			report(p)
		}
	}, nil
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

// verifyDelivered compares the destination with the receipts.
func (e *Exporter) verifyDelivered(ctx context.Context, d Destination, source archive.Source, report func(archive.Problem)) error {
	row, registered, err := e.cp.Destination(ctx, d.Name)
	if err != nil || !registered {
		return err
	}
	return e.cp.DeliveredPaths(ctx, row.ID, func(path, sum string) error {
		raw, err := readManifest(ctx, source, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			report(archive.Problem{Kind: archive.Missing, Path: path, Detail: "it was delivered and is not there"})
		case err != nil:
			report(archive.Problem{Kind: archive.Unreadable, Path: path, Detail: err.Error()})
		case hexSum(raw) != sum:
			report(archive.Problem{Kind: archive.Damaged, Path: path + "/" + archive.ManifestFile, Detail: "it is not the manifest that was delivered"})
		}
		return nil
	})
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
	return bundles, err
}

// ownBundles is what a source holds of one destination: several may share a root.
type ownBundles struct {
	archive.Source
	account, destination string
}

func (o ownBundles) Bundles(ctx context.Context, since string) ([]string, error) {
	paths, err := o.Source.Bundles(ctx, since)
	return slices.DeleteFunc(paths, func(p string) bool { return !isBundleOf(p, o.account, o.destination) }), err
}
