package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lpexport/exporter"
)

// retireResult names the destination that has ended.
type retireResult struct {
	header
	Destination string `json:"destination"`
}

func (r *retireResult) text(w io.Writer) {
	if r.Destination != "" {
		fmt.Fprintf(w, "%s is retired: nothing more is due for it\n", r.Destination)
	}
}

func newRetire(p *program) *cobra.Command {
	anyway := false
	cmd := &cobra.Command{
		Use:   "retire NAME",
		Short: "End a destination",
		Long: `End a destination that has been taken out of the configuration: nothing more is
gathered for it. What was cut for it, and its receipts, stay in the state. Its
name cannot be used again. While something is still to be delivered to it, that
takes --anyway.`,
		Args: arguments(1, 1),
	}
	cmd.Flags().BoolVar(&anyway, "anyway", false, "also when it has not been given everything")
	return p.command(cmd, func() result { return new(retireResult) }, func(ctx context.Context, args []string) (result, error) {
		found := new(retireResult)
		err := p.withState(ctx, func(e *exporter.Exporter) error { return e.Retire(ctx, args[0], anyway) })
		if err == nil {
			found.Destination = args[0]
		}
		return found, err
	})
}
