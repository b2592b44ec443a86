package exporter

import (
	"context"
	"slices"
	"strings"
	"time"

	"lpexport/exporter/checkpoint"
)

// Status answers how far behind the state is, and what waits.
type Status struct {
	Checkpoint        string
	Lag               time.Duration // since the watermark; 0 before the first cycle
	Watermark         time.Time     // zero before the first cycle
	SelectedSkills    string        // ids of the skills that are selected; "" all of them
	Coverage          []Covered     // under that selection: in order, not overlapping
	Holes             []Hole        // in order
	Doubts            []Doubt       // in order
	LastCycle         CycleStatus
	GivenUp           []GivenUp // periods that a person lets stay holes, as they were accepted
	Destinations      []DestinationStatus
	Dropped           []DestinationStatus // not configured any more, not retired, and something is owed to them: by name
	Quarantined       int
	Waiting           []WaitingGroup // what is in quarantine, by what is wrong: the most frequent first, at most 20
	Dismissed         int            // what a person has given up
	OpenConversations int64
	OpenBackfills     int64
	Backfills         []OpenBackfill // of those, at most 20: in order of their number
	Partial           int64          // conversations whose record LivePerson cut short and is asked for again: the list "cut"
	FailedLooks       int64          // conversations that could not be read by their id when that was tried last: the list "failed-looks"
	Events            EventStatus
	Files             FileStatus
	Outage            OutageStatus
	Selection         SelectionStatus
}

// CycleStatus is how the last cycle ended that has come to an end. Started is zero
// when none has.
type CycleStatus struct {
	Started, Ended time.Time
	Since          time.Time // when the first of those began that have ended so in a row
	Result         CycleResult
	Error          string // why it was not complete, in one line; "" where nothing says so
}

// CycleResult is how a cycle ended.
type CycleResult string

// Results of cycles.
const (
	CycleComplete   CycleResult = checkpoint.RunComplete
	CycleIncomplete CycleResult = checkpoint.RunIncomplete // something was not captured or delivered
	CycleFailed     CycleResult = checkpoint.RunFailed     // it could not go on
	CycleRefused    CycleResult = checkpoint.RunRefused    // LivePerson refused the login
)

// CycleResults are all of them.
func CycleResults() []CycleResult {
	return []CycleResult{CycleComplete, CycleIncomplete, CycleFailed, CycleRefused}
}

// Trouble says in words what was wrong with the last cycle; "" when it was complete,
// or none has ended.
func (c CycleStatus) Trouble() string {
	switch c.Result {
	case CycleRefused:
		return because("LivePerson refused the login: nothing is captured until that is mended", c.Error)
	case CycleFailed:
		return because("the last cycle failed", c.Error)
	case CycleIncomplete:
		return because("the last cycle was not complete", c.Error)
	}
	return ""
}

// OpenBackfill is a backfill that has not come to its end.
type OpenBackfill struct {
	Period        // as it was asked for
	Windows int64 // still to be read
}

func (b OpenBackfill) String() string { return periodText(b.From, b.To) }

// Command resumes it.
func (b OpenBackfill) Command() string { return backfillCommand(b.From, b.To) }

// Abandon ends it with what it has read.
func (b OpenBackfill) Abandon() string { return b.Command() + " --abandon --reason TEXT" }

// DestinationStatus is what a destination has still to get.
type DestinationStatus struct {
	Name            string
	Pending         int // conversations and bundles
	OldestPending   time.Duration
	Failed          int   // items tried in vain
	Rejected        int   // items that wait for a person
	Held            int   // conversations that wait for a person
	Dismissed       int   // items and conversations that a person has given up
	Found           int   // bundles that were found changed or missing, and nobody has accepted that
	Uncertain       int   // ends of which nobody knows whether the item was taken
	Left            int   // files that no importer has taken from the flat folder for too long
	Withheld        int64 // private messages that it is not given
	AudienceUnknown int64 // messages that it is not given before history has said for whom they are
	WithheldFrom    int64 // conversations that these are in
	LastError       string
	FailingSince    time.Time // zero while it does not fail
	NextTry         time.Time // zero: with the next run
	Halted          bool
	Remedy          string // of the halt, in words that end in a command; "" none is known
}

// Command is what to type about a destination that halts or fails; "" where it does
// neither.
func (d DestinationStatus) Command() string {
	switch {
	case d.Halted:
		if at := strings.LastIndex(d.Remedy, "lpexport "); at == 0 || at > 0 && strings.HasSuffix(d.Remedy[:at], ": ") {
			return d.Remedy[at:]
		}
		return "lpexport check"
	case d.LastError != "" || !d.FailingSince.IsZero():
		return "lpexport check"
	}
	return ""
}

// Advice is what to do about a halt, where that is not a command alone.
func (d DestinationStatus) Advice() string {
	if !d.Halted || d.Remedy == d.Command() {
		return ""
	}
	return d.Remedy
}

