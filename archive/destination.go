package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Item is what is handed over as one: a bundle that lies complete in the spool,
// or, with File, one file of it alone: a mail, or what is dropped into a flat
// folder.
type Item struct {
	Path           string // where it belongs below the destination's root: BundlePath
	Dir            string // the spooled folder; read only, and left as it is
	ManifestSHA256 string // of Dir's manifest.json, lower-case hex: the bundle's identity
	File           *FileInfo

	// After is what shows that the place is still the one that took what came
	// before: the path of a bundle there or, with File, what Stand answered. Where
	// it is not so, Deliver writes nothing and its error is ErrGone. "" asks for nothing.
	After string
}

// What errors of class Halt are about.
var (
	// ErrGone means that a place does not hold what it took, or is not there.
	ErrGone = errors.New("what was delivered before is not there")
	// ErrOther means that other bytes lie under the name of what is to be delivered.
	ErrOther = errors.New("other bytes lie under that name")
)

// Receipt is what the far side answered when it took an item.
type Receipt struct {
	Where  string // where the item lies now, in the far side's own words: a path, a URL
	Bytes  int64  // of all its files
	ID     string // what the far side calls it: a queue id, a version id; or ""
	Answer string // the far side's reply as it came, on one line, or ""
}

// Destination takes items, all of them with File or all without, as it was
// configured. Every error it returns is, or wraps, an *Error; a cancelled
// context's error can be found in it with errors.Is. Nothing it is given or
// returns is logged. It may be used by several goroutines. It opens what it
// needs when it is needed, and may keep it open between calls.
type Destination interface {
	// Deliver hands over an item. A nil error means that the far side has it,
	// complete and as durable as that side can promise. After an error nothing
	// half is visible: either the whole item or none of it.
	//
	// A bundle may be delivered again: the same path with the same manifest
	// bytes is success, the same path with other bytes is an Error of class Halt
	// that is ErrOther, and changes nothing. Two at once with the same item both succeed.
	//
	// A single file may be delivered again only after an error. When it is not
	// known whether the far side has it, the error is of class Uncertain.
	Deliver(ctx context.Context, item Item) (Receipt, error)

	// Clean removes unfinished work that a dead process left for this
	// destination: names that start with ".". It must not run beside Deliver
	// for the same destination. Nothing to remove is success. What the far side
	// lets nobody remove stays, which is told by a *LeftError in place of nil.
	Clean(ctx context.Context) error

	// Probe finds out whether Deliver can be expected to work: it connects, logs
	// in, and where the far side lets it, writes and removes again something that
	// no reader takes for a bundle. facts say, one a line, what a person wants to
	// know of the far side, such as its TLS version or size limit.
	Probe(ctx context.Context) (facts []string, err error)

	// Close ends what is held open between calls. The next call opens it again.
	Close() error
}

// LeftError says what Clean has left because the far side lets nobody remove it.
// It is no failure: no reader sees a name that starts with ".", and none is used
// twice.
type LeftError struct {
	Where string
	Names []string // at least one
	Err   error    // why the first of them could not be removed
}

// Error names the first.
func (e *LeftError) Error() string {
	more := ""
	if n := len(e.Names) - 1; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("cannot remove unfinished work in %s: %s%s: %v", e.Where, e.Names[0], more, e.Err)
}

// Unwrap returns the cause.
func (e *LeftError) Unwrap() error { return e.Err }

// Watcher is a Destination whose files an importer takes away, as a flat folder
// that is emptied. A file that is gone has been taken.
type Watcher interface {
	// Left returns those of the names that are still there, sorted.
	Left(ctx context.Context, names []string) ([]string, error)
}

// Sized is a Destination whose far side says how large an item may be.
type Sized interface {
	// MostBytes returns how many bytes an item may have at most, as the far side
	// says in the session that is open, else in a new one; 0: it does not say.
	MostBytes(ctx context.Context) (int64, error)
}

// Stander is a Destination of files that an importer takes, so that nothing in the
// place itself shows whether it is the one it was.
type Stander interface {
	// Stand returns what the folder is known by that a missing mount takes away, and
	// "" where the far side tells nothing. An absent folder is an Error that is ErrGone.
	Stand(ctx context.Context) (string, error)
}

// MountPoint is what Stand returns of a folder that begins a file system.
const MountPoint = "mount point"

// Repairer is a Destination whose bundles can be mended where they lie.
type Repairer interface {
	// Repair makes a bundle what item is, and returns the paths of the files that it
	// wrote or removed, sorted. Files that are not there are added. With overwrite,
	// those with other bytes are replaced and those that are none of the bundle's
	// removed; without it, either is an Error that is ErrOther, and nothing is
	// changed. A bundle that is not there at all is delivered.
	Repair(ctx context.Context, item Item, overwrite bool) (changed []string, err error)
}

// Source reads back what a destination holds. A Destination that can be read
// back implements it too. Paths are slash separated and below the root.
type Source interface {
	// Bundles returns the paths of the complete bundles (manifest.json is
	// there) of every destination below the root, sorted, from the day since
	// on ("2026/01/31"; "" is all). An absent root holds none: no error.
	// Names that start with "." are no bundles.
	Bundles(ctx context.Context, since string) ([]string, error)

	// Files returns the paths of all files in a bundle, relative to it and
	// sorted, without those with a name that starts with ".".
	Files(ctx context.Context, bundle string) ([]string, error)

	// Open opens one file, named by its bundle's path, "/" and its own. An
	// absent file is an error that is fs.ErrNotExist. The caller closes it.
	Open(ctx context.Context, path string) (io.ReadCloser, error)
}

// Class says what an error at a destination means for what waits to be
// delivered. The transport chooses it, since only it knows its protocol.
type Class int

const (
	// Retry may pass by itself: try again later, after RetryAfter if given. A
	// full disk, a read-only target and a lost link are of this class. Nothing
	// more is sent until then, but where the Error is of this Item only.
	Retry Class = iota
	// Reject means that this item will never be taken: it goes to quarantine,
	// the items after it go on.
	Reject
	// Halt means that the destination is not what we think it is (wrong
	// credentials, other bytes under our name): nothing more is sent to it
	// until a person has looked. Other destinations go on.
	Halt
	// Abort means that we cannot vouch for our own state, such as a spooled
	// file that is gone or differs from its manifest: the process stops.
	Abort
	// Uncertain means sent, but no answer was seen: repeat it under the same
	// name, and count it.
	Uncertain
)

// String returns the class's name in lower case.
func (c Class) String() string {
	switch c {
	case Retry:
		return "retry"
	case Reject:
		return "reject"
	case Halt:
		return "halt"
	case Abort:
		return "abort"
	case Uncertain:
		return "uncertain"
	}
	return "unknown"
}

// Error is an error at a destination.
type Error struct {
	Class      Class
	Op         string        // what was being done: "deliver", "probe"
	Path       string        // to what, or ""
	Hint       string        // what a person can do about it, or ""
	Item       bool          // with Retry: the fault is of this item alone, the ones after it may pass
	RetryAfter time.Duration // what the far side asked for, or 0
	Alike      string        // with Reject: equal for items that were refused for the same reason; "": the reason is known to be this item's own
	TooLarge   bool          // with Reject: the item's size is the reason, smaller ones may pass
	Limit      int64         // with TooLarge: how many bytes an item may have at most; 0: the far side does not say
	Err        error         // the cause, never nil
}

// Error returns the fact, without the hint.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Op + ": " + e.Err.Error()
	}
	return e.Op + " " + e.Path + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
