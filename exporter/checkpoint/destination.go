package checkpoint

import (
	"context"
	"database/sql"
	"errors"
)

// Destination is what is kept of a configured destination. Its name is its identity.
type Destination struct {
	ID             int64
	Name, Archive  string
	Origin         string
	Serial         int    // of the last bundle cut
	PreviousBundle string // the last bundle rendered: name, hash of its manifest, path
	PreviousSHA256 string
	PreviousPath   string
	FromAt         int64  // entries older than this are not for it
	Retired        bool   // nothing more is for it
	Target         string // where it was when it was used last, or accepted; "" before that
	GivenUp        int    // bundles up to this serial may be gone from there
	Stands         string // what its flat folder is known by; "" where nothing is
	Halted         string // why it stands still; "" it does not
	Remedy         string // of that, in words that end in a command; "" none is known
	Trouble        Trouble
	Sizes          Sizes
}

// Trouble is how a destination fails; zero while it does not.
type Trouble struct {
	Attempts int // in vain, since something was taken last
	Since    int64
	NextAt   int64 // not tried again before
	Error    string
}

const destinationColumns = `id, name, archive, origin, serial, previous_bundle, previous_sha256, previous_path, coalesce(from_at, 0),
	retired_at IS NOT NULL, target, given_up, stands, halted, remedy, attempts, failing_since, next_at, error, size_said, size_learned`

func scanDestination(s scanner, d *Destination) error {
	return s.Scan(&d.ID, &d.Name, &d.Archive, &d.Origin, &d.Serial, &d.PreviousBundle, &d.PreviousSHA256, &d.PreviousPath, &d.FromAt,
		&d.Retired, &d.Target, &d.GivenUp, &d.Stands, &d.Halted, &d.Remedy, &d.Trouble.Attempts, &d.Trouble.Since, &d.Trouble.NextAt, &d.Trouble.Error,
		&d.Sizes.Said, &d.Sizes.Learned)
}

// Destination reads a destination by name; found is false before it is registered.
func (c *Checkpoint) Destination(ctx context.Context, name string) (d Destination, found bool, err error) {
	err = c.list(ctx, func(s scanner) error { found = true; return scanDestination(s, &d) },
		`SELECT `+destinationColumns+` FROM destination WHERE name = ?`, name)
	return d, found, err
}

// Destinations lists all that were ever registered, in that order.
func (c *Checkpoint) Destinations(ctx context.Context) (list []Destination, err error) {
	err = c.list(ctx, func(s scanner) error {
		var d Destination
		if err := scanDestination(s, &d); err != nil {
			return err
		}
		list = append(list, d)
		return nil
	}, `SELECT `+destinationColumns+` FROM destination ORDER BY id`)
	return list, err
}

// From says what a destination that is registered now is given.
type From int

const (
	FromAll  From = iota // everything captured so far and later
	FromNew              // what is captured from now on
	FromDate             // entries of that time or later
)

// Register makes a destination known and due what it is to be given of what
// has been captured already. The checkpoint's origin becomes its origin.
func (tx *Tx) Register(name, archive string, from From, fromAt, now int64) error {
	// Another process may have been faster.
	var known int
	if err := tx.row(`SELECT count(*) FROM destination WHERE name = ?`, name).Scan(&known); err != nil || known > 0 {
		return err
	}
	givenFrom := fromAt
	if from == FromNew {
		givenFrom = now
	}
	id, err := tx.insert(`INSERT INTO destination (name, archive, origin, from_at, given_from, registered_at) VALUES (?, ?, ?, ?, ?, ?)`,
		name, archive, tx.c.origin, null(fromAt), null(givenFrom), now)
	if err != nil {
		return err
	}
	if from == FromNew {
		return tx.exec(`INSERT INTO given (destination, conversation, revision, floor, slices, newest_at, revisions)
			SELECT ?, id, revision, revision, 0, 0, x'' FROM conversation WHERE revision > 0`, id)
	}
	return tx.exec(`INSERT INTO due (destination, conversation, revision, oldest_at, since)
		SELECT ?, id, revision, max(coalesce(started_at, 0), ?), ? FROM conversation
		WHERE revision > 0 AND coalesce(entry_at, 0) >= ?`, id, fromAt, now, fromAt)
}

