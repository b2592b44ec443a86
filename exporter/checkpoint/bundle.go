package checkpoint

import (
	"context"
	"strings"
)

// States of a bundle.
const (
	preparing = "preparing" // its slices are being stored; it does not exist yet
	Cut       = "cut"       // frozen
	Rendered  = "rendered"  // spooled
	Delivered = "delivered" // each of its items was taken or rejected
)

// Bundle is a bundle and how far it has come.
type Bundle struct {
	ID             int64
	Serial         int
	Path           string // below the destination's root
	Head           []byte // frozen JSON, the caller's own
	State          string
	Slices         int
	Messages       int
	Amendments     int
	CreatedAt      int64
	ManifestSHA256 string // once rendered
}

const bundleColumns = `id, serial, path, head, state, slices, messages, amendments, created_at, manifest_sha256`

func scanBundle(s scanner, b *Bundle) error {
	return s.Scan(&b.ID, &b.Serial, &b.Path, &b.Head, &b.State, &b.Slices, &b.Messages, &b.Amendments, &b.CreatedAt,
		&b.ManifestSHA256)
}

// PrepareBundle makes room for a bundle's slices. It is not there for anybody
// until FinishCut; what an interrupted run prepared is removed.
func (tx *Tx) PrepareBundle(destination int64, serial int, path string, head []byte, now int64) (int64, error) {
	if err := tx.dropSlices(`SELECT id FROM bundle WHERE destination = ? AND state = 'preparing'`, destination); err != nil {
		return 0, err
	}
	if err := tx.exec(`DELETE FROM bundle WHERE destination = ? AND state = 'preparing'`, destination); err != nil {
		return 0, err
	}
	return tx.insert(`INSERT INTO bundle (destination, serial, path, head, state, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		destination, serial, path, head, preparing, now)
}

// dropSlices removes the slices of some bundles, with their lines that are no drafts.
func (tx *Tx) dropSlices(bundles string, args ...any) error {
	// The slices go first, since they refer to their lines.
	if err := tx.exec(`CREATE TEMP TABLE IF NOT EXISTS dropped (line INTEGER PRIMARY KEY)`); err != nil {
		return err
	}
	for _, q := range []string{
		`INSERT OR IGNORE INTO temp.dropped SELECT line FROM slice WHERE bundle IN (` + bundles + `)`,
		`DELETE FROM slice WHERE bundle IN (` + bundles + `)`,
	} {
		if err := tx.exec(q, args...); err != nil {
			return err
		}
	}
	if err := tx.exec(`DELETE FROM line WHERE draft = 0 AND id IN (SELECT line FROM temp.dropped)`); err != nil {
		return err
	}
	return tx.exec(`DELETE FROM temp.dropped`)
}

// DropPrepared removes a prepared bundle that turned out to be empty.
func (tx *Tx) DropPrepared(bundle int64) error {
	return tx.exec(`DELETE FROM bundle WHERE id = ? AND state = 'preparing'`, bundle)
}

// Line is what a slice says.
type Line struct {
	ID                   int64
	Draft                int    // made when the conversation was captured, by the caller's reading of that number; 0: it is none
	Conversation         string // LivePerson's id
	Messages, Amendments int
	From, To             int64 // first and last message
	NewestAt             int64 // entry
	Bytes                int   // of the line
	Listing              []byte
	Frame                []byte // compressed
}

// PutLine stores a line and gives it its ID.
func (tx *Tx) PutLine(l *Line) (err error) {
	l.ID, err = tx.insert(`INSERT INTO line (draft, conversation, messages, amendments, from_at, to_at, newest_at, bytes, listing, frame)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, l.Draft, l.Conversation, l.Messages, l.Amendments, l.From, l.To, l.NewestAt, l.Bytes, l.Listing, l.Frame)
	return err
}

// PutSlice stores a slice of a prepared bundle, and its line if it has no ID
// yet; positions count from 0.
func (tx *Tx) PutSlice(bundle int64, position int, l *Line) error {
	if l.ID == 0 {
		if err := tx.PutLine(l); err != nil {
			return err
		}
	}
	return tx.exec(`INSERT INTO slice (bundle, position, line) VALUES (?, ?, ?)`, bundle, position, l.ID)
}

