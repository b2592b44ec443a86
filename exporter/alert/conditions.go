package alert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"lpexport/exporter"
)

// Names of conditions, a closed list; what is worst comes first.
const (
	State       = "state"       // the state cannot be read
	Login       = "login"       // LivePerson refused the last cycle's credentials
	Cycle       = "cycle"       // the last cycle failed
	Lag         = "lag"         // capture is further behind than Bounds.Lag
	Halted      = "halted"      // a destination stands still until a person has looked
	Failing     = "failing"     // a destination has failed for longer than Bounds.Failing
	Refused     = "refused"     // events that bear our client id are refused
	Skill       = "skill"       // a skill bears a name which stands for another in select.skills: it is not captured
	Silence     = "silence"     // no event has come for longer than Bounds.Silence
	Quarantine  = "quarantine"  // more waits for a person than before
	Hole        = "hole"        // a period is not known to be captured, and a backfill can fetch it
	Signature   = "signature"   // events are signed in another way than webhook.signature; they are taken
	Unconfirmed = "unconfirmed" // history does not confirm what events told
	Expiry      = "expiry"      // credentials or a certificate end within Bounds.Expiry
)

var severity = []string{State, Login, Cycle, Lag, Halted, Failing, Refused, Skill, Silence, Quarantine, Hole, Signature, Unconfirmed, Expiry}

// Bounds say from when on something is a condition. A bound of 0 turns off what
// it is for; what has no bound is always on.
type Bounds struct {
	Lag     time.Duration // since the watermark, or before the first whole cycle since serve began
	Failing time.Duration // of a destination; one that halts does not heal by itself and is told at once
	Silence time.Duration // of the webhook
	Expiry  time.Duration // before the end of credentials or a certificate
	Repeat  time.Duration // after which a condition that lasts is told again
}

// Condition is something that a person should know of. It holds nothing that
// people wrote, and no secret.
type Condition struct {
	Name    string    // one of the list
	Subject string    // the destination, or what ends; "" where the name says it all
	Since   time.Time // when it began; zero: not known
	Text    string    // one line
	Hint    string    // a command to type
	Count   int64     // of what waits, in Quarantine, Hole and Unconfirmed
}

// Conditions are those that hold in o, the worst first and each of them once.
// State is never among them: no overview shows it.
func Conditions(o exporter.Overview, b Bounds) []Condition {
	var held []Condition
	hold := func(c Condition) {
		c.Subject, c.Text = plain(c.Subject), plain(c.Text)
		held = append(held, c)
	}
	capture(o, b, hold)
	for _, d := range o.Destinations {
		destination(o.At, d, b, hold)
	}
	if o.Receiver != nil {
		receiver(o, b, hold)
	}
	for _, n := range o.Selection.Namesakes {
		hold(Condition{Name: Skill, Subject: n.ID, Since: n.Since, Hint: "lpexport status --list namesakes",
			Text: fmt.Sprintf("skill %s is called %q and is not the one that select.skills means: it is not captured", n.ID, n.Entry)})
	}
	if o.Quarantined > 0 {
		hold(Condition{Name: Quarantine, Count: int64(o.Quarantined), Hint: "lpexport quarantine list",
			Text: because(counted(int64(o.Quarantined), "item waits", "items wait")+" for a person", commonest(o.Waiting))})
	}
	if holes := exporter.Fetchable(o.Holes); len(holes) > 0 {
		err := exporter.HoleError{Holes: holes}
		hold(Condition{Name: Hole, Count: int64(len(holes)), Text: err.Error(), Hint: err.Hint()})
	}
	if n := o.Events.Unconfirmed; n > 0 {
		hold(Condition{Name: Unconfirmed, Count: n, Hint: "lpexport status --list unconfirmed",
			Text: counted(n, "conversation has", "conversations have") + " messages that events told and history has not confirmed for too long"})
	}
	expiries(o, b, hold)
	return sorted(held)
}

