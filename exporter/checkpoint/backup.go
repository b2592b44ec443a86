package checkpoint

import (
	"context"
	"database/sql"
	"errors"
)

// Backup writes a consistent copy to path, which must not exist or be empty,
// while others go on working.
func (c *Checkpoint) Backup(ctx context.Context, path string) error {
	// The reading side may not write, not even elsewhere.
	db, err := sql.Open("sqlite", dsn(c.path, ""))
	if err == nil {
		_, err = db.ExecContext(ctx, `VACUUM INTO ?`, path)
		err = errors.Join(err, db.Close())
	}
	return classify("back up checkpoint to", path, err)
}

// Size is the size of the checkpoint's data in bytes.
func (c *Checkpoint) Size(ctx context.Context) (n int64, err error) {
	_, err = c.get(ctx, []any{&n}, `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`)
	return n, err
}
