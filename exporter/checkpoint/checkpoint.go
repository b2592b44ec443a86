// Package checkpoint keeps everything that lpexport knows between two runs in
// one SQLite file: how far capture has come, the records as received, what is
// due where, frozen slices, bundles and receipts. It is the only package with
// SQL in it.
//
// What is written in one Update is written together or not at all, and is on
// disk when Update returns (WAL, synchronous=FULL). Two processes may work on
// one checkpoint: writers take turns, readers see the last commit.
//
// All times are epoch milliseconds; 0 stands for a time that is not known.
package checkpoint

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// File is the name of the checkpoint inside the state directory.
const File = "checkpoint.db"

// Checkpoint is an open checkpoint. It is safe for use by several goroutines.
type Checkpoint struct {
	path    string
	origin  string
	writeDB *sql.DB
	readDB  *sql.DB

	queue sync.Mutex // of this process's writers
	soon  sync.Mutex // of those that go before them
	mu    sync.Mutex // of conn
	conn  *sql.Conn
	stmt  map[string]*sql.Stmt
	fault atomic.Pointer[Error] // see Fault

	mover   mover
	readers sync.Map // query to *sql.Stmt: to parse a statement costs more than to run it
}

// Options is what a checkpoint is opened with.
type Options struct {
	Account string
	Origin  string // for a new checkpoint: a random name
	Now     int64
}

// Open opens the checkpoint in dir, and makes both when they are not there yet.
// An *Error tells what is wrong with a state that cannot be used: another
// account's, a newer program's, damaged, on a file system that cannot keep its locks.
func Open(ctx context.Context, dir string, o Options) (*Checkpoint, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, classify("make state directory", dir, err)
	}
	if err := refuseUnfitFS(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, File)
	c := &Checkpoint{path: path, stmt: map[string]*sql.Stmt{}}
	if err := c.open(ctx, o); err != nil {
		c.Close()
		return nil, classify("open checkpoint", path, err)
	}
	return c, nil
}

func (c *Checkpoint) open(ctx context.Context, o Options) error {
	var err error
	if c.writeDB, err = sql.Open("sqlite", dsn(c.path, "_pragma=cache_size(-2000)&_pragma=wal_autocheckpoint(0)&_txlock=immediate")); err != nil {
		return err
	}
	c.writeDB.SetMaxOpenConns(1)
	if err := createPrivate(c.path); err != nil {
		return err
	}
	if err := migrate(ctx, c.writeDB, c.path, migrations); err != nil {
		return err
	}
	if c.conn, err = c.writeDB.Conn(ctx); err != nil {
		return err
	}
	if c.readDB, err = sql.Open("sqlite", dsn(c.path, "_pragma=cache_size(-1000)&_pragma=query_only(1)")); err != nil {
		return err
	}
	c.readDB.SetMaxOpenConns(max(2, runtime.NumCPU()))
	c.readDB.SetMaxIdleConns(2)
	if err := c.startMover(); err != nil {
		return err
	}
	return c.adopt(ctx, o)
}

// dsn sets the pragmas for every connection of a pool; executed as a statement
// they would reach only one. The page size counts when the file is made: with
// records of 2-4 KB, 16 KiB pages waste a quarter less than 4 KiB ones. Each
// reader's cache is half the writer's: with a full megabyte more for each, an
// account of 200,000 conversations took 64 MiB instead of 59.
func dsn(path, more string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()}
	return u.String() + "?_pragma=busy_timeout(60000)&_pragma=page_size(16384)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&" + more
}

// createPrivate makes an empty file that only its owner can read, so that
// SQLite never creates one with wider rights.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// adopt makes the checkpoint the account's, or refuses another account's.
func (c *Checkpoint) adopt(ctx context.Context, o Options) error {
	return c.Update(ctx, func(tx *Tx) error {
		if err := tx.exec(`INSERT INTO account (one, account, origin, created_at) VALUES (1, ?, ?, ?)
			ON CONFLICT DO NOTHING`, o.Account, o.Origin, o.Now); err != nil {
			return err
		}
		var account string
		if err := tx.row(`SELECT account, origin FROM account`).Scan(&account, &c.origin); err != nil {
			return err
		}
		if account != o.Account {
			return &Error{Kind: OtherAccount, Op: "open checkpoint", Path: c.path,
				Err:  fmt.Errorf("it belongs to account %q, not %q", account, o.Account),
				Hint: fmt.Sprintf("give account %s a state folder of its own, such as state: ./state-%s", o.Account, o.Account)}
		}
		return nil
	})
}

// Origin is the random name of this checkpoint.
func (c *Checkpoint) Origin() string { return c.origin }

// Path is the file's path.
func (c *Checkpoint) Path() string { return c.path }

