package checkpoint

import (
	"context"
	"database/sql"
	"errors"
)

// Event is one notification as it came, until what it tells is in a revision or
// is known already.
type Event struct {
	ID           int64
	ReceivedAt   int64
	Waits        string // for what; "" was not looked at yet
	Conversation string // of which it is, "" when that is not known
	Dialog       string // whose conversation is not known
	Bytes        int64
	Frame        []byte // packed; only from EventFrame
}

// AddEvents stores events that have just come. The account is one with events
// from then on.
func (tx *Tx) AddEvents(events []Event) error {
	for i := range events {
		e := &events[i]
		if err := tx.exec(`INSERT INTO event (received_at, bytes, frame) VALUES (?, ?, ?)`, e.ReceivedAt, e.Bytes, e.Frame); err != nil {
			return err
		}
	}
	return tx.exec(`UPDATE account SET events = 1 WHERE events = 0`)
}

// WaitsType is for what an event waits that is of a type which this program does not
// know: another version. Its Dialog is the type.
const WaitsType = "type"

const eventColumns = `id, received_at, waits, conversation, dialog, bytes`

// NewEvents lists up to limit events that were not looked at yet, in the order
// they came.
func (c *Checkpoint) NewEvents(ctx context.Context, limit int) ([]Event, error) {
	return c.events(ctx, `SELECT `+eventColumns+` FROM event WHERE waits = '' ORDER BY id LIMIT ?`, limit)
}

// YoungEvents lists up to limit waiting events that came since a time, after the
// given one.
func (c *Checkpoint) YoungEvents(ctx context.Context, since, after int64, limit int) ([]Event, error) {
	return c.events(ctx, `SELECT `+eventColumns+` FROM event WHERE waits != '' AND waits != 'type' AND id > ? AND received_at >= ? ORDER BY id LIMIT ?`, after, since, limit)
}

// SettledEvents lists up to limit waiting events, after the given one, of which
// something has become known: their conversation was captured or left out, or
// their dialog was named.
func (c *Checkpoint) SettledEvents(ctx context.Context, after int64, limit int) ([]Event, error) {
	return c.events(ctx, `SELECT `+eventColumns+` FROM event e WHERE waits != '' AND waits != 'type' AND id > ? AND (
		conversation IN (SELECT source_id FROM conversation WHERE revision > 0 AND source_id = e.conversation)
		OR conversation IN (SELECT source_id FROM left_out WHERE source_id = e.conversation)
		OR conversation = '' AND (dialog IN (SELECT id FROM dialog WHERE id = e.dialog)
			OR dialog IN (SELECT source_id FROM conversation WHERE revision > 0 AND source_id = e.dialog)
			OR dialog IN (SELECT source_id FROM left_out WHERE source_id = e.dialog)))
		ORDER BY id LIMIT ?`, after, limit)
}

// OverdueEvents lists up to limit waiting events that came before a time.
func (c *Checkpoint) OverdueEvents(ctx context.Context, before int64, limit int) ([]Event, error) {
	return c.events(ctx, `SELECT `+eventColumns+` FROM event WHERE waits != '' AND waits != 'type' AND received_at <= ? ORDER BY id LIMIT ?`, before, limit)
}

// UnknownEvents are the events of one type that this program does not know.
type UnknownEvents struct {
	Type    string
	Events  int64
	FirstAt int64
}

// UnknownEvents counts events of types that this program does not know.
func (c *Checkpoint) UnknownEvents(ctx context.Context) (list []UnknownEvents, err error) {
	err = c.list(ctx, func(s scanner) error {
		var u UnknownEvents
		err := s.Scan(&u.Type, &u.Events, &u.FirstAt)
		list = append(list, u)
		return err
	}, `SELECT dialog, count(*), min(received_at) FROM event WHERE waits = 'type' GROUP BY dialog ORDER BY dialog`)
	return list, err
}

