package checkpoint

import "context"

// States of a file that a message names.
const (
	FileWaiting = "waiting" // not fetched yet
	FileKept    = "kept"    // its bytes are in the state
	FileAmong   = "among"   // its bytes are kept; which of the conversation's they are, nobody tells
	FileMissing = "missing" // LivePerson has it no more, or never had
)

// HostedFile is a file that a message names. One that was found in a conversation and
// bears no message's name has a Link and no Path; with neither it stands for what is
// listed without a name and not fetched yet.
type HostedFile struct {
	ID           int64
	Conversation int64
	Path, Link   string
	Dialog       string
	Sender       string // participant
	SentAt       int64
	Label        string // what LivePerson calls its type
	NotedAt      int64
	State        string
	Attempts     int
	NextAt       int64  // next look; 0: none
	Error        string // what was wrong at the last look, "" where it was only not listed yet; of a missing one, the reason
	SHA256       string // lower-case hex; "" until it is kept
	Name, Type   string
	Bytes        int64
}

// WantFile notes a file that a message names. One that is known stays as it is.
func (tx *Tx) WantFile(f HostedFile) error {
	return tx.exec(`INSERT INTO file (conversation, path, link, dialog, sender, sent_at, label, noted_at, state, next_at) VALUES (?, ?, '', ?, ?, ?, ?, ?, ?, 0)
		ON CONFLICT DO NOTHING`, f.Conversation, f.Path, f.Dialog, f.Sender, f.SentAt, f.Label, f.NotedAt, FileWaiting)
}

// PutFile stores what came of looking for a file; one that is new (ID 0) is given
// its ID.
func (tx *Tx) PutFile(f *HostedFile) (err error) {
	if f.ID != 0 {
		return tx.exec(`UPDATE file SET noted_at = ?, state = ?, attempts = ?, next_at = ?, error = ?, sha256 = ?, name = ?, type = ?, bytes = ? WHERE id = ?`,
			f.NotedAt, f.State, f.Attempts, null(f.NextAt), f.Error, f.SHA256, f.Name, f.Type, f.Bytes, f.ID)
	}
	f.ID, err = tx.insert(`INSERT INTO file (conversation, path, link, dialog, sender, sent_at, label, noted_at, state, attempts, next_at, error, sha256, name, type, bytes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, f.Conversation, f.Path, f.Link, f.Dialog, f.Sender, f.SentAt, f.Label, f.NotedAt,
		f.State, f.Attempts, null(f.NextAt), f.Error, f.SHA256, f.Name, f.Type, f.Bytes)
	return err
}

// Wanting is a conversation with files that are to be looked for.
type Wanting struct {
	Conversation int64
	SourceID     string
}

// WantingFiles lists up to limit conversations with files whose next look has
// come, those first that have waited longest.
func (c *Checkpoint) WantingFiles(ctx context.Context, now int64, limit int) (list []Wanting, err error) {
	err = c.list(ctx, func(s scanner) error {
		var w Wanting
		if err := s.Scan(&w.Conversation, &w.SourceID); err != nil {
			return err
		}
		list = append(list, w)
		return nil
	}, `SELECT f.conversation, v.source_id FROM file f JOIN conversation v ON v.id = f.conversation
		WHERE f.next_at <= ? GROUP BY f.conversation ORDER BY min(f.next_at), f.conversation LIMIT ?`, now, limit)
	return list, err
}

// FilesOf lists all files of a conversation, in the order they were noted.
func (c *Checkpoint) FilesOf(ctx context.Context, conversation int64) (list []HostedFile, err error) {
	err = c.list(ctx, func(s scanner) error {
		var f HostedFile
		if err := s.Scan(&f.ID, &f.Conversation, &f.Path, &f.Link, &f.Dialog, &f.Sender, &f.SentAt, &f.Label, &f.NotedAt, &f.State, &f.Attempts, &f.NextAt,
			&f.Error, &f.SHA256, &f.Name, &f.Type, &f.Bytes); err != nil {
			return err
		}
		list = append(list, f)
		return nil
	}, `SELECT id, conversation, path, link, dialog, sender, sent_at, label, noted_at, state, attempts, coalesce(next_at, 0),
		error, sha256, name, type, bytes FROM file WHERE conversation = ? ORDER BY id`, conversation)
	return list, err
}

// Refusal is since when, and with which words, LivePerson refuses to give files
// to this login. At is 0 while it does not.
type Refusal struct {
	At  int64
	Why string
}

// FilesRefused reads whether files are refused.
func (c *Checkpoint) FilesRefused(ctx context.Context) (r Refusal, err error) {
	_, err = c.get(ctx, []any{&r.At, &r.Why}, `SELECT coalesce(files_refused_at, 0), files_refused FROM account`)
	return r, err
}

// RefuseFiles stores that files are refused, or with the zero value that they are not.
func (tx *Tx) RefuseFiles(r Refusal) error {
	return tx.exec(`UPDATE account SET files_refused_at = ?, files_refused = ?`, null(r.At), r.Why)
}

// Files counts the files that messages name.
type Files struct {
	Waiting  int64
	Overdue  int64 // of those: noted before the given time, or something was wrong
	OldestAt int64 // when the first of them was noted; 0: none waits
	Kept     int64 // with those whose message is not known
	Missing  int64
	Bytes    int64 // of those kept
}

// Files counts files by their state.
func (c *Checkpoint) Files(ctx context.Context, before int64) (n Files, err error) {
	if _, err := c.get(ctx, []any{&n.Overdue}, `SELECT count(*) FROM file WHERE state = ? AND (noted_at <= ? OR error != '')`, FileWaiting, before); err != nil {
		return n, err
	}
	err = c.list(ctx, func(s scanner) error {
		var state string
		var files, oldest, bytes int64
		if err := s.Scan(&state, &files, &oldest, &bytes); err != nil {
			return err
		}
		switch state {
		case FileWaiting:
			n.Waiting, n.OldestAt = files, oldest
		case FileKept:
			n.Kept, n.Bytes = files, bytes
		case FileMissing:
			n.Missing = files
		}
		return nil
	}, `SELECT state, count(*), min(noted_at), sum(bytes) FROM file GROUP BY state`)
	return n, err
}
