package checkpoint

import (
	"context"
	"database/sql"
	"errors"
)

// Conversation is what is known of one conversation.
type Conversation struct {
	ID          int64
	SourceID    string // LivePerson's
	Revision    int    // 0: nothing captured yet
	Recorded    int    // newest revision that is a record; 0: known by events alone
	Status      string
	StartedAt   int64
	ClosedAt    int64 // 0 while open
	SurveyOpen  bool
	Partial     bool  // its newest record is cut short
	CutAt       int64 // since when that is so and the rest is asked for; 0: it is whole, or given up. Stored by SetCut
	FailedAt    int64 // since when each look at it by id has failed; 0: the last one did not. Stored by SetFailed
	EntryAt     int64 // newest entry
	RereadAt    int64 // next look by id; 0: not in the register of those that are to be looked at
	Unconfirmed int64 // since when messages that events told wait for a record that has them; 0: none does
	Draft       int64 // line of the first slice, rendered when it was captured; 0: none
	Changed     int64 // number of the transaction that changed it last
	Seen        []byte
}

const conversationColumns = `id, source_id, revision, recorded, status, coalesce(started_at, 0), coalesce(closed_at, 0),
	survey_open, partial, coalesce(cut_at, 0), coalesce(failed_at, 0), coalesce(entry_at, 0), coalesce(reread_at, 0), coalesce(unconfirmed_at, 0), coalesce(draft, 0), changed, seen`

func scanConversation(s scanner, c *Conversation) error {
	return s.Scan(&c.ID, &c.SourceID, &c.Revision, &c.Recorded, &c.Status, &c.StartedAt, &c.ClosedAt,
		&c.SurveyOpen, &c.Partial, &c.CutAt, &c.FailedAt, &c.EntryAt, &c.RereadAt, &c.Unconfirmed, &c.Draft, &c.Changed, &c.Seen)
}

// Conversation reads what is known of one; Revision and ID are 0 when nothing is.
func (tx *Tx) Conversation(sourceID string) (Conversation, error) {
	c := Conversation{SourceID: sourceID}
	err := scanConversation(tx.row(`SELECT `+conversationColumns+` FROM conversation WHERE source_id = ?`, sourceID), &c)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	return c, err
}

// Changes is how many transactions have changed a conversation by a record so
// far: one that has a greater number than that was changed later. events tells
// whether an event has ever been stored.
func (c *Checkpoint) Changes(ctx context.Context) (n int64, events bool, err error) {
	_, err = c.get(ctx, []any{&n, &events}, `SELECT changes, events FROM account`)
	return n, events, err
}

// PutConversation stores what is known after a record was captured; a new one
// (ID 0) is given its ID. It sets Changed.
func (tx *Tx) PutConversation(c *Conversation) error {
	if tx.change == 0 {
		if err := tx.row(`UPDATE account SET changes = changes + 1 RETURNING changes`).Scan(&tx.change); err != nil {
			return err
		}
	}
	c.Changed = tx.change
	return tx.PutTold(c)
}