// KeepForType stores an event of a type that this program does not know.
func (tx *Tx) KeepForType(e Event, name string) error {
	return tx.exec(`INSERT INTO event (received_at, waits, dialog, bytes, frame) VALUES (?, 'type', ?, ?, ?)`, e.ReceivedAt, name, e.Bytes, e.Frame)
}

// KnowType lets the events of a type be looked at, which this program has come to know.
func (tx *Tx) KnowType(name string) error {
	return tx.exec(`UPDATE event SET waits = '', dialog = '' WHERE waits = 'type' AND dialog = ?`, name)
}

// EventsOf lists the waiting events of a conversation, in the order they came.
func (c *Checkpoint) EventsOf(ctx context.Context, conversation string, limit int) ([]Event, error) {
	return c.events(ctx, `SELECT `+eventColumns+` FROM event WHERE waits != '' AND conversation = ? ORDER BY id LIMIT ?`, conversation, limit)
}

func (c *Checkpoint) events(ctx context.Context, query string, args ...any) (events []Event, err error) {
	err = c.list(ctx, func(s scanner) error {
		var e Event
		if err := s.Scan(&e.ID, &e.ReceivedAt, &e.Waits, &e.Conversation, &e.Dialog, &e.Bytes); err != nil {
			return err
		}
		events = append(events, e)
		return nil
	}, query, args...)
	return events, err
}

// EventFrame reads the bytes of an event; nil when it is settled meanwhile.
func (c *Checkpoint) EventFrame(ctx context.Context, id int64) (frame []byte, err error) {
	_, err = c.get(ctx, []any{&frame}, `SELECT frame FROM event WHERE id = ?`, id)
	return frame, err
}

// LetWait notes for what an event waits, and of which conversation or dialog it is.
func (tx *Tx) LetWait(e Event) error {
	return tx.exec(`UPDATE event SET waits = ?, conversation = ?, dialog = ? WHERE id = ?`, e.Waits, e.Conversation, e.Dialog, e.ID)
}

// DropEvent removes an event that is settled.
func (tx *Tx) DropEvent(id int64) error { return tx.exec(`DELETE FROM event WHERE id = ?`, id) }

// NameDialog notes of which conversation a dialog is. One that is known as a
// conversation is none of another.
func (tx *Tx) NameDialog(dialog, conversation string) error {
	return tx.exec(`INSERT INTO dialog (id, conversation) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM conversation WHERE source_id = ?)
		ON CONFLICT DO NOTHING`, dialog, conversation, dialog)
}

// ConversationOf tells of which conversation a dialog is, "" when that is not
// known. A main dialog has its conversation's id.
func (tx *Tx) ConversationOf(dialog string) (conversation string, err error) {
	err = tx.row(`SELECT source_id FROM conversation WHERE source_id = ? UNION ALL SELECT source_id FROM left_out WHERE source_id = ?
		UNION ALL SELECT conversation FROM dialog WHERE id = ? LIMIT 1`, dialog, dialog, dialog).Scan(&conversation)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return conversation, err
}

// Unsettled is what became of events that are not settled.
type Unsettled struct {
	Waiting     int64
	OldestAt    int64 // when the oldest of them came, 0: none
	Unconfirmed int64 // conversations with messages that no record has confirmed since the given time
}

// Unsettled counts events that wait, also those that were not looked at yet, and
// what no record has confirmed since a time.
func (c *Checkpoint) Unsettled(ctx context.Context, since int64) (u Unsettled, err error) {
	if _, err = c.get(ctx, []any{&u.Waiting, &u.OldestAt}, `SELECT count(*), coalesce(min(received_at), 0) FROM event WHERE waits != 'type'`); err != nil {
		return u, err
	}
	_, err = c.get(ctx, []any{&u.Unconfirmed}, `SELECT count(*) FROM conversation WHERE unconfirmed_at <= ?`, since)
	return u, err
}
