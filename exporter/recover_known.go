package exporter

import (
	"context"
	"path"
	"slices"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// compareKnown compares what a destination holds with what this state has delivered
// there, before a recovery believes the former. It returns what is gone, by serial. A
// changed bundle is kept as a finding, and is an error until a person has accepted it.
func (w *worker) compareKnown(ctx context.Context, source archive.Source, bundles []found) (lost []receipt, err error) {
	there := make(map[string]string, len(bundles))
	for _, b := range bundles {
		there[b.path] = b.sha256
	}
	var changed []receipt
	err = w.cp.DeliveredPaths(ctx, w.row.ID, func(p, sum string) error {
		switch is, found := there[p]; {
		case !found:
			lost = append(lost, receipt{p, sum})
		case is != sum:
			changed = append(changed, receipt{p, sum})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, c := range changed {
		if err := w.refuse(ctx, source, c); err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// refuse keeps as a finding that a bundle is not what was delivered, and is an error
// unless a person has accepted it.
func (w *worker) refuse(ctx context.Context, source archive.Source, r receipt) error {
	l, err := w.look(ctx, source, r.path, r.sum)
	if err != nil {
		return err
	}
	if accepted, err := w.accepts(ctx, r.path, l.digest); err != nil || accepted {
		return err
	}
	if err := w.find(ctx, r.path, r.sum, l); err != nil {
		return err
	}
	return &ChangedError{Destination: w.dest.Name, Bundle: path.Base(r.path)}
}

// knownOtherwise refuses a bundle whose manifest cannot be read, if this state has
// delivered another one.
func (w *worker) knownOtherwise(ctx context.Context, source archive.Source, p, sum string) error {
	was, known, err := w.cp.Known(ctx, w.row.ID, p)
	if err != nil || !known || was == sum {
		return err
	}
	return w.refuse(ctx, source, receipt{p, was})
}

// withdraw settles what was delivered and is gone: it is due again. What was the last
// is withdrawn, and its number is used again; of what others come after, that it is
// missing stays a problem, since their chain names it.
func (w *worker) withdraw(tx *checkpoint.Tx, lost []receipt, r *Recovery, by Acceptance) error {
	lost = slices.DeleteFunc(lost, func(one receipt) bool { return serialIn(one.path) <= w.row.GivenUp })
	if len(lost) == 0 {
		return nil
	}
	facts := placeFacts{Was: w.row.Target, Is: w.dest.Where, Withdrew: []string{}}
	for _, one := range lost {
		facts.Withdrew = append(facts.Withdrew, path.Base(one.path))
	}
	decision, err := w.record(tx, by, checkpoint.Decision{Kind: checkpoint.DecidedPlace, Subject: w.dest.Name}, facts)
	if err != nil {
		return err
	}
	for _, one := range lost {
		if err := tx.ForgetAccepted(w.row.ID, one.path, w.millis()); err != nil {
			return err
		}
		if err := tx.SettleMissing(w.row.ID, one.path, decision, w.millis()); err != nil {
			return err
		}
		if serialIn(one.path) > r.Serial {
			continue
		}
		if err := tx.Find(w.finding(one.path, one.sum, &lying{lacks: true, faults: []string{"it was not there when the state was recovered"}})); err != nil {
			return err
		}
	}
	return nil
}

// openSound opens a bundle's transcripts if they are what its manifest says, and else
// reads nothing of them: then only names are known, and sound is false.
func openSound(ctx context.Context, source archive.Source, bundle string, m *archive.Manifest) (lines *lineReader, sound bool, err error) {
	i := slices.IndexFunc(m.Files, func(f archive.FileInfo) bool { return f.Path == archive.TranscriptsFile })
	if i < 0 {
		lines, err = openLines(ctx, source, bundle)
		return lines, true, err
	}
	sum, err := sumOf(ctx, source, bundle+"/"+archive.TranscriptsFile)
	if isAbsent(err) {
		return &lineReader{}, true, nil // it is missing, which verify reports
	}
	if err != nil || sum != m.Files[i].SHA256 {
		return &lineReader{}, false, err
	}
	lines, err = openLines(ctx, source, bundle)
	return lines, true, err
}
