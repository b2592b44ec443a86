package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"

	"github.com/spf13/cobra"

	"lpexport/exporter"
	"lpexport/exporter/checkpoint"
	"lpexport/exporter/config"
)

// acceptResult is a decision that was put on record.
type acceptResult struct {
	header
	Decision int64  `json:"decision"` // its number; 0: there is none
	Kind     string `json:"kind"`
	ID       string `json:"id"`
	Person   string `json:"person"`
	Reason   string `json:"reason"`
	Was      string `json:"was"`   // hash of what this state knew; "": it has none
	Found    string `json:"found"` // hash of what was found; "": nothing was
	Done     string `json:"done"`
}

func (r *acceptResult) text(w io.Writer) {
	if r.Decision == 0 {
		return
	}
	fmt.Fprintf(w, "accepted %s %s: %s\n", r.Kind, printable(r.ID), printable(r.Done))
	if r.Was != "" || r.Found != "" {
		fmt.Fprintf(w, "was    %s\nfound  %s\n", cmp.Or(r.Was, "not known"), cmp.Or(r.Found, "nothing"))
	}
	fmt.Fprintf(w, "on record as decision %d of %s\n", r.Decision, printable(r.Person))
}

func newAccept(p *program) *cobra.Command {
	reason := ""
	cmd := &cobra.Command{
		Use:   "accept KIND ID --reason TEXT",
		Short: "Accept a gap, a place, a bundle or an item as it is",
		Long: `Put on record that you accept something that lpexport holds against you, and why.
Who decided, when, the reason, and the hashes before and after are kept for good.

  hole FROM/TO   a gap in the coverage stays uncaptured; "lpexport status" shows
                 its ID. A gap that opens later is a new one
  place NAME     a destination goes on where it is configured now, or in a place
                 that holds nothing of what it took: nothing is delivered again.
                 To deliver all again, use "lpexport recover" instead
  bundle NAME    a bundle that was found changed or missing counts as it is now.
                 "lpexport verify" names it. If it changes again, that is found
  item ID        an entry of the quarantine is given up: "lpexport quarantine list"

Before a place is accepted, it is tried as "lpexport check" tries it.`,
		Args:      arguments(2, 2),
		ValidArgs: []string{checkpoint.DecidedHole, checkpoint.DecidedPlace, checkpoint.DecidedBundle, checkpoint.DecidedItem},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, in your own words (`TEXT`)")
	return p.command(cmd, func() result { return new(acceptResult) }, func(ctx context.Context, args []string) (result, error) {
		return runAccept(ctx, p, args[0], args[1], reason)
	})
}

func runAccept(ctx context.Context, p *program, kind, id, reason string) (_ *acceptResult, err error) {
	found := new(acceptResult)
	accept, err := acceptor(kind, id)
	if err != nil {
		return found, err
	}
	by, err := acceptance(reason, "lpexport accept --help")
	if err != nil {
		return found, err
	}
	c, err := p.loadConfig()
	if err != nil {
		return found, err
	}
	e, err := p.openExporter(ctx, c, exporter.Settings{})
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	done, err := accept(ctx, e, c, by)
	if err != nil {
		return found, err
	}
	found.Decision, found.Kind, found.ID, found.Person, found.Reason = done.Decision, kind, id, by.Person, by.Reason
	found.Was, found.Found, found.Done = done.Was, done.Found, done.Done
	return found, nil
}

// acceptor is what accepts a thing of a kind.
func acceptor(kind, id string) (func(context.Context, *exporter.Exporter, *config.Config, exporter.Acceptance) (exporter.Accepted, error), error) {
	switch kind {
	case checkpoint.DecidedHole:
		return func(ctx context.Context, e *exporter.Exporter, _ *config.Config, by exporter.Acceptance) (exporter.Accepted, error) {
			return e.AcceptHole(ctx, by, id)
		}, nil
	case checkpoint.DecidedPlace:
		return func(ctx context.Context, e *exporter.Exporter, c *config.Config, by exporter.Acceptance) (exporter.Accepted, error) {
			names, err := knownDestinations(c, []string{id})
			if err != nil {
				return exporter.Accepted{}, err
			}
			return e.AcceptPlace(ctx, by, names[0])
		}, nil
	case checkpoint.DecidedBundle:
		return func(ctx context.Context, e *exporter.Exporter, _ *config.Config, by exporter.Acceptance) (exporter.Accepted, error) {
			return e.AcceptBundle(ctx, by, id)
		}, nil
	case checkpoint.DecidedItem:
		number, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return nil, usage(fmt.Sprintf("%q is not the number of an item", id), "lpexport quarantine list")
		}
		return func(ctx context.Context, e *exporter.Exporter, _ *config.Config, by exporter.Acceptance) (exporter.Accepted, error) {
			return e.AcceptItem(ctx, by, number)
		}, nil
	}
	return nil, usage(fmt.Sprintf("nothing of the kind %q can be accepted: use hole, place, bundle or item", kind), "lpexport accept --help")
}

// acceptance is the person who typed a command, and why.
func acceptance(reason, help string) (exporter.Acceptance, error) {
	if reason == "" {
		return exporter.Acceptance{}, usage("--reason is required: it is kept with the decision", help)
	}
	return exporter.Acceptance{Person: person(), Reason: reason}, nil
}

// person names the account of the operating system that typed the command.
func person() string {
	name := "uid " + strconv.Itoa(os.Getuid())
	if current, err := user.Current(); err == nil && current.Username != "" {
		name = current.Username
	}
	if behind := os.Getenv("SUDO_USER"); behind != "" && os.Getuid() == 0 {
		name = printable(behind) + " as " + name
	}
	return name
}
