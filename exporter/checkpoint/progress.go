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

// EndRun notes a run's end. One that failed has not come to its end: whatever is
// configured before the next one may count as configured from the beginning.
func (tx *Tx) EndRun(id int64, end RunEnd, now int64) error {
	if err := tx.exec(`UPDATE run SET ended_at = ?, complete = ?, result = ?, error = ? WHERE id = ?`,
		now, end.Result == RunComplete, end.Result, end.Error, id); err != nil {
		return err
	}
	if end.Result != RunComplete && end.Result != RunIncomplete {
		return nil
	}
	return tx.exec(`UPDATE account SET finished = finished + 1`)
}

// Backfill is one period that was asked for.
type Backfill struct {
	ID        int64
	From, To  int64  // To is exclusive
	Selection string // under which it is read
}

// OpenBackfill is the unfinished backfill of just that period, as it was asked
// for, under that selection; found is false when there is none.
func (c *Checkpoint) OpenBackfill(ctx context.Context, from, askedTo int64, selection string) (b Backfill, found bool, err error) {
	b.Selection = selection
	found, err = c.get(ctx, []any{&b.ID, &b.From, &b.To},
		`SELECT id, from_at, to_at FROM backfill WHERE from_at = ? AND asked_to = ? AND selection = ? AND done_at IS NULL`, from, askedTo, selection)
	return b, found, err
}

// AskedBackfills lists the unfinished backfills under a selection, as they were
// asked for.
func (c *Checkpoint) AskedBackfills(ctx context.Context, selection string) (list []Backfill, err error) {
	err = c.list(ctx, func(s scanner) error {
		b := Backfill{Selection: selection}
		if err := s.Scan(&b.ID, &b.From, &b.To); err != nil {
			return err
		}
		list = append(list, b)
		return nil
	}, `SELECT id, from_at, asked_to FROM backfill WHERE selection = ? AND done_at IS NULL ORDER BY from_at, id`, selection)
	return list, err
}

// Window is one part of a backfill; it is read whole or again.
type Window struct {
	ID            int64
	From, To      int64  // To is exclusive
	Filter        string // a further split, the caller's own JSON
	Conversations int64
}

// AddBackfill stores a new backfill with its windows, or takes up the one that
// another process has just begun. It takes the place of one of the same period
// under another selection, of which what was read stays.
func (tx *Tx) AddBackfill(from, askedTo, to int64, selection string, windows []Window, now int64) (Backfill, error) {
	b := Backfill{Selection: selection}
	err := tx.row(`SELECT id, from_at, to_at FROM backfill WHERE from_at = ? AND asked_to = ? AND selection = ? AND done_at IS NULL`, from, askedTo, selection).
		Scan(&b.ID, &b.From, &b.To)
	if !errors.Is(err, sql.ErrNoRows) {
		return b, err
	}
	for _, q := range []string{
		`DELETE FROM window WHERE done_at IS NULL AND backfill IN (SELECT id FROM backfill WHERE from_at = ? AND asked_to = ? AND done_at IS NULL)`,
		`UPDATE backfill SET done_at = created_at WHERE from_at = ? AND asked_to = ? AND done_at IS NULL`,
	} {
		if err := tx.exec(q, from, askedTo); err != nil {
			return Backfill{}, err
		}
	}
	id, err := tx.insert(`INSERT INTO backfill (from_at, asked_to, to_at, selection, created_at) VALUES (?, ?, ?, ?, ?)`, from, askedTo, to, selection, now)
	if err != nil {
		return Backfill{}, err
	}
	return Backfill{ID: id, From: from, To: to, Selection: selection}, tx.addWindows(id, windows)
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

// FinishWindow marks a window as read whole, by a reading that began at readAt.
// began is when the reading began of all windows of that period together, which
// filters tell apart; 0 while one of them is open.
func (tx *Tx) FinishWindow(window, readAt, now int64) (began int64, err error) {
	if err := tx.exec(`UPDATE window SET done_at = ?, read_at = ? WHERE id = ?`, now, readAt, window); err != nil {
		return 0, err
	}
	var open int
	err = tx.row(`SELECT count(*) - count(p.done_at), coalesce(min(p.read_at), 0) FROM window w JOIN window p
		ON p.backfill = w.backfill AND p.from_at = w.from_at AND p.to_at = w.to_at WHERE w.id = ?`, window).Scan(&open, &began)
	if open > 0 {
		began = 0
	}
	return began, err
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

// OpenBackfills lists up to limit backfills that have not come to their end, as
// ListBackfills does, and counts all of them.
func (c *Checkpoint) OpenBackfills(ctx context.Context, limit int) (list []Listed, all int64, err error) {
	if _, err := c.get(ctx, []any{&all}, `SELECT count(*) FROM backfill WHERE done_at IS NULL`); err != nil || all == 0 {
		return nil, all, err
	}
	list, err = c.List(ctx, ListBackfills, [2]int64{}, limit)
	return list, all, err
}

// EndBackfills ends the open backfills of a period, as it was asked for, before they
// are done: nobody asks for the rest of it any more. It tells how many there were.
func (tx *Tx) EndBackfills(from, askedTo, decision, now int64) (ended int64, err error) {
	const open = `from_at = ? AND asked_to = ? AND done_at IS NULL`
	if err := tx.exec(`DELETE FROM window WHERE done_at IS NULL AND backfill IN (SELECT id FROM backfill WHERE `+open+`)`, from, askedTo); err != nil {
		return 0, err
	}
	return tx.affected(`UPDATE backfill SET done_at = ?, decision = ? WHERE `+open, now, decision, from, askedTo)
}
