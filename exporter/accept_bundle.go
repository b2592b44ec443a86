package exporter

import (
	"cmp"
	"context"
	"path"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// bundleFacts is what the decision on a bundle rests on.
type bundleFacts struct {
	Destination string   `json:"destination"`
	Path        string   `json:"path"`
	Found       []string `json:"found"`       // what differed, each time that it was found
	Overwritten bool     `json:"overwritten"` // what was found was replaced by what had been written
}

// AcceptBundle lets a bundle stand that this state has written and found changed, or
// gone, as it is now: it is named by its name, which has the destination's in it. What
// is there must be what was found: what has changed again is to be found first.
func (e *Exporter) AcceptBundle(ctx context.Context, by Acceptance, id string) (Accepted, error) {
	name := path.Base(id)
	none := &NothingToAcceptError{checkpoint.DecidedBundle, name, "no bundle of that name was found changed or gone", "lpexport verify"}
	if err := by.check(); err != nil {
		return Accepted{}, err
	}
	for _, d := range e.Destinations {
		row, found, err := e.cp.Destination(ctx, d.Name)
		if err != nil {
			return Accepted{}, err
		}
		if !found {
			continue
		}
		open, err := e.openOf(ctx, row.ID, name)
		if err != nil {
			return Accepted{}, err
		}
		if len(open) > 0 {
			w := &worker{Exporter: e, dest: d, row: row}
			defer w.closeTarget()
			return w.acceptBundle(ctx, by, name, open)
		}
	}
	return Accepted{}, none
}

// openOf lists the open findings of a bundle by its name.
func (e *Exporter) openOf(ctx context.Context, destination int64, name string) (list []checkpoint.Finding, err error) {
	all, err := e.cp.OpenFindings(ctx, destination)
	for _, f := range all {
		if path.Base(f.Path) == name {
			list = append(list, f)
		}
	}
	return list, err
}

func (w *worker) acceptBundle(ctx context.Context, by Acceptance, name string, open []checkpoint.Finding) (Accepted, error) {
	last := open[len(open)-1]
	sum, known, err := w.cp.Known(ctx, w.row.ID, last.Path)
	if err != nil {
		return Accepted{}, err
	}
	now := &lying{digest: last.Found}
	if source, ok := w.dest.Target.(archive.Source); ok {
		if now, err = w.look(ctx, source, last.Path, cmp.Or(sum, last.Was)); err != nil {
			return Accepted{}, w.gone(ctx, err)
		}
	}
	facts, stands := bundleFacts{Destination: w.dest.Name, Path: last.Path}, !known && now.digest == "" // withdrawn since
	for _, f := range open {
		facts.Found = append(facts.Found, f.Detail)
		stands = stands || f.Found == now.digest
	}
	if !stands && !now.whole() {
		return Accepted{}, &NothingToAcceptError{checkpoint.DecidedBundle, name, "it has changed again since it was found", "lpexport verify"}
	}
	d := checkpoint.Decision{Kind: checkpoint.DecidedBundle, Subject: name, Was: last.Was, Found: now.digest}
	accepted, err := w.decide(ctx, by, d, facts, func(tx *checkpoint.Tx, decision int64) error {
		if err := tx.Halt(w.row.ID, "", ""); err != nil {
			return err
		}
		return w.endFindings(tx, open, now.digest, decision)
	})
	switch accepted.Done = "it counts as it is now"; {
	case now.whole():
		accepted.Done = "it is what was delivered again, and that it was changed is settled"
	case now.digest == "" && len(open) > 0 && last.Kind == checkpoint.FoundMissing:
		accepted.Done = "it need not be there any more"
	}
	return accepted, err
}

// endFindings ends open findings by a decision: what was found as it is now counts.
func (e *Exporter) endFindings(tx *checkpoint.Tx, open []checkpoint.Finding, digest string, decision int64) error {
	for _, f := range open {
		state := checkpoint.FindingSettled
		if f.Found == digest {
			state = checkpoint.FindingAccepted
		}
		if err := tx.EndFinding(f.ID, state, decision, e.millis()); err != nil {
			return err
		}
	}
	return nil
}
