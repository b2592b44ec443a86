package checkpoint

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to this program's. Before it changes a
// checkpoint that holds anything, it keeps a copy beside it, named for the
// schema it had. A newer program's checkpoint is refused.
func migrate(ctx context.Context, db *sql.DB, path string) error {
	files, err := fs.Sub(migrations, "migrations")
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
		if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, fmt.Sprintf("%s.schema-%d", path, have)); err != nil {
			return fmt.Errorf("keep a copy before migration: %w", err)
		}
	}
	_, err = p.Up(ctx)
	return err
}
