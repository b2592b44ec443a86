package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

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

func newStatus(p *program) *cobra.Command {
	var options listOptions
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell how far behind, what waits, what to type next",
		Long: `Read the checkpoint and tell how far behind it is, how the last cycle ended and
why, which periods are covered, where gaps are and the command that fills them,
what each destination has still to get, what needs your attention, and what to
type next. It contacts nobody, changes nothing, and may run at any time. It ends
with 0 unless it fails itself.

With several --config it shows one line for each account, and below them what
needs a person. All accounts of a machine:
  lpexport status $(printf ' --config %s' /etc/lpexport/*.yaml)

With --list KIND it lists what one of its numbers counts, one item a line: since
when, when it is tried or looked at again, why, and what to type. --list help
names the kinds.`,
		Args:        arguments(0, 0),
		Annotations: map[string]string{severalConfigs: "yes"},
	}
	flags := cmd.Flags()
	flags.StringVar(&options.kind, "list", "", "list what is counted, item by item: `KIND`, or help")
	flags.StringArrayVar(&options.destinations, "destination", nil, "with --list: of the destination `NAME` only; repeatable")
	flags.IntVar(&options.limit, "limit", defaultListed, "with --list: at most `N` items")
	flags.StringVar(&options.after, "after", "", "with --list: go on after this `PLACE`, which the list before has named")
	return p.command(cmd, func() result { return newStatusResult() }, func(ctx context.Context, _ []string) (result, error) {
		if err := options.check(p, flags.Changed); err != nil || flags.Changed("list") {
			return runStatusList(ctx, p, options, err)
		}
		if len(p.flags.configs) > 1 {
			return runStatuses(ctx, p, verb(cmd))
		}
		return runStatus(ctx, p)
	})
}

func runStatus(ctx context.Context, p *program) (_ *statusResult, err error) {
	found := newStatusResult()
	found.config = p.flags.config
	c, err := p.loadConfig()
	if err != nil {
		return found, err
	}
	found.account = c.Account
	if !hasCheckpoint(c) {
		for _, d := range c.Destinations {
			found.Destinations = append(found.Destinations, statusDestination{Name: d.Name})
		}
		found.Checkpoint = checkpointPath(c)
		return found, nil
	}
	e, err := p.openExporter(ctx, c, exporter.Settings{})
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	status, err := e.Status(ctx)
	if err != nil {
		return found, err
	}
	found.take(c, status, p.now())
	return found, nil
}

func (r *statusResult) take(c *config.Config, s exporter.Status, now time.Time) {
	r.Checkpoint, r.Quarantined, r.OpenConversations = s.Checkpoint, s.Quarantined, s.OpenConversations
	r.OpenBackfills, r.Partial, r.FailedLooks = s.OpenBackfills, s.Partial, s.FailedLooks
	r.Events = newStatusEvents(s.Events)
	r.Files = statusFiles{s.Files.Kept, s.Files.Bytes, int64(s.Files.Oldest / time.Second), newNamedFiles(s.Files)}
	r.Unavailable = newStatusOutage(s.Outage, now)
	r.Excluded, r.Namesakes = s.Selection.LeftOut, len(s.Selection.Namesakes)
	if !s.Watermark.IsZero() {
		lag := int64(s.Lag / time.Second)
		r.LagSeconds = &lag
	}
	for _, each := range s.Coverage {
		r.Coverage = append(r.Coverage, statusCovered{period(each.Period), s.SelectedSkills, each.ReadAt})
	}
	r.Holes = newHoles(c, s.Holes, r.command)
	for _, d := range s.Doubts {
		r.Doubts = append(r.Doubts, statusDoubt{period(d.Period), d.ReadAt, d.Reason, d.String()})
	}
	for _, g := range s.GivenUp {
		one := statusGivenUp{period(g.Period), []string{}, g.At, g.Person, g.Reason, g.String()}
		for _, name := range g.Destinations {
			one.Destinations = append(one.Destinations, called(c, name))
		}
		r.GivenUp = append(r.GivenUp, one)
	}
	if last := s.LastCycle; !last.Started.IsZero() {
		r.LastCycle = &statusCycle{last.Started, last.Ended, last.Result, last.Error, last.Trouble()}
	}
	for _, b := range s.Backfills {
		r.Backfills = append(r.Backfills, statusBackfill{period(b.Period), b.Windows, r.command(b.Command()), r.command(b.Abandon())})
	}
	for _, g := range s.Waiting {
		g.Destination = called(c, g.Destination)
		r.Waiting = append(r.Waiting, newWaitingGroup(g))
	}
	r.Dismissed = s.Dismissed
	for _, d := range s.Destinations {
		r.Destinations = append(r.Destinations, r.destination(c, d, now))
	}
	for _, d := range s.Dropped {
		one := r.destination(c, d, now)
		one.Command = r.command("lpexport retire " + d.Name)
		r.Unconfigured = append(r.Unconfigured, one)
	}
}

