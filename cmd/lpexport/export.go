package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lpexport/exporter"
	"lpexport/exporter/config"
)

type exportOptions struct {
	from, to     string
	destinations []string
	dryRun       bool
	output       string
	abandon      bool
	reason       string
}

// exportResult is what one run did.
type exportResult struct {
	header
	Run          int64               `json:"run"`
	Captured     captured            `json:"captured"`
	Files        exportFiles         `json:"files"`
	Events       statusEvents        `json:"events"`   // that are not settled, at the end
	Excluded     map[string]int64    `json:"excluded"` // by reason
	Destinations []exportDestination `json:"destinations"`
	Quarantined  int                 `json:"quarantined"` // waiting now
	Complete     bool                `json:"complete"`    // everything asked for was captured, and no gap is left
	Checkpoint   string              `json:"checkpoint"`  // its path
	DryRun       []dryBundle         `json:"dry_run"`     // with --dry-run: what was rendered
	Holes        []statusHole        `json:"holes"`       // that a backfill can fill
	Abandoned    bool                `json:"abandoned"`   // the backfill was ended before it was finished

	dry bool
}

// dryBundle is a bundle that was rendered to be looked at.
type dryBundle struct {
	Destination string `json:"destination"`
	Path        string `json:"path"`
	Slices      int    `json:"slices"`
	Messages    int    `json:"messages"`
	Held        int    `json:"held"` // conversations that could not be cut
}

type captured struct {
	Conversations int64 `json:"conversations"`
	Messages      int64 `json:"messages"`
	Revisions     int64 `json:"revisions"`
	Events        int64 `json:"events"`
	Cut           int64 `json:"cut"`          // conversations that LivePerson cuts short now: the rest is asked for again
	FailedLooks   int64 `json:"failed_looks"` // conversations that could not be read by their id when that was tried last

	Lossy   int64            `json:"lossy"`   // new messages and happenings with what UTF-8 cannot hold
	Untimed int64            `json:"untimed"` // new messages and happenings whose time could not be read
	Foreign map[string]int64 `json:"foreign"` // new conversations of other accounts, by account
}

// lacking says what is being done about conversations that are known to lack
// messages, or may lack some; nothing when there are none.
func lacking(w io.Writer, cut, failed int64, command func(string) string) {
	if cut > 0 {
		fmt.Fprintf(w, "cut short by LivePerson: %s; what it gave is delivered, each run asks for the rest when its time has come; which: %s\n",
			count(cut, "conversation"), command("lpexport status --list cut"))
	}
	if failed > 0 {
		fmt.Fprintf(w, "could not be read by id: %s; tried again with growing pauses; which: %s\n", count(failed, "conversation"), command("lpexport status --list failed-looks"))
	}
}

// exportFiles is what became of the files that messages name.
type exportFiles struct {
	Fetched int64 `json:"fetched"` // in this run
	Bytes   int64 `json:"bytes"`   // of these
	namedFiles
}

// namedFiles is where the files are that messages name.
type namedFiles struct {
	Fetch    bool   `json:"fetch"`    // they are fetched, not only named
	Waiting  int64  `json:"waiting"`  // not fetched yet
	Doubtful int64  `json:"doubtful"` // fetched, and it is in doubt whether they are what was sent: looked at again
	Missing  int64  `json:"missing"`  // not to be had: archives have been told why
	Refused  string `json:"refused"`  // why LivePerson gives this login none; "": it does

	Unavailable bool   `json:"unavailable"` // the account has no file service: files are off
	Wrong       string `json:"wrong"`       // what is wrong with most of those that wait; "": nothing
}

func newNamedFiles(s exporter.FileStatus) namedFiles {
	return namedFiles{Fetch: !s.Off, Waiting: s.Waiting, Doubtful: s.Doubtful, Missing: s.Missing, Refused: s.Refused, Unavailable: s.Unavailable, Wrong: s.Wrong}
}

func (f namedFiles) parts() (parts []string) {
	if f.Missing > 0 {
		parts = append(parts, fmt.Sprintf("%d unavailable", f.Missing))
	}
	if f.Doubtful > 0 {
		parts = append(parts, fmt.Sprintf("%d in doubt, to be fetched again", f.Doubtful))
	}
	if f.Waiting == 0 {
		return parts
	}
	waiting := fmt.Sprintf("%d named and not fetched", f.Waiting)
	switch {
	case f.Unavailable:
		waiting += ": not available (asked for again every day): " + printable(f.Refused)
	case !f.Fetch:
		waiting += ": files.fetch is false"
	case f.Refused != "":
		waiting += ": LivePerson denies file downloads to this login: " + printable(f.Refused)
	case f.Wrong != "":
		waiting += ": " + printable(f.Wrong)
	}
	return append(parts, waiting)
}

