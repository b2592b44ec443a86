package exporter

import (
	"context"
	"time"
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
	Destinations      []DestinationStatus
	Quarantined       int
	OpenConversations int64
	OpenBackfills     int64
	Partial           int64 // conversations whose record LivePerson cut short and is asked for again: the list "cut"
	FailedLooks       int64 // conversations that could not be read by their id when that was tried last: the list "failed-looks"
	Events            EventStatus
	Files             FileStatus
	Outage            OutageStatus
	Selection         SelectionStatus
}

// DestinationStatus is what a destination has still to get.
type DestinationStatus struct {
	Name            string
	Pending         int // conversations and bundles
	OldestPending   time.Duration
	Failed          int   // items tried in vain
	Rejected        int   // items that wait for a person
	Uncertain       int   // ends of which nobody knows whether the item was taken
	Left            int   // files that no importer has taken from the flat folder for too long
	Withheld        int64 // private messages that it is not given
	AudienceUnknown int64 // messages that it is not given before history has said for whom they are
	WithheldFrom    int64 // conversations that these are in
	LastError       string
	FailingSince    time.Time // zero while it does not fail
	NextTry         time.Time // zero: with the next run
	Halted          bool
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
	for _, d := range e.Destinations {
		one, err := e.destinationStatus(ctx, d)
		if err != nil {
			return s, err
		}
		s.Destinations = append(s.Destinations, one)
	}
	if s.Quarantined, err = e.cp.CountQuarantined(ctx); err != nil {
		return s, err
	}
	if s.OpenConversations, err = e.cp.OpenConversations(ctx); err != nil {
		return s, err
	}
	if s.Partial, s.FailedLooks, err = e.cp.Lacking(ctx); err != nil {
		return s, err
	}
	if s.OpenBackfills, err = e.cp.OpenBackfills(ctx); err != nil {
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
	s := DestinationStatus{Name: d.Name}
	row, found, err := e.cp.Destination(ctx, d.Name)
	if err != nil || !found {
		return s, err
	}
	w, err := e.cp.Waiting(ctx, row.ID)
	if err != nil {
		return s, err
	}
	s.Pending, s.Failed, s.Rejected, s.Uncertain = w.Due+w.Bundles, w.Failed, w.Rejected, w.Uncertain
	s.LastError = row.Trouble.Error
	if row.Trouble.Since != 0 {
		s.FailingSince, s.NextTry = time.UnixMilli(row.Trouble.Since).UTC(), time.UnixMilli(row.Trouble.NextAt).UTC()
	}
	if w.OldestAt != 0 {
		s.OldestPending = max(time.Duration(e.millis()-w.OldestAt)*time.Millisecond, 0)
	}
	if row.Halted != "" {
		s.Halted, s.LastError = true, row.Halted
	}
	withheld, err := e.cp.Withheld(ctx, row.ID)
	if err != nil {
		return s, err
	}
	s.Withheld, s.AudienceUnknown, s.WithheldFrom = withheld.Private, withheld.Unsaid, withheld.Conversations
	s.Left, err = e.countLeft(ctx, d, row.ID)
	return s, err
}