func (r *statusResult) destination(c *config.Config, d exporter.DestinationStatus, now time.Time) statusDestination {
	one := statusDestination{
		Name: called(c, d.Name), Pending: d.Pending, OldestPendingSeconds: int64(d.OldestPending / time.Second),
		Failed: d.Failed, Rejected: d.Rejected, Held: d.Held, Dismissed: d.Dismissed, Found: d.Found, Uncertain: d.Uncertain, Left: d.Left,
		Withheld: d.Withheld, AudienceUnknown: d.AudienceUnknown, WithheldFrom: d.WithheldFrom,
		LastError: d.LastError, Halted: d.Halted, advice: d.Advice(),
	}
	if command := d.Command(); command != "" {
		one.Command = r.command(command)
	}
	if !d.FailingSince.IsZero() {
		one.FailingSeconds = int64(now.Sub(d.FailingSince) / time.Second)
		one.NextTrySeconds = max(int64(d.NextTry.Sub(now)/time.Second), 0)
	}
	return one
}

func (r *statusResult) text(w io.Writer) {
	if r.Checkpoint == "" {
		return
	}
	fmt.Fprintf(w, "checkpoint: %s\n", r.Checkpoint)
	if r.LagSeconds == nil {
		fmt.Fprintln(w, "behind: no complete cycle yet")
	} else {
		fmt.Fprintf(w, "behind: %s\n", age(*r.LagSeconds))
	}
	if r.LastCycle != nil && r.LastCycle.trouble != "" {
		fmt.Fprintf(w, "last cycle: %s: %s\n", r.LastCycle.Ended.Format(time.RFC3339), printable(r.LastCycle.trouble))
	}
	if r.Unavailable != nil {
		fmt.Fprintf(w, "LivePerson: %s\n", r.Unavailable)
	}
	for _, p := range r.Coverage {
		fmt.Fprintf(w, "covered: %s\n", p.period)
	}
	for _, h := range r.Holes {
		fmt.Fprintf(w, "gap: %s (ID %s)\n", h.text, h.ID)
	}
	for _, g := range r.GivenUp {
		fmt.Fprintf(w, "given up: %s\n", printable(g.text))
	}
	for _, d := range latest(r.Doubts) {
		fmt.Fprintf(w, "not known: %s\n", d.Text)
	}
	if n := len(r.Doubts) - doubtsShown; n > 0 {
		fmt.Fprintf(w, "not known: %s more, all of them with --json\n", count(n, "period"))
	}
	r.backfills(w)
	fmt.Fprintf(w, "open conversations: %d\n", r.OpenConversations)
	lacking(w, r.Partial, r.FailedLooks, r.command)
	if r.Events != (statusEvents{}) {
		fmt.Fprintln(w, r.Events)
	}
	if f := r.Files; f.Kept+f.Waiting+f.Doubtful+f.Missing > 0 {
		fmt.Fprintf(w, "files: %s\n", f)
	}
	if r.Excluded+int64(r.Namesakes) > 0 {
		fmt.Fprintln(w, r.leftOut())
	}
	for _, d := range r.Destinations {
		fmt.Fprintln(w, d)
		if d.Halted {
			fmt.Fprintf(w, "  %s\n", printable(cmp.Or(d.advice, "type "+d.Command)))
		}
	}
	for _, d := range r.Unconfigured {
		fmt.Fprintf(w, "%s; it is no longer configured: put it back, or end it: %s\n", d, d.Command)
	}
	r.quarantine(w)
	fmt.Fprintf(w, "next: %s\n", r.next())
}

// backfills says which backfills are not finished, and how to resume and to end them.
func (r *statusResult) backfills(w io.Writer) {
	for _, b := range r.Backfills {
		fmt.Fprintf(w, "backfill: %s is not finished, %s to be read\n  to resume it: %s\n  to end it: %s\n", b.period, count(b.Windows, "window"), b.Command, b.Abandon)
	}
	if n := r.OpenBackfills - int64(len(r.Backfills)); n > 0 {
		fmt.Fprintf(w, "backfill: %d more: %s\n", n, r.command("lpexport status --list backfills"))
	}
}

