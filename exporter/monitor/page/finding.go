package page

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"lpexport/exporter"
)

// level says how much a finding matters.
type level int

const (
	fine level = iota
	starting
	care // goes on, and somebody should look in office hours
	bad  // something does not go on by itself
)

func (l level) String() string { return [...]string{"fine", "starting", "care", "bad"}[l] }

// Mark tells levels apart where colours do not.
func (l level) Mark() string { return [...]string{"✓", "…", "!", "✕"}[l] }

// Word is what a screen reader says in place of the mark.
func (l level) Word() string {
	return [...]string{"All is well", "Starting", "Needs attention", "Wrong"}[l]
}

// finding is one thing that an operator has to know, as one sentence.
type finding struct {
	Level   level
	Text    string
	Command string // what to type next; "" nothing
}

// Bounds beyond which a person is told.
const (
	failingLong = time.Hour           // as long as the log keeps it to a warning
	pendingLong = 8 * 24 * time.Hour  // no cut waits longer than seven days
	filesLong   = 48 * time.Hour      // what LivePerson does not have is on record by then
	expiresSoon = 14 * 24 * time.Hour // time to have a certificate signed
)

// findings are all that is not as it should be, the worst first. Where all is
// well it is one that says so. There is always a first: the sentence of the page.
// A lag is bad from behind on.
func findings(o *exporter.Overview, behind time.Duration) []finding {
	late := late(o, behind)
	all := slices.Concat(failed(o), halted(o), late, refused(o), namesakes(o), failing(o), expiring(o), holes(o),
		quarantined(o), left(o), unfinished(o, late), dropped(o), unsettled(o), files(o), partial(o))
	slices.SortStableFunc(all, func(a, b finding) int { return cmp.Compare(b.Level, a.Level) })
	if len(all) == 0 {
		all = append(all, well(o))
	}
	return all
}

// failed cycles come first: nothing is captured.
func failed(o *exporter.Overview) []finding {
	if o.LastCycle.Result != exporter.CycleRefused && o.LastCycle.Result != exporter.CycleFailed {
		return nil
	}
	return []finding{{bad, sentence(o.LastCycle.Trouble()), "lpexport check"}}
}

// halted destinations get nothing until a person has looked.
func halted(o *exporter.Overview) []finding {
	names := names(o, func(d exporter.DestinationStatus) bool { return d.Halted })
	switch len(names) {
	case 0:
		return nil
	case 1:
		i := slices.IndexFunc(o.Destinations, func(d exporter.DestinationStatus) bool { return d.Halted })
		return []finding{{bad, fmt.Sprintf("Nothing is sent to %s until a person has looked.", quoted(names[0])), Line(o.Destinations[i].Command(), errorLimit)}}
	default:
		return []finding{{bad, fmt.Sprintf("Nothing is sent to %s until a person has looked.", listed(names)), "lpexport status"}}
	}
}

// dropped are destinations that the configuration no longer names.
func dropped(o *exporter.Overview) []finding {
	var found []finding
	for _, d := range o.Dropped {
		found = append(found, finding{care, fmt.Sprintf("%s is not in the configuration any more, and %s not delivered to it: put it back, or give that up.",
			quoted(d.Name), owed(d)), "lpexport retire " + shell(d.Name)})
	}
	return found
}

func owed(d exporter.DestinationStatus) string {
	if d.Pending+d.Rejected == 1 {
		return "1 conversation or bundle is"
	}
	return number(d.Pending+d.Rejected) + " conversations or bundles are"
}

// sentence is a text from the state as a sentence.
func sentence(text string) string { return ended(capital(Line(text, errorLimit))) }

func late(o *exporter.Overview, behind time.Duration) []finding {
	switch {
	case !o.Watermark.IsZero() && o.Lag >= behind:
		return []finding{{bad, fmt.Sprintf("Capture is %s behind: nothing newer than %s is known to be captured.%s",
			age(o.Lag), at(o.Watermark, o.At).Text, reason(o)), "lpexport check"}}
	case !o.Watermark.IsZero():
		return nil
	case !o.Began.IsZero() && o.At.Sub(o.Began) >= behind:
		return []finding{{bad, fmt.Sprintf("No cycle has been complete since the start %s ago: nothing is known to be captured.%s",
			age(o.At.Sub(o.Began)), reason(o)), "lpexport check"}}
	default:
		return []finding{{starting, "No cycle has been complete yet: nothing is known to be captured.", ""}}
	}
}

