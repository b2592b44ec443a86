package checkpoint

import "context"

// Refused is an item that was refused in a row of refusals.
type Refused struct {
	Item int64
	Path string // of its bundle
	File string
}

// Rejection is how an item was refused.
type Rejection struct {
	At     int64
	Reason string // equal for refusals that have one reason
	Answer string // of the far side, in full
	Hint   string // what a person can do about it
}

// InRow are the refusals since a destination took something last.
type InRow struct {
	Alike int // that have the last one's reason
	All   int
}

// AddRefusal counts the refusal of an item in the row of its destination's. An item
// that was in such a row before, and that others have been taken since, is refused for
// what it is: it counts in no row, and the result is zero.
func (tx *Tx) AddRefusal(destination, item int64, r Rejection) (row InRow, err error) {
	alone, err := tx.affected(`DELETE FROM refusal WHERE item = ? AND over = 1`, item)
	if err != nil || alone > 0 {
		return row, err
	}
	if err := tx.exec(`INSERT INTO refusal (item, destination, at, reason, answer, hint) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (item) DO UPDATE SET at = excluded.at, reason = excluded.reason, answer = excluded.answer, hint = excluded.hint`,
		item, destination, r.At, r.Reason, r.Answer, r.Hint); err != nil {
		return row, err
	}
	err = tx.row(`SELECT coalesce(sum(CASE WHEN reason = ? THEN 1 ELSE 0 END), 0), count(*) FROM refusal WHERE destination = ? AND over = 0`,
		r.Reason, destination).Scan(&row.Alike, &row.All)
	return row, err
}

// EndRow ends a destination's row of refusals, since it has taken something. What it
// had rejected before stays so; what was taken back has one more try.
func (tx *Tx) EndRow(destination int64) error {
	if err := tx.exec(`DELETE FROM refusal WHERE destination = ? AND item IN (SELECT id FROM item WHERE state NOT IN ('waiting', 'sending'))`,
		destination); err != nil {
		return err
	}
	return tx.exec(`UPDATE refusal SET over = 1 WHERE destination = ?`, destination)
}

// TakeBack lets all items of a destination's row of refusals wait again: it was not
// they that were refused. last is the one that is still being handed over.
func (tx *Tx) TakeBack(destination, last int64) (back []Refused, err error) {
	err = tx.list(func(s scanner) error {
		var r Refused
		if err := s.Scan(&r.Item, &r.Path, &r.File); err != nil {
			return err
		}
		back = append(back, r)
		return nil
	}, `SELECT i.id, b.path, i.file FROM refusal r CROSS JOIN item i ON i.id = r.item JOIN bundle b ON b.id = i.bundle
		WHERE r.destination = ? AND r.over = 0 AND i.state IN ('rejected', 'too-large') ORDER BY i.id`, destination)
	if err != nil {
		return nil, err
	}
	for _, r := range back {
		if err := tx.exec(`UPDATE bundle SET state = ?, delivered_at = NULL WHERE id = (SELECT bundle FROM item WHERE id = ?) AND state = ?`,
			Rendered, r.Item, Delivered); err != nil {
			return nil, err
		}
		if err := tx.exec(`UPDATE item SET state = ?, next_at = 0 WHERE id = ?`, ItemWaiting, r.Item); err != nil {
			return nil, err
		}
	}
	return back, tx.SetWaiting(last, 0)
}

// ResolveItem ends the waiting of an item's entry in the quarantine.
func (tx *Tx) ResolveItem(destination int64, label string, now int64) error {
	return tx.exec(`UPDATE quarantine SET resolved_at = ? WHERE kind = ? AND destination = ? AND source_id = ? AND resolved_at IS NULL`,
		now, KindItem, destination, label)
}

// AnyRow tells whether a destination has refused something since it took something
// last, and whether it stands still for that: then items of that row wait again.
func (c *Checkpoint) AnyRow(ctx context.Context, destination int64) (begun, stands bool, err error) {
	_, err = c.get(ctx, []any{&begun, &stands}, `SELECT count(*) > 0, coalesce(max(CASE WHEN i.state IN ('waiting', 'sending') THEN 1 ELSE 0 END), 0)
		FROM refusal r CROSS JOIN item i ON i.id = r.item WHERE r.destination = ? AND r.over = 0`, destination)
	return begun, stands, err
}

// LastRefusal reads the last of a row of refusals, and how many there are.
func (c *Checkpoint) LastRefusal(ctx context.Context, destination int64) (r Rejection, all int, err error) {
	_, err = c.get(ctx, []any{&r.At, &r.Reason, &r.Answer, &r.Hint, &all}, `SELECT at, reason, answer, hint,
		(SELECT count(*) FROM refusal WHERE destination = ? AND over = 0) FROM refusal WHERE destination = ? AND over = 0 ORDER BY at DESC, item DESC LIMIT 1`,
		destination, destination)
	return r, all, err
}

// LeastTried finds the item of a destination that waits and has been tried least; found
// is false when none waits.
func (c *Checkpoint) LeastTried(ctx context.Context, destination int64) (i Item, found bool, err error) {
	list, err := c.items(ctx, `JOIN bundle b ON b.id = i.bundle WHERE b.destination = ? AND b.state != 'delivered' AND b.state = 'rendered' AND i.state IN ('waiting', 'sending')
		ORDER BY i.attempts, b.serial, i.position LIMIT 1`, destination)
	if err != nil || len(list) == 0 {
		return i, false, err
	}
	return list[0], true, nil
}
