package checkpoint

import "context"

// Doubtful is a file in doubt, and of which conversation it is.
type Doubtful struct {
	HostedFile
	SourceID string // of the conversation
}

// DoubtfulFiles calls each for up to limit files of which it is in doubt whether what
// LivePerson gave is they, from the one behind id on, in the order of their ids. It
// reads the doubtful ones only.
func (c *Checkpoint) DoubtfulFiles(ctx context.Context, id int64, limit int, each func(Doubtful) error) error {
	return c.list(ctx, func(s scanner) (err error) {
		var d Doubtful
		if d.HostedFile, err = readHostedFile(s, &d.SourceID); err != nil {
			return err
		}
		return each(d)
	}, `SELECT `+hostedFile+`, (SELECT source_id FROM conversation v WHERE v.id = file.conversation)
		FROM file WHERE state = ? AND +id > ? ORDER BY +id LIMIT ?`, FileDoubtful, id, limit)
}

// Unjudged lists, of the next files up to limit that were noted before anybody doubted
// what came, those that are kept as their messages name them. last is the id up to
// which that is; 0: there are no more.
func (c *Checkpoint) Unjudged(ctx context.Context, limit int) (list []HostedFile, last int64, err error) {
	var from, to int64
	if _, err = c.get(ctx, []any{&from, &to}, `SELECT files_judged, files_to_judge FROM account`); err != nil || from >= to {
		return nil, 0, err
	}
	read := 0
	err = c.list(ctx, func(s scanner) error {
		f, err := readHostedFile(s)
		if read, last = read+1, f.ID; f.State == FileKept && f.Path != "" && f.Link == "" {
			list = append(list, f)
		}
		return err
	}, `SELECT `+hostedFile+` FROM file WHERE id > ? AND id <= ? ORDER BY id LIMIT ?`, from, to, limit)
	if read < limit {
		last = to
	}
	return list, last, err
}

// Judged notes up to which id files have been looked through.
func (tx *Tx) Judged(last int64) error {
	return tx.exec(`UPDATE account SET files_judged = ?`, last)
}

// WantInstead notes a file that is to be looked for in the place of what was kept
// under its path. One that is known stays as it is.
func (tx *Tx) WantInstead(f HostedFile) error {
	return tx.exec(`INSERT INTO file (conversation, path, link, dialog, sender, sent_at, label, noted_at, state, next_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, f.Conversation, f.Path, f.Link, f.Dialog, f.Sender, f.SentAt, f.Label, f.NotedAt, FileWaiting, f.NotedAt)
}