// reason is why the last cycle was not complete, as one more sentence; "" where another
// finding says it, or nothing does.
func reason(o *exporter.Overview) string {
	if o.LastCycle.Result != exporter.CycleIncomplete || o.LastCycle.Error == "" {
		return ""
	}
	return " " + sentence(o.LastCycle.Trouble())
}

func refused(o *exporter.Overview) []finding {
	if o.Receiver == nil || o.Receiver.Alarm == "" {
		return nil
	}
	if o.Receiver.Taken {
		return []finding{{care, fmt.Sprintf("Since %s: %s", at(o.Receiver.Since, o.At).Text, ended(Line(o.Receiver.Alarm, errorLimit))), ""}}
	}
	return []finding{{bad, fmt.Sprintf("Events of this account are refused since %s: %s",
		at(o.Receiver.Since, o.At).Text, ended(Line(o.Receiver.Alarm, errorLimit))), "lpexport check"}}
}

// namesakes are skills that a person may believe to be captured.
func namesakes(o *exporter.Overview) []finding {
	var found []finding
	for _, n := range o.Selection.Namesakes {
		found = append(found, finding{bad, fmt.Sprintf("Skill %s is called %s since %s, and is not the one that select.skills means: it is not captured until its id is written there.",
			Line(n.ID, nameLimit), quoted(Line(n.Entry, nameLimit)), at(n.Since, o.At).Text), "lpexport status --list namesakes"})
	}
	return found
}

func failing(o *exporter.Overview) []finding {
	var found []finding
	for _, d := range o.Destinations {
		if d.Halted || d.FailingSince.IsZero() {
			continue
		}
		since := o.At.Sub(d.FailingSince)
		how := care
		if since >= failingLong {
			how = bad
		}
		found = append(found, finding{how, fmt.Sprintf("%s has taken nothing since %s (%s): what is due to it is kept, next try %s.",
			quoted(d.Name), at(d.FailingSince, o.At).Text, age(since), next(d, o.At)), "lpexport check"})
	}
	return found
}

// next says when a failing destination is tried again.
func next(d exporter.DestinationStatus, now time.Time) string {
	if !d.NextTry.After(now) {
		return "with the next run"
	}
	return "at " + at(d.NextTry, now).Text
}

func expiring(o *exporter.Overview) []finding {
	var found []finding
	for _, e := range o.Expiries {
		what, in := capital(Line(e.What, nameLimit)), e.At.Sub(o.At)
		switch {
		case in <= 0:
			found = append(found, finding{bad, fmt.Sprintf("%s: expired %s ago.", what, age(-in)), ""})
		case in <= expiresSoon:
			found = append(found, finding{care, fmt.Sprintf("%s: expires in %s.", what, age(in)), ""})
		}
	}
	return found
}

// holes are between covered periods: nothing fills them by itself.
func holes(o *exporter.Overview) []finding {
	if o.OpenBackfills > 0 {
		return backfills(o)
	}
	gaps := exporter.Fetchable(o.Holes)
	if len(gaps) == 0 {
		return nil
	}
	last := gaps[len(gaps)-1]
	text := fmt.Sprintf("Coverage gap: %s.", last)
	if len(gaps) > 1 {
		text = fmt.Sprintf("%s coverage gaps, the last: %s.", number(len(gaps)), last)
	}
	return []finding{{care, text, last.Command()}}
}

// backfills go on with the command that began them.
func backfills(o *exporter.Overview) []finding {
	if len(o.Backfills) == 0 {
		return []finding{{care, fmt.Sprintf("%s not finished.", isAre(o.OpenBackfills, "backfill")), "lpexport status --list backfills"}}
	}
	b := o.Backfills[0]
	text := fmt.Sprintf("The backfill of %s is not finished.", b)
	if o.OpenBackfills > 1 {
		text = fmt.Sprintf("%s not finished, the first of %s.", isAre(o.OpenBackfills, "backfill"), b)
	}
	return []finding{{care, text, b.Command()}}
}

func quarantined(o *exporter.Overview) []finding {
	if o.Quarantined == 0 {
		return nil
	}
	text := itemsWait(o.Quarantined) + " for a person"
	switch len(o.Waiting) {
	case 0:
		text += "."
	case 1:
		text = ended(text + ": " + Line(o.Waiting[0].Reason, errorLimit))
	default:
		text = ended(text + "; most of them: " + Line(o.Waiting[0].Reason, errorLimit))
	}
	return []finding{{care, text, "lpexport quarantine list"}}
}

