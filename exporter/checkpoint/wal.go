package checkpoint

import (
	"context"
	"database/sql"
	"sync"
)

// SQLite moves what was committed from its log into the database when the log has
// grown, inside of the commit that made it grow. With a backfill that is 100 ms
// every second or two, in which nobody else can write; so it is done beside the
// writers, by a connection of its own. What they add meanwhile is moved in a turn of
// its own only when the log has become long: then little is left of it.
const (
	moveAfter = 8 << 20  // bytes written, about, until what was committed is moved
	logMost   = 64 << 20 // of the log, until writers wait for what is left of it
	pageSize  = 16 << 10
	rowSize   = pageSize / 4 // about what a statement adds to the log beside its values
)

// mover moves what was committed into the database.
type mover struct {
	db      *sql.DB
	wake    chan struct{}
	stop    context.CancelFunc
	ended   sync.WaitGroup
	written int // bytes, about, since it was woken; of the writer whose turn it is
}

func (c *Checkpoint) startMover() (err error) {
	if c.mover.db, err = sql.Open("sqlite", dsn(c.path, "_pragma=cache_size(-100)")); err != nil {
		return err
	}
	c.mover.db.SetMaxOpenConns(1)
	ctx, stop := context.WithCancel(context.Background())
	c.mover.wake, c.mover.stop = make(chan struct{}, 1), stop
	c.mover.ended.Go(func() {
		for {
			select {
			case <-c.mover.wake:
				c.move(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
	return nil
}

// wrote notes what a transaction has written.
func (m *mover) wrote(bytes int) {
	if m.written += bytes; m.written < moveAfter {
		return
	}
	m.written = 0
	select {
	case m.wake <- struct{}{}:
	default: // at work
	}
}

// move does it once. What does not succeed, since another process is at it or the
// disk is full, loses nothing and is tried again after the next bytes.
func (c *Checkpoint) move(ctx context.Context) {
	log, moved, err := c.passive(ctx)
	if err != nil || log-moved <= 0 || log*pageSize < logMost {
		return
	}
	release, err := c.takeTurn(ctx, false)
	if err != nil {
		return
	}
	defer release()
	_, _, _ = c.passive(ctx)
}

// passive moves what it can without waiting for anybody. The log starts anew when
// all of it was moved.
func (c *Checkpoint) passive(ctx context.Context) (log, moved int, err error) {
	var busy int
	err = c.mover.db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &log, &moved)
	return log, moved, err
}

func (m *mover) close() error {
	if m.stop == nil {
		return nil
	}
	m.stop()
	m.ended.Wait()
	return m.db.Close()
}
