package main

import (
	"fmt"
	"time"

	"lpexport/exporter"
	"lpexport/exporter/config"
)

// statusResult answers: how far behind, what is stuck, what to type next.
type statusResult struct {
	header
	Checkpoint        string              `json:"checkpoint"`  // its path
	LagSeconds        *int64              `json:"lag_seconds"` // null before the first whole cycle
	Coverage          []statusCovered     `json:"coverage"`
	Holes             []statusHole        `json:"holes"`
	Doubts            []statusDoubt       `json:"doubts"`
	LastCycle         *statusCycle        `json:"last_cycle"` // null: none has ended
	GivenUp           []statusGivenUp     `json:"given_up"`
	Destinations      []statusDestination `json:"destinations"`
	Unconfigured      []statusDestination `json:"unconfigured"` // that the configuration names no more and something is owed to
	Quarantined       int                 `json:"quarantined"`
	Waiting           []waitingGroup      `json:"waiting"`   // what is in quarantine, by what is wrong: at most 20
	Dismissed         int                 `json:"dismissed"` // what a person has given up
	OpenConversations int64               `json:"open_conversations"`
	OpenBackfills     int64               `json:"open_backfills"` // begun and not at their end
	Backfills         []statusBackfill    `json:"backfills"`      // of these, at most 20
	Partial           int64               `json:"partial"`        // conversations that LivePerson cut short and is asked for again
	FailedLooks       int64               `json:"failed_looks"`   // conversations that could not be read by their id when that was tried last
	Events            statusEvents        `json:"events"`
	Files             statusFiles         `json:"files"`
	Unavailable       *statusOutage       `json:"unavailable"` // LivePerson; null: it is not known to be
	Excluded          int64               `json:"excluded"`    // conversations that select.skills leaves out
	Namesakes         int                 `json:"namesakes"`   // skills that bear a name which stands for another in select.skills

	account string // "" when its configuration cannot be read
	config  string // of the commands that are shown; "": they need none
}

// period is a time span: From inclusive, To exclusive.
type period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func (p period) String() string {
	return p.From.Format(time.RFC3339) + " to " + p.To.Format(time.RFC3339)
}

// statusCovered is a period that was read whole.
type statusCovered struct {
	period
	Selection string    `json:"selection"` // ids of the skills that are selected, with commas between; "" all
	ReadAt    time.Time `json:"read_at"`   // the last time that some of it was read
}

// statusHole is a period, between others that were read, that is not known to be captured.
type statusHole struct {
	period
	ID           string   `json:"id"`           // that accept takes
	Fetchable    bool     `json:"fetchable"`    // LivePerson still keeps it
	Command      string   `json:"command"`      // that fills it; "": nothing can
	Destinations []string `json:"destinations"` // that may lack it; empty: all of them

	text string
}

func newHoles(c *config.Config, holes []exporter.Hole, command func(string) string) []statusHole {
	list := []statusHole{}
	for _, h := range holes {
		one := statusHole{period: period(h.Period), ID: h.ID(), Fetchable: h.Fetchable, Destinations: []string{}, text: h.String()}
		if fill := h.Command(); fill != "" {
			one.Command = command(fill)
		}
		for _, name := range h.Destinations {
			one.Destinations = append(one.Destinations, called(c, name))
		}
		list = append(list, one)
	}
	return list
}

// statusDoubt is a period of which something can no longer be told.
type statusDoubt struct {
	period
	ReadAt time.Time            `json:"read_at"`
	Reason exporter.DoubtReason `json:"reason"`
	Text   string               `json:"text"`
}

// statusCycle is how the last cycle ended that has come to an end.
type statusCycle struct {
	Started time.Time            `json:"started"`
	Ended   time.Time            `json:"ended"`
	Result  exporter.CycleResult `json:"result"`
	Error   string               `json:"error"` // why it was not complete

	trouble string
}

// statusGivenUp is a period that a person lets stay uncaptured.
type statusGivenUp struct {
	period
	Destinations []string  `json:"destinations"` // empty: all of them
	At           time.Time `json:"at"`
	Person       string    `json:"person"`
	Reason       string    `json:"reason"`

	text string
}

// statusBackfill is a backfill that is not at its end.
type statusBackfill struct {
	period
	Windows int64  `json:"windows"` // still to be read
	Command string `json:"command"` // that resumes it
	Abandon string `json:"abandon"` // that ends it
}

type statusDestination struct {
	Name                 string `json:"name"`
	Pending              int    `json:"pending"` // conversations and bundles
	OldestPendingSeconds int64  `json:"oldest_pending_seconds"`
	Failed               int    `json:"failed"`
	Rejected             int    `json:"rejected"`               // items that wait for a person
	Held                 int    `json:"held"`                   // conversations that wait for a person
	Dismissed            int    `json:"dismissed"`              // items and conversations that a person has given up
	Found                int    `json:"found"`                  // bundles that were found changed or missing
	Uncertain            int    `json:"uncertain"`              // items that may have arrived once more, by count of their doubtful ends
	Left                 int    `json:"left"`                   // files that lie in a flat folder for too long
	Withheld             int64  `json:"withheld"`               // private messages that private_messages withholds
	AudienceUnknown      int64  `json:"audience_unknown"`       // messages that it withholds until history says who may read them
	WithheldFrom         int64  `json:"withheld_conversations"` // that these are in
	LastError            string `json:"last_error"`
	FailingSeconds       int64  `json:"failing_seconds"`  // since the first failure in a row
	NextTrySeconds       int64  `json:"next_try_seconds"` // until it is tried again
	Halted               bool   `json:"halted"`
	Command              string `json:"command"` // to type when it halts or fails; "" it does not

	advice string // what to do about a halt, where that is not a command alone
}

// statusEvents is what became of real-time events that are not settled.
type statusEvents struct {
	Waiting              int64 `json:"waiting"` // not delivered: who sent them, or their conversation or skill, is not known
	OldestWaitingSeconds int64 `json:"oldest_waiting_seconds"`
	Unconfirmed          int64 `json:"unconfirmed"` // conversations of which history lacks for too long what events told
}

func newStatusEvents(s exporter.EventStatus) statusEvents {
	return statusEvents{s.Waiting, int64(s.Oldest / time.Second), s.Unconfirmed}
}

// statusOutage is that LivePerson is unavailable.
type statusOutage struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"` // no run asks before that
	Cause string    `json:"cause"`
	next  string    // try
}

func newStatusOutage(o exporter.OutageStatus, now time.Time) *statusOutage {
	if o.Since.IsZero() {
		return nil
	}
	next := "with the next run"
	if now.Before(o.Until) {
		next = "at " + o.Until.Format(time.RFC3339)
	}
	return &statusOutage{o.Since, o.Until, o.Cause, next}
}

func (o *statusOutage) String() string {
	return fmt.Sprintf("unavailable since %s, next try %s: %s", o.Since.Format(time.RFC3339), o.next, printable(o.Cause))
}

// statusFiles is where the files are that messages name.
type statusFiles struct {
	Kept                 int64 `json:"kept"`
	Bytes                int64 `json:"bytes"` // of these
	OldestWaitingSeconds int64 `json:"oldest_waiting_seconds"`
	namedFiles
}

func newStatusResult() *statusResult {
	return &statusResult{Coverage: []statusCovered{}, Holes: []statusHole{}, Doubts: []statusDoubt{}, GivenUp: []statusGivenUp{}, Destinations: []statusDestination{},
		Unconfigured: []statusDestination{}, Waiting: []waitingGroup{}, Backfills: []statusBackfill{}}
}