func itemsWait(items int) string {
	if items == 1 {
		return "1 item waits"
	}
	return count(items, "item") + " wait"
}

func left(o *exporter.Overview) []finding {
	var found []finding
	for _, d := range o.Destinations {
		if d.Left > 0 {
			found = append(found, finding{care, fmt.Sprintf("%s in the folder of %s for too long: its importer takes none.",
				isAre(int64(d.Left), "file"), quoted(d.Name)), "lpexport status --list left"})
		}
		if d.OldestPending >= pendingLong && !d.Halted && d.FailingSince.IsZero() {
			found = append(found, finding{care, fmt.Sprintf("Something is pending for %s for %s, longer than any cut waits.",
				quoted(d.Name), age(d.OldestPending)), "lpexport status --list pending"})
		}
	}
	return found
}

// unfinished looks at the last cycle that has ended.
// Where capture is late, that says why.
func unfinished(o *exporter.Overview, late []finding) []finding {
	last := &o.LastCycle
	if last.Result != exporter.CycleIncomplete || len(late) > 0 && late[0].Level == bad {
		return nil
	}
	text := fmt.Sprintf("The cycle of %s is not complete, and the next one tries again", at(last.Started, o.At).Text)
	if last.Error != "" {
		text += ": " + Line(last.Error, errorLimit)
	}
	return []finding{{care, ended(text), "lpexport check"}}
}

func unsettled(o *exporter.Overview) []finding {
	var found []finding
	if o.Events.Unconfirmed > 0 {
		found = append(found, finding{care, fmt.Sprintf("History has not confirmed for too long what events told of %s.",
			count(o.Events.Unconfirmed, "conversation")), "lpexport status --list unconfirmed"})
	}
	if o.Events.Lasting() {
		found = append(found, finding{care, fmt.Sprintf("%s waiting for history or a known sender, and not delivered; the oldest for %s.",
			isAre(o.Events.Waiting, "event"), age(o.Events.Oldest)), "lpexport status --list events"})
	}
	return found
}

// files tells how many of them are lacking. That is of care only: texts go on.
func files(o *exporter.Overview) []finding {
	f := &o.Files
	switch {
	case f.Off || f.Waiting == 0:
		return nil
	case f.NotGranted():
		return nil // there is nothing to do
	case f.Refused != "":
		return []finding{{care, fmt.Sprintf("%s named by messages and not fetched: LivePerson does not give this login any.", isAre(f.Waiting, "file")), "lpexport check"}}
	case f.Oldest >= filesLong:
		text := fmt.Sprintf("%s named by messages and not fetched, the first for %s", isAre(f.Waiting, "file"), age(f.Oldest))
		if f.Wrong != "" {
			text += ": " + Line(f.Wrong, errorLimit)
		}
		return []finding{{care, ended(text), "lpexport status"}}
	}
	return nil
}

func partial(o *exporter.Overview) []finding {
	var list []finding
	if o.Partial > 0 {
		list = append(list, finding{care, fmt.Sprintf("%s cut short by LivePerson: what it gave is delivered, and the rest asked for again.", isAre(o.Partial, "conversation")),
			"lpexport status --list cut"})
	}
	if o.FailedLooks > 0 {
		list = append(list, finding{care, fmt.Sprintf("%s not readable by id: tried again with growing pauses.", isAre(o.FailedLooks, "conversation")), "lpexport status --list failed-looks"})
	}
	return list
}

// well is the sentence of a good night.
func well(o *exporter.Overview) finding {
	pending := 0
	for _, d := range o.Destinations {
		pending += d.Pending
	}
	delivered := "all of it is delivered"
	if pending > 0 {
		delivered = number(pending) + " pending"
	}
	if n := o.Events.Waiting; n > 0 {
		delivered += ", " + count(n, "event") + " not attributed yet"
	}
	return finding{fine, fmt.Sprintf("All is well: captured up to %s ago, %s, nothing waits for a person.", age(o.Lag), delivered), ""}
}

func names(o *exporter.Overview, which func(exporter.DestinationStatus) bool) []string {
	var names []string
	for _, d := range o.Destinations {
		if which(d) {
			names = append(names, d.Name)
		}
	}
	return names
}
