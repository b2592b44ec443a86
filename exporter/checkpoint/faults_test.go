package checkpoint

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/fstest"
)

func opened(t *testing.T, dir string) *Checkpoint {
	t.Helper()
	c, err := Open(context.Background(), dir, Options{Account: "a", Origin: "o", Now: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// refused makes sure that a state cannot be opened, says why, and what to do.
func refused(t *testing.T, dir, account string, want Kind) {
	t.Helper()
	c, err := Open(context.Background(), dir, Options{Account: account, Origin: "o"})
	if err == nil {
		c.Close()
	}
	var e *Error
	if !errors.As(err, &e) || e.Kind != want || e.Hint == "" {
		t.Errorf("opened: %v, want an error of kind %d with a hint", err, want)
	}
}

func TestStatesThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	c := opened(t, dir)
	c.Close()
	refused(t, dir, "b", OtherAccount)
	path := filepath.Join(dir, File)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "a", NewerSchema)
	for what, b := range map[string][]byte{
		"not a database": []byte("This is not a database, though it is long enough to be taken for the head of one: it goes on and on and on and on."),
		"overwritten":    append(append([]byte{}, whole[:100]...), make([]byte, len(whole)-100)...),
	} {
		for _, name := range []string{path, path + "-wal", path + "-shm"} {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Log(what)
		refused(t, dir, "a", Damaged)
	}
}

// A full disk loses nothing: the transaction did not happen, what was there is
// there, and the work goes on when there is room.
func TestFullDiskLosesNothing(t *testing.T) {
	c := opened(t, t.TempDir())
	ctx := context.Background()
	put := func(id string, size int) error {
		return c.Update(ctx, func(tx *Tx) error {
			v := Conversation{SourceID: id, Revision: 1, Status: "OPEN", Seen: make([]byte, size)}
			return tx.PutConversation(&v)
		})
	}
	if err := put("first", 10); err != nil {
		t.Fatal(err)
	}
	var pages int
	if err := c.conn.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		if _, err := c.conn.ExecContext(ctx, `PRAGMA max_page_count = `+strconv.Itoa(n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages)
	var e *Error
	if err := put("second", 1<<20); !errors.As(err, &e) || e.Kind != DiskFull || e.Hint == "" {
		t.Errorf("on a full disk: %v", err)
	}
	if err := c.Update(ctx, func(*Tx) error { return nil }); err != nil || !errors.As(c.Fault(), &e) || e.Kind != DiskFull {
		t.Errorf("after a full disk, and something that needs none: %v, fault %v", err, c.Fault())
	}
	limit(1 << 20)
	if err := put("second", 1<<20); err != nil || c.Fault() != nil {
		t.Errorf("with room again: %v, fault %v", err, c.Fault())
	}
	if err := c.Update(ctx, func(tx *Tx) error { return tx.exec(`INSERT INTO nowhere VALUES (1)`) }); err == nil || c.Fault() != nil {
		t.Errorf("a fault of one transaction: %v, fault %v", err, c.Fault())
	}
	var n int
	if _, err := c.get(ctx, []any{&n}, `SELECT count(*) FROM conversation`); err != nil || n != 2 {
		t.Errorf("%d conversations, %v", n, err)
	}
}

// A migration keeps a copy of what was there, whatever an earlier try left.
func TestMigrationKeepsACopy(t *testing.T) {
	entries, err := migrations.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	version := 0
	if _, err := fmt.Sscanf(entries[len(entries)-1].Name(), "%d", &version); err != nil {
		t.Fatal(err)
	}
	next := func(more string) fs.FS {
		all := fstest.MapFS{fmt.Sprintf("migrations/%05d_more.sql", version+1): {Data: []byte("-- +goose Up\nCREATE TABLE more (x INTEGER) STRICT;\n" + more)}}
		for _, e := range entries {
			data, err := migrations.ReadFile("migrations/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			all["migrations/"+e.Name()] = &fstest.MapFile{Data: data}
		}
		return all
	}
	bad, good := next("SELECT nonsense;\n"), next("")
	dir := t.TempDir()
	c := opened(t, dir)
	ctx := context.Background()
	db, err := sql.Open("sqlite", dsn(c.path, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := migrate(ctx, db, c.path, bad); err == nil {
		t.Fatal("a bad migration passed")
	}
	for range 2 { // again: nothing to do
		if err := migrate(ctx, db, c.path, good); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := sql.Open("sqlite", fmt.Sprintf("%s.schema-%d", c.path, version))
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	var account string
	var tables int
	err = errors.Join(kept.QueryRow(`SELECT account FROM account`).Scan(&account),
		kept.QueryRow(`SELECT count(*) FROM sqlite_schema WHERE name = 'more'`).Scan(&tables))
	if err != nil || account != "a" || tables != 0 {
		t.Errorf("the copy holds account %q and %d new tables: %v", account, tables, err)
	}
	refused(t, dir, "a", NewerSchema)
}