// Status reads the state. It changes nothing and needs no lease.
func (e *Exporter) Status(ctx context.Context) (s Status, err error) {
	s.Checkpoint = e.cp.Path()
	place, err := e.cp.Place(ctx)
	if err != nil {
		return s, err
	}
	if place.Watermark != 0 {
		s.Watermark = time.UnixMilli(place.Watermark).UTC()
		s.Lag = max(e.Now().Sub(s.Watermark), 0)
	}
	if err := e.coverage(ctx, &s); err != nil {
		return s, err
	}
	if s.LastCycle, err = e.lastCycle(ctx); err != nil {
		return s, err
	}
	for _, d := range e.Destinations {
		one, err := e.destinationStatus(ctx, d)
		if err != nil {
			return s, err
		}
		one.lacking(d)
		s.Destinations = append(s.Destinations, one)
	}
	if s.Dropped, err = e.dropped(ctx); err != nil {
		return s, err
	}
	if err := e.quarantineStatus(ctx, &s); err != nil {
		return s, err
	}
	if s.OpenConversations, err = e.cp.OpenConversations(ctx); err != nil {
		return s, err
	}
	if s.Partial, s.FailedLooks, err = e.cp.Lacking(ctx); err != nil {
		return s, err
	}
	if err := e.backfillStatus(ctx, &s); err != nil {
		return s, err
	}
	if s.Events, err = e.eventStatus(ctx); err != nil {
		return s, err
	}
	if s.Outage, err = e.outageStatus(ctx); err != nil {
		return s, err
	}
	if s.Selection, err = e.selectionStatus(ctx); err != nil {
		return s, err
	}
	s.Files, err = e.fileStatus(ctx)
	return s, err
}

func (e *Exporter) lastCycle(ctx context.Context) (CycleStatus, error) {
	last, since, found, err := e.cp.LastCycle(ctx)
	if err != nil || !found {
		return CycleStatus{}, err
	}
	return CycleStatus{timeOf(last.Started), timeOf(last.Ended), timeOf(since), CycleResult(last.Result), last.Error}, nil
}

// shownGroups is how many groups, and backfills, the status names one by one.
const shownGroups = 20

func (e *Exporter) backfillStatus(ctx context.Context, s *Status) error {
	open, all, err := e.cp.OpenBackfills(ctx, shownGroups)
	for _, b := range open {
		s.Backfills = append(s.Backfills, OpenBackfill{Period{timeOf(b.Since), timeOf(b.Next)}, b.N})
	}
	s.OpenBackfills = all
	return err
}

// dropped are the destinations that were taken out of the configuration while
// something was owed to them.
func (e *Exporter) dropped(ctx context.Context) (list []DestinationStatus, err error) {
	rows, err := e.cp.Destinations(ctx)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if rows[i].Retired || slices.ContainsFunc(e.Destinations, func(d Destination) bool { return d.Name == rows[i].Name }) {
			continue
		}
		one, err := e.owed(ctx, &rows[i])
		if err != nil {
			return nil, err
		}
		if one.Pending+one.Rejected > 0 {
			list = append(list, one)
		}
	}
	return list, nil
}

// EventsWaitLong is how long events wait for their sender or for history where nothing
// is wrong.
const EventsWaitLong = 10 * time.Minute

// Lasting reports whether events have waited longer than that.
func (s EventStatus) Lasting() bool { return s.Waiting > 0 && s.Oldest >= EventsWaitLong }

// eventStatus tells what became of events that are not settled.
func (e *Exporter) eventStatus(ctx context.Context) (s EventStatus, err error) {
	u, err := e.cp.Unsettled(ctx, e.Now().Add(-e.ConfirmWithin).UnixMilli())
	s.Waiting, s.Unconfirmed = u.Waiting, u.Unconfirmed
	if u.OldestAt != 0 {
		s.Oldest = max(time.Duration(e.millis()-u.OldestAt)*time.Millisecond, 0)
	}
	return s, err
}

func (e *Exporter) destinationStatus(ctx context.Context, d Destination) (DestinationStatus, error) {
	row, found, err := e.cp.Destination(ctx, d.Name)
	if err != nil || !found {
		return DestinationStatus{Name: d.Name}, err
	}
	s, err := e.owed(ctx, &row)
	if err != nil {
		return s, err
	}
	s.Left, err = e.countLeft(ctx, d, row.ID)
	return s, err
}

// owed is what the state knows of a destination.
func (e *Exporter) owed(ctx context.Context, row *checkpoint.Destination) (DestinationStatus, error) {
	s := DestinationStatus{Name: row.Name}
	w, err := e.cp.Waiting(ctx, row.ID)
	if err != nil {
		return s, err
	}
	s.Pending, s.Failed, s.Rejected, s.Uncertain = w.Due+w.Bundles, w.Failed, w.Rejected, w.Uncertain
	s.Held, s.Dismissed, s.Found = w.Held, w.Dismissed, w.Found
	s.LastError = row.Trouble.Error
	if row.Trouble.Since != 0 {
		s.FailingSince, s.NextTry = time.UnixMilli(row.Trouble.Since).UTC(), time.UnixMilli(row.Trouble.NextAt).UTC()
	}
	if w.OldestAt != 0 {
		s.OldestPending = max(time.Duration(e.millis()-w.OldestAt)*time.Millisecond, 0)
	}
	if row.Halted != "" {
		s.Halted, s.LastError, s.Remedy = true, row.Halted, row.Remedy
	}
	withheld, err := e.cp.Withheld(ctx, row.ID)
	s.Withheld, s.AudienceUnknown, s.WithheldFrom = withheld.Private, withheld.Unsaid, withheld.Conversations
	return s, err
}
