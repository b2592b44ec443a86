package exporter

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// placeFacts is what the decision on a place rests on.
type placeFacts struct {
	Was      string   `json:"was"`       // where the destination was
	Is       string   `json:"is"`        // where it is configured to be
	GivenUp  int      `json:"given_up"`  // bundles up to this serial may be gone; 0: none
	Withdrew []string `json:"withdrew"`  // bundles that are delivered again under new numbers
	Stands   string   `json:"stands_as"` // what a flat folder is known by from then on
}

// AcceptPlace lets a destination go on where it is configured to be, with nothing
// delivered again: another place than before, or one that holds nothing of what it
// took. Before that, the place is tried.
func (e *Exporter) AcceptPlace(ctx context.Context, by Acceptance, name string) (Accepted, error) {
	if err := by.check(); err != nil {
		return Accepted{}, err
	}
	d, row, err := e.known(ctx, name)
	if err != nil {
		return Accepted{}, err
	}
	release, err := e.leaseDestination(ctx, name)
	if err != nil {
		return Accepted{}, err
	}
	defer release()
	w := &worker{Exporter: e, dest: d, row: row}
	defer w.closeTarget()
	facts := placeFacts{Was: row.Target, Is: d.Where, Withdrew: []string{}}
	done, err := w.placeNow(ctx, &facts)
	if err != nil {
		return Accepted{}, err
	}
	if row.Target != "" && row.Target != d.Where {
		done = fmt.Sprintf("it goes on at %s, and not at %s. %s", d.Where, row.Target, done)
	} else if done == "" {
		return Accepted{}, &NothingToAcceptError{checkpoint.DecidedPlace, name, "it is where it was, and holds what it took", "lpexport check"}
	}
	if _, err := d.Target.Probe(ctx); err != nil {
		return Accepted{}, err
	}
	accepted, err := e.decide(ctx, by, checkpoint.Decision{Kind: checkpoint.DecidedPlace, Subject: name}, facts, func(tx *checkpoint.Tx, _ int64) error {
		return errors.Join(tx.SetTarget(row.ID, d.Where), tx.GiveUp(row.ID, facts.GivenUp), tx.SetStands(row.ID, facts.Stands), tx.Halt(row.ID, "", ""))
	})
	accepted.Done = done + "Nothing is delivered again"
	return accepted, err
}

// placeNow looks at what lies at the place and says what of it a person accepts; ""
// where it is as expected.
func (w *worker) placeNow(ctx context.Context, facts *placeFacts) (string, error) {
	if stander, ok := w.dest.Target.(archive.Stander); ok {
		stands, err := stander.Stand(ctx)
		facts.Stands = stands
		if err != nil || stands == w.row.Stands {
			return "", err
		}
		return "Its folder is another one. ", nil
	}
	source, ok := w.dest.Target.(archive.Source)
	if !ok {
		return "", nil
	}
	last, taken, err := w.cp.LastTaken(ctx, w.row.ID)
	if err != nil {
		return "", err
	}
	paths, err := source.Bundles(ctx, "")
	if err != nil {
		return "", err
	}
	own := slices.DeleteFunc(paths, func(p string) bool { return !w.owns(p) })
	for _, p := range own {
		if _, known, err := w.cp.Known(ctx, w.row.ID, p); err != nil {
			return "", err
		} else if !known {
			return "", &ForkError{Destination: w.dest.Name, Bundle: p, Reason: "which this state has not written"}
		}
	}
	moved := w.row.Target != "" && w.row.Target != w.dest.Where
	switch {
	case !taken || slices.Contains(own, last.Path):
		return "", nil
	case len(own) > 0 && !moved:
		return "", &NothingToAcceptError{checkpoint.DecidedPlace, w.dest.Name, "of its bundles, only the last are gone",
			"lpexport accept bundle " + path.Base(last.Path) + " --reason TEXT"}
	}
	facts.GivenUp = last.Serial
	return fmt.Sprintf("What it took, up to %s, need not be there any more. ", path.Base(last.Path)), nil
}
