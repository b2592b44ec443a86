package checkpoint

import (
	"context"
	"path"
)

// States of a finding.
const (
	FindingOpen     = "open"     // a problem until a person has decided
	FindingAccepted = "accepted" // what was found counts from then on
	FindingSettled  = "settled"  // it is over, and what was found does not count
)

// Kinds of findings.
const (
	FoundChanged = "changed" // files have other bytes, or are none of the bundle's
	FoundMissing = "missing" // files, or all of it, are not there
)

// Finding is a bundle that this state has written and found changed or gone.
type Finding struct {
	ID          int64
	Destination int64
	Path        string // of the bundle
	Kind        string
	State       string
	Was         string // hash of its manifest as it was written; "" where that is not known
	Found       string // hash of the list of its files as it was found; "" where nothing was there
	Detail      string // what differs, for people
	FoundAt     int64
	Decision    int64 // 0: none
}

const findingColumns = `id, destination, path, kind, state, was, found, detail, found_at, coalesce(decision, 0)`

func scanFinding(s scanner, f *Finding) error {
	return s.Scan(&f.ID, &f.Destination, &f.Path, &f.Kind, &f.State, &f.Was, &f.Found, &f.Detail, &f.FoundAt, &f.Decision)
}

// Find keeps a finding. One that is open already stays as it is.
func (tx *Tx) Find(f Finding) error {
	return tx.exec(`INSERT INTO finding (destination, path, kind, state, was, found, detail, found_at) VALUES (?, ?, ?, 'open', ?, ?, ?, ?)
		ON CONFLICT (destination, path, found) WHERE state = 'open' DO NOTHING`, f.Destination, f.Path, f.Kind, f.Was, f.Found, f.Detail, f.FoundAt)
}

// EndFinding ends an open finding; decision 0: it was nobody's.
func (tx *Tx) EndFinding(id int64, state string, decision, now int64) error {
	return tx.exec(`UPDATE finding SET state = ?, decision = ?, ended_at = ? WHERE id = ? AND state = 'open'`, state, null(decision), now, id)
}

// ForgetAccepted lets what was accepted of a bundle count no more: the bundle was
// withdrawn, and its name may be another one's.
func (tx *Tx) ForgetAccepted(destination int64, path string, now int64) error {
	return tx.exec(`UPDATE finding SET state = 'settled', ended_at = ? WHERE destination = ? AND path = ? AND state = 'accepted'`, now, destination, path)
}

// SettleMissing ends the open findings that a bundle is missing: it is there, or its
// entries are delivered again. decision 0: nobody decided that.
func (tx *Tx) SettleMissing(destination int64, path string, decision, now int64) error {
	return tx.exec(`UPDATE finding SET state = 'settled', decision = ?, ended_at = ? WHERE destination = ? AND path = ? AND state = 'open' AND kind = 'missing'`,
		null(decision), now, destination, path)
}

// findings lists findings by a condition on them.
func (c *Checkpoint) findings(ctx context.Context, rest string, args ...any) (list []Finding, err error) {
	err = c.list(ctx, func(s scanner) error {
		var f Finding
		if err := scanFinding(s, &f); err != nil {
			return err
		}
		list = append(list, f)
		return nil
	}, `SELECT `+findingColumns+` FROM finding `+rest, args...)
	return list, err
}

// OpenFindings lists the open findings of a destination, the oldest first.
func (c *Checkpoint) OpenFindings(ctx context.Context, destination int64) ([]Finding, error) {
	return c.findings(ctx, `WHERE destination = ? AND state = 'open' ORDER BY id`, destination)
}

// AcceptedFindings lists what counts by a person's word, the newest of each path last.
func (c *Checkpoint) AcceptedFindings(ctx context.Context, destination int64) ([]Finding, error) {
	return c.findings(ctx, `WHERE destination = ? AND state = 'accepted' ORDER BY id`, destination)
}

// LastTaken is the last bundle that must still lie where the destination took it:
// neither it nor the place was given up. found is false when there is none.
func (c *Checkpoint) LastTaken(ctx context.Context, destination int64) (b Bundle, found bool, err error) {
	err = c.list(ctx, func(s scanner) error { found = true; return scanBundle(s, &b) },
		`SELECT `+bundleColumns+` FROM bundle WHERE destination = ? AND state = 'delivered'
		AND serial > (SELECT given_up FROM destination WHERE id = ?)
		AND NOT EXISTS (SELECT 1 FROM finding f WHERE f.destination = bundle.destination AND f.path = bundle.path AND f.state = 'accepted' AND f.found = '')
		AND NOT EXISTS (SELECT 1 FROM item i WHERE i.bundle = bundle.id AND i.file = '' AND i.state IN ('rejected', 'given up'))
		ORDER BY serial DESC LIMIT 1`, destination, destination)
	return b, found, err
}

// NeverTaken calls each for every bundle that a destination has refused as a whole,
// with its name and whether a person has given it up.
func (c *Checkpoint) NeverTaken(ctx context.Context, destination int64, each func(name string, givenUp bool) error) error {
	return c.list(ctx, func(s scanner) error {
		var p string
		var givenUp bool
		if err := s.Scan(&p, &givenUp); err != nil {
			return err
		}
		return each(path.Base(p), givenUp)
	}, `SELECT b.path, i.state = 'given up' FROM bundle b JOIN item i ON i.bundle = b.id
		WHERE b.destination = ? AND i.file = '' AND i.state IN ('rejected', 'given up') ORDER BY b.serial`, destination)
}

// HasTaken reports whether a destination has ever taken anything.
func (c *Checkpoint) HasTaken(ctx context.Context, destination int64) (taken bool, err error) {
	_, err = c.get(ctx, []any{&taken}, `SELECT EXISTS (SELECT 1 FROM bundle WHERE destination = ? AND state = 'delivered'
			AND NOT EXISTS (SELECT 1 FROM item i WHERE i.bundle = bundle.id AND i.file = '' AND i.state IN ('rejected', 'given up')))
		OR EXISTS (SELECT 1 FROM bundle b JOIN item i ON i.bundle = b.id WHERE b.destination = ? AND i.taken_at IS NOT NULL)`, destination, destination)
	return taken, err
}

// GiveUp lets the bundles of a destination up to a serial be gone from their place.
func (tx *Tx) GiveUp(destination int64, serial int) error {
	return tx.exec(`UPDATE destination SET given_up = ? WHERE id = ? AND given_up < ?`, serial, destination, serial)
}

// SetStands stores what a flat folder is known by.
func (tx *Tx) SetStands(destination int64, stands string) error {
	return tx.exec(`UPDATE destination SET stands = ? WHERE id = ?`, stands, destination)
}
