package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lpexport/exporter"
)

type recoverOptions struct {
	destination string
}

// recoverResult is what a destination turned out to hold.
type recoverResult struct {
	header
	Destination   string `json:"destination"`
	Bundles       int    `json:"bundles"`
	Serial        int    `json:"serial"` // of the last bundle there; 0 = none
	Conversations int    `json:"conversations"`
	Messages      int    `json:"messages"`
	Withdrawn     int    `json:"withdrawn"` // bundles cut here that are not there
	Damaged       int    `json:"damaged"`   // bundles whose transcripts are not what their manifests say

	Coverage []period `json:"coverage"` // that the manifests prove
	Unproven []period `json:"unproven"` // of which they name messages, and prove nothing
}

func newRecoverResult() *recoverResult {
	return &recoverResult{Coverage: []period{}, Unproven: []period{}}
}

func (r *recoverResult) text(w io.Writer) {
	if r.Destination == "" {
		return
	}
	fmt.Fprintf(w, "%s holds %s with %s of %s; it goes on after serial %d\n", r.Destination,
		count(r.Bundles, "bundle"), count(r.Messages, "message"), count(r.Conversations, "conversation"), r.Serial)
	if r.Withdrawn > 0 {
		fmt.Fprintf(w, "withdrawn %s that it does not hold: their entries are due again\n", count(r.Withdrawn, "bundle"))
	}
	if r.Damaged > 0 {
		fmt.Fprintf(w, "%s damaged: only the names in their manifests were taken over; lpexport verify names them\n", count(r.Damaged, "bundle"))
	}
	for _, p := range r.Coverage {
		fmt.Fprintf(w, "its manifests prove: %s\n", p)
	}
	for _, p := range r.Unproven {
		fmt.Fprintf(w, "its manifests name messages, and do not prove that it has all: %s\n", p)
	}
	fmt.Fprintln(w, "next: lpexport export")
}

func newRecover(p *program) *cobra.Command {
	var options recoverOptions
	cmd := &cobra.Command{
		Use:   "recover --destination NAME",
		Short: "Rebuild what is known of a destination from what it holds",
		Long: `Read the manifests of a destination and go on from there: what they name counts
as delivered, what was cut here and is not there is due again under new numbers,
and the archive's origin, serial and chain are taken over. For a state that was
lost, or restored from an older copy, or for a place that was emptied and is to
be given all again. A bundle that this state knows otherwise is refused until you
have accepted it: "lpexport accept bundle NAME". What was delivered and is gone is
put on record. Nothing in the archive is changed. It happens whole or not at all,
and ends with 0 when the destination can go on.`,
		Args: arguments(0, 0),
	}
	cmd.Flags().StringVar(&options.destination, "destination", "", "`NAME` of the destination")
	return p.command(cmd, func() result { return newRecoverResult() }, func(ctx context.Context, _ []string) (result, error) {
		return runRecover(ctx, p, options)
	})
}

func runRecover(ctx context.Context, p *program, options recoverOptions) (_ *recoverResult, err error) {
	found := newRecoverResult()
	if options.destination == "" {
		return found, usage("recover needs --destination", "lpexport recover --help")
	}
	return found, p.withDestination(ctx, options.destination, func(e *exporter.Exporter, identity string) error {
		recovered, err := e.Recover(ctx, identity, exporter.Acceptance{Person: person(), Reason: "lpexport recover"})
		if err == nil {
			found.Destination, found.Bundles, found.Serial = options.destination, recovered.Bundles, recovered.Serial
			found.Conversations, found.Messages, found.Withdrawn = recovered.Conversations, recovered.Messages, recovered.Withdrawn
			found.Damaged = recovered.Damaged
			for _, one := range recovered.Proven {
				found.Coverage = append(found.Coverage, period(one))
			}
			if one := recovered.Unproven; one != (exporter.Period{}) {
				found.Unproven = append(found.Unproven, period(one))
			}
		}
		return err
	})
}
