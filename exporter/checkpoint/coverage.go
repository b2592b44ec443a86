package checkpoint

import (
	"context"
	"database/sql"
	"errors"
)

// Coverage is a period of start times (From inclusive, To exclusive) that was
// read whole under a selection.
type Coverage struct {
	Destination int64 // from whose manifests it was recovered; 0: this state has read it
	Reading     string
	From, To    int64
	Selection   string // ids of skills, sorted, with commas between; "": everything
	ReadAt      int64
}

// Readings of a Coverage.
const (
	ByCycles   = "cycles"   // by cycles, each part of it soon: ReadAt is the last one's
	ByCatchUp  = "catch-up" // by one cycle after a pause
	ByBackfill = "backfill" // by start time: ReadAt is when that began
	Gone       = "gone"     // it was asked for when LivePerson kept it no longer
	Unproven   = "unproven" // an archive has some of it, and nothing says that it is whole
)

// Selections that no run has had.
const (
	UnknownSelection = "?" // of what is older than this record: settled by the next run
	NoSelection      = "-" // of the same, where nothing proves any
)

const coverageColumns = `destination, reading, from_at, to_at, selection, read_at`

func scanCoverage(s scanner, v *Coverage) error {
	return s.Scan(&v.Destination, &v.Reading, &v.From, &v.To, &v.Selection, &v.ReadAt)
}

// Coverage lists all that was read, in order of time.
func (c *Checkpoint) Coverage(ctx context.Context) (list []Coverage, err error) {
	err = c.list(ctx, func(s scanner) error {
		var v Coverage
		if err := scanCoverage(s, &v); err != nil {
			return err
		}
		list = append(list, v)
		return nil
	}, `SELECT `+coverageColumns+` FROM coverage ORDER BY from_at, id`)
	return list, err
}

// Coverage lists what this state has read, and what was recovered from a
// destination's manifests.
func (tx *Tx) Coverage(destination int64) (list []Coverage, err error) {
	err = tx.each(func(s scanner) error {
		var v Coverage
		if err := scanCoverage(s, &v); err != nil {
			return err
		}
		list = append(list, v)
		return nil
	}, `SELECT `+coverageColumns+` FROM coverage WHERE destination IN (0, ?) ORDER BY from_at, id`, destination)
	return list, err
}

