package checkpoint

import (
	"context"
	"strings"
)

// List is a query for things of one kind, which are gone through in pages: by keyset,
// so that a page costs the same wherever it is, and none holds more than its limit.
type List struct {
	keys string // columns of one or two integers that order it and are never equal; the last of two is an id
	row  string // columns: ID, Of, Why, Since, Next, N
	from string // with its condition
}

// Listed is one of the things that a List goes through. What the fields mean is said
// at the list; 0 and "" are what it does not have.
type Listed struct {
	Key         [2]int64 // its place
	ID, Of, Why string
	Since, Next int64
	N           int64
}

// Lists of the state.
var (
	// By the next look; Why is the status, Since the start.
	ListOpen = List{`reread_at, id`, `source_id, '', status, coalesce(started_at, 0), reread_at, survey_open`, `conversation WHERE reread_at IS NOT NULL AND revision > 0 AND (closed_at IS NULL OR survey_open)`}
	// Since is when its record was cut short first, Next the next look by id.
	ListCut = List{`id`, `source_id, '', '', cut_at, coalesce(reread_at, 0), revision`, `conversation WHERE cut_at IS NOT NULL`}
	// Since is when a look by id failed first, Why the error of the last one, Next the next.
	ListFailedLooks = List{`id`, `source_id, '', failed_with, failed_at, coalesce(reread_at, 0), revision`, `conversation WHERE failed_at IS NOT NULL`}
	// Those that no record has confirmed since the argument. Since is when they began to wait, N the start.
	ListUnconfirmed = List{`unconfirmed_at, id`, `source_id, '', '', unconfirmed_at, coalesce(reread_at, 0), coalesce(started_at, 0)`, `conversation WHERE unconfirmed_at <= ?`}
	// All that something is captured of. N is the revision.
	ListConversations = List{`id`, `source_id, '', status, coalesce(started_at, 0), coalesce(reread_at, 0), revision`, `conversation WHERE revision > 0`}
	// Of is the kind, Why the reason, N the number by which it is shown.
	ListQuarantine = List{`q.id`, `q.source_id, q.kind, q.reason, q.created_at, 0, q.id`, `quarantine q WHERE q.resolved_at IS NULL`}
	// Of is the kind, Why the decision's reason, Since its time, N the number that it had.
	ListDismissed = List{`q.id`, `q.source_id, q.kind, x.reason, x.at, 0, q.id`, `quarantine q JOIN decision x ON x.id = q.decision WHERE q.id > 0`}
	// Of are its skills as JSON.
	ListLeftOut = List{`id`, `source_id, skills, reason, first_at, 0, 0`, `left_out WHERE id > 0`}
	// Of is its conversation, else its dialog; Why what it waits for.
	ListEvents = List{`id`, `id, CASE conversation WHEN '' THEN dialog ELSE conversation END, waits, received_at, 0, conversation = ''`, `event WHERE waits != 'type'`}
	// Files in the state that the argument names. ID is the path, else the link; Of the conversation, Why a doubt, an error or a name.
	ListFiles = List{`f.noted_at, f.id`, `CASE f.path WHEN '' THEN f.link ELSE f.path END, v.source_id, CASE WHEN f.doubt != '' THEN f.doubt WHEN f.error != '' THEN f.error ELSE f.name END, f.noted_at, coalesce(f.next_at, 0), f.attempts`,
		`file f JOIN conversation v ON v.id = f.conversation WHERE f.state = ?`}
	// Since and Next are the period, as it was asked for; N is how many windows are open.
	ListBackfills = List{`b.id`, `b.id, '', '', b.from_at, b.asked_to, (SELECT count(*) FROM window w WHERE w.backfill = b.id AND w.done_at IS NULL)`, `backfill b WHERE b.done_at IS NULL`}
	// Open windows. Since and Next are the window, Why its filter; Of is the backfill.
	ListWindows = List{`w.id`, `w.id, w.backfill, w.filter, w.from_at, w.to_at, w.conversations`, `window w JOIN backfill b ON b.id = w.backfill WHERE w.done_at IS NULL AND b.done_at IS NULL`}

	// The argument of the following is the destination. That an item is not gone is said
	// for the index, which holds only such.

	// Conversations to be cut. N is the revision.
	ListDue = List{`d.conversation`, `v.source_id, '', '', d.since, 0, d.revision`, `due d JOIN conversation v ON v.id = d.conversation WHERE d.destination = ?`}
	// Bundles that it has not taken. ID is the path, Why the state.
	ListBundles = List{`serial`, `path, '', state, created_at, 0, slices`, `bundle WHERE destination = ? AND state != 'delivered' AND state != 'preparing'`}
	// Conversations with something due, or in a bundle that it has not taken. It takes the destination twice.
	ListUndelivered = List{`v.id`, `v.source_id, '', v.status, coalesce(v.started_at, 0), 0, v.revision`, `conversation v WHERE v.id IN (
		SELECT conversation FROM due WHERE destination = ?
		UNION SELECT o.id FROM bundle b JOIN slice s ON s.bundle = b.id JOIN line l ON l.id = s.line JOIN conversation o ON o.source_id = l.conversation
			WHERE b.destination = ? AND b.state != 'delivered' AND b.state != 'preparing')`}
	// Conversations that could not be cut. Why is the reason, N the number by which it is shown.
	ListHeld = List{`q.id`, `q.source_id, '', q.reason, q.created_at, 0, q.id`, `quarantine q WHERE q.kind = 'conversation' AND q.destination = ? AND q.resolved_at IS NULL`}
	// Conversations with messages that are withheld from it: N since they are private, Next since nobody has said for whom they are.
	ListWithheld = List{`g.conversation`, `v.source_id, '', '', coalesce(v.started_at, 0), g.unsaid, g.private`,
		`given g JOIN conversation v ON v.id = g.conversation WHERE g.destination = ? AND g.private + g.unsaid > 0`}
	// Items that were tried in vain. ID is the path of the bundle, Of the file, N the attempts.
	ListFailed = List{`i.id`, itemRow, `bundle b JOIN item i ON i.bundle = b.id
		WHERE b.destination = ? AND b.state != 'delivered' AND b.state = 'rendered' AND i.state IN ('waiting', 'sending') AND i.attempts > 0`}
	// Items that wait for a person, as ListFailed.
	ListRejected = List{`i.id`, itemRow, `bundle b CROSS JOIN item i ON i.bundle = b.id WHERE b.destination = ? AND i.state = 'rejected' AND i.state != 'gone'`}
	// Ends of which nobody knows whether the item was taken, as ListFailed.
	ListUncertain = List{`r.id`, `b.path, i.file, i.state, r.at, 0, i.attempts`, `receipt r CROSS JOIN item i ON i.id = r.item JOIN bundle b ON b.id = i.bundle
		WHERE r.kind = 'uncertain' AND b.destination = ?`}
	// What was found changed or missing, as path, kind and detail.
	ListFound = List{`f.id`, `f.path, f.kind, f.detail, f.found_at, 0, 0`, `finding f WHERE f.destination = ? AND f.state = 'open'`}
	// Files that lie in its flat folder since before the second argument, as ListFailed.
	ListLeft = List{`i.id`, `b.path, i.file, i.state, i.taken_at, 0, i.attempts`, `bundle b CROSS JOIN item i ON i.bundle = b.id
		WHERE b.destination = ? AND i.state = 'taken' AND i.state != 'gone' AND i.file != '' AND i.taken_at < ?`}
)

