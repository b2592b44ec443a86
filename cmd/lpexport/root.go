package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// globalFlags are the flags of every command.
type globalFlags struct {
	configs   []string // as given
	config    string   // the one in use; "": none was given
	logLevel  string
	levelSet  bool // logLevel was given: it goes before the configuration's
	logFormat string
	progress  string
	json      bool
}

const rootLong = `lpexport archives every LivePerson conversation of an account into compliance
archives. It keeps its own state in one SQLite file and can be stopped at any
moment: the next run goes on, without loss or repetition.

Begin with the simulated account:
  lpexport config init
  lpexport export

For your own account:
  lpexport config init --account ID --archive NAME
  lpexport check`

func newRoot(p *program) *cobra.Command {
	version, versions := false, newVersion(p)
	root := &cobra.Command{
		Use:               "lpexport",
		Short:             "Archive LivePerson conversations",
		Long:              rootLong + "\n" + exitStatus,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		// Unknown commands come here as arguments.
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 0:
				return unknownCommand(cmd, args[0])
			case version:
				return p.report(versions, buildVersion(), nil)
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			p.flags.levelSet = cmd.Flags().Changed("log-level")
			p.log = slog.New(p.logHandler())
			return p.chooseConfig(cmd)
		},
	}
	flags := root.PersistentFlags()
	flags.StringArrayVar(&p.flags.configs, "config", nil, "configuration `FILE` (else ./config.yaml, then /etc/lpexport/config.yaml)")
	choiceVar(root, &p.flags.logLevel, "log-level", "info", "least level that is logged, instead of log_level", "debug", "info", "warn", "error")
	choiceVar(root, &p.flags.logFormat, "log-format", "text", "format of the log", "text", "json")
	choiceVar(root, &p.flags.progress, "progress", "auto", "progress: auto is a bar on a terminal, a line now and then elsewhere", "auto", "always", "never")
	root.Flags().BoolVar(&version, "version", false, "print the version, as lpexport version does")
	flags.BoolVar(&p.flags.json, "json", false, "one JSON object on stdout, also on failure")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(err.Error(), cmd.CommandPath()+" --help")
	})
	root.AddGroup(
		&cobra.Group{ID: "daily", Title: "Daily commands:"},
		&cobra.Group{ID: "repair", Title: "Care and repair:"},
		&cobra.Group{ID: "setup", Title: "Setting up:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, command := range commands {
			command.GroupID = group
			root.AddCommand(command)
		}
	}
	add("daily", newExport(p), newServe(p), newStatus(p), newVerify(p))
	add("repair", newQuarantine(p), newAccept(p), newReplay(p), newRecover(p), newBackup(p), newRetire(p))
	add("setup", newConfig(p), newCheck(p), newDestinations(p), newSandbox(p), newSystemd(p))
	help := newHelp()
	root.SetHelpCommand(help)
	root.AddCommand(versions, newCompletion(p), help)
	return root
}

// newHelp replaces cobra's help command, which ends well for a topic that does
// not exist.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(found, rest[0])
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

// group makes a command that only holds others.
func group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage(cmd.CommandPath()+" needs a command after it", cmd.CommandPath()+" --help")
		}
		return unknownCommand(cmd, args[0])
	}
	cmd.AddCommand(commands...)
	return cmd
}

func unknownCommand(parent *cobra.Command, name string) error {
	hint := parent.CommandPath() + " --help"
	parent.SuggestionsMinimumDistance = 2
	if near := parent.SuggestionsFor(name); len(near) > 0 {
		hint = parent.CommandPath() + " " + near[0]
	}
	return usage(fmt.Sprintf("%s has no command %q", parent.CommandPath(), name), hint)
}

// arguments accepts from least to most arguments.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		return usage(fmt.Sprintf("wrong number of arguments: %d; usage: %s", len(args), cmd.UseLine()), cmd.CommandPath()+" --help")
	}
}

// choice is a flag that takes one of a few words.
type choice struct {
	at      *string
	options []string
}

func choiceVar(cmd *cobra.Command, at *string, name, value, doc string, options ...string) {
	*at = value
	cmd.PersistentFlags().Var(&choice{at, options}, name, doc)
	// The error is for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(options, cobra.ShellCompDirectiveNoFileComp))
}

func (c *choice) String() string { return *c.at }
func (c *choice) Type() string   { return strings.Join(c.options, "|") }

func (c *choice) Set(text string) error {
	if !slices.Contains(c.options, text) {
		return fmt.Errorf("must be one of %s", strings.Join(c.options, ", "))
	}
	*c.at = text
	return nil
}
