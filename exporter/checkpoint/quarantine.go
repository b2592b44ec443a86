package checkpoint

import "context"

// Quarantined is a record that waits for a person.
type Quarantined struct {
	ID        int64
	Kind      string
	SourceID  string // "" when the record has none
	Reason    string
	CreatedAt int64
	Bytes     int64
	SHA256    []byte
	Frame     []byte // compressed; nil in lists
}

// Quarantine keeps a record that could not be captured. The same bytes again
// change nothing; other bytes of the same conversation replace the ones waiting.
func (tx *Tx) Quarantine(q Quarantined, now int64) error {
	if q.SourceID != "" {
		if err := tx.exec(`DELETE FROM quarantine WHERE kind = ? AND source_id = ? AND resolved_at IS NULL AND sha256 != ?`,
			q.Kind, q.SourceID, q.SHA256); err != nil {
			return err
		}
	}
	return tx.exec(`INSERT INTO quarantine (kind, source_id, reason, created_at, bytes, sha256, frame) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, q.Kind, q.SourceID, q.Reason, now, q.Bytes, q.SHA256, q.Frame)
}

// Resolve ends the waiting of one entry.
func (tx *Tx) Resolve(id, now int64) error {
	return tx.exec(`UPDATE quarantine SET resolved_at = ? WHERE id = ?`, now, id)
}

// ResolveConversation ends the waiting of a conversation that has been captured.
func (tx *Tx) ResolveConversation(sourceID string, now int64) error {
	return tx.exec(`UPDATE quarantine SET resolved_at = ? WHERE source_id = ? AND resolved_at IS NULL`, now, sourceID)
}

// Quarantined lists what waits, without the bytes.
func (c *Checkpoint) Quarantined(ctx context.Context) (list []Quarantined, err error) {
	err = c.list(ctx, func(s scanner) error {
		var q Quarantined
		if err := s.Scan(&q.ID, &q.Kind, &q.SourceID, &q.Reason, &q.CreatedAt, &q.Bytes, &q.SHA256); err != nil {
			return err
		}
		list = append(list, q)
		return nil
	}, `SELECT id, kind, source_id, reason, created_at, bytes, sha256 FROM quarantine WHERE resolved_at IS NULL ORDER BY id`)
	return list, err
}

// QuarantinedByID reads one entry that waits, with its bytes.
func (c *Checkpoint) QuarantinedByID(ctx context.Context, id int64) (q Quarantined, found bool, err error) {
	found, err = c.get(ctx, []any{&q.ID, &q.Kind, &q.SourceID, &q.Reason, &q.CreatedAt, &q.Bytes, &q.SHA256, &q.Frame},
		`SELECT id, kind, source_id, reason, created_at, bytes, sha256, frame FROM quarantine WHERE id = ? AND resolved_at IS NULL`, id)
	return q, found, err
}
