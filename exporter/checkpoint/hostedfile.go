package checkpoint

import (
	"context"
	"fmt"
)

// States of a file that a message names.
const (
	FileWaiting  = "waiting"  // not fetched yet
	FileDoubtful = "doubtful" // bytes came that may be it, or a page in its place: it is looked at again
	FileKept     = "kept"     // its bytes are in the state
	FileAmong    = "among"    // its bytes are kept; which of the conversation's they are, nobody tells
	FileMissing  = "missing"  // LivePerson has it no more, or never had
)

// HostedFile is a file that a message names. What LivePerson lists of a conversation
// without the name of any message's file has a Link and no Path. What has both is
// looked for in the place of what was kept under Path and is not that file.
type HostedFile struct {
	ID           int64
	Conversation int64
	Path, Link   string
	Dialog       string
	Sender       string // participant
	SentAt       int64
	Label        string // what LivePerson calls its type
	NotedAt      int64
	SoughtAt     int64 // since when LivePerson has answered each time that it is not to be had; 0: it has not
	State        string
	Attempts     int
	NextAt       int64  // next look; 0: none
	Error        string // what was wrong at the last look, "" where it was only not listed yet; of a missing one, the reason
	SHA256       string // lower-case hex; "" until it is kept
	Name, Type   string // of what SHA256 or DoubtSHA256 is of, as Bytes
	Bytes        int64
	Doubt        string // what the bytes may be instead of the file; of a kept one, what archives are told of that; "" where there is no doubt
	DoubtSHA256  string // of the doubtful bytes, while they are neither kept nor replaced
	DoubtAt      int64  // when these were given first
	DoubtFits    bool   // a file of that name may be such a thing
}

// WantFile notes a file that a message names. One that is known stays as it is. It
// is due at once, before those that were noted earlier: what is new is in demand.
func (tx *Tx) WantFile(f HostedFile) error {
	return tx.exec(`INSERT INTO file (conversation, path, link, dialog, sender, sent_at, label, noted_at, state, next_at) VALUES (?, ?, '', ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, f.Conversation, f.Path, f.Dialog, f.Sender, f.SentAt, f.Label, f.NotedAt, FileWaiting, -f.NotedAt)
}

// PutFile stores what came of looking for a file; one that is new (ID 0) is given
// its ID.
func (tx *Tx) PutFile(f *HostedFile) (err error) {
	if f.ID != 0 {
		return tx.exec(`UPDATE file SET link = ?, sought_at = ?, sent_at = ?, state = ?, attempts = ?, next_at = ?, error = ?, sha256 = ?, name = ?, type = ?, bytes = ?,
			doubt = ?, doubt_sha256 = ?, doubt_at = ?, doubt_fits = ? WHERE id = ?`,
			f.Link, null(f.SoughtAt), f.SentAt, f.State, f.Attempts, null(f.NextAt), f.Error, f.SHA256, f.Name, f.Type, f.Bytes,
			f.Doubt, f.DoubtSHA256, null(f.DoubtAt), f.DoubtFits, f.ID)
	}
	f.ID, err = tx.insert(`INSERT INTO file (conversation, path, link, dialog, sender, sent_at, label, noted_at, sought_at, state, attempts, next_at, error, sha256, name, type, bytes,
		doubt, doubt_sha256, doubt_at, doubt_fits) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		f.Conversation, f.Path, f.Link, f.Dialog, f.Sender, f.SentAt, f.Label, f.NotedAt,
		null(f.SoughtAt), f.State, f.Attempts, null(f.NextAt), f.Error, f.SHA256, f.Name, f.Type, f.Bytes, f.Doubt, f.DoubtSHA256, null(f.DoubtAt), f.DoubtFits)
	return err
}

// PutOffFiles puts off the files of a conversation for which WantingFiles lists it.
func (tx *Tx) PutOffFiles(conversation, now, farthest, until int64) error {
	return tx.exec(`UPDATE file SET next_at = ? WHERE conversation = ? AND (next_at <= ? OR next_at > ?)`, until, conversation, now, farthest)
}

// DropFile forgets what no message names and LivePerson lists no more, or is kept now.
func (tx *Tx) DropFile(id int64) error {
	return tx.exec(`DELETE FROM file WHERE id = ? AND path = ''`, id)
}

// Wanting is a conversation with files that are to be looked for.
type Wanting struct {
	Conversation int64
	SourceID     string
	Half         bool // parts of a revision lie there that is not complete
}

// WantingFiles lists up to limit conversations with files whose next look has come,
// or is put off to a time after farthest, as the clock was wrong; those first that
// have waited longest. One of which nothing is captured yet is not among them.
func (c *Checkpoint) WantingFiles(ctx context.Context, now, farthest int64, limit int) (list []Wanting, err error) {
	listed := map[int64]bool{}
	each := func(s scanner) error {
		var w Wanting
		if err := s.Scan(&w.Conversation, &w.SourceID, &w.Half); err != nil {
			return err
		}
		if !listed[w.Conversation] {
			listed[w.Conversation] = true
			list = append(list, w)
		}
		return nil
	}
	if err := c.list(ctx, each, fmt.Sprintf(wantingFiles, "<="), now, limit); err != nil || len(list) > 0 {
		return list, err
	}
	err = c.list(ctx, each, fmt.Sprintf(wantingFiles, ">"), farthest, limit)
	return list, err
}

