package checkpoint

import (
	"context"
	"database/sql"
	"errors"
)

// Place is how far capture has come.
type Place struct {
	Since     int64 // what was updated from here on has been captured …
	Watermark int64 // … up to here; both 0 before the first cycle
	Finished  int64 // runs that came to their end
}

// Place reads how far capture has come.
func (c *Checkpoint) Place(ctx context.Context) (p Place, err error) {
	_, err = c.get(ctx, []any{&p.Since, &p.Watermark, &p.Finished}, `SELECT coalesce(since, 0), coalesce(watermark, 0), finished FROM account`)
	return p, err
}

// SetSince stores where the first cycle begins. It counts once: a first cycle
// that did not come to its end is taken up where it began.
func (tx *Tx) SetSince(since int64) error {
	return tx.exec(`UPDATE account SET since = coalesce(since, ?)`, since)
}

// SetWatermark moves the watermark forward, never back.
func (tx *Tx) SetWatermark(watermark int64) error {
	return tx.exec(`UPDATE account SET watermark = max(coalesce(watermark, 0), ?)`, watermark)
}

// BeginRun notes a run and returns its number.
func (tx *Tx) BeginRun(kind string, now int64) (int64, error) {
	return tx.insert(`INSERT INTO run (kind, started_at) VALUES (?, ?)`, kind, now)
}

// EndRun notes a run's end.
func (tx *Tx) EndRun(id int64, complete bool, now int64) error {
	if err := tx.exec(`UPDATE run SET ended_at = ?, complete = ? WHERE id = ?`, now, complete, id); err != nil {
		return err
	}
	return tx.exec(`UPDATE account SET finished = finished + 1`)
}

// Backfill is one period that was asked for.
type Backfill struct {
	ID       int64
	From, To int64 // To is exclusive
}

// OpenBackfill is the unfinished backfill of just that period, as it was asked
// for; found is false when there is none.
func (c *Checkpoint) OpenBackfill(ctx context.Context, from, askedTo int64) (b Backfill, found bool, err error) {
	found, err = c.get(ctx, []any{&b.ID, &b.From, &b.To},
		`SELECT id, from_at, to_at FROM backfill WHERE from_at = ? AND asked_to = ? AND done_at IS NULL`, from, askedTo)
	return b, found, err
}

// Window is one part of a backfill; it is read whole or again.
type Window struct {
	ID            int64
	From, To      int64  // To is exclusive
	Filter        string // a further split, the caller's own JSON
	Conversations int64
}

// AddBackfill stores a new backfill with its windows, or takes up the one that
// another process has just begun.
func (tx *Tx) AddBackfill(from, askedTo, to int64, windows []Window, now int64) (Backfill, error) {
	var b Backfill
	err := tx.row(`SELECT id, from_at, to_at FROM backfill WHERE from_at = ? AND asked_to = ? AND done_at IS NULL`, from, askedTo).
		Scan(&b.ID, &b.From, &b.To)
	if !errors.Is(err, sql.ErrNoRows) {
		return b, err
	}
	id, err := tx.insert(`INSERT INTO backfill (from_at, asked_to, to_at, created_at) VALUES (?, ?, ?, ?)`, from, askedTo, to, now)
	if err != nil {
		return Backfill{}, err
	}
	return Backfill{ID: id, From: from, To: to}, tx.addWindows(id, windows)
}

func (tx *Tx) addWindows(backfill int64, windows []Window) error {
	for _, w := range windows {
		if err := tx.exec(`INSERT INTO window (backfill, from_at, to_at, filter) VALUES (?, ?, ?, ?)`,
			backfill, w.From, w.To, w.Filter); err != nil {
			return err
		}
	}
	return nil
}

// SplitWindow puts smaller windows in the place of one.
func (tx *Tx) SplitWindow(backfill, window int64, into []Window) error {
	if err := tx.exec(`DELETE FROM window WHERE id = ?`, window); err != nil {
		return err
	}
	return tx.addWindows(backfill, into)
}

// CountWindow adds what a page brought to its window's count.
func (tx *Tx) CountWindow(window int64, conversations int) error {
	return tx.exec(`UPDATE window SET conversations = conversations + ? WHERE id = ?`, conversations, window)
}

// FinishWindow marks a window as read whole.
func (tx *Tx) FinishWindow(window, now int64) error {
	return tx.exec(`UPDATE window SET done_at = ? WHERE id = ?`, now, window)
}

// FinishBackfill marks a backfill as done when none of its windows is open, and
// tells whether it was.
func (tx *Tx) FinishBackfill(id, now int64) (bool, error) {
	n, err := tx.affected(`UPDATE backfill SET done_at = ? WHERE id = ?
		AND NOT EXISTS (SELECT 1 FROM window WHERE backfill = backfill.id AND done_at IS NULL)`, now, id)
	return n == 1, err
}

// OpenWindows lists the windows of a backfill that are still to be read.
func (c *Checkpoint) OpenWindows(ctx context.Context, backfill int64) (windows []Window, err error) {
	err = c.list(ctx, func(s scanner) error {
		var w Window
		if err := s.Scan(&w.ID, &w.From, &w.To, &w.Filter); err != nil {
			return err
		}
		windows = append(windows, w)
		return nil
	}, `SELECT id, from_at, to_at, filter FROM window WHERE backfill = ? AND done_at IS NULL ORDER BY from_at, id`, backfill)
	return windows, err
}

// Covered lists the periods of start times that have been read whole, by
// windows that are done, within what was asked for; in order, not yet merged.
func (c *Checkpoint) Covered(ctx context.Context) (periods []Window, err error) {
	err = c.list(ctx, func(s scanner) error {
		var w Window
		if err := s.Scan(&w.From, &w.To); err != nil {
			return err
		}
		periods = append(periods, w)
		return nil
	}, `SELECT max(w.from_at, b.from_at), min(w.to_at, b.to_at) FROM window w JOIN backfill b ON b.id = w.backfill
		GROUP BY b.id, w.from_at, w.to_at HAVING count(w.done_at) = count(*) ORDER BY 1, 2`)
	return periods, err
}

// OpenBackfills counts backfills that have not come to their end.
func (c *Checkpoint) OpenBackfills(ctx context.Context) (n int64, err error) {
	_, err = c.get(ctx, []any{&n}, `SELECT count(*) FROM backfill WHERE done_at IS NULL`)
	return n, err
}
