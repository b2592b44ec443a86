package checkpoint

import "context"

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