// Halt stores why a destination stands still, and what to do about it; "" lets it go on.
func (tx *Tx) Halt(destination int64, why, remedy string) error {
	return tx.exec(`UPDATE destination SET halted = ?, remedy = ? WHERE id = ?`, why, remedy, destination)
}

// SetTarget stores where a destination is.
func (tx *Tx) SetTarget(destination int64, target string) error {
	return tx.exec(`UPDATE destination SET target = ? WHERE id = ?`, target, destination)
}

// SetTrouble stores how a destination fails; the zero value: it does not.
func (tx *Tx) SetTrouble(destination int64, t Trouble) error {
	return tx.exec(`UPDATE destination SET attempts = ?, failing_since = ?, next_at = ?, error = ? WHERE id = ?`,
		t.Attempts, t.Since, t.NextAt, t.Error, destination)
}

// Retire ends a destination: what was due for it is due no more. What was cut
// for it stays.
func (tx *Tx) Retire(destination, now int64) error {
	if err := tx.exec(`UPDATE destination SET retired_at = ? WHERE id = ? AND retired_at IS NULL`, now, destination); err != nil {
		return err
	}
	return tx.exec(`DELETE FROM due WHERE destination = ?`, destination)
}

// Cutting says which due conversations are ready to be cut.
type Cutting struct {
	Destination int64
	ClosedOnly  bool  // closed ones, and open ones with entries older than OpenBefore
	OpenBefore  int64 // with ClosedOnly
	SurveyUntil int64 // closed before this counts as closed in spite of an open survey
	Recorded    bool  // not what is known by events alone
	FilesNoted  int64 // not with a file noted after this that nobody has looked for yet …
	FilesUntil  int64 // … and not after this, as the clock was wrong; 0: files are not waited for
	Unheld      bool  // not what waits for a person because it could not be cut
}

func (q Cutting) where() (string, []any) {
	where, args := `WHERE destination = ?`, []any{q.Destination}
	if q.ClosedOnly {
		where += ` AND (oldest_at <= ? OR closed_at IS NOT NULL AND (NOT survey_open OR closed_at <= ?))`
		args = append(args, q.OpenBefore, q.SurveyUntil)
	}
	if q.Recorded {
		where += ` AND v.recorded > 0`
	}
	if q.FilesUntil != 0 { // by conversation, not by the index of states: as many files may wait as conversations are due
		where += ` AND NOT EXISTS (SELECT 1 FROM file f WHERE f.conversation = due.conversation
			AND +f.state = 'waiting' AND f.attempts = 0 AND +f.noted_at > ? AND +f.noted_at <= ?)`
		args = append(args, q.FilesNoted, q.FilesUntil)
	}
	if q.Unheld {
		where += ` AND NOT EXISTS (SELECT 1 FROM quarantine h WHERE h.kind = 'conversation' AND h.destination = due.destination
			AND h.source_id = v.source_id AND h.resolved_at IS NULL)`
	}
	if q.ClosedOnly || q.Recorded || q.Unheld {
		where = `JOIN conversation v ON v.id = due.conversation ` + where
	}
	return where, args
}

// Due is a conversation with something for a destination.
type Due struct {
	Conversation int64
	Revision     int
}

// ReadyToCut lists up to limit conversations that are due and ready, in order
// of capture.
func (c *Checkpoint) ReadyToCut(ctx context.Context, q Cutting, limit int) (due []Due, err error) {
	where, args := q.where()
	err = c.list(ctx, func(s scanner) error {
		var d Due
		if err := s.Scan(&d.Conversation, &d.Revision); err != nil {
			return err
		}
		due = append(due, d)
		return nil
	}, `SELECT due.conversation, due.revision FROM due `+where+` ORDER BY due.conversation LIMIT ?`,
		append(args, limit)...)
	return due, err
}

// CountReady counts what is ready to be cut, and tells since when the first waits.
func (c *Checkpoint) CountReady(ctx context.Context, q Cutting) (n int, since int64, err error) {
	where, args := q.where()
	_, err = c.get(ctx, []any{&n, &since}, `SELECT count(*), coalesce(min(since), 0) FROM due `+where, args...)
	return n, since, err
}

// Given is what a destination has been given of a conversation before.
type Given struct {
	Revision  int // everything up to it …
	Floor     int // … but for what came up to this one: it was captured before the destination began
	Slices    int
	NewestAt  int64  // newest entry given
	Revisions []byte // under which slices were cut: the caller's own encoding
	Withheld  []byte // what was not, as it is private: the caller's own encoding
	Private   int    // messages that are withheld since they are for agents only
	Unsaid    int    // and those that nobody has said to be for all
}

