package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"lpexport/exporter"
)

type replayOptions struct {
	destination, from, to string
}

// replayResult is what was handed over again.
type replayResult struct {
	header
	Destination string `json:"destination"`
	Bundles     int    `json:"bundles"`
	Absent      int    `json:"absent"`  // bundles of which only the manifest is known
	Pending     int    `json:"pending"` // bundles that still wait
}

func (r *replayResult) text(w io.Writer) {
	if r.Destination == "" {
		return
	}
	fmt.Fprintf(w, "%s: %s again", r.Destination, count(r.Bundles, "bundle"))
	if r.Absent > 0 {
		fmt.Fprintf(w, ", %d cannot be: another state delivered them", r.Absent)
	}
	if r.Pending > 0 {
		fmt.Fprintf(w, ", %d pending", r.Pending)
	}
	fmt.Fprintln(w)
}

func newReplay(p *program) *cobra.Command {
	var options replayOptions
	cmd := &cobra.Command{
		Use:   "replay --destination NAME",
		Short: "Deliver again, with the same bytes and names",
		Long: `Deliver again from the checkpoint what a destination has been given: the same
bytes, names and Message-IDs. For an archive that has lost something. Where
bundles lie in folders, those that are there stay as they are and those that are
gone come back; a mail server is sent every mail once more. --from and --to
choose bundles by the day on which they were cut. It may run beside an export.`,
		Args: arguments(0, 0),
	}
	flags := cmd.Flags()
	flags.StringVar(&options.destination, "destination", "", "`NAME` of the destination")
	flags.StringVar(&options.from, "from", "", "bundles cut from this `TIME` on")
	flags.StringVar(&options.to, "to", "", "bundles cut before this `TIME`")
	return p.command(cmd, func() result { return new(replayResult) }, func(ctx context.Context, _ []string) (result, error) {
		return runReplay(ctx, p, options)
	})
}

func runReplay(ctx context.Context, p *program, options replayOptions) (_ *replayResult, err error) {
	found := new(replayResult)
	if options.destination == "" {
		return found, usage("replay needs --destination", "lpexport replay --help")
	}
	var from, to time.Time
	if options.from != "" {
		if from, err = parseTime("--from", options.from); err != nil {
			return found, err
		}
	}
	if options.to != "" {
		if to, err = parseTime("--to", options.to); err != nil {
			return found, err
		}
	}
	return found, p.withDestination(ctx, options.destination, func(e *exporter.Exporter, identity string) error {
		replayed, err := e.Replay(ctx, identity, from, to)
		found.Destination, found.Bundles, found.Absent, found.Pending = options.destination, replayed.Bundles, replayed.Absent, replayed.Pending
		return err
	})
}
