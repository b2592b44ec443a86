package page

import (
	"strings"
	"time"

	"lpexport/exporter"
)

// destination is a line of the table, and what is to be said below it.
type destination struct {
	Name, State     string
	Level           level
	Pending, Oldest string
	Remarks         string // "" none
	Error           string // what the far side or the check said last
	Command         string // what to type next; "" nothing
}

func (s Settings) destinations(o *exporter.Overview) []destination {
	list := make([]destination, 0, len(o.Destinations))
	for _, d := range o.Destinations {
		one := destination{Name: Line(d.Name, nameLimit), State: "ok", Pending: number(d.Pending), Oldest: "–",
			Remarks: remarks(d, o.At), Error: Line(d.LastError, errorLimit)}
		if d.Pending > 0 {
			one.Oldest = age(d.OldestPending)
		}
		switch {
		case d.Halted:
			one.State, one.Level, one.Command = "halted", bad, s.Commands(Line(d.Command(), errorLimit))
		case !d.FailingSince.IsZero():
			one.State, one.Level, one.Command = "failing", care, s.Commands("lpexport check")
			if o.At.Sub(d.FailingSince) >= failingLong {
				one.Level = bad
			}
		case d.Pending > 0:
			one.State, one.Level = "waiting", starting
		}
		list = append(list, one)
	}
	return list
}

// remarks are the numbers that are not always there.
func remarks(d exporter.DestinationStatus, now time.Time) string {
	var all []string
	switch {
	case d.Halted:
		all = append(all, "nothing is sent until a person has looked")
		if advice := d.Advice(); advice != "" {
			all = append(all, Line(advice, errorLimit))
		}
	case !d.FailingSince.IsZero():
		all = append(all, "since "+at(d.FailingSince, now).Text+" ("+age(now.Sub(d.FailingSince))+")", "next try "+next(d, now))
	}
	if d.Failed > 0 {
		all = append(all, count(d.Failed, "item")+" tried in vain")
	}
	if d.Found > 0 {
		all = append(all, number(d.Found)+" found changed or missing")
	}
	if d.Rejected > 0 {
		all = append(all, number(d.Rejected)+" rejected")
	}
	if d.Held > 0 {
		all = append(all, count(d.Held, "conversation")+" cannot be cut")
	}
	if d.Dismissed > 0 {
		all = append(all, number(d.Dismissed)+" dismissed")
	}
	if d.Uncertain > 0 {
		all = append(all, count(d.Uncertain, "item")+" may have arrived twice")
	}
	if d.Left > 0 {
		all = append(all, count(d.Left, "file")+" not taken by the importer")
	}
	return strings.Join(all, " · ")
}