// FinishCut freezes a prepared bundle: from here on it exists, and its serial
// is used up. It fails with ErrSerialTaken when somebody else was faster.
func (tx *Tx) FinishCut(destination int64, b Bundle) error {
	n, err := tx.affected(`UPDATE destination SET serial = ? WHERE id = ? AND serial = ?`, b.Serial, destination, b.Serial-1)
	if err != nil {
		return err
	}
	if n != 1 {
		return ErrSerialTaken
	}
	return tx.exec(`UPDATE bundle SET state = ?, head = ?, slices = ?, messages = ?, amendments = ? WHERE id = ?`,
		Cut, b.Head, b.Slices, b.Messages, b.Amendments, b.ID)
}

// SliceAt reads one slice of a bundle by its position.
func (c *Checkpoint) SliceAt(ctx context.Context, bundle int64, position int) (l Line, found bool, err error) {
	found, err = c.get(ctx, []any{&l.ID, &l.Draft, &l.Conversation, &l.Messages, &l.Amendments, &l.From, &l.To, &l.NewestAt, &l.Bytes, &l.Listing, &l.Frame},
		`SELECT l.id, l.draft, l.conversation, l.messages, l.amendments, l.from_at, l.to_at, l.newest_at, l.bytes, l.listing, l.frame
		FROM slice s JOIN line l ON l.id = s.line WHERE s.bundle = ? AND s.position = ?`, bundle, position)
	return l, found, err
}

// Slices calls each for every slice of a bundle in order.
func (c *Checkpoint) Slices(ctx context.Context, bundle int64, each func(Line) error) error {
	return c.list(ctx, func(r scanner) error {
		var l Line
		if err := r.Scan(&l.ID, &l.Draft, &l.Conversation, &l.Messages, &l.Amendments, &l.From, &l.To, &l.NewestAt, &l.Bytes, &l.Listing, &l.Frame); err != nil {
			return err
		}
		return each(l)
	}, `SELECT l.id, l.draft, l.conversation, l.messages, l.amendments, l.from_at, l.to_at, l.newest_at, l.bytes, l.listing, l.frame
		FROM slice s JOIN line l ON l.id = s.line WHERE s.bundle = ? ORDER BY s.position`, bundle)
}

// SetRendered notes that a bundle lies complete in the spool, by which head, and
// what is to be handed over of it. Its manifest's hash is what the next bundle refers to.
func (tx *Tx) SetRendered(destination int64, b Bundle, name string, items []Item) error {
	if err := tx.exec(`UPDATE bundle SET state = ?, manifest_sha256 = ?, head = ? WHERE id = ?`, Rendered, b.ManifestSHA256, notNull(b.Head), b.ID); err != nil {
		return err
	}
	for i := range items {
		if err := tx.putItem(b.ID, i, &items[i]); err != nil {
			return err
		}
	}
	return tx.exec(`UPDATE destination SET previous_bundle = ?, previous_sha256 = ?, previous_path = ? WHERE id = ? AND serial = ?`,
		name, b.ManifestSHA256, b.Path, destination, b.Serial)
}

// SetDelivered notes that nothing of a bundle waits any more. It changes
// nothing, and says so, while something does.
func (tx *Tx) SetDelivered(bundle, now int64) (bool, error) {
	n, err := tx.affected(`UPDATE bundle SET state = ?, delivered_at = ? WHERE id = ? AND state = ?
		AND NOT EXISTS (SELECT 1 FROM item WHERE bundle = ? AND state IN ('waiting', 'sending', 'too-large'))`, Delivered, now, bundle, Rendered, bundle)
	return n == 1, err
}

// Undelivered lists the bundles of a destination that it has not taken, by serial.
func (c *Checkpoint) Undelivered(ctx context.Context, destination int64) (bundles []Bundle, err error) {
	err = c.list(ctx, func(s scanner) error {
		var b Bundle
		if err := scanBundle(s, &b); err != nil {
			return err
		}
		bundles = append(bundles, b)
		return nil
	}, `SELECT `+bundleColumns+` FROM bundle WHERE destination = ? AND state IN ('cut', 'rendered') ORDER BY serial`, destination)
	return bundles, err
}