const itemRow = `b.path, i.file, i.state, b.created_at, i.next_at, i.attempts`

// List reads up to limit things behind a place; the zero place is before the first.
func (c *Checkpoint) List(ctx context.Context, l List, after [2]int64, limit int, args ...any) (list []Listed, err error) {
	keys, behind := `0, `+l.keys, l.keys+` > ?`
	places := []any{after[1]}
	if strings.Contains(l.keys, `,`) {
		keys, behind, places = l.keys, `(`+l.keys+`) > (?, ?)`, []any{after[0], after[1]}
	}
	err = c.list(ctx, func(s scanner) error {
		var one Listed
		if err := s.Scan(&one.Key[0], &one.Key[1], &one.ID, &one.Of, &one.Why, &one.Since, &one.Next, &one.N); err != nil {
			return err
		}
		list = append(list, one)
		return nil
	}, `SELECT `+keys+`, `+l.row+` FROM `+l.from+` AND `+behind+` ORDER BY `+l.keys+` LIMIT ?`, append(append(args, places...), limit)...)
	return list, err
}

// Count counts what a List goes through.
func (c *Checkpoint) Count(ctx context.Context, l List, args ...any) (n int, err error) {
	_, err = c.get(ctx, []any{&n}, `SELECT count(*) FROM `+l.from, args...)
	return n, err
}

// UnknownType is a type of messages that this program does not know.
type UnknownType struct {
	Type     string
	Messages int64
	FirstAt  int64
}

// UnknownTypes lists the types of messages that this program does not know.
func (c *Checkpoint) UnknownTypes(ctx context.Context) (list []UnknownType, err error) {
	err = c.list(ctx, func(s scanner) error {
		var t UnknownType
		err := s.Scan(&t.Type, &t.Messages, &t.FirstAt)
		list = append(list, t)
		return err
	}, `SELECT type, messages, first_at FROM unknown_type ORDER BY type`)
	return list, err
}