// Owed is a due conversation, and what the destination has been given of it.
type Owed struct {
	Conversation Conversation
	Given        Given
	Draft        Line // of the first slice, without its bytes; ID 0 when there is none
}

// Owed reads a due conversation with what its destination has been given of it.
func (c *Checkpoint) Owed(ctx context.Context, destination, conversation int64) (o Owed, found bool, err error) {
	v, g, l := &o.Conversation, &o.Given, &o.Draft
	found, err = c.get(ctx, []any{&v.ID, &v.SourceID, &v.Revision, &v.Recorded, &v.Status, &v.StartedAt, &v.ClosedAt, &v.SurveyOpen, &v.Partial,
		&v.EntryAt, &v.RereadAt, &v.Seen, &g.Revision, &g.Floor, &g.Slices, &g.NewestAt, &g.Revisions, &g.Withheld, &g.Private, &g.Unsaid, &l.ID, &l.Draft, &l.Messages, &l.NewestAt, &l.Bytes},
		`SELECT v.id, v.source_id, v.revision, v.recorded, v.status, coalesce(v.started_at, 0), coalesce(v.closed_at, 0), v.survey_open, v.partial,
		coalesce(v.entry_at, 0), coalesce(v.reread_at, 0), v.seen, coalesce(g.revision, 0), coalesce(g.floor, 0), coalesce(g.slices, 0),
		coalesce(g.newest_at, 0), coalesce(g.revisions, x''), coalesce(g.withheld, x''), coalesce(g.private, 0), coalesce(g.unsaid, 0), coalesce(l.id, 0), coalesce(l.draft, 0), coalesce(l.messages, 0), coalesce(l.newest_at, 0), coalesce(l.bytes, 0)
		FROM conversation v LEFT JOIN given g ON g.destination = ? AND g.conversation = v.id LEFT JOIN line l ON l.id = v.draft WHERE v.id = ?`, destination, conversation)
	return o, found, err
}

