package exporter

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

const (
	owingsAtMost = 50_000             // of a kind are looked through for a manifest's coverage
	cutsWaitMost = 8 * 24 * time.Hour // no cut waits longer than seven days: what has waited for more is an exception
)

// prove is what the bundle's manifest says of coverage: what was read whole, less
// what of it the destination is still to be given. It is called in the transaction
// of the cut, when what the bundle holds is due no more.
//
// What is due may be long, and another bundle is cut soon where this one does not
// take all that is ready: then the manifest before is repeated, which stays true.
func (b *cutBundle) prove(tx *checkpoint.Tx) ([]archive.Coverage, error) {
	id := b.worker.row.ID
	frozen, givenFrom, err := tx.Proof(id)
	if err != nil {
		return nil, err
	}
	proven := []archive.Coverage{}
	if frozen != nil {
		if err := json.Unmarshal(frozen, &proven); err != nil {
			return nil, err
		}
	}
	if !b.all {
		return proven, nil
	}
	owings, known, err := tx.Owings(id, b.Files.Fetch, owingsAtMost)
	if err != nil || !known {
		return proven, err
	}
	read, err := tx.Coverage(id)
	if err != nil {
		return nil, err
	}
	return provable(read, lacking(owings, givenFrom, b.row.CreatedAt)), nil
}

// freezeCoverage adds to the bundle's head what its manifest says of coverage.
func (b *cutBundle) freezeCoverage(tx *checkpoint.Tx) (err error) {
	if b.head.Coverage, err = b.prove(tx); err != nil {
		return err
	}
	frozen, err := json.Marshal(b.head.Coverage)
	if err != nil {
		return err
	}
	if b.row.Head, err = json.Marshal(b.head); err != nil {
		return err
	}
	return tx.SetProven(b.worker.row.ID, frozen)
}

// lacking are the times of which a destination is not known to have everything:
// before it is given anything, and since the oldest entry that waits. What waits
// for longer than any cut does makes no doubt of all that came after it: then it
// is the start of its conversation, and from the entry to the conversation's end.
func lacking(owings []checkpoint.Owing, givenFrom, now int64) spans {
	end := int64(farFuture)
	var list []span
	for _, o := range owings {
		first := o.From
		if first == 0 {
			first = o.StartedAt
		}
		if first >= now-cutsWaitMost.Milliseconds() {
			end = min(end, first)
			continue
		}
		list = append(list, span{first, max(o.To, first) + 1})
		if o.StartedAt != 0 {
			list = append(list, span{o.StartedAt, o.StartedAt + 1})
		}
	}
	return joined(append(list, span{farPast, givenFrom}, span{end, farFuture}))
}

// No time of a conversation is outside of these.
const (
	farPast   = -1 << 62
	farFuture = 1 << 62
)

// provable is what was read, less what is lacking, as a manifest says it.
func provable(read []checkpoint.Coverage, lacks spans) []archive.Coverage {
	list := []archive.Coverage{}
	for _, v := range read {
		if !v.Covers() || len(v.Selection) > archive.MaxSelection || v.Selection == checkpoint.UnknownSelection || v.Selection == checkpoint.NoSelection {
			continue
		}
		for _, part := range (spans{{v.From, v.To}}).without(lacks) {
			list = append(list, archive.Coverage{From: part.from, To: part.to, Selection: v.Selection, ReadAt: v.ReadAt, By: v.Reading})
		}
	}
	return bounded(list)
}

// bounded leaves the newest, and the longest of the others, in order of time.
func bounded(list []archive.Coverage) []archive.Coverage {
	if len(list) > archive.MaxCoverage {
		slices.SortFunc(list, func(a, b archive.Coverage) int { return cmp.Compare(b.To, a.To) })
		slices.SortStableFunc(list[1:], func(a, b archive.Coverage) int { return cmp.Compare(b.To-b.From, a.To-a.From) })
		list = list[:archive.MaxCoverage]
	}
	slices.SortStableFunc(list, func(a, b archive.Coverage) int { return cmp.Compare(a.From, b.From) })
	return list
}