// PutTold stores what is known after events were captured. That does not count as
// a change: an event adds to what a record says, and never makes one out of date.
func (tx *Tx) PutTold(c *Conversation) error {
	if c.ID != 0 {
		return tx.exec(`UPDATE conversation SET revision = ?, recorded = ?, status = ?, started_at = ?, closed_at = ?, survey_open = ?, partial = ?,
			entry_at = ?, reread_at = ?, unconfirmed_at = ?, draft = ?, changed = ?, seen = ? WHERE id = ?`, c.Revision, c.Recorded, c.Status,
			null(c.StartedAt), null(c.ClosedAt), c.SurveyOpen, c.Partial, null(c.EntryAt), null(c.RereadAt), null(c.Unconfirmed), null(c.Draft), c.Changed, c.Seen, c.ID)
	}
	id, err := tx.insert(`INSERT INTO conversation (source_id, revision, recorded, status, started_at, closed_at, survey_open, partial,
		entry_at, reread_at, unconfirmed_at, draft, changed, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, c.SourceID, c.Revision, c.Recorded, c.Status,
		null(c.StartedAt), null(c.ClosedAt), c.SurveyOpen, c.Partial, null(c.EntryAt), null(c.RereadAt), null(c.Unconfirmed), null(c.Draft), c.Changed, c.Seen)
	c.ID = id
	return err
}

// Part is a record's bytes, or those of one of its sections, compressed.
type Part struct {
	Section string // "" for a whole record
	Bytes   int64
	SHA256  []byte
	Frame   []byte
}

// Recorded is a conversation's row and its newest revision that is a record; 0 where
// none is.
func (c *Checkpoint) Recorded(ctx context.Context, sourceID string) (id int64, revision int, err error) {
	_, err = c.get(ctx, []any{&id, &revision}, `SELECT id, recorded FROM conversation WHERE source_id = ?`, sourceID)
	return id, revision, err
}

// PutPart stores one part of a revision.
func (tx *Tx) PutPart(conversation int64, revision, part int, p Part, at int64) error {
	return tx.exec(`INSERT INTO record (conversation, revision, part, section, captured_at, bytes, sha256, frame)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, conversation, revision, part, p.Section, at, p.Bytes, p.SHA256, p.Frame)
}

// AnyPartsAfter tells whether there are parts of a revision that is not complete.
func (tx *Tx) AnyPartsAfter(conversation int64, revision int) (any bool, err error) {
	err = tx.row(`SELECT EXISTS (SELECT 1 FROM record WHERE conversation = ? AND revision > ?)`, conversation, revision).Scan(&any)
	return any, err
}

// DropPartsAfter removes parts of a revision that was never completed.
func (tx *Tx) DropPartsAfter(conversation int64, revision int) error {
	return tx.exec(`DELETE FROM record WHERE conversation = ? AND revision > ?`, conversation, revision)
}

// DropParts removes parts of a revision from the given one on.
func (tx *Tx) DropParts(conversation int64, revision, from int) error {
	return tx.exec(`DELETE FROM record WHERE conversation = ? AND revision = ? AND part >= ?`, conversation, revision, from)
}

// Parts calls each for every part of one revision, in order. The frame belongs
// to the callee.
func (c *Checkpoint) Parts(ctx context.Context, conversation int64, revision int, each func(part int, p Part) error) error {
	return c.list(ctx, func(s scanner) error {
		var n int
		var p Part
		if err := s.Scan(&n, &p.Section, &p.Bytes, &p.SHA256, &p.Frame); err != nil {
			return err
		}
		return each(n, p)
	}, `SELECT part, section, bytes, sha256, frame FROM record WHERE conversation = ? AND revision = ? ORDER BY part`, conversation, revision)
}

// Part reads one part of a revision.
func (c *Checkpoint) Part(ctx context.Context, conversation int64, revision, part int) (p Part, found bool, err error) {
	found, err = c.get(ctx, []any{&p.Section, &p.Bytes, &p.SHA256, &p.Frame},
		`SELECT section, bytes, sha256, frame FROM record WHERE conversation = ? AND revision = ? AND part = ?`, conversation, revision, part)
	return p, found, err
}

// MakeDue notes for every destination that a conversation has something for it.
func (tx *Tx) MakeDue(conversation int64, revision int, oldest, now int64) error {
	return tx.exec(`INSERT INTO due (destination, conversation, revision, oldest_at, since)
		SELECT id, ?, ?, ?, ? FROM destination WHERE retired_at IS NULL
		ON CONFLICT (destination, conversation) DO UPDATE SET revision = excluded.revision, oldest_at = min(oldest_at, excluded.oldest_at)`,
		conversation, revision, oldest, now)
}

// NoteUnknown counts a message of a type that nobody knows yet, and tells
// whether it is the first.
func (tx *Tx) NoteUnknown(messageType string, now int64) (first bool, err error) {
	var n int64
	err = tx.row(`INSERT INTO unknown_type (type, messages, first_at) VALUES (?, 1, ?)
		ON CONFLICT (type) DO UPDATE SET messages = messages + 1 RETURNING messages`, messageType, now).Scan(&n)
	return n == 1, err
}
