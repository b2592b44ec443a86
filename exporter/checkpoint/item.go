package checkpoint

import "context"

// States of an item.
const (
	ItemWaiting  = "waiting"
	ItemSending  = "sending"  // about to be handed over: whether it was, a process that died cannot tell
	ItemTaken    = "taken"    // the far side has said yes
	ItemGone     = "gone"     // and its importer has taken it from the flat folder
	ItemRejected = "rejected" // waits for a person
	ItemGivenUp  = "given up" // a person has said so
)

// Kinds of receipts.
const (
	ReceiptTaken     = "taken"
	ReceiptUncertain = "uncertain" // nobody knows: the item is handed over again
)

// Item is what is handed over as one.
type Item struct {
	ID       int64
	Bundle   int64
	File     string // "" is the whole bundle
	Bytes    int64  // of the file
	SHA256   string // of the file
	At       int64  // the time that the archive files it under, 0: none
	State    string
	Attempts int
	NextAt   int64 // not tried again before
	TakenAt  int64 // 0: not taken
}

const itemColumns = `i.id, i.bundle, i.file, i.bytes, i.sha256, i.at, i.state, i.attempts, i.next_at, coalesce(i.taken_at, 0)`

func scanItem(s scanner, i *Item) error {
	return s.Scan(&i.ID, &i.Bundle, &i.File, &i.Bytes, &i.SHA256, &i.At, &i.State, &i.Attempts, &i.NextAt, &i.TakenAt)
}

