package exporter

import (
	"context"
	"encoding/json"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// Bounds of what manifests prove where some before them are missing.
const (
	clocksDiffer = time.Hour // at most, ours and LivePerson's: what began an hour after a bundle was cut is not in it
	beginsBefore = time.Hour // at most, a conversation before its first message
)

// recoverCoverage takes over what a destination's manifests prove, in the place of
// what was taken over before. What this state has read itself stays. Where they
// name messages of which they prove nothing, that is noted too, so that it is seen
// to be lacking; but not of bundles that this state knows.
func (w *worker) recoverCoverage(ctx context.Context, tx *checkpoint.Tx, bundles []found, r *Recovery) error {
	id := w.row.ID
	if err := tx.DropCoverage(id); err != nil {
		return err
	}
	chains := unbroken(bundles)
	proven, named := []archive.Coverage{}, int64(0)
	for _, c := range chains {
		proven = append(proven, c.proves()...)
		known, err := w.knows(ctx, c)
		if err != nil {
			return err
		}
		if at := c.names(); at != 0 && !known && (named == 0 || at < named) {
			named = at
		}
	}
	proven = bounded(proven)
	var all []span
	for _, c := range proven {
		all = append(all, span{c.From, c.To})
		v := checkpoint.Coverage{Destination: id, Reading: c.By, From: c.From, To: c.To, Selection: c.Selection, ReadAt: c.ReadAt}
		if err := tx.AddCoverage(v); err != nil {
			return err
		}
	}
	for _, s := range joined(all) {
		r.Proven = append(r.Proven, s.period())
	}
	if now := w.millis(); named != 0 && named < now && (len(all) == 0 || named < joined(all)[0].from) {
		v := checkpoint.Coverage{Destination: id, Reading: checkpoint.Unproven, From: named, To: now, ReadAt: now}
		if len(all) > 0 {
			v.To = joined(all)[0].from
		}
		r.Unproven = span{v.From, v.To}.period()
		if err := tx.AddCoverage(v); err != nil {
			return err
		}
	}
	frozen, err := json.Marshal(proven)
	if err != nil {
		return err
	}
	return tx.SetProven(id, frozen)
}

// chain are bundles of which each is the next one's predecessor. None is missing
// between them.
type chain []found

// unbroken are the chains that some bundles, in order of their serials, make.
func unbroken(bundles []found) (chains []chain) {
	for i, b := range bundles {
		if i > 0 {
			before, p := bundles[i-1], b.manifest.Previous
			if p != nil && b.manifest.Serial == before.manifest.Serial+1 && p.SHA256 == before.sha256 {
				chains[len(chains)-1] = append(chains[len(chains)-1], b)
				continue
			}
		}
		chains = append(chains, chain{b})
	}
	return chains
}

// whole reports whether it has every bundle from the first on.
func (c chain) whole() bool { return c[0].manifest.Serial == 1 }

// proves is the coverage in the last manifest of a chain. Where bundles before it
// are missing, only what began after those were cut counts.
func (c chain) proves() (list []archive.Coverage) {
	for _, one := range c[len(c)-1].manifest.Coverage {
		if !c.whole() {
			one.From = max(one.From, c[0].manifest.Created+clocksDiffer.Milliseconds())
		}
		if one.From < one.To {
			list = append(list, one)
		}
	}
	return list
}

// names is when the first of the conversations began of which a chain names
// messages or claims coverage that it does not prove; 0 where it proves all it claims.
func (c chain) names() (first int64) {
	claims := c[len(c)-1].manifest.Coverage
	if len(claims) > 0 && c.whole() {
		return 0
	}
	earlier := func(at int64) {
		if at != 0 && (first == 0 || at < first) {
			first = at
		}
	}
	for _, one := range claims {
		earlier(one.From)
	}
	if len(claims) > 0 {
		return first
	}
	for _, b := range c {
		earlier(b.manifest.Period.From)
	}
	if first == 0 {
		return 0
	}
	return time.UnixMilli(first).Add(-beginsBefore).UTC().Truncate(24 * time.Hour).UnixMilli()
}

// knows reports whether this state has cut all bundles of a chain, or taken them over.
func (w *worker) knows(ctx context.Context, c chain) (bool, error) {
	for _, b := range c {
		sum, found, err := w.cp.Known(ctx, w.row.ID, b.path)
		if err != nil || !found || sum != b.sha256 {
			return false, err
		}
	}
	return true, nil
}
