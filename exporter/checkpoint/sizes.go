package checkpoint

import "context"

// Sizes is how many bytes an item may have at a destination; 0: not known.
type Sizes struct {
	Said    int64 // as the far side said last
	Learned int64 // as it has shown by refusals
}

// SetSizes stores how many bytes an item may have at a destination.
func (tx *Tx) SetSizes(destination int64, s Sizes) error {
	return tx.exec(`UPDATE destination SET size_said = ?, size_learned = ? WHERE id = ?`, s.Said, s.Learned, destination)
}

// ForgetLearned forgets what the refusals of a destination have shown of sizes.
func (tx *Tx) ForgetLearned(destination int64) error {
	return tx.exec(`UPDATE destination SET size_learned = 0 WHERE id = ? AND size_learned != 0`, destination)
}

// SetTooLarge lets an item wait to be cut again: the far side takes only smaller ones.
func (tx *Tx) SetTooLarge(item int64, answer string, now int64) error {
	if err := tx.exec(`UPDATE item SET state = ?, attempts = attempts + 1, next_at = 0 WHERE id = ?`, ItemTooLarge, item); err != nil {
		return err
	}
	return tx.addReceipt(item, ReceiptTooLarge, answer, now)
}

// Withdraw notes which bundle has taken the place of an item that was too large.
func (tx *Tx) Withdraw(item, by int64) error {
	return tx.exec(`UPDATE item SET state = ?, replaced_by = ? WHERE id = ?`, ItemWithdrawn, by, item)
}

// AnyTooLarge tells whether items of a destination wait to be cut again.
func (c *Checkpoint) AnyTooLarge(ctx context.Context, destination int64) (waits bool, err error) {
	_, err = c.get(ctx, []any{&waits}, `SELECT EXISTS (SELECT 1 FROM item i CROSS JOIN bundle b ON b.id = i.bundle
		WHERE i.state = 'too-large' AND i.state != 'gone' AND b.destination = ?)`, destination)
	return waits, err
}

// Items lists all items of a bundle, in order.
func (c *Checkpoint) Items(ctx context.Context, bundle int64) ([]Item, error) {
	return c.items(ctx, `WHERE i.bundle = ? ORDER BY i.position`, bundle)
}

// GivenOf reads what a destination has been given of a conversation, by LivePerson's
// id of it, and the number of its row; found is false when nothing.
func (c *Checkpoint) GivenOf(ctx context.Context, destination int64, sourceID string) (conversation int64, g Given, found bool, err error) {
	found, err = c.get(ctx, []any{&conversation, &g.Revision, &g.Floor, &g.Slices, &g.NewestAt, &g.Revisions},
		`SELECT v.id, g.revision, g.floor, g.slices, g.newest_at, g.revisions FROM conversation v JOIN given g ON g.conversation = v.id AND g.destination = ?
		WHERE v.source_id = ?`, destination, sourceID)
	return conversation, g, found, err
}

// SetSlices stores how many slices of a conversation a destination has been given.
func (tx *Tx) SetSlices(destination, conversation int64, slices int) error {
	return tx.exec(`UPDATE given SET slices = ? WHERE destination = ? AND conversation = ?`, slices, destination, conversation)
}

// Withdrawal is an item whose place another bundle has taken.
type Withdrawal struct {
	Bundle, File, SHA256 string // the item's: its bundle's path
	Bytes                int64
	By                   string // path of the other bundle
	Delivered            bool   // the other bundle
}

// Withdrawals calls each for every item of a destination that was withdrawn.
func (c *Checkpoint) Withdrawals(ctx context.Context, destination int64, each func(Withdrawal) error) error {
	return c.list(ctx, func(s scanner) error {
		var w Withdrawal
		if err := s.Scan(&w.Bundle, &w.File, &w.SHA256, &w.Bytes, &w.By, &w.Delivered); err != nil {
			return err
		}
		return each(w)
	}, `SELECT b.path, i.file, i.sha256, i.bytes, coalesce(o.path, ''), coalesce(o.state = 'delivered', 0) FROM item i CROSS JOIN bundle b ON b.id = i.bundle
		LEFT JOIN bundle o ON o.id = i.replaced_by WHERE i.state = 'withdrawn' AND i.state != 'gone' AND b.destination = ? ORDER BY i.id`, destination)
}
