package checkpoint

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// turnPoll is how often a migration that another process is at is waited for.
const turnPoll = 50 * time.Millisecond

// migrate brings the schema up to this program's. Before it changes a
// checkpoint that holds anything, it keeps a copy beside it, named for the
// schema it had. A newer program's checkpoint is refused.
//
// Processes that open a checkpoint at once take turns, by an OS lock that ends
// with its holder: each looks at the schema only when the one before is done
// with it. SQLite's own lock is no help, as it is not held from the look on.
func migrate(ctx context.Context, db *sql.DB, path string, all fs.FS) (err error) {
	turn := flock.New(path+".lock", flock.SetPermissions(0o600))
	defer func() { err = errors.Join(err, turn.Close()) }()
	if _, err := turn.TryLockContext(ctx, turnPoll); err != nil {
		return fmt.Errorf("wait for a migration: %w", err)
	}
	files, err := fs.Sub(all, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return err
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	sources := p.ListSources()
	want := sources[len(sources)-1].Version
	switch {
	case have == want:
		return nil
	case have > want:
		return &Error{Kind: NewerSchema, Op: "open checkpoint", Path: path,
			Err:  fmt.Errorf("its schema is %d, this lpexport knows up to %d", have, want),
			Hint: "use the lpexport that wrote it, or a newer one"}
	case have > 0:
		if err := keepCopy(ctx, db, fmt.Sprintf("%s.schema-%d", path, have)); err != nil {
			return fmt.Errorf("keep a copy before migration: %w", err)
		}
	}
	_, err = p.Up(ctx)
	return err
}

// keepCopy copies the checkpoint to path, durable, in the place of what an
// earlier try left there: that was made before anything was changed, too.
func keepCopy(ctx context.Context, db *sql.DB, path string) error {
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := createPrivate(part); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, part); err != nil {
		return err
	}
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(part, path)
}