func (tx *Tx) putItem(bundle int64, position int, i *Item) error {
	return tx.exec(`INSERT INTO item (bundle, position, file, bytes, sha256, at, state) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		bundle, position, i.File, i.Bytes, i.SHA256, i.At, ItemWaiting)
}

// items lists items by a condition on them.
func (c *Checkpoint) items(ctx context.Context, rest string, args ...any) (list []Item, err error) {
	err = c.list(ctx, func(s scanner) error {
		var i Item
		if err := scanItem(s, &i); err != nil {
			return err
		}
		list = append(list, i)
		return nil
	}, `SELECT `+itemColumns+` FROM item i `+rest, args...)
	return list, err
}

// Unsent lists the items of a bundle that wait or were being sent, in order.
func (c *Checkpoint) Unsent(ctx context.Context, bundle int64) ([]Item, error) {
	return c.items(ctx, `WHERE i.bundle = ? AND i.state IN ('waiting', 'sending') ORDER BY i.position`, bundle)
}

// UncertainEnds counts the ends of an item of which nobody knows.
func (c *Checkpoint) UncertainEnds(ctx context.Context, item int64) (n int, err error) {
	_, err = c.get(ctx, []any{&n}, `SELECT count(*) FROM receipt WHERE item = ? AND kind = ?`, item, ReceiptUncertain)
	return n, err
}

// Untaken lists up to limit files that a destination took into its flat folder
// and no importer has been seen to take from there, the oldest first.
func (c *Checkpoint) Untaken(ctx context.Context, destination int64, limit int) ([]Item, error) {
	return c.items(ctx, `JOIN bundle b ON b.id = i.bundle WHERE i.state = 'taken' AND i.file != '' AND b.destination = ?
		ORDER BY i.id LIMIT ?`, destination, limit)
}

// SetSending notes that an item is handed over next.
func (tx *Tx) SetSending(item int64) error {
	return tx.exec(`UPDATE item SET state = ? WHERE id = ?`, ItemSending, item)
}

// SetTaken stores the receipt. It is called only after the far side said yes.
func (tx *Tx) SetTaken(item int64, answer string, now int64) error {
	if err := tx.exec(`UPDATE item SET state = ?, taken_at = ? WHERE id = ?`, ItemTaken, now, item); err != nil {
		return err
	}
	return tx.addReceipt(item, ReceiptTaken, answer, now)
}

// SetGone notes that an importer has taken an item.
func (tx *Tx) SetGone(item int64) error {
	return tx.exec(`UPDATE item SET state = ? WHERE id = ?`, ItemGone, item)
}

// SetWaiting notes a try in vain; before nextAt there is no other.
func (tx *Tx) SetWaiting(item, nextAt int64) error {
	return tx.exec(`UPDATE item SET state = ?, attempts = attempts + 1, next_at = ? WHERE id = ?`, ItemWaiting, nextAt, item)
}

// SetUntried puts an item back that was not handed over.
func (tx *Tx) SetUntried(item int64) error {
	return tx.exec(`UPDATE item SET state = ? WHERE id = ?`, ItemWaiting, item)
}

// AddUncertain counts an end of which nobody knows whether the item was taken.
func (tx *Tx) AddUncertain(item int64, answer string, now int64) error {
	return tx.addReceipt(item, ReceiptUncertain, answer, now)
}

func (tx *Tx) addReceipt(item int64, kind, answer string, now int64) error {
	return tx.exec(`INSERT INTO receipt (item, at, kind, answer) VALUES (?, ?, ?, ?)`, item, now, kind, answer)
}

// Reject puts an item before a person.
func (tx *Tx) Reject(item int64, q Quarantined, now int64) error {
	if err := tx.exec(`UPDATE item SET state = ?, attempts = attempts + 1 WHERE id = ?`, ItemRejected, item); err != nil {
		return err
	}
	q.Kind = KindItem
	return tx.Quarantine(q, now)
}

// Again lets a destination's rejected items be handed over once more, and their
// bundles with them.
func (tx *Tx) Again(destination, bundle int64, file string) error {
	n, err := tx.affected(`UPDATE item SET state = ?, next_at = 0 WHERE bundle = ? AND file = ? AND state = ?`, ItemWaiting, bundle, file, ItemRejected)
	if err != nil || n == 0 {
		return err
	}
	return tx.exec(`UPDATE bundle SET state = ?, delivered_at = NULL WHERE id = ? AND destination = ?`, Rendered, bundle, destination)
}

// GiveUpItem ends the waiting of a rejected item.
func (tx *Tx) GiveUpItem(bundle int64, file string) error {
	return tx.exec(`UPDATE item SET state = ? WHERE bundle = ? AND file = ? AND state = ?`, ItemGivenUp, bundle, file, ItemRejected)
}

// SetBack gives an item that was handed over again the state it had before that.
func (tx *Tx) SetBack(item int64) error {
	return tx.exec(`UPDATE item SET state = ?, attempts = 0, next_at = 0 WHERE id = ?`, ItemTaken, item)
}

// Replay lets all items of a delivered bundle be handed over once more, but those
// that a person has given up.
func (tx *Tx) Replay(bundle int64) error {
	if err := tx.exec(`UPDATE item SET state = ?, attempts = 0, next_at = 0 WHERE bundle = ? AND state != ?`, ItemWaiting, bundle, ItemGivenUp); err != nil {
		return err
	}
	return tx.exec(`UPDATE bundle SET state = ?, delivered_at = NULL WHERE id = ? AND state = ?`, Rendered, bundle, Delivered)
}

// Delivered lists the bundles of a destination that were delivered and cut in a
// period, by serial; to 0 has no end. Bundles that a recovery found have no slices.
func (c *Checkpoint) Delivered(ctx context.Context, destination, from, to int64) (list []Bundle, err error) {
	err = c.list(ctx, func(s scanner) error {
		var b Bundle
		if err := scanBundle(s, &b); err != nil {
			return err
		}
		list = append(list, b)
		return nil
	}, `SELECT `+bundleColumns+` FROM bundle WHERE destination = ? AND state = 'delivered' AND created_at >= ? AND (? = 0 OR created_at < ?)
		ORDER BY serial`, destination, from, to, to)
	return list, err
}

// BundleBySerial reads one bundle that was cut.
func (c *Checkpoint) BundleBySerial(ctx context.Context, destination int64, serial int) (b Bundle, found bool, err error) {
	err = c.list(ctx, func(s scanner) error { found = true; return scanBundle(s, &b) },
		`SELECT `+bundleColumns+` FROM bundle WHERE destination = ? AND serial = ? AND state != 'preparing'`, destination, serial)
	return b, found, err
}
