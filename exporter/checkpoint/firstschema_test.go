package checkpoint

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// query is a statement with its arguments.
type query struct {
	sql  string
	args []any
}

// ofFirstSchema makes a state of the first schema with some rows in it, as an older
// program left it, and returns its folder.
func ofFirstSchema(t *testing.T, rows ...query) (dir string) {
	t.Helper()
	first, err := migrations.ReadFile("migrations/00001_begin.sql")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	path := filepath.Join(dir, File)
	db, err := sql.Open("sqlite", dsn(path, ""))
	if err != nil {
		t.Fatal(err)
	}
	err = migrate(context.Background(), db, path, fstest.MapFS{"migrations/00001_begin.sql": {Data: first}})
	for _, q := range rows {
		if err == nil {
			_, err = db.Exec(q.sql, q.args...)
		}
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}