// groupsShown is how many groups of what is in quarantine the text names.
const groupsShown = 5

// quarantine has a line for each group of what waits for one reason.
func (r *statusResult) quarantine(w io.Writer) {
	fmt.Fprintf(w, "quarantine: %s", count(r.Quarantined, "item"))
	if r.Dismissed > 0 {
		fmt.Fprintf(w, ", %d dismissed", r.Dismissed)
	}
	fmt.Fprintln(w)
	left := r.Quarantined
	for _, g := range r.Waiting[:min(len(r.Waiting), groupsShown)] {
		fmt.Fprintf(w, "  %s\n", g)
		left -= g.Count
	}
	if len(r.Waiting) > 0 && left > 0 {
		fmt.Fprintf(w, "  %d more: %s\n", left, r.command("lpexport quarantine list"))
	}
}

// doubtsShown is how many periods of which something is not known the text names.
const doubtsShown = 5

func latest(doubts []statusDoubt) []statusDoubt { return doubts[max(len(doubts)-doubtsShown, 0):] }

func (e statusEvents) String() string {
	var parts []string
	if e.Waiting > 0 {
		parts = append(parts, fmt.Sprintf("%d wait for history or their sender, the oldest for %s", e.Waiting, age(e.OldestWaitingSeconds)))
	}
	if e.Unconfirmed > 0 {
		parts = append(parts, "history has not confirmed those of "+count(e.Unconfirmed, "conversation"))
	}
	return "events: " + strings.Join(parts, "; ")
}

// notGranted reports that LivePerson has never given this login a file, and says so.
func (f statusFiles) notGranted() bool { return f.Refused != "" && f.Kept == 0 }

func (f statusFiles) String() string {
	parts := append([]string{fmt.Sprintf("%d kept", f.Kept)}, f.parts()...)
	if f.Waiting > 0 && f.Fetch && f.Refused == "" {
		parts = append(parts, "the oldest for "+age(f.OldestWaitingSeconds))
	}
	return strings.Join(parts, ", ")
}

func (d statusDestination) String() string {
	line := fmt.Sprintf("%s: %d pending", d.Name, d.Pending)
	if d.Pending > 0 {
		line += fmt.Sprintf(", the oldest for %s", age(d.OldestPendingSeconds))
	}
	if d.Failed > 0 {
		line += fmt.Sprintf(", %d failed", d.Failed)
	}
	if d.Rejected > 0 {
		line += fmt.Sprintf(", %d rejected", d.Rejected)
	}
	if d.Held > 0 {
		line += fmt.Sprintf(", %d held", d.Held)
	}
	if d.Dismissed > 0 {
		line += fmt.Sprintf(", %d dismissed", d.Dismissed)
	}
	if d.Found > 0 {
		line += fmt.Sprintf(", %s found changed or missing", count(d.Found, "bundle"))
	}
	if d.Uncertain > 0 {
		line += fmt.Sprintf(", %d uncertain", d.Uncertain)
	}
	if d.Left > 0 {
		line += fmt.Sprintf(", %s not taken by the importer", count(d.Left, "file"))
	}
	if d.Withheld > 0 {
		line += fmt.Sprintf(", %s withheld", count(int(d.Withheld), "private message"))
	}
	if d.AudienceUnknown > 0 {
		line += fmt.Sprintf(", %s withheld until history says who may read it", count(int(d.AudienceUnknown), "message"))
	}
	if d.Halted {
		line += ", halted"
	} else if d.FailingSeconds > 0 {
		line += fmt.Sprintf(", failing for %s, next try in %s", age(d.FailingSeconds), age(d.NextTrySeconds))
	}
	if d.LastError != "" {
		line += ": " + printable(d.LastError)
	}
	return line
}

// failing says that the destination is tried again later. One that halts is not.
func (d statusDestination) failing() bool { return d.LastError != "" && !d.Halted }

// next is the command that an operator would type now.
func (r *statusResult) next() string {
	if needs := r.needs(); len(needs) > 0 {
		return needs[0].command
	}
	return r.command("lpexport export")
}

