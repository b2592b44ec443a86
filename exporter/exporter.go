// Package exporter takes an account's conversations from LivePerson to its
// archives: capture → checkpoint → cut → render → deliver → prove.
//
// The checkpoint is the only meeting point. Capture stores each page's records
// in one transaction together with what they make due; each destination has a
// worker of its own that cuts what is due into frozen slices, renders them into
// the spool and delivers them. Any of it may be killed at any instant: the next
// run goes on from what is stored, and nothing is lost or doubled.
//
// doc/design.md states the invariants.
package exporter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/exporter/identity"
	"lpexport/liveperson"
)

// MemoryLimit is for debug.SetMemoryLimit. What lives in the heap stays far
// below it but with a conversation of hundreds of thousands of messages; then the
// collector works more often instead of letting the heap double.
const MemoryLimit = 34 << 20

// Source is the history API, as *liveperson.Client offers it.
type Source interface {
	Search(context.Context, liveperson.Query, liveperson.Sink) (liveperson.Page, error)
	Conversations(context.Context, []string, liveperson.Sink) (liveperson.Page, error)
	Conversation(ctx context.Context, id string, limit int64, sink liveperson.Sink) (liveperson.Page, error)
	Section(ctx context.Context, id, section string, reset func(), each func(element []byte) error) (found bool, err error)
	Users(context.Context) ([]liveperson.User, error)
	Skills(context.Context) ([]liveperson.Skill, error)
	Searches() int64
}

// Settings is what an Exporter works with. Source may be nil for commands that
// only read or deliver.
type Settings struct {
	Account       string
	State         string // directory
	Source        Source
	Files         FileSettings
	Concurrency   int
	Since         func(now time.Time) time.Time // where the first cycle begins
	Overlap       time.Duration
	Reread        time.Duration // shortest time between two looks by id; 0: all in every cycle
	Skills        []string      // ids or names; none: all
	Destinations  []Destination
	ConfirmWithin time.Duration // in which a record is to have what an event told; then it is counted
	Generator     string        // program and version, written into manifests
	Log           *slog.Logger
	Now           func() time.Time
	Random        func() float64                                   // in [0, 1): spreads pauses; nil: math/rand
	Sleep         func(ctx context.Context, d time.Duration) error // the pauses within a delivery; nil: as long as they last
	Progress      func(Progress)                                   // nil: nobody is told
	Step          func(name string)                                // nil; a test's hook between any two durable steps
}

// Destination is one configured destination.
type Destination struct {
	Name           string
	Archive        string // profile
	Cut            Cut
	From           *From // nil: not said
	Bounds         Bounds
	Withhold       bool // private messages, and those that nobody has said to be for all
	SettingsSHA256 string

	// Rendering decides the bytes of its files, as JSON. Freeze adds to it, for a
	// bundle that was cut at a time, what another machine or another day would tell
	// otherwise; nil: there is nothing. Seal makes what a bundle's files are
	// encrypted with, as JSON (nil: they are not). What Freeze and Seal return is
	// frozen with each bundle. Shape is what the frozen ones stand for; nil: the
	// lines of the profile generic.
	Rendering []byte
	Freeze    func(rendering []byte, created time.Time) ([]byte, error)
	Seal      func() ([]byte, error)
	Shape     func(rendering, seal []byte) (archive.Shape, error)

	Addresses *identity.Resolver // of participants; nil: none are needed

	// Target takes the items: whole bundles, or with Files each of their files.
	// If it can be read back it is an archive.Source too.
	Target archive.Destination
	Where  string // what Target is, without secrets; a change waits for a person
	Files  bool
	// MostBytes is how many bytes an item may have on its way there, 0: no limit is
	// configured. Fit gives a rendering whose files have at most so many; nil: they are
	// not split, whatever their size.
	MostBytes int64
	Fit       func(rendering []byte, most int64) ([]byte, error)

	MaxAge  time.Duration // items that are filed under an older time are not handed over; 0: no limit
	OlderGo string        // with MaxAge: how older ones get to the archive
	Stay    time.Duration // how long a file may lie in a flat folder before it is reported

	// Mend is nil where the destination is whole. Else files that it needs, such as
	// keys, could not be read: it halts, with Target failing, until Mend has made it.
	// The error is an *archive.Error of class Halt. Several may call it at once.
	Mend func() (Destination, error)
}

// Cut says when a conversation is cut: at once, or when it is closed, or when
// it is open and has entries older than After.
type Cut struct {
	Immediately bool
	After       time.Duration
}

// From says what a destination that is added later is given.
type From struct {
	All  bool
	New  bool
	Date time.Time
}

// Bounds of one bundle. A conversation is never spread over two, so that one
// that is longer than a bundle may be makes a bigger one.
type Bounds struct {
	Conversations int
	Bytes         int64         // rendered
	Wait          time.Duration // how long the first one waits for others while a run captures
	EventWait     time.Duration // the same while a service runs
}

// Progress is how far a run has come.
type Progress struct {
	Conversations int64 // read
	Expected      int64 // to be read in all; 0: not known. It is known from the beginning, or not at all
}

// Exporter works on one checkpoint. It is safe for use by several goroutines.
type Exporter struct {
	Settings
	cp     *checkpoint.Checkpoint
	packer *packer
	large  *semaphore.Weighted // held while something large is worked on: see largeTurn
	tally  *tally

	news     *news
	outage   *outage
	lastDays *dayCache
	ceiling  int         // of a window
	noFiles  atomic.Bool // LivePerson refuses them: nobody waits for any

	addresses atomic.Pointer[identity.Resolver] // instead of the destinations'; nil: theirs
}

// Open opens the state directory, and makes it when it is not there yet.
func Open(ctx context.Context, s Settings) (*Exporter, error) {
	cp, err := checkpoint.Open(ctx, s.State, checkpoint.Options{Account: s.Account, Origin: randomName(), Now: s.Now().UnixMilli()})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(s.State, "spool"), 0o700); err != nil {
		cp.Close()
		return nil, fmt.Errorf("make spool: %w", err)
	}
	if s.Step == nil {
		s.Step = func(string) {}
	}
	if s.Random == nil {
		s.Random = mathrand.Float64
	}
	if s.Sleep == nil {
		s.Sleep = pauseFor
	}
	refusal, err := cp.FilesRefused(ctx)
	if err != nil {
		cp.Close()
		return nil, err
	}
	e := &Exporter{Settings: s, cp: cp, packer: newPacker(), large: newLarge(), tally: &tally{}, news: &news{}, outage: &outage{}, lastDays: &dayCache{}, ceiling: ceiling}
	if s.Source != nil {
		e.Source = &guard{s.Source, e}
	}
	if s.Files.Source != nil {
		e.Files.Source = &fileGuard{s.Files.Source, e}
	}
	e.noFiles.Store(refusal.At != 0)
	return e, nil
}

// Close ends all work with the checkpoint.
func (e *Exporter) Close() error { return e.cp.Close() }

// Backup writes a copy of the checkpoint to path, which must not exist or be
// empty, while others go on working.
func (e *Exporter) Backup(ctx context.Context, path string) error { return e.cp.Backup(ctx, path) }

func (e *Exporter) millis() int64 { return e.Now().UnixMilli() }

func randomName() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return hex.EncodeToString(b)
}
