package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Kind says what is wrong with the state, for the caller to branch on.
type Kind int

const (
	Unexpected   Kind = iota
	OtherAccount      // the state is another account's
	NewerSchema       // written by a newer lpexport
	Damaged           // not a checkpoint, or its pages are broken
	NetworkFS         // SQLite's locks do not hold there
	DiskFull          // nothing was lost: the transaction did not happen
	NotWritable       // rights, or a read-only file system
)

// Error is a state that cannot be used as it is. Hint is what to do about it.
type Error struct {
	Kind     Kind
	Op, Path string
	Hint     string
	Err      error
}

func (e *Error) Error() string { return fmt.Sprintf("%s %s: %v", e.Op, e.Path, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// lasts reports whether the next transaction will meet it too.
func (e *Error) lasts() bool {
	if s, is := errors.AsType[*sqlite.Error](e); is && s.Code()&0xff == sqlite3.SQLITE_IOERR {
		return true
	}
	return e.Kind == Damaged || e.Kind == DiskFull || e.Kind == NotWritable
}

// classify wraps an error once, and adds the remedy where there is one.
func classify(op, path string, err error) error {
	var own *Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	e := &Error{Op: op, Path: path, Err: err}
	var s *sqlite.Error
	switch {
	case errors.As(err, &s):
		switch s.Code() & 0xff {
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			e.Kind = Damaged
			e.Hint = "put a copy made by `lpexport backup` in its place, or move it away and run `lpexport recover --destination NAME` for each destination"
		case sqlite3.SQLITE_FULL:
			e.Kind, e.Hint = DiskFull, "free space for the state directory; nothing was lost"
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
			e.Kind, e.Hint = NotWritable, "let the user that runs lpexport write to the state directory"
		}
	case errors.Is(err, syscall.ENOSPC):
		e.Kind, e.Hint = DiskFull, "free space for the state directory; nothing was lost"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Kind, e.Hint = NotWritable, "let the user that runs lpexport write to the state directory"
	default:
		return fmt.Errorf("%s: %w", op, err)
	}
	return e
}