// longWaiting is for how many seconds a file may wait until a person has to look
// why: what LivePerson does not have is on record as missing by then.
const longWaiting = 2 * 24 * 3600

// need is something that a person has to see to.
type need struct {
	what    string
	command string // to type
}

// needs come in the order in which they are best seen to.
func (r *statusResult) needs() []need {
	var list []need
	exactly := func(what, command string) {
		list = append(list, need{printable(strings.ReplaceAll(what, "\n", " ")), command})
	}
	add := func(what, command string) { exactly(what, r.command(command)) }
	if last := r.LastCycle; last != nil && (last.Result == exporter.CycleRefused || last.Result == exporter.CycleFailed) {
		add(last.trouble, "lpexport check")
	}
	if r.Unavailable != nil {
		add("LivePerson is "+r.Unavailable.String(), "lpexport check")
	}
	for _, d := range r.Destinations {
		command := cmp.Or(d.Command, r.command("lpexport check"))
		switch {
		case d.Halted:
			exactly(strings.TrimSuffix("destination "+d.Name+" halts: "+d.LastError+": "+d.advice, ": "), command)
		case d.failing():
			exactly(fmt.Sprintf("destination %s has been failing for %s: %s", d.Name, age(d.FailingSeconds), d.LastError), command)
		}
	}
	for _, d := range r.Destinations {
		if d.Found > 0 {
			add(fmt.Sprintf("%s of destination %s found changed or missing", count(d.Found, "bundle"), d.Name), "lpexport status --list found")
		}
	}
	if r.Namesakes > 0 {
		add(count(r.Namesakes, "skill")+" not captured, though select.skills has the name", "lpexport status --list namesakes")
	}
	if r.Quarantined > 0 {
		add(r.inQuarantine(), "lpexport quarantine list")
	}
	for _, d := range r.Destinations {
		if d.Left > 0 {
			add(fmt.Sprintf("%s for destination %s not taken by the importer", count(d.Left, "file"), d.Name), "lpexport check")
		}
	}
	for _, d := range r.Unconfigured {
		exactly(fmt.Sprintf("destination %s is no longer configured, and %d conversations or bundles are owed to it", d.Name, d.Pending+d.Rejected), d.Command)
	}
	if r.LagSeconds == nil {
		add("no complete cycle yet", "lpexport export")
	}
	for _, h := range slices.Backward(r.Holes) {
		if h.Command != "" {
			list = append(list, need{printable("coverage gap: " + h.text), h.Command})
		}
	}
	if e := r.Events; e.Waiting > 0 && e.OldestWaitingSeconds >= int64(exporter.EventsWaitLong/time.Second) {
		add(fmt.Sprintf("%s not delivered, the oldest for %s", count(e.Waiting, "waiting event"), age(e.OldestWaitingSeconds)), "lpexport status --list events")
	}
	if r.Events.Unconfirmed > 0 { // a backfill asks history for them once more
		add("history has not confirmed the events of "+count(r.Events.Unconfirmed, "conversation"), "lpexport export --from T --to T")
	}
	if f := &r.Files; !f.Fetch || f.notGranted() {
		// There is nothing to do.
	} else if f.Waiting > 0 && f.Refused != "" {
		add(count(f.Waiting, "file")+" that messages name cannot be fetched: "+f.Refused, "lpexport check")
	} else if f.Waiting > 0 && f.OldestWaitingSeconds > longWaiting {
		add(fmt.Sprintf("%s not fetched, the oldest for %s", count(f.Waiting, "file"), age(f.OldestWaitingSeconds)), "lpexport check")
	}
	if r.OpenBackfills > 0 && len(r.Backfills) == 0 {
		add(count(r.OpenBackfills, "backfill")+" not finished", "lpexport status --list backfills")
	}
	for _, b := range r.Backfills {
		exactly(fmt.Sprintf("the backfill of %s is not finished", b.period), b.Command)
	}
	return list
}

// inQuarantine says how much waits, and why most of it does.
func (r *statusResult) inQuarantine() string {
	what := count(r.Quarantined, "item") + " in quarantine"
	switch {
	case len(r.Waiting) == 1:
		what += ": " + r.Waiting[0].Reason
	case len(r.Waiting) > 1:
		what += "; most of them: " + r.Waiting[0].Reason
	}
	return what
}

// command is what to type for this account.
func (r *statusResult) command(words string) string {
	if r.config == "" {
		return words
	}
	return words + " --config " + printable(r.config)
}
