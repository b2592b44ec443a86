package checkpoint

import "context"

// LeftOut is a conversation that the selection leaves out.
type LeftOut struct {
	SourceID, Skills, Reason string
	SHA256                   []byte // of its record
}

// LeaveOut notes a conversation that is left out, as it is now. first reports
// whether it was not left out before.
func (tx *Tx) LeaveOut(o LeftOut, now int64) (first bool, err error) {
	known, err := tx.affected(`UPDATE left_out SET skills = ?, reason = ?, sha256 = ?, last_at = ? WHERE source_id = ?`,
		o.Skills, o.Reason, o.SHA256, now, o.SourceID)
	if err != nil || known > 0 {
		return false, err
	}
	return true, tx.exec(`INSERT INTO left_out (source_id, skills, reason, sha256, first_at, last_at) VALUES (?, ?, ?, ?, ?, ?)`,
		o.SourceID, o.Skills, o.Reason, o.SHA256, now, now)
}

// IsLeftOut reports whether a conversation is left out.
func (tx *Tx) IsLeftOut(sourceID string) (out bool, err error) {
	err = tx.row(`SELECT EXISTS (SELECT 1 FROM left_out WHERE source_id = ?)`, sourceID).Scan(&out)
	return out, err
}

// Include takes a conversation off the list of those left out.
func (tx *Tx) Include(sourceID string) error {
	return tx.exec(`DELETE FROM left_out WHERE source_id = ?`, sourceID)
}

// CountLeftOut counts the conversations that are left out.
func (c *Checkpoint) CountLeftOut(ctx context.Context) (n int64, err error) {
	_, err = c.get(ctx, []any{&n}, `SELECT count(*) FROM left_out`)
	return n, err
}
