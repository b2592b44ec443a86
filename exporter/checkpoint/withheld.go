package checkpoint

import "context"

// AnyUnsaid reports whether a destination withholds messages of a conversation until
// somebody has said for whom they are, or may be about to: another process may have
// read what is due, and not stored yet what it withholds of that.
func (tx *Tx) AnyUnsaid(conversation int64) (any bool, err error) {
	err = tx.row(`SELECT EXISTS (SELECT 1 FROM given WHERE conversation = ? AND unsaid > 0) OR EXISTS (SELECT 1 FROM due WHERE conversation = ?)`,
		conversation, conversation).Scan(&any)
	return any, err
}

// MakeUnsaidDue notes for those destinations that a conversation has something for
// them. What is due already is due up to that revision.
func (tx *Tx) MakeUnsaidDue(conversation int64, revision int, oldest, now int64) error {
	if err := tx.exec(`UPDATE due SET revision = ?, oldest_at = min(oldest_at, ?) WHERE conversation = ?`, revision, oldest, conversation); err != nil {
		return err
	}
	return tx.exec(`INSERT INTO due (destination, conversation, revision, oldest_at, since)
		SELECT g.destination, g.conversation, ?, ?, ? FROM given g JOIN destination d ON d.id = g.destination
		WHERE g.conversation = ? AND g.unsaid > 0 AND d.retired_at IS NULL
		ON CONFLICT (destination, conversation) DO UPDATE SET revision = excluded.revision, oldest_at = min(oldest_at, excluded.oldest_at)`,
		revision, oldest, now, conversation)
}

// MakeWithheldDue makes due what was withheld from a destination that withholds
// nothing any more, and returns how many conversations that is.
func (tx *Tx) MakeWithheldDue(destination, now int64) (conversations int64, err error) {
	return tx.affected(`INSERT INTO due (destination, conversation, revision, oldest_at, since)
		SELECT g.destination, g.conversation, v.revision, coalesce(v.started_at, 0), ? FROM given g JOIN conversation v ON v.id = g.conversation
		WHERE g.destination = ? AND g.private + g.unsaid > 0
		ON CONFLICT (destination, conversation) DO NOTHING`, now, destination)
}

// Withheld is how many messages are withheld from a destination.
type Withheld struct {
	Private int64 // since they are for agents only
	Unsaid  int64 // since nobody has said for whom they are

	Conversations int64 // with such messages
}

// Withheld counts them.
func (c *Checkpoint) Withheld(ctx context.Context, destination int64) (w Withheld, err error) {
	_, err = c.get(ctx, []any{&w.Private, &w.Unsaid, &w.Conversations}, `SELECT coalesce(sum(private), 0), coalesce(sum(unsaid), 0), count(*) FROM given
		WHERE destination = ? AND private + unsaid > 0`, destination)
	return w, err
}
