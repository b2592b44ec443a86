package checkpoint

import "context"

// Backup writes a consistent copy to path, which must not exist, while others
// go on working.
func (c *Checkpoint) Backup(ctx context.Context, path string) error {
	_, err := c.readDB.ExecContext(ctx, `VACUUM INTO ?`, path)
	return classify("back up checkpoint to", path, err)
}

// Size is the size of the checkpoint's data in bytes.
func (c *Checkpoint) Size(ctx context.Context) (n int64, err error) {
	_, err = c.get(ctx, []any{&n}, `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`)
	return n, err
}
