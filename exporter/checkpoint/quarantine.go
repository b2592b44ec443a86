package checkpoint

import "context"

// Kinds of what waits for a person.
const (
	KindRecord       = "record"       // could not be read, or was never given whole: then without bytes
	KindEvent        = "event"        // could not be read, or waited too long for history; or stands for all of a type
	KindConversation = "conversation" // could not be cut for a destination
	KindItem         = "item"         // was not taken by a destination
)

// Quarantined is something that waits for a person.
type Quarantined struct {
	ID          int64
	Kind        string
	Destination int64  // 0: a record, which is of none
	Name        string // of the destination; only when read
	SourceID    string // of the conversation, "" when the record has none; an item's bundle and file
	Reason      string
	CreatedAt   int64
	Bytes       int64
	SHA256      []byte
	Frame       []byte // compressed; nil in lists
}

// Quarantine keeps a record that could not be captured. The same bytes again
// change nothing, also when a person has given them up; other bytes of the same
// conversation replace the ones waiting.
func (tx *Tx) Quarantine(q Quarantined, now int64) error {
	if q.SourceID != "" && q.Kind != KindEvent { // there may be several of a conversation
		if err := tx.exec(`DELETE FROM quarantine WHERE kind = ? AND destination = ? AND source_id = ? AND resolved_at IS NULL AND sha256 != ?`,
			q.Kind, q.Destination, q.SourceID, q.SHA256); err != nil {
			return err
		}
	}
	return tx.exec(`INSERT INTO quarantine (kind, destination, source_id, reason, created_at, bytes, sha256, frame) SELECT ?, ?, ?, ?, ?, ?, ?, ?
		WHERE NOT EXISTS (SELECT 1 FROM quarantine WHERE kind = ? AND destination = ? AND source_id = ? AND sha256 = ? AND sha256 != x'' AND decision IS NOT NULL)
		ON CONFLICT (kind, destination, source_id, sha256) WHERE resolved_at IS NULL DO UPDATE SET reason = excluded.reason`,
		q.Kind, q.Destination, q.SourceID, q.Reason, now, q.Bytes, notNull(q.SHA256), notNull(q.Frame),
		q.Kind, q.Destination, q.SourceID, notNull(q.SHA256))
}

// Resolve ends the waiting of one entry.
func (tx *Tx) Resolve(id, now int64) error {
	return tx.exec(`UPDATE quarantine SET resolved_at = ? WHERE id = ?`, now, id)
}

// Dismiss ends the waiting of one entry by a person's decision. A conversation
// that could not be cut is no longer due with what it had; a rejected item is
// not handed over again.
func (tx *Tx) Dismiss(q Quarantined, decision, now int64) error {
	if err := tx.exec(`UPDATE quarantine SET resolved_at = ?, decision = ? WHERE id = ?`, now, decision, q.ID); err != nil {
		return err
	}
	if q.Kind != KindConversation {
		return nil
	}
	return tx.exec(`DELETE FROM due WHERE destination = ? AND conversation = (SELECT id FROM conversation WHERE source_id = ?)`, q.Destination, q.SourceID)
}

// GivenUp lists the bundles of a destination that a person has given up as a whole.
func (c *Checkpoint) GivenUp(ctx context.Context, destination int64) (names []string, err error) {
	err = c.list(ctx, func(s scanner) error {
		var name string
		err := s.Scan(&name)
		names = append(names, name)
		return err
	}, `SELECT source_id FROM quarantine WHERE kind = ? AND destination = ? AND decision IS NOT NULL AND source_id NOT LIKE '%/%' ORDER BY id`, KindItem, destination)
	return names, err
}

func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// ResolveCaptured ends the waiting of a conversation's records, since a younger
// one has been captured.
func (tx *Tx) ResolveCaptured(sourceID string, now int64) error {
	return tx.exec(`UPDATE quarantine SET resolved_at = ? WHERE kind = ? AND source_id = ? AND resolved_at IS NULL`, now, KindRecord, sourceID)
}

// ResolveCut ends the waiting of a conversation that has been cut for a destination.
func (tx *Tx) ResolveCut(destination int64, sourceID string, now int64) error {
	return tx.exec(`UPDATE quarantine SET resolved_at = ? WHERE kind = ? AND destination = ? AND source_id = ? AND resolved_at IS NULL`,
		now, KindConversation, destination, sourceID)
}

const (
	quarantineColumns = `q.id, q.kind, q.destination, coalesce(d.name, ''), q.source_id, q.reason, q.created_at, q.bytes, q.sha256`
	quarantineTables  = ` FROM quarantine q LEFT JOIN destination d ON d.id = q.destination`
)

