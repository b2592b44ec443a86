package sftp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"lpexport/archive"
	"lpexport/archive/internal/reach"
)

// judged is an error that knows its class and what a person can do about it.
type judged interface {
	error
	judge() (archive.Class, string)
}

// failure puts an error into its class.
func failure(op, path string, err error) error {
	if e, ok := errors.AsType[*archive.Error](err); ok {
		return e
	}
	e := &archive.Error{Class: archive.Retry, Op: op, Path: path, Err: shortened(err)}
	if errors.Is(err, archive.ErrGone) || errors.Is(err, archive.ErrOther) && !isType[judged](err) {
		e.Class = archive.Halt
		return e
	}
	if j, ok := errors.AsType[judged](err); ok {
		e.Class, e.Hint = j.judge()
		return e
	}
	if _, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); ok {
		e.Hint = "the server offers only methods that are too old to be safe: have its operator update it"
	} else if hint := reach.Hint(err, "sftp.host and sftp.port"); hint != "" {
		e.Hint = hint
	} else if errors.Is(err, fs.ErrPermission) {
		e.Hint = "have the server's operator let the user list the folder and write to it; delivery then goes on by itself"
	}
	return e
}

// answered tells whether err is what the server said to a request, so that the
// request was not lost.
func answered(err error) bool {
	if s, ok := errors.AsType[*sftp.StatusError](err); ok {
		return s.FxCode() != sftp.ErrSSHFxConnectionLost && s.FxCode() != sftp.ErrSSHFxNoConnection
	}
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

// lost reports whether a connection ended that had been made. What knows its own
// class is not repeated.
func lost(err error) bool {
	_, known := errors.AsType[*archive.Error](err)
	_, judges := errors.AsType[judged](err)
	if known || judges || answered(err) {
		return false
	}
	for _, end := range []error{errLineLost, sftp.ErrSSHFxConnectionLost, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED} {
		if errors.Is(err, end) {
			return true
		}
	}
	s, ok := errors.AsType[*sftp.StatusError](err)
	return ok && (s.FxCode() == sftp.ErrSSHFxConnectionLost || s.FxCode() == sftp.ErrSSHFxNoConnection)
}

// maxText is how much of an error's text is kept: a part may be the server's words.
const maxText = 1000

// shortened cuts an error's text, and keeps what it wraps.
func shortened(err error) error {
	if text := err.Error(); len(text) > maxText {
		return &longError{fmt.Sprintf("%.*s…", maxText, text), err}
	}
	return err
}

type longError struct {
	text string
	err  error
}

func (e *longError) Error() string { return e.text }
func (e *longError) Unwrap() error { return e.err }

// notFolderError says that a link or a file stands where a folder belongs.
type notFolderError struct{ path string }

func (e *notFolderError) Error() string {
	return e.path + " is not a folder (a file or a symbolic link)"
}

func (e *notFolderError) judge() (archive.Class, string) {
	return archive.Halt, "move it away, or point the destination at another folder"
}

// absentError says that the folder of an importer is not there.
type absentError struct{ path string }

func (e *absentError) Error() string { return e.path + " is not there" }
func (e *absentError) Unwrap() error { return fs.ErrNotExist }

func (e *absentError) judge() (archive.Class, string) {
	return archive.Retry, "have the server's operator make the folder that the importer reads; delivery then goes on by itself"
}

// otherError says that our name is taken.
type otherError struct{ what string }

func (e *otherError) Error() string { return "another " + e.what + " of that name is there" }
func (e *otherError) Unwrap() error { return archive.ErrOther }

func (e *otherError) judge() (archive.Class, string) {
	return archive.Halt, "another lpexport writes to this folder, or the state was restored from a copy: see lpexport recover"
}

// fullError says that there is too little room.
type fullError struct {
	free uint64 // bytes
	err  error  // what the server said instead
}

func (e *fullError) Error() string {
	return fmt.Sprintf("%v (the server has %d bytes free)", e.err, e.free)
}
func (e *fullError) Unwrap() error { return e.err }

func (e *fullError) judge() (archive.Class, string) {
	return archive.Retry, "the server's disk is full: have its operator make room, delivery then goes on by itself"
}

func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
