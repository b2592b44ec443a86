package page

import (
	"html/template"
	"slices"
	"time"

	"lpexport/exporter"
)

// view is the page in words: the template only places them.
type view struct {
	Style        template.CSS
	Account      string
	Generator    string
	Checkpoint   string
	At           moment
	Began        *moment // nil: this is no service
	Head         finding
	Others       []finding
	Figures      []figure
	Destinations []destination
	Calendar     []month
	Recent       []dayRow
	Charts       []chart
	Runs         []run
	Quarantined  string // "7 items wait"; "" none does
	Waiting      []figure
	Quarantine   []step
	Events       []figure
	Alarm        *alarm // nil: none
	Expiries     []expiry
	Coverage     []period
	Earlier      string // covered periods that are not listed
}

// figure is a number with its name.
type figure struct {
	Name, Value, Note string
	Level             level
}

// alarm is what is wrong with events that come.
type alarm struct {
	Text  string
	Level level // bad: they are refused
}

// step is a command with what it is for.
type step struct{ What, Command string }

func (s Settings) view(o *exporter.Overview) view {
	found := s.complete(findings(o, s.Behind))
	v := view{
		Style: template.CSS(style), Account: Line(o.Account, nameLimit), Generator: Line(o.Generator, nameLimit),
		Checkpoint: Line(o.Checkpoint, errorLimit), At: at(o.At, o.At), Head: found[0], Others: found[1:],
		Figures: figures(o, s.Behind), Destinations: s.destinations(o), Calendar: calendar(o), Recent: recent(o), Charts: charts(o),
		Runs: runs(o), Events: events(o), Expiries: expiries(o),
	}
	if !o.Began.IsZero() {
		began := at(o.Began, o.At)
		v.Began = &began
	}
	if r := o.Receiver; r != nil && r.Alarm != "" {
		v.Alarm = &alarm{Line(r.Alarm, errorLimit), bad}
		if r.Taken {
			v.Alarm.Level = care
		}
	}
	if o.Quarantined > 0 {
		v.Quarantined = itemsWait(o.Quarantined)
		for _, g := range o.Waiting {
			v.Waiting = append(v.Waiting, figure{Name: Line(g.Kind+forDestination(g.Destination), nameLimit), Value: number(g.Count), Note: Line(g.Reason, errorLimit)})
		}
		v.Quarantine = []step{
			{"See what waits, and why", s.Commands("lpexport quarantine list")},
			{"Look at one, by its number", s.Commands("lpexport quarantine show ID")},
			{"When the cause is gone, try all again", s.Commands("lpexport quarantine retry")},
			{"Give one up, on record", s.Commands("lpexport quarantine dismiss ID --reason TEXT")},
		}
	}
	v.Coverage, v.Earlier = coverage(o)
	return v
}

// complete makes commands such that they can be pasted, and names each but once.
func (s Settings) complete(found []finding) []finding {
	named := map[string]bool{"": true}
	for i := range found {
		command := found[i].Command
		if found[i].Command = ""; !named[command] {
			named[command] = true
			found[i].Command = s.Commands(command)
		}
	}
	return found
}

// figures are the few numbers that stand on top.
func figures(o *exporter.Overview, behind time.Duration) []figure {
	lag := figure{Name: "Behind", Value: "not known", Note: "no cycle has been complete yet", Level: starting}
	if !o.Watermark.IsZero() {
		lag = figure{Name: "Behind", Value: age(o.Lag), Note: "captured up to " + at(o.Watermark, o.At).Text}
		if o.Lag >= behind {
			lag.Level = bad
		}
	}
	pending, oldest := 0, time.Duration(0)
	for _, d := range o.Destinations {
		pending, oldest = pending+d.Pending, max(oldest, d.OldestPending)
	}
	waiting := figure{Name: "Pending", Value: number(pending), Note: "nothing is due"}
	if pending > 0 {
		waiting.Note = "the oldest for " + age(oldest)
	}
	people := figure{Name: "For a person", Value: number(o.Quarantined), Note: "nothing waits"}
	if o.Quarantined > 0 {
		people.Note, people.Level = "in quarantine", care
	}
	open := figure{Name: "Open conversations", Value: number(o.OpenConversations), Note: "still being written"}
	all := []figure{lag, waiting, people, open}
	if last := &o.LastCycle; !last.Started.IsZero() {
		all = append(all, figure{Name: "Last cycle", Value: string(last.Result), Level: levelOf(last.Result),
			Note: at(last.Ended, o.At).Text + ", took " + age(last.Ended.Sub(last.Started))})
	}
	return all
}