// wantingFiles goes through files in the order of their index, so that only what is
// listed is read, of millions.
const wantingFiles = `SELECT f.conversation, v.source_id, EXISTS (SELECT 1 FROM record r WHERE r.conversation = v.id AND r.revision > v.revision)
	FROM file f CROSS JOIN conversation v ON v.id = f.conversation WHERE f.next_at %s ? AND v.revision > 0
	GROUP BY f.next_at, f.conversation ORDER BY f.next_at, f.conversation LIMIT ?`

// hostedFile is what readHostedFile reads of a file.
const hostedFile = `id, conversation, path, link, dialog, sender, sent_at, label, noted_at, coalesce(sought_at, 0), state, attempts, coalesce(next_at, 0),
	error, sha256, name, type, bytes, doubt, doubt_sha256, coalesce(doubt_at, 0), doubt_fits`

func readHostedFile(s scanner, more ...any) (f HostedFile, err error) {
	err = s.Scan(append([]any{&f.ID, &f.Conversation, &f.Path, &f.Link, &f.Dialog, &f.Sender, &f.SentAt, &f.Label, &f.NotedAt, &f.SoughtAt, &f.State, &f.Attempts,
		&f.NextAt, &f.Error, &f.SHA256, &f.Name, &f.Type, &f.Bytes, &f.Doubt, &f.DoubtSHA256, &f.DoubtAt, &f.DoubtFits}, more...)...)
	return f, err
}

// FilesOf lists all files of a conversation, in the order they were noted.
func (c *Checkpoint) FilesOf(ctx context.Context, conversation int64) (list []HostedFile, err error) {
	err = c.list(ctx, func(s scanner) error {
		f, err := readHostedFile(s)
		list = append(list, f)
		return err
	}, `SELECT `+hostedFile+` FROM file WHERE conversation = ? ORDER BY id`, conversation)
	return list, err
}

// Refusal is when, and with which words, LivePerson refused last to give files to this
// login. At is 0 while it does not.
type Refusal struct {
	At       int64
	Why      string
	Off      bool  // not the login is refused: the account has no file service
	AbsentAt int64 // since when the service has answered each time that it does not exist; 0: it does
}

// FilesRefused reads whether files are refused.
func (c *Checkpoint) FilesRefused(ctx context.Context) (r Refusal, err error) {
	_, err = c.get(ctx, []any{&r.At, &r.Why, &r.Off, &r.AbsentAt}, `SELECT coalesce(files_refused_at, 0), files_refused, files_off, coalesce(files_absent_at, 0) FROM account`)
	return r, err
}

// RefuseFiles stores that files are refused, or with the zero value that they are not.
func (tx *Tx) RefuseFiles(r Refusal) error {
	return tx.exec(`UPDATE account SET files_refused_at = ?, files_refused = ?, files_off = ?, files_absent_at = ?`, null(r.At), r.Why, r.Off, null(r.AbsentAt))
}

// KeptFiles calls each for the hash and the size of everything that is kept, once.
func (c *Checkpoint) KeptFiles(ctx context.Context, each func(sha256 string, bytes int64) error) error {
	return c.list(ctx, func(s scanner) error {
		var sha256 string
		var bytes int64
		if err := s.Scan(&sha256, &bytes); err != nil {
			return err
		}
		return each(sha256, bytes)
	}, `SELECT sha256, max(bytes) FROM file WHERE state = ? GROUP BY sha256 ORDER BY sha256`, FileKept)
}

// FetchAgain lets files be looked for whose bytes are kept no more.
func (tx *Tx) FetchAgain(sha256 string) error {
	return tx.exec(`UPDATE file SET state = ?, attempts = 0, next_at = 0 WHERE sha256 = ? AND state = ?`, FileWaiting, sha256, FileKept)
}

// Files counts the files that messages name.
type Files struct {
	Waiting  int64
	Overdue  int64  // of those: noted before the given time, or something was wrong
	Wrong    string // what was, most often; "" nothing
	OldestAt int64  // when the first of them was noted; 0: none waits
	Doubtful int64
	Kept     int64 // with those whose message is not known
	Missing  int64
	Bytes    int64 // of those kept
}

// Files counts files by their state.
func (c *Checkpoint) Files(ctx context.Context, before int64) (n Files, err error) {
	if _, err := c.get(ctx, []any{&n.Overdue}, `SELECT (SELECT count(*) FROM file WHERE state = 'waiting' AND noted_at <= ?)
		+ (SELECT count(*) FROM file WHERE state = 'waiting' AND error != '' AND noted_at > ?)`, before, before); err != nil {
		return n, err
	}
	if _, err := c.get(ctx, []any{&n.Wrong}, `SELECT error FROM file WHERE state = 'waiting' AND error != '' GROUP BY error ORDER BY count(*) DESC, error LIMIT 1`); err != nil {
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
		case FileDoubtful:
			n.Doubtful = files
		case FileKept:
			n.Kept, n.Bytes = files, bytes
		case FileMissing:
			n.Missing = files
		}
		return nil
	}, `SELECT state, count(*), min(noted_at), sum(bytes) FROM file GROUP BY state`)
	return n, err
}