// SpoolNeeds are the names of the bundles of a destination that may have to lie in
// the spool: it has not taken them, or they wait for a person.
func (c *Checkpoint) SpoolNeeds(ctx context.Context, destination int64) (names map[string]bool, err error) {
	names = map[string]bool{}
	err = c.list(ctx, func(s scanner) error {
		var path string
		if err := s.Scan(&path); err != nil {
			return err
		}
		names[path[strings.LastIndexByte(path, '/')+1:]] = true
		return nil
	}, `SELECT path FROM bundle b WHERE destination = ? AND (state IN ('cut', 'rendered') OR
		state = 'delivered' AND EXISTS (SELECT 1 FROM item WHERE bundle = b.id AND state = 'rejected'))`, destination)
	return names, err
}

// Known tells whether a bundle of that path has been cut here, and the hash of
// its manifest ("" before it was rendered).
func (c *Checkpoint) Known(ctx context.Context, destination int64, path string) (sha256 string, found bool, err error) {
	found, err = c.get(ctx, []any{&sha256}, `SELECT manifest_sha256 FROM bundle WHERE destination = ? AND path = ? AND state != 'preparing'`, destination, path)
	return sha256, found, err
}

// DeliveredPaths calls each for every bundle that the destination has taken: not for one
// that it has rejected as a whole.
func (c *Checkpoint) DeliveredPaths(ctx context.Context, destination int64, each func(path, sha256 string) error) error {
	return c.list(ctx, func(s scanner) error {
		var path, sum string
		if err := s.Scan(&path, &sum); err != nil {
			return err
		}
		return each(path, sum)
	}, `SELECT path, manifest_sha256 FROM bundle WHERE destination = ? AND state = 'delivered'
		AND NOT EXISTS (SELECT 1 FROM item WHERE bundle = bundle.id AND file = '' AND state IN ('rejected', 'given up')) ORDER BY serial`, destination)
}

// Waiting is what a destination has still to get.
type Waiting struct {
	Due       int // conversations with something not cut yet
	Bundles   int // cut and not delivered
	Failed    int // items tried in vain, and not taken since
	Uncertain int // ends of which nobody knows whether the item was taken
	Rejected  int // items that wait for a person
	Held      int // conversations that wait for a person
	Dismissed int // items and conversations that a person has given up
	Found     int // open findings
	OldestAt  int64
}

// Waiting counts what a destination has still to get.
func (c *Checkpoint) Waiting(ctx context.Context, destination int64) (w Waiting, err error) {
	var oldest int64
	for _, q := range []struct {
		into  []any
		query string
	}{
		{[]any{&w.Due, &w.OldestAt}, `SELECT count(*), coalesce(min(since), 0) FROM due WHERE destination = ?`},
		{[]any{&w.Bundles, &oldest}, `SELECT count(*), coalesce(min(created_at), 0) FROM bundle WHERE destination = ? AND state != 'delivered' AND state != 'preparing'`},
		{[]any{&w.Failed}, `SELECT count(*) FROM bundle b JOIN item i ON i.bundle = b.id
			WHERE b.destination = ? AND b.state != 'delivered' AND b.state = 'rendered' AND i.state IN ('waiting', 'sending') AND i.attempts > 0`},
		{[]any{&w.Uncertain}, `SELECT count(*) FROM receipt r JOIN item i ON i.id = r.item JOIN bundle b ON b.id = i.bundle
			WHERE r.kind = 'uncertain' AND b.destination = ?`},
		{[]any{&w.Rejected}, `SELECT count(*) FROM item i JOIN bundle b ON b.id = i.bundle WHERE i.state = 'rejected' AND b.destination = ?`},
		{[]any{&w.Held}, `SELECT count(*) FROM quarantine WHERE kind = 'conversation' AND destination = ? AND resolved_at IS NULL`},
		{[]any{&w.Dismissed}, `SELECT count(*) FROM quarantine WHERE decision IS NOT NULL AND destination = ?`},
		{[]any{&w.Found}, `SELECT count(*) FROM finding WHERE state = 'open' AND destination = ?`},
	} {
		if _, err = c.get(ctx, q.into, q.query, destination); err != nil {
			return w, err
		}
	}
	if oldest > 0 && (w.OldestAt == 0 || oldest < w.OldestAt) {
		w.OldestAt = oldest
	}
	return w, nil
}