func levelOf(r exporter.CycleResult) level {
	switch r {
	case exporter.CycleComplete:
		return fine
	case exporter.CycleIncomplete:
		return care
	}
	return bad
}

func forDestination(name string) string {
	if name == "" {
		return ""
	}
	return " for " + name
}

// run is one of the last cycles and backfills.
type run struct {
	Kind, Took, Result string
	Started            moment
	Level              level
}

func runs(o *exporter.Overview) []run {
	const shown = 10
	var list []run
	newest := true
	for _, r := range o.Runs[:min(len(o.Runs), shown)] {
		one := run{Kind: Line(r.Kind, nameLimit), Started: at(r.Started, o.At), Took: "–"}
		switch {
		case r.Ended.IsZero() && newest:
			one.Result, one.Level = "running", starting
		case r.Ended.IsZero():
			one.Result, one.Level = "cut short", care
		default:
			one.Result, one.Took, one.Level = string(r.Result), age(r.Ended.Sub(r.Started)), levelOf(r.Result)
		}
		newest = newest && r.Kind != "cycle" // a backfill may run beside a cycle
		list = append(list, one)
	}
	return list
}

// events are what the receiver and its events come to.
func events(o *exporter.Overview) []figure {
	var list []figure
	if r := o.Receiver; r != nil {
		last := figure{Name: "Last event", Value: "none since the start"}
		if !r.LastAt.IsZero() {
			last.Value, last.Note = age(o.At.Sub(r.LastAt))+" ago", at(r.LastAt, o.At).Text
		}
		list = append(list, last)
	}
	waiting := figure{Name: "Waiting to be attributed", Value: number(o.Events.Waiting)}
	if o.Events.Waiting > 0 {
		waiting.Note = "the oldest for " + age(o.Events.Oldest)
		if o.Events.Lasting() {
			waiting.Level = care
		}
	}
	unconfirmed := figure{Name: "Not confirmed by history", Value: number(o.Events.Unconfirmed)}
	if o.Events.Unconfirmed > 0 {
		unconfirmed.Level = care
	}
	return append(list, waiting, unconfirmed)
}

// expiry is something that ends at a known time.
type expiry struct {
	What, In string
	At       moment
	Level    level
}

func expiries(o *exporter.Overview) []expiry {
	var list []expiry
	for _, e := range o.Expiries {
		one := expiry{What: capital(Line(e.What, nameLimit)), At: at(e.At, o.At)}
		switch in := e.At.Sub(o.At); {
		case in <= 0:
			one.In, one.Level = "expired "+age(-in)+" ago", bad
		case in <= expiresSoon:
			one.In, one.Level = "in "+age(in), care
		default:
			one.In = "in " + age(in)
		}
		list = append(list, one)
	}
	return list
}

// period is a covered one.
type period struct{ From, To moment }

// coverage lists the last covered periods, the newest first.
func coverage(o *exporter.Overview) (list []period, earlier string) {
	const shown = 8
	for _, p := range slices.Backward(o.Coverage) {
		if len(list) == shown {
			return list, count(len(o.Coverage)-shown, "earlier period") + " not shown"
		}
		list = append(list, period{at(p.From, time.Time{}), at(p.To, time.Time{})})
	}
	return list, ""
}
