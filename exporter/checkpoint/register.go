package checkpoint

import "context"

// SetReread moves the next look by id; 0 takes the conversation off the register.
func (tx *Tx) SetReread(id, at int64) error {
	return tx.exec(`UPDATE conversation SET reread_at = ? WHERE id = ?`, null(at), id)
}

// SetCut notes since when a conversation's newest record has been cut short and its
// rest is asked for; 0: it is not.
func (tx *Tx) SetCut(id, since int64) error {
	return tx.exec(`UPDATE conversation SET cut_at = ? WHERE id = ?`, null(since), id)
}

// SetFailed notes since when each look at a conversation by id has failed, and with
// what the last one did; 0: the last one did not fail.
func (tx *Tx) SetFailed(id, since int64, with string) error {
	return tx.exec(`UPDATE conversation SET failed_at = ?, failed_with = ? WHERE id = ?`, null(since), with, id)
}

// OpenConversation is a conversation in the register, and when it is to be looked at.
type OpenConversation struct {
	ID       int64
	SourceID string
	RereadAt int64
	Alone    bool // it is cut short, its last look failed, or it was never captured: ask for it in a request of its own
}

// Reread lists up to limit conversations whose next look by id has come, the
// longest waiting first, after the given one.
func (c *Checkpoint) Reread(ctx context.Context, now int64, after OpenConversation, limit int) (open []OpenConversation, err error) {
	err = c.list(ctx, func(s scanner) error {
		var o OpenConversation
		if err := s.Scan(&o.ID, &o.SourceID, &o.RereadAt, &o.Alone); err != nil {
			return err
		}
		open = append(open, o)
		return nil
	}, `SELECT id, source_id, reread_at, cut_at IS NOT NULL OR failed_at IS NOT NULL OR revision = 0 FROM conversation
		WHERE reread_at <= ? AND (reread_at, id) > (?, ?) ORDER BY reread_at, id LIMIT ?`, now, after.RereadAt, after.ID, limit)
	return open, err
}

// OpenConversations counts the captured conversations of the register that are not
// closed, or whose survey is open.
func (c *Checkpoint) OpenConversations(ctx context.Context) (n int64, err error) {
	_, err = c.get(ctx, []any{&n}, `SELECT count(*) FROM conversation WHERE reread_at IS NOT NULL AND revision > 0 AND (closed_at IS NULL OR survey_open)`)
	return n, err
}

// Lacking counts the conversations whose record is cut short and asked for again, and
// those of which the last look by id failed.
func (c *Checkpoint) Lacking(ctx context.Context) (cut, failed int64, err error) {
	_, err = c.get(ctx, []any{&cut, &failed}, `SELECT (SELECT count(*) FROM conversation WHERE cut_at IS NOT NULL),
		(SELECT count(*) FROM conversation WHERE failed_at IS NOT NULL)`)
	return cut, failed, err
}
