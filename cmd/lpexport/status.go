package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"lpexport/exporter"
	"lpexport/exporter/config"
)

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