// PutGiven stores what a destination has now been given, and takes the
// conversation off its due list if nothing newer has come in between.
func (tx *Tx) PutGiven(destination, conversation int64, g Given) error {
	if err := tx.exec(`INSERT OR REPLACE INTO given (destination, conversation, revision, floor, slices, newest_at, revisions, withheld, private, unsaid)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, destination, conversation, g.Revision, g.Floor, g.Slices, g.NewestAt, notNull(g.Revisions),
		notNull(g.Withheld), g.Private, g.Unsaid); err != nil {
		return err
	}
	return tx.exec(`DELETE FROM due WHERE destination = ? AND conversation = ? AND revision <= ?`, destination, conversation, g.Revision)
}

// Held is what an archive held of a conversation when it was recovered from.
type Held struct {
	SourceID string
	Revision int // highest
	Slices   int
	NewestAt int64
	Names    []byte // in the form of Conversation.Seen
}

// Held reads what the archive held of a conversation; found is false when nothing.
func (c *Checkpoint) Held(ctx context.Context, destination int64, sourceID string) (h Held, found bool, err error) {
	h.SourceID = sourceID
	found, err = c.get(ctx, []any{&h.Revision, &h.Slices, &h.NewestAt, &h.Names},
		`SELECT revision, slices, newest_at, names FROM held WHERE destination = ? AND source_id = ?`, destination, sourceID)
	return h, found, err
}

// HeldRevision is the highest revision of a conversation that any archive held
// when it was recovered from, 0 when none did.
func (tx *Tx) HeldRevision(sourceID string) (revision int, err error) {
	err = tx.row(`SELECT coalesce(max(revision), 0) FROM held WHERE source_id = ?`, sourceID).Scan(&revision)
	return revision, err
}

// AnyHeld tells whether any destination has been recovered.
func (c *Checkpoint) AnyHeld(ctx context.Context) (held bool, err error) {
	_, err = c.get(ctx, []any{&held}, `SELECT EXISTS (SELECT 1 FROM held)`)
	return held, err
}

// Recovery is what an archive says of itself, its last bundle's words.
type Recovery struct {
	Origin, Bundle, ManifestSHA256, Path string
	Serial                               int
}

// BeginRecovery forgets what this checkpoint believed the destination to hold:
// bundles cut for it, what it was given, and what an earlier recovery found.
// Bundles that the archive holds (up to r.Serial) are not delivered again.
// What is captured becomes due again, to be compared with PutHeld's.
func (tx *Tx) BeginRecovery(destination int64, r Recovery, now int64) (withdrawn int64, err error) {
	if err := tx.row(`SELECT count(*) FROM bundle WHERE destination = ? AND serial > ? AND state != 'preparing'`, destination, r.Serial).Scan(&withdrawn); err != nil {
		return 0, err
	}
	if err := tx.dropSlices(`SELECT id FROM bundle WHERE destination = ?`, destination); err != nil {
		return 0, err
	}
	for _, q := range []string{
		`DELETE FROM refusal WHERE destination = ?`,
		`DELETE FROM receipt WHERE item IN (SELECT i.id FROM item i JOIN bundle b ON b.id = i.bundle WHERE b.destination = ?)`,
		`DELETE FROM item WHERE bundle IN (SELECT id FROM bundle WHERE destination = ?)`,
		`DELETE FROM quarantine WHERE kind = 'item' AND destination = ? AND decision IS NULL`,
		`DELETE FROM bundle WHERE destination = ?`,
		`DELETE FROM held WHERE destination = ?`,
		`DELETE FROM given WHERE destination = ? AND floor = 0`,
		`UPDATE given SET revision = floor, slices = 0, newest_at = 0, revisions = x'', withheld = x'', private = 0, unsaid = 0 WHERE destination = ?`,
		`DELETE FROM due WHERE destination = ?`,
	} {
		if err := tx.exec(q, destination); err != nil {
			return 0, err
		}
	}
	if err := tx.exec(`UPDATE destination SET origin = ?, serial = ?, previous_bundle = ?, previous_sha256 = ?, previous_path = ?, halted = '', remedy = '',
		given_up = CASE WHEN given_up < ? THEN given_up ELSE 0 END, attempts = 0, failing_since = 0, next_at = 0, error = '' WHERE id = ?`,
		r.Origin, r.Serial, r.Bundle, r.ManifestSHA256, r.Path, r.Serial, destination); err != nil {
		return 0, err
	}
	return withdrawn, tx.exec(`INSERT INTO due (destination, conversation, revision, oldest_at, since)
		SELECT d.id, v.id, v.revision, max(coalesce(v.started_at, 0), coalesce(d.from_at, 0)), ? FROM destination d, conversation v
		WHERE d.id = ? AND v.revision > 0 AND coalesce(v.entry_at, 0) >= coalesce(d.from_at, 0)`, now, destination)
}

// Held reads what PutHeld stored; zero when nothing.
func (tx *Tx) Held(destination int64, sourceID string) (Held, error) {
	h := Held{SourceID: sourceID}
	err := tx.row(`SELECT revision, slices, newest_at, names FROM held WHERE destination = ? AND source_id = ?`, destination, sourceID).
		Scan(&h.Revision, &h.Slices, &h.NewestAt, &h.Names)
	if errors.Is(err, sql.ErrNoRows) {
		return h, nil
	}
	return h, err
}

// CountHeld counts the conversations of which the archive holds something.
func (tx *Tx) CountHeld(destination int64) (n int, err error) {
	err = tx.row(`SELECT count(*) FROM held WHERE destination = ?`, destination).Scan(&n)
	return n, err
}

// PutHeld stores what the archive holds of one conversation, in the place of
// what was stored before.
func (tx *Tx) PutHeld(destination int64, h Held) error {
	return tx.exec(`INSERT OR REPLACE INTO held (destination, source_id, revision, slices, newest_at, names) VALUES (?, ?, ?, ?, ?, ?)`,
		destination, h.SourceID, h.Revision, h.Slices, h.NewestAt, h.Names)
}

// AdoptBundle notes a bundle that the archive holds, so that it is known here.
func (tx *Tx) AdoptBundle(destination int64, serial int, path, manifestSHA256 string, now int64) error {
	return tx.exec(`INSERT INTO bundle (destination, serial, path, head, state, created_at, manifest_sha256, delivered_at)
		VALUES (?, ?, ?, x'', ?, ?, ?, ?)`, destination, serial, path, Delivered, now, manifestSHA256, now)
}

// ErrSerialTaken means that another process has cut for the destination.
var ErrSerialTaken = errors.New("the destination's next serial has been taken by another process")
