package checkpoint

import "context"

// Kinds of what a person decides on.
const (
	DecidedHole   = "hole"   // a period that stays uncaptured
	DecidedPlace  = "place"  // a destination's place that is another one, or has been emptied
	DecidedBundle = "bundle" // a bundle that was changed, or is gone, where it was delivered to
	DecidedItem   = "item"   // an entry of the quarantine that is given up

	DecidedBackfill = "backfill" // one that is ended before it is finished
)

// Decision is what a person decided, on record for good.
type Decision struct {
	ID         int64
	At         int64 // epoch ms
	Person     string
	Kind       string
	Subject    string
	Reason     string
	Was, Found string // hashes, lower-case hex; "" where there is none
	Facts      string // JSON object; "" when stored: there are none
}

// Decide puts a decision on record. Whether it makes sense is the caller's to know.
func (tx *Tx) Decide(d Decision) (id int64, err error) {
	if d.Facts == "" {
		d.Facts = "{}"
	}
	return tx.insert(`INSERT INTO decision (at, person, kind, subject, reason, was, found, facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		d.At, d.Person, d.Kind, d.Subject, d.Reason, d.Was, d.Found, d.Facts)
}

// Decisions lists the decisions of a kind, the oldest first.
func (c *Checkpoint) Decisions(ctx context.Context, kind string) (list []Decision, err error) {
	err = c.list(ctx, func(s scanner) error {
		var d Decision
		if err := s.Scan(&d.ID, &d.At, &d.Person, &d.Kind, &d.Subject, &d.Reason, &d.Was, &d.Found, &d.Facts); err != nil {
			return err
		}
		list = append(list, d)
		return nil
	}, `SELECT id, at, person, kind, subject, reason, was, found, facts FROM decision WHERE kind = ? ORDER BY id`, kind)
	return list, err
}