// each calls do for every row of a query. It must not use the transaction.
func (tx *Tx) each(do func(scanner) error, query string, args ...any) error {
	s, err := tx.prepared(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(tx.ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// AddCoverage stores what was read.
func (tx *Tx) AddCoverage(v Coverage) error {
	return tx.exec(`INSERT INTO coverage (`+coverageColumns+`) VALUES (?, ?, ?, ?, ?, ?)`,
		v.Destination, v.Reading, v.From, v.To, v.Selection, v.ReadAt)
}

// Covers reports whether the period was read, and not only asked for or named.
func (v *Coverage) Covers() bool { return v.Reading != Gone && v.Reading != Unproven }

// ReadUpTo is where the next cycle's coverage begins: the watermark, or before the
// first cycle has ended the time from which it reads.
func (tx *Tx) ReadUpTo() (at int64, err error) {
	err = tx.row(`SELECT coalesce(watermark, since, 0) FROM account`).Scan(&at)
	return at, err
}

// GoOnCovering makes the last coverage by cycles longer, if it ends where v
// begins and has its selection; else v is stored.
func (tx *Tx) GoOnCovering(v Coverage) error {
	n, err := tx.affected(`UPDATE coverage SET to_at = ?, read_at = ? WHERE selection = ? AND to_at = ? AND id =
		(SELECT id FROM coverage WHERE destination = 0 AND reading = ? ORDER BY to_at DESC, id DESC LIMIT 1)`,
		v.To, v.ReadAt, v.Selection, v.From, v.Reading)
	if err != nil || n > 0 {
		return err
	}
	return tx.AddCoverage(v)
}

// JoinCoverage stores v joined with all that touches it, has its reading and
// selection and was read within tolerance of it. The earliest ReadAt counts.
func (tx *Tx) JoinCoverage(v Coverage, tolerance int64) error {
	for {
		var id, from, to, readAt int64
		err := tx.row(`SELECT id, from_at, to_at, read_at FROM coverage WHERE destination = ? AND reading = ? AND to_at >= ? AND from_at <= ?
			AND selection = ? AND abs(read_at - ?) <= ? LIMIT 1`, v.Destination, v.Reading, v.From, v.To, v.Selection, v.ReadAt, tolerance).
			Scan(&id, &from, &to, &readAt)
		if errors.Is(err, sql.ErrNoRows) {
			return tx.AddCoverage(v)
		}
		if err != nil {
			return err
		}
		v.From, v.To, v.ReadAt = min(v.From, from), max(v.To, to), min(v.ReadAt, readAt)
		if err := tx.exec(`DELETE FROM coverage WHERE id = ?`, id); err != nil {
			return err
		}
	}
}

// DropCoverage forgets what was recovered from a destination's manifests.
func (tx *Tx) DropCoverage(destination int64) error {
	return tx.exec(`DELETE FROM coverage WHERE destination = ?`, destination)
}

// SelectionUnknown reports whether something was read, or is to be read on, under
// a selection that was not recorded.
func (c *Checkpoint) SelectionUnknown(ctx context.Context) (unknown bool, err error) {
	_, err = c.get(ctx, []any{&unknown}, `SELECT EXISTS (SELECT 1 FROM coverage WHERE selection = '?')
		OR EXISTS (SELECT 1 FROM backfill WHERE selection = '?' AND done_at IS NULL)`)
	return unknown, err
}

// SettleSelection records the selection of all that has none.
func (tx *Tx) SettleSelection(selection string) error {
	if err := tx.exec(`UPDATE coverage SET selection = ? WHERE selection = '?'`, selection); err != nil {
		return err
	}
	return tx.exec(`UPDATE backfill SET selection = ? WHERE selection = '?'`, selection)
}

// EachLeftOut calls each with the skills, a JSON list of ids, of every conversation
// that selections have left out.
func (c *Checkpoint) EachLeftOut(ctx context.Context, each func(skills string) error) error {
	return c.list(ctx, func(s scanner) error {
		var skills string
		if err := s.Scan(&skills); err != nil {
			return err
		}
		return each(skills)
	}, `SELECT skills FROM left_out`)
}

// Proof is the coverage in the last manifest of a destination, the caller's own
// JSON (nil: none), and from when on the destination is given what was captured
// (0: all).
func (tx *Tx) Proof(destination int64) (proven []byte, givenFrom int64, err error) {
	err = tx.row(`SELECT proven, coalesce(given_from, 0) FROM destination WHERE id = ?`, destination).Scan(&proven, &givenFrom)
	return proven, givenFrom, err
}

// SetProven stores the coverage in the last manifest of a destination.
func (tx *Tx) SetProven(destination int64, proven []byte) error {
	return tx.exec(`UPDATE destination SET proven = ? WHERE id = ?`, proven, destination)
}

// GivenFrom is from when on a destination is given what was captured; 0: all.
func (c *Checkpoint) GivenFrom(ctx context.Context, destination int64) (from int64, err error) {
	_, err = c.get(ctx, []any{&from}, `SELECT coalesce(given_from, 0) FROM destination WHERE id = ?`, destination)
	return from, err
}

// Owing is a conversation of which a destination lacks something.
type Owing struct {
	StartedAt int64 // 0: not known
	From, To  int64 // first entry that it lacks, and last entry of the conversation
}

// Owings lists what a destination lacks of what was captured: what is due, what it is
// not given before somebody has said for whom it is, records that LivePerson cut short
// or did not give, and with files those that wait. known is false when
// that cannot be told: more than limit of a kind, or records that nobody can read.
func (tx *Tx) Owings(destination int64, files bool, limit int) (list []Owing, known bool, err error) {
	var unreadable bool
	if err := tx.row(`SELECT EXISTS (SELECT 1 FROM quarantine WHERE kind = ? AND resolved_at IS NULL)`, KindRecord).Scan(&unreadable); err != nil || unreadable {
		return nil, false, err
	}
	queries := []string{
		`SELECT coalesce(v.started_at, 0), d.oldest_at, coalesce(v.entry_at, 0) FROM due d JOIN conversation v ON v.id = d.conversation WHERE d.destination = ? LIMIT ?`,
		`SELECT coalesce(started_at, 0), coalesce(started_at, 0), coalesce(entry_at, 0) FROM conversation WHERE cut_at IS NOT NULL AND ? > 0 LIMIT ?`,
		`SELECT coalesce(started_at, 0), coalesce(started_at, 0), coalesce(entry_at, 0) FROM conversation WHERE failed_at IS NOT NULL AND ? > 0 LIMIT ?`,
		`SELECT coalesce(v.started_at, 0), coalesce(v.started_at, 0), coalesce(v.entry_at, 0) FROM given g JOIN conversation v ON v.id = g.conversation
			WHERE g.destination = ? AND g.private + g.unsaid > 0 AND g.unsaid > 0 LIMIT ?`,
		`SELECT coalesce(v.started_at, 0), f.sent_at, f.sent_at FROM file f JOIN conversation v ON v.id = f.conversation WHERE f.state IN ('waiting', 'doubtful') AND ? > 0 LIMIT ?`,
	}
	if !files {
		queries = queries[:4]
	}
	for _, q := range queries {
		before := len(list)
		err := tx.each(func(s scanner) error {
			var o Owing
			if err := s.Scan(&o.StartedAt, &o.From, &o.To); err != nil {
				return err
			}
			list = append(list, o)
			return nil
		}, q, destination, limit+1)
		if err != nil || len(list)-before > limit {
			return nil, false, err
		}
	}
	return list, true, nil
}