// exportDestination counts what one destination has taken in this run, and
// what of it is left.
type exportDestination struct {
	Name       string `json:"name"`
	Bundles    int    `json:"bundles"`
	Slices     int    `json:"slices"`
	Messages   int    `json:"messages"`
	Amendments int    `json:"amendments"`
	Withheld   int    `json:"withheld"` // private messages that private_messages withheld for the first time
	Pending    int    `json:"pending"`
	Failed     int    `json:"failed"`
}

func newExportResult() *exportResult {
	return &exportResult{Captured: captured{Foreign: map[string]int64{}}, Excluded: map[string]int64{}, Destinations: []exportDestination{}, DryRun: []dryBundle{}, Holes: []statusHole{}}
}

func newExport(p *program) *cobra.Command {
	var options exportOptions
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Capture, cut, render and deliver, once",
		Long: `One cycle: capture what is new or changed, fetch the files that messages name,
cut both into bundles, deliver them to every destination, stop. Nothing is lost
or repeated, however often it is stopped.

With --from and --to it is a backfill: the conversations that started in that
period. The same command resumes it where it stopped; run again it delivers only
differences. It may run beside a cycle. A time is a UTC day (2026-01-31) or
RFC 3339; --from is inclusive, --to exclusive, and a --to in the future means
now. To end a backfill that is not finished, give the same period with --abandon
and --reason TEXT: what it has read stays captured and delivered, the rest is not
asked for, and who ended it and why is put on record.

With --dry-run it captures, and renders into a folder the bundle that each
destination would be given next, to be looked at: nothing is cut, numbered,
encrypted or delivered.

A destination that fails is left alone for a while, longer each time up to an
hour. One that is named with --destination is tried at once.`,
		Args: arguments(0, 0),
	}
	flags := cmd.Flags()
	flags.StringVar(&options.from, "from", "", "backfill from this `TIME` on")
	flags.StringVar(&options.to, "to", "", "backfill up to this `TIME`")
	flags.StringArrayVar(&options.destinations, "destination", nil, "deliver to the destination `NAME` only; repeatable")
	flags.BoolVar(&options.dryRun, "dry-run", false, "render the next bundles to look at; cut and deliver nothing")
	flags.StringVar(&options.output, "output", "dry-run", "with --dry-run: new `FOLDER` to render into")
	flags.BoolVar(&options.abandon, "abandon", false, "end the unfinished backfill of that period")
	flags.StringVar(&options.reason, "reason", "", "with --abandon: why, as `TEXT`")
	return p.command(cmd, func() result { return newExportResult() }, func(ctx context.Context, _ []string) (result, error) {
		return runExport(ctx, p, options)
	})
}

func runExport(ctx context.Context, p *program, options exportOptions) (_ *exportResult, err error) {
	found := newExportResult()
	backfill, err := options.period(p.now())
	if err != nil {
		return found, err
	}
	c, err := p.loadConfig()
	if err != nil {
		return found, err
	}
	if options.destinations, err = knownDestinations(c, options.destinations); err != nil {
		return found, err
	}
	if options.abandon || options.reason != "" {
		return found, p.abandon(ctx, c, options, backfill, found)
	}
	p.summing = "export"
	e, err := p.openAccount(ctx, c, exporter.Settings{Progress: p.newProgress()})
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	found.Checkpoint = checkpointPath(c)
	if options.dryRun {
		found.dry = true
		return found, p.dryRun(ctx, c, e, options, found)
	}
	var report exporter.Report
	if backfill == nil {
		report, err = e.Cycle(ctx, options.destinations)
	} else {
		report, err = e.Backfill(ctx, backfill.From, backfill.To, options.destinations)
	}
	found.take(c, report)
	found.Holes = newHoles(c, report.Holes, p.pasteable)
	p.writeMetrics(context.WithoutCancel(ctx), c, e.Overview)
	return found, errors.Join(uncaptured(report, err), undelivered(report), err, unknownAgents(report), inQuarantine(c, report))
}