// Quarantined lists what waits, without the bytes.
func (c *Checkpoint) Quarantined(ctx context.Context) (list []Quarantined, err error) {
	err = c.list(ctx, func(s scanner) error {
		var q Quarantined
		if err := s.Scan(&q.ID, &q.Kind, &q.Destination, &q.Name, &q.SourceID, &q.Reason, &q.CreatedAt, &q.Bytes, &q.SHA256); err != nil {
			return err
		}
		list = append(list, q)
		return nil
	}, `SELECT `+quarantineColumns+quarantineTables+` WHERE q.resolved_at IS NULL ORDER BY q.id`)
	return list, err
}

// QuarantineGroup is what waits of one kind, for one destination and one reason.
type QuarantineGroup struct {
	Kind, Name, Reason string // Name of the destination, "" where it is of none
	Count              int
	First, Since       int64 // number and time of the one that waits longest
}

// QuarantineGroups lists up to limit groups of what waits, the greatest first.
func (c *Checkpoint) QuarantineGroups(ctx context.Context, limit int) (list []QuarantineGroup, err error) {
	err = c.list(ctx, func(s scanner) error {
		var g QuarantineGroup
		err := s.Scan(&g.Kind, &g.Name, &g.Reason, &g.Count, &g.First, &g.Since)
		list = append(list, g)
		return err
	}, `SELECT q.kind, coalesce(d.name, ''), q.reason, count(*), min(q.id), min(q.created_at)`+quarantineTables+
		` WHERE q.resolved_at IS NULL GROUP BY q.kind, coalesce(d.name, ''), q.reason ORDER BY count(*) DESC, min(q.id) LIMIT ?`, limit)
	return list, err
}

// CountDismissed counts what a person has given up.
func (c *Checkpoint) CountDismissed(ctx context.Context) (n int, err error) {
	_, err = c.get(ctx, []any{&n}, `SELECT count(*) FROM quarantine WHERE decision IS NOT NULL`)
	return n, err
}

// CountQuarantined counts what waits.
func (c *Checkpoint) CountQuarantined(ctx context.Context) (n int, err error) {
	_, err = c.get(ctx, []any{&n}, `SELECT count(*) FROM quarantine WHERE resolved_at IS NULL`)
	return n, err
}

// QuarantinedByID reads one entry that waits, with its bytes.
func (c *Checkpoint) QuarantinedByID(ctx context.Context, id int64) (q Quarantined, found bool, err error) {
	found, err = c.get(ctx, []any{&q.ID, &q.Kind, &q.Destination, &q.Name, &q.SourceID, &q.Reason, &q.CreatedAt, &q.Bytes, &q.SHA256, &q.Frame},
		`SELECT `+quarantineColumns+`, q.frame`+quarantineTables+` WHERE q.id = ? AND q.resolved_at IS NULL`, id)
	return q, found, err
}

// Holding tells whether conversations of a destination wait for a person.
func (c *Checkpoint) Holding(ctx context.Context, destination int64) (holding bool, err error) {
	_, err = c.get(ctx, []any{&holding}, `SELECT EXISTS (SELECT 1 FROM quarantine WHERE kind = ? AND destination = ? AND resolved_at IS NULL)`,
		KindConversation, destination)
	return holding, err
}

// ToJudge lists up to limit events in quarantine whose conversation a record has
// changed since they were looked at last, and those that never were, with their bytes.
func (c *Checkpoint) ToJudge(ctx context.Context, limit int) (list []Quarantined, err error) {
	err = c.list(ctx, func(s scanner) error {
		var q Quarantined
		err := s.Scan(&q.ID, &q.SourceID, &q.Reason, &q.CreatedAt, &q.Bytes, &q.SHA256, &q.Frame)
		q.Kind = KindEvent
		list = append(list, q)
		return err
	}, `SELECT q.id, q.source_id, q.reason, q.created_at, q.bytes, q.sha256, q.frame FROM quarantine q LEFT JOIN dialog d ON d.id = q.source_id
		LEFT JOIN conversation v ON v.source_id = coalesce(d.conversation, q.source_id)
		WHERE q.kind = 'event' AND q.resolved_at IS NULL AND (q.judged = 0 OR v.changed > q.judged) ORDER BY q.id LIMIT ?`, limit)
	return list, err
}

// JudgedEvent notes why an event in quarantine goes on waiting, as of now.
func (tx *Tx) JudgedEvent(id int64, reason string) error {
	return tx.exec(`UPDATE quarantine SET reason = ?, judged = (SELECT max(changes, 1) FROM account) WHERE id = ?`, reason, id)
}
