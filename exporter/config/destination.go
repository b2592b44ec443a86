package config

import (
	"time"

	"lpexport/archive/profile"
)

// Destination is one target. Exactly one transport is set.
type Destination struct {
	Name        string
	RenamedFrom string // its name before, "" = none
	Archive     string // a name that Archives lists
	Cut         Cut
	From        From
	Bundle      Bundle

	PrivateMessages string // PrivateDeliver or PrivateWithhold

	// What the archive wants, with the destination's own keys in place of its
	// defaults: Rendering is complete.
	Profile     profile.Profile
	Rendering   profile.Rendering
	Layout      string        // of the way that it goes: LayoutBundle, LayoutDrop or LayoutMails of package profile
	MaxAge      time.Duration // what is older is not sent; 0 = no limit
	StaysAtMost time.Duration // in LayoutDrop: a file that lies there longer is reported
	PGPKeys     []string      // files of the keys that it is encrypted to; empty = not encrypted
	Unread      []Unread      // files of its secrets that could not be read; empty = none

	Directory *Directory
	SFTP      *SFTP
	SMTP      *SMTP
	S3        *S3
}

// What becomes of messages that are for agents and managers only.
const (
	PrivateDeliver  = "deliver"
	PrivateWithhold = "withhold"
)

// CutMode is when a conversation becomes due.
type CutMode int

const (
	CutImmediately CutMode = iota // as soon as there is something new
	CutAfter                      // closed, or open with entries older than Cut.After
	CutClosed                     // closed, or open with entries older than Cut.After, seven days
)

// Cut is when a conversation becomes due for a destination.
type Cut struct {
	Mode  CutMode
	After time.Duration // 0 for CutImmediately
}

// closedAtMost is how long an open conversation waits where cut is closed.
const closedAtMost = 7 * 24 * time.Hour

func (c Cut) String() string {
	switch c.Mode {
	case CutClosed:
		return "closed"
	case CutAfter:
		return formatDuration(c.After)
	default:
		return "immediately"
	}
}

// FromMode is what a destination added later is given.
type FromMode int

const (
	FromUnset FromMode = iota // not decided: an error where a decision is needed
	FromAll
	FromNew
	FromDate // what started at From.Date or later
)

// From is what a destination added later is given.
type From struct {
	Mode FromMode
	Date time.Time // UTC; only with FromDate
}

func (f From) String() string {
	switch f.Mode {
	case FromAll:
		return "all"
	case FromNew:
		return "new"
	case FromDate:
		return formatDate(f.Date)
	default:
		return ""
	}
}

// Bundle bounds one bundle of a destination.
type Bundle struct {
	MaxConversations int
	MaxBytes         int64         // rendered
	MaxWait          time.Duration // of the first due conversation for a fuller bundle, inside a run
	EventWait        time.Duration // the same for what real-time events make due
}

// destinationDefaults are the values of a destination that says nothing. Those
// that depend on the archive come with its profile.
func destinationDefaults() Destination {
	return Destination{
		Bundle: Bundle{
			MaxConversations: 1000,
			MaxBytes:         32 << 20,
			MaxWait:          time.Minute,
		},
		StaysAtMost: 24 * time.Hour,

		PrivateMessages: PrivateDeliver,
	}
}