// Close ends all work with the checkpoint. It may be called more than once.
func (c *Checkpoint) Close() error {
	first := c.mover.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.stmt {
		s.Close()
	}
	c.stmt = map[string]*sql.Stmt{}
	c.readers.Range(func(query, s any) bool {
		s.(*sql.Stmt).Close()
		c.readers.Delete(query)
		return true
	})
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
	for _, db := range []*sql.DB{c.readDB, c.writeDB} {
		if db == nil {
			continue
		}
		if err := db.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Tx is one transaction. It ends with the Update that it was made for.
type Tx struct {
	c       *Checkpoint
	ctx     context.Context
	change  int64 // its number, once it has changed a conversation
	written int   // bytes, about
}

// Update runs do in one transaction and returns when it is on disk. When do
// fails nothing is written. A cancelled context stops an Update before it
// begins, never in its middle: what the far side has said yes to is stored.
func (c *Checkpoint) Update(ctx context.Context, do func(*Tx) error) error {
	return c.update(ctx, false, do)
}

// UpdateSoon is an Update that goes before all that wait for their turn. It is
// for short ones that somebody waits for.
func (c *Checkpoint) UpdateSoon(ctx context.Context, do func(*Tx) error) error {
	return c.update(ctx, true, do)
}

func (c *Checkpoint) update(ctx context.Context, soon bool, do func(*Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	release, err := c.takeTurn(ctx, soon)
	if err != nil {
		return classify("begin", c.path, err)
	}
	defer release()
	c.mu.Lock()
	defer c.mu.Unlock()
	tx := &Tx{c: c, ctx: context.WithoutCancel(ctx)}
	defer func() { c.learn(err, tx.written > 0) }()
	if _, err := c.conn.ExecContext(tx.ctx, "BEGIN IMMEDIATE"); err != nil {
		return classify("begin", c.path, err)
	}
	defer func() {
		if err != nil {
			_, _ = c.conn.ExecContext(tx.ctx, "ROLLBACK") // the first error is the one that counts
		}
	}()
	if err := do(tx); err != nil {
		return classify("update checkpoint", c.path, err)
	}
	if _, err := c.conn.ExecContext(tx.ctx, "COMMIT"); err != nil {
		return classify("commit", c.path, err)
	}
	c.mover.wrote(tx.written)
	return nil
}

// Fault is why the last Update that had something to write could not, for a reason that
// keeps others from writing too, such as a full disk; nil: it could.
func (c *Checkpoint) Fault() error {
	if e := c.fault.Load(); e != nil {
		return e
	}
	return nil
}

// learn notes how an Update ended. One that wrote nothing proves nothing.
func (c *Checkpoint) learn(err error, wrote bool) {
	e, is := errors.AsType[*Error](err)
	switch {
	case is && e.lasts():
		c.fault.Store(e)
	case err == nil && wrote:
		c.fault.Store(nil)
	}
}

func (tx *Tx) prepared(query string) (*sql.Stmt, error) {
	if s := tx.c.stmt[query]; s != nil {
		return s, nil
	}
	s, err := tx.c.conn.PrepareContext(tx.ctx, query)
	if err == nil {
		tx.c.stmt[query] = s
	}
	return s, err
}

func (tx *Tx) run(query string, args []any) (sql.Result, error) {
	s, err := tx.prepared(query)
	if err != nil {
		return nil, err
	}
	tx.written += rowSize
	for _, a := range args {
		if b, ok := a.([]byte); ok {
			tx.written += len(b)
		}
	}
	return s.ExecContext(tx.ctx, args...)
}

func (tx *Tx) exec(query string, args ...any) error {
	_, err := tx.run(query, args)
	return err
}

// insert runs a statement and tells the new row's number.
func (tx *Tx) insert(query string, args ...any) (int64, error) {
	r, err := tx.run(query, args)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// affected runs a statement and tells how many rows it changed.
func (tx *Tx) affected(query string, args ...any) (int64, error) {
	r, err := tx.run(query, args)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

type scanner interface{ Scan(...any) error }

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

func (tx *Tx) row(query string, args ...any) scanner {
	s, err := tx.prepared(query)
	if err != nil {
		return failed{err}
	}
	return s.QueryRowContext(tx.ctx, args...)
}

// reader is a prepared statement of the reading side.
func (c *Checkpoint) reader(query string) (*sql.Stmt, error) {
	if s, ok := c.readers.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := c.readDB.Prepare(query)
	if err != nil {
		return nil, err
	}
	if other, raced := c.readers.LoadOrStore(query, s); raced {
		s.Close()
		return other.(*sql.Stmt), nil
	}
	return s, nil
}

// list calls each for every row of a query on the reading side. It looks at the
// context between two rows: handed down, it would cost a goroutine a query.
func (c *Checkpoint) list(ctx context.Context, each func(scanner) error, query string, args ...any) error {
	err := c.rows(ctx, each, query, args)
	return classify("read checkpoint", c.path, err)
}

func (c *Checkpoint) rows(ctx context.Context, each func(scanner) error, query string, args []any) error {
	s, err := c.reader(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.WithoutCancel(ctx), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// get reads one row on the reading side; found is false when there is none.
func (c *Checkpoint) get(ctx context.Context, dest []any, query string, args ...any) (found bool, err error) {
	s, err := c.reader(query)
	if err == nil {
		err = s.QueryRowContext(context.WithoutCancel(ctx), args...).Scan(dest...)
	}
	if err == sql.ErrNoRows {
		return false, nil
	}
	return err == nil, classify("read checkpoint", c.path, err)
}

// null is a time as it is stored: null when not known.
func null(ms int64) any {
	if ms == 0 {
		return nil
	}
	return ms
}