func capture(o exporter.Overview, b Bounds, hold func(Condition)) {
	const hint = "lpexport check"
	trouble := o.LastCycle.Trouble()
	switch o.LastCycle.Result {
	case exporter.CycleRefused:
		hold(Condition{Name: Login, Since: o.LastCycle.Since, Hint: hint, Text: trouble})
	case exporter.CycleFailed:
		hold(Condition{Name: Cycle, Since: o.LastCycle.Since, Hint: hint, Text: trouble})
	}
	switch {
	case b.Lag == 0:
	case !o.Watermark.IsZero() && o.Lag > b.Lag:
		hold(Condition{Name: Lag, Since: o.Watermark, Hint: hint, Text: because(fmt.Sprintf("capture is %s behind, more than %s", age(o.Lag), age(b.Lag)), trouble)})
	case o.Watermark.IsZero() && !o.Began.IsZero() && o.At.Sub(o.Began) > b.Lag:
		hold(Condition{Name: Lag, Since: o.Began, Hint: hint, Text: because("no complete cycle yet, "+age(o.At.Sub(o.Began))+" after the start", trouble)})
	}
}

func destination(at time.Time, d exporter.DestinationStatus, b Bounds, hold func(Condition)) {
	failing := time.Duration(0)
	if !d.FailingSince.IsZero() {
		failing = at.Sub(d.FailingSince)
	}
	switch {
	case b.Failing == 0:
	case d.Halted:
		hold(Condition{Name: Halted, Subject: d.Name, Since: d.FailingSince, Hint: d.Command(),
			Text: because("destination "+d.Name+" halts until a person has looked", because(d.LastError, d.Advice()))})
	case failing > b.Failing:
		hold(Condition{Name: Failing, Subject: d.Name, Since: d.FailingSince, Hint: d.Command(),
			Text: because("destination "+d.Name+" has been failing for "+age(failing), d.LastError)})
	}
}

func receiver(o exporter.Overview, b Bounds, hold func(Condition)) {
	switch {
	case o.Receiver.Alarm == "":
	case o.Receiver.Taken:
		hold(Condition{Name: Signature, Since: o.Receiver.Since, Hint: "lpexport status", Text: "webhook: " + o.Receiver.Alarm})
	default:
		hold(Condition{Name: Refused, Since: o.Receiver.Since, Hint: "lpexport status", Text: "webhook: " + o.Receiver.Alarm})
	}
	heard := o.Receiver.LastAt
	if heard.IsZero() {
		heard = o.Began
	}
	if silent := o.At.Sub(heard); b.Silence > 0 && !heard.IsZero() && silent > b.Silence {
		hold(Condition{Name: Silence, Since: heard, Hint: "lpexport check",
			Text: fmt.Sprintf("no event has come for %s, more than %s: is the connector still on?", age(silent), age(b.Silence))})
	}
}

func expiries(o exporter.Overview, b Bounds, hold func(Condition)) {
	for _, e := range o.Expiries {
		left := e.At.Sub(o.At)
		if b.Expiry == 0 || e.At.IsZero() || left > b.Expiry {
			continue
		}
		text := e.What + " ends in " + age(left)
		if left <= 0 {
			text = e.What + " ended " + age(-left) + " ago"
		}
		hold(Condition{Name: Expiry, Subject: e.What, Since: e.At.Add(-b.Expiry), Hint: "lpexport check",
			Text: text + ", at " + e.At.UTC().Format(time.RFC3339)})
	}
}

// sorted puts the worst first. Of several of one name and subject the one that
// began first stays.
func sorted(held []Condition) []Condition {
	slices.SortStableFunc(held, func(a, b Condition) int {
		return cmp.Or(order(a.key(), b.key()), a.Since.Compare(b.Since))
	})
	return slices.CompactFunc(held, func(a, b Condition) bool { return a.key() == b.key() })
}

// key is what a condition is told apart by.
type key struct{ name, subject string }

func (c Condition) key() key { return key{c.Name, c.Subject} }

func order(a, b key) int {
	return cmp.Or(cmp.Compare(slices.Index(severity, a.name), slices.Index(severity, b.name)), cmp.Compare(a.subject, b.subject))
}

// commonest says what is wrong with the greatest group of what waits.
func commonest(groups []exporter.WaitingGroup) string {
	if len(groups) == 0 {
		return ""
	}
	return groups[0].String()
}

func because(fact, why string) string {
	if why == "" {
		return fact
	}
	return fact + ": " + why
}

func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// age is a duration as people say it, with one unit or two.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// longest is how many characters of a text from outside are told.
const longest = 300

// plain makes text from outside one bounded line that steers no terminal.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
