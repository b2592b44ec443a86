package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lpexport/exporter"
)

type replayOptions struct {
	destination, from, to, reason string
	overwrite                     bool
}

// replayResult is what was handed over again.
type replayResult struct {
	header
	Destination string `json:"destination"`
	Bundles     int    `json:"bundles"` // handed over again, or compared
	Absent      int    `json:"absent"`  // bundles that this state cannot make
	Pending     int    `json:"pending"` // bundles that still wait

	// Of bundles that can be read back.
	Compared    bool             `json:"compared"`
	Same        int              `json:"same"`
	Repaired    int              `json:"repaired"`
	Overwritten int              `json:"overwritten"`
	Differs     int              `json:"differs"`
	Results     []replayedBundle `json:"results"` // of those that were not the same
}

type replayedBundle struct {
	Bundle string                `json:"bundle"`
	Result exporter.ReplayResult `json:"result"`
	Detail string                `json:"detail"`
}

func newReplayResult() *replayResult { return &replayResult{Results: []replayedBundle{}} }

func (r *replayResult) text(w io.Writer) {
	if r.Destination == "" {
		return
	}
	for _, each := range r.Results {
		fmt.Fprintf(w, "%s %s: %s\n", each.Result, printable(each.Bundle), printable(each.Detail))
	}
	if r.Compared {
		fmt.Fprintf(w, "%s: compared %s: %d same, %d repaired, %d overwritten, %d differ", r.Destination, count(r.Bundles, "bundle"), r.Same, r.Repaired, r.Overwritten, r.Differs)
	} else {
		fmt.Fprintf(w, "%s: %s again", r.Destination, count(r.Bundles, "bundle"))
	}
	if r.Absent > 0 {
		fmt.Fprintf(w, ", %d cannot be made here", r.Absent)
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
bytes, names and Message-IDs. For an archive that has lost something. --from and
--to choose bundles by the day on which they were cut. It may run beside an export.

Where bundles can be read back, each is compared with what was delivered. What is
missing comes back. What was changed is only named, unless you say --overwrite and
a --reason, which go on record with the hashes before and after. A mail server,
and a folder that an importer empties, is given everything once more.`,
		Args: arguments(0, 0),
	}
	flags := cmd.Flags()
	flags.StringVar(&options.destination, "destination", "", "`NAME` of the destination")
	flags.StringVar(&options.from, "from", "", "bundles cut from this `TIME` on")
	flags.StringVar(&options.to, "to", "", "bundles cut before this `TIME`")
	flags.BoolVar(&options.overwrite, "overwrite", false, "write over what was changed; needs --reason")
	flags.StringVar(&options.reason, "reason", "", "with --overwrite: why, in your own words (`TEXT`)")
	return p.command(cmd, func() result { return newReplayResult() }, func(ctx context.Context, _ []string) (result, error) {
		return runReplay(ctx, p, options)
	})
}

func runReplay(ctx context.Context, p *program, options replayOptions) (_ *replayResult, err error) {
	found := newReplayResult()
	if options.destination == "" {
		return found, usage("replay needs --destination", "lpexport replay --help")
	}
	which, err := options.replaying()
	if err != nil {
		return found, err
	}
	return found, p.withDestination(ctx, options.destination, func(e *exporter.Exporter, identity string) error {
		r, err := e.Replay(ctx, identity, which)
		found.Destination, found.Bundles, found.Absent, found.Pending = options.destination, r.Bundles, r.Absent, r.Pending
		found.Same, found.Repaired, found.Overwritten, found.Differs, found.Compared = r.Same, r.Repaired, r.Overwritten, r.Differs, r.Compared
		for _, each := range r.Each {
			found.Results = append(found.Results, replayedBundle(each))
		}
		return err
	})
}

// replaying reads what the flags say.
func (o replayOptions) replaying() (which exporter.Replaying, err error) {
	if o.from != "" {
		if which.From, err = parseTime("--from", o.from); err != nil {
			return which, err
		}
	}
	if o.to != "" {
		if which.To, err = parseTime("--to", o.to); err != nil {
			return which, err
		}
	}
	switch {
	case o.overwrite:
		by, err := acceptance(o.reason, "lpexport replay --help")
		which.Overwrite = &by
		return which, err
	case o.reason != "":
		return which, usage("--reason goes with --overwrite", "lpexport replay --help")
	}
	return which, nil
}