// abandon ends an unfinished backfill, on record.
func (p *program) abandon(ctx context.Context, c *config.Config, options exportOptions, backfill *period, found *exportResult) (err error) {
	switch {
	case !options.abandon:
		return usage("--reason goes with --abandon", "lpexport export --help")
	case backfill == nil || options.dryRun:
		return usage("--abandon ends a backfill: give its --from and --to, as lpexport status shows them", "lpexport status")
	case !hasCheckpoint(c):
		return usage("no backfill of that period is unfinished", "lpexport status")
	}
	by, err := acceptance(options.reason, "lpexport export --help")
	if err != nil {
		return err
	}
	e, err := p.openExporter(ctx, c, exporter.Settings{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	found.Checkpoint = checkpointPath(c)
	_, err = e.AbandonBackfill(ctx, by, backfill.From, backfill.To)
	found.Abandoned = err == nil
	return err
}

// uncaptured says why not all was captured, where the error of the run does not.
func uncaptured(report exporter.Report, err error) error {
	switch files := newNamedFiles(report.Files.FileStatus); {
	case !errors.Is(err, exporter.ErrIncomplete):
	case report.Why != "":
		return &outcome{code: exitUnfinished, fact: "not everything was captured: " + report.Why}
	case report.Files.Lacking():
		return &outcome{code: exitUnfinished, fact: "files that messages name are lacking: " + strings.Join(files.parts(), ", ")}
	}
	return nil
}

// inQuarantine has a line for what waits for the reason that is most frequent.
func inQuarantine(c *config.Config, report exporter.Report) error {
	if len(report.Waiting) == 0 {
		return nil
	}
	g := report.Waiting[0]
	g.Destination = called(c, g.Destination)
	fact := "in quarantine: " + newWaitingGroup(g).String()
	if n := report.Quarantined - g.Count; n > 0 {
		fact = fmt.Sprintf("%s; and %d more", fact, n)
	}
	return &outcome{code: exitWaiting, fact: fact, hint: "lpexport quarantine list"}
}

// dryRun renders into a folder that must not be there yet.
func (p *program) dryRun(ctx context.Context, c *config.Config, e *exporter.Exporter, options exportOptions, found *exportResult) error {
	if options.from != "" || options.to != "" {
		return usage("--dry-run goes with a cycle: leave out --from and --to", "")
	}
	if _, err := os.Lstat(options.output); !errors.Is(err, fs.ErrNotExist) {
		return usage(options.output+" is there already: --dry-run writes into a new folder", "lpexport export --dry-run --output "+options.output+"-2")
	}
	bundles, err := e.DryRun(ctx, options.output, options.destinations)
	for _, b := range bundles {
		found.DryRun = append(found.DryRun, dryBundle{called(c, b.Destination), b.Path, b.Slices, b.Messages, b.Held})
	}
	return err
}

// unknownAgents has a line for each agent for whom conversations wait.
func unknownAgents(report exporter.Report) error {
	var lines []error
	seen := map[string]bool{}
	for _, d := range report.Destinations {
		for _, agent := range d.UnknownAgents {
			if seen[agent.ID+agent.Login] {
				continue
			}
			seen[agent.ID+agent.Login] = true
			lines = append(lines, &outcome{code: exitWaiting, err: fmt.Errorf("%w; add: %s", agent, agent.Hint())})
		}
	}
	return errors.Join(lines...)
}

// period is the time that was asked for, nil for a cycle.
func (o exportOptions) period(now time.Time) (*period, error) {
	if o.from == "" && o.to == "" {
		return nil, nil
	}
	if o.from == "" || o.to == "" {
		tomorrow := now.UTC().AddDate(0, 0, 1).Format(time.DateOnly)
		return nil, usage("a backfill needs both --from and --to", "lpexport export --from "+cmp.Or(o.from, "2026-01-01")+" --to "+cmp.Or(o.to, tomorrow))
	}
	from, err := parseTime("--from", o.from)
	if err != nil {
		return nil, err
	}
	to, err := parseTime("--to", o.to)
	if err != nil {
		return nil, err
	}
	if !from.Before(to) || !from.Before(now) {
		return nil, usage(fmt.Sprintf("the period from %s to %s is empty: --from must be before --to and before now", o.from, o.to), "")
	}
	return &period{from, to}, nil
}

func parseTime(flag, text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usage(fmt.Sprintf("%s %q is no time: give a day such as 2026-01-31, or RFC 3339", flag, text), "")
}

// excludedPrivate is the reason for which messages, not conversations, are excluded:
// summed over the destinations that withhold them.
const excludedPrivate = "private"

func (r *exportResult) take(c *config.Config, report exporter.Report) {
	r.Run, r.Quarantined, r.Complete = report.Run, report.Quarantined, report.Complete && len(report.Holes) == 0
	counts := report.Captured
	r.Captured = captured{Conversations: counts.Conversations, Messages: counts.Messages, Revisions: counts.Revisions,
		Lossy: counts.Lossy, Untimed: counts.Untimed, Foreign: map[string]int64{}, Cut: report.Cut, FailedLooks: report.FailedLooks}
	maps.Copy(r.Captured.Foreign, counts.Foreign)
	r.Files = exportFiles{report.Files.Fetched, report.Files.FetchedBytes, newNamedFiles(report.Files.FileStatus)}
	r.Events = newStatusEvents(report.Events)
	maps.Copy(r.Excluded, counts.Excluded)
	for _, d := range report.Destinations {
		r.Destinations = append(r.Destinations, exportDestination{
			Name: called(c, d.Name), Bundles: d.Bundles, Slices: d.Slices, Messages: d.Messages,
			Amendments: d.Amendments, Withheld: d.Withheld, Pending: d.Pending, Failed: d.Failed,
		})
		if d.Withheld > 0 {
			r.Excluded[excludedPrivate] += int64(d.Withheld)
		}
	}
}

// undelivered are the troubles of destinations that stopped nobody else. One
// that halts is in the error of the run already.
func undelivered(report exporter.Report) error {
	var troubles []error
	for _, d := range report.Destinations {
		if d.Err != nil && !is[*exporter.HaltError](d.Err) {
			troubles = append(troubles, fmt.Errorf("destination %s: %w", d.Name, d.Err))
		}
	}
	return errors.Join(troubles...)
}

func (r *exportResult) text(w io.Writer) {
	if r.Abandoned {
		fmt.Fprintln(w, "ended the backfill: what it had read stays, the rest is not asked for")
	}
	for _, d := range r.DryRun {
		fmt.Fprintf(w, "%s: rendered %s with %s in %s\n", d.Destination, count(d.Slices, "slice"), count(d.Messages, "message"), d.Path)
		if d.Held > 0 {
			fmt.Fprintf(w, "%s: %s cannot be cut and would need your attention\n", d.Destination, count(d.Held, "conversation"))
		}
	}
	if r.dry && len(r.DryRun) == 0 {
		fmt.Fprintln(w, "nothing is due: no destination would be given a bundle now")
	}
	if r.Run == 0 {
		return
	}
	fmt.Fprintf(w, "captured %s with %s, %s\n", count(r.Captured.Conversations, "new conversation"),
		count(r.Captured.Messages, "new message"), count(r.Captured.Revisions, "revision"))
	if n := r.Captured.Lossy; n > 0 {
		fmt.Fprintf(w, "lossy: %d new messages or happenings have characters that UTF-8 cannot hold; what was received is delivered with them\n", n)
	}
	if n := r.Captured.Untimed; n > 0 {
		fmt.Fprintf(w, "untimed: %d new messages or happenings have a time that cannot be read; it is delivered as text\n", n)
	}
	for _, brand := range slices.Sorted(maps.Keys(r.Captured.Foreign)) {
		fmt.Fprintf(w, "of account %s: %s\n", printable(brand), count(r.Captured.Foreign[brand], "new conversation"))
	}
	parts := r.Files.parts()
	if r.Files.Fetched > 0 {
		parts = append([]string{fmt.Sprintf("%d fetched", r.Files.Fetched)}, parts...)
	}
	if len(parts) > 0 {
		fmt.Fprintf(w, "files: %s\n", strings.Join(parts, ", "))
	}
	if r.Events.Waiting > 0 {
		fmt.Fprintf(w, "%s; which: lpexport status --list events\n", r.Events)
	}
	lacking(w, r.Captured.Cut, r.Captured.FailedLooks, func(words string) string { return words })
	for _, reason := range slices.Sorted(maps.Keys(r.Excluded)) {
		if reason == excludedPrivate {
			continue // each destination's line has its own
		}
		fmt.Fprintf(w, "left out %s: %s\n", count(r.Excluded[reason], "conversation"), reason)
	}
	for _, d := range r.Destinations {
		fmt.Fprintf(w, "%s: %s with %s, %s (%s)", d.Name, count(d.Bundles, "bundle"),
			count(d.Slices, "slice"), count(d.Messages, "message"), count(d.Amendments, "amendment"))
		if d.Withheld > 0 {
			fmt.Fprintf(w, ", %s withheld", count(d.Withheld, "private message"))
		}
		if d.Pending > 0 {
			fmt.Fprintf(w, ", %d pending", d.Pending)
		}
		if d.Failed > 0 {
			fmt.Fprintf(w, ", %d failed", d.Failed)
		}
		fmt.Fprintln(w)
	}
	if r.Quarantined > 0 {
		fmt.Fprintf(w, "quarantine: %s\n", count(r.Quarantined, "item"))
	}
}
