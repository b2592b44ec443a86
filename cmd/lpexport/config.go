package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"lpexport/archive/profile"
	"lpexport/exporter/config"
)

func newConfig(p *program) *cobra.Command {
	return group(&cobra.Command{Use: "config", Short: "Write, check and describe the configuration"},
		newConfigInit(p), newConfigValidate(p), newConfigSchema(p))
}

// initResult is the file that config init wrote.
type initResult struct {
	header
	Path   string `json:"path"`
	FillIn int    `json:"fill_in"` // values that are marked to be filled in
}

func (r *initResult) text(w io.Writer) {
	switch {
	case r.Path == "":
	case r.FillIn > 0:
		fmt.Fprintf(w, "wrote %s\nfill in the %s marked %s\nnext: lpexport config validate --config %s\n", r.Path, count(r.FillIn, "value"), strings.TrimPrefix(config.FillIn, "# "), r.Path)
	default:
		fmt.Fprintf(w, "wrote %s\nnext: lpexport export --config %s\n", r.Path, r.Path)
	}
}

// initOptions say for whom a file is written; the zero value: for the simulated account.
type initOptions struct{ account, archive, transport string }

func newConfigInit(p *program) *cobra.Command {
	var options initOptions
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a starter file",
		Long: `Write a configuration with every key, its default and what it means, for the
simulated account, which has a state folder of its own.

With --account and --archive it is one for your account and that archive: what has
to be filled in is marked, and all other keys have their defaults. lpexport
destinations lists the archives.

FILE is ./config.yaml where it is not given. An existing file is never overwritten.`,
		Args: arguments(0, 1),
	}
	flags := cmd.Flags()
	flags.StringVar(&options.account, "account", "", "LivePerson account `ID`")
	flags.StringVar(&options.archive, "archive", "", "`NAME` of the archive; generic when absent")
	flags.StringVar(&options.transport, "transport", "", "with --archive: how it is reached, `WAY`: directory, sftp, smtp or s3; the archive's recommended way when absent")
	return p.command(cmd, func() result { return new(initResult) }, func(_ context.Context, args []string) (result, error) {
		path := localConfig
		if len(args) == 1 {
			path = args[0]
		}
		text, err := options.text()
		if err != nil {
			return new(initResult), err
		}
		return runConfigInit(path, text)
	})
}

// text is the file that is asked for.
func (o initOptions) text() ([]byte, error) {
	if o.account == "" || o.account == config.Sandbox {
		if o.archive != "" || o.transport != "" {
			return nil, usage("--archive and --transport go with the --account of yours", "lpexport config init --account ID --archive "+cmp.Or(o.archive, "NAME"))
		}
		return config.Starter, nil
	}
	if err := config.CheckAccount(o.account); err != nil {
		return nil, usage(fmt.Sprintf("--account %q %s", o.account, err), "")
	}
	archive, found := profile.Find(cmp.Or(o.archive, "generic"))
	if !found {
		return nil, usage(fmt.Sprintf("no archive is called %q", o.archive), "lpexport destinations")
	}
	way := archive.Ways[0]
	if o.transport != "" {
		if way, found = archive.On(o.transport, ""); !found {
			return nil, usage(fmt.Sprintf("%s is not reached by %q", archive.Name, o.transport), "lpexport destinations "+archive.Name)
		}
	}
	return config.StarterFor(o.account, archive, way), nil
}

func runConfigInit(path string, text []byte) (*initResult, error) {
	// Secrets may be written into it later.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return new(initResult), usage(fmt.Sprintf("%s exists already", path), "lpexport config validate --config "+path)
	case err != nil:
		return new(initResult), fmt.Errorf("write a starter file: %w", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return new(initResult), fmt.Errorf("write a starter file: %w", err)
	}
	return &initResult{Path: path, FillIn: strings.Count(string(text), config.FillIn)}, nil
}

// validateResult is what config validate read.
type validateResult struct {
	header
	Path         string   `json:"path"`
	Account      string   `json:"account"`
	Destinations []string `json:"destinations"`
	Warnings     []string `json:"warnings"`
}

func (r *validateResult) text(w io.Writer) {
	if r.Account != "" {
		fmt.Fprintf(w, "%s: good: account %s, %s\n", r.Path, r.Account, count(len(r.Destinations), "destination"))
	}
}

func newValidateResult() *validateResult {
	return &validateResult{Destinations: []string{}, Warnings: []string{}}
}

func newConfigValidate(p *program) *cobra.Command {
	return p.command(&cobra.Command{
		Use:   "validate",
		Short: "Report all faults of the configuration",
		Long: `Read the configuration as every command does and report all its faults at
once, each as FILE:LINE: key.path: what is wrong. Nothing touches the network.`,
		Args: arguments(0, 0),
	}, func() result { return newValidateResult() }, func(context.Context, []string) (result, error) {
		return runConfigValidate(p)
	})
}

func runConfigValidate(p *program) (*validateResult, error) {
	found := newValidateResult()
	loaded, err := p.loadConfig()
	if err != nil {
		return found, err
	}
	if unread := loaded.Unread(); len(unread) > 0 {
		return found, unread // a run would go on without their destinations
	}
	found.Path, found.Account = loaded.File, loaded.Account
	for _, destination := range loaded.Destinations {
		found.Destinations = append(found.Destinations, destination.Name)
	}
	for _, warning := range loaded.Warnings {
		found.Warnings = append(found.Warnings, warning.String())
	}
	return found, nil
}

// schemaResult is the JSON Schema of the configuration.
type schemaResult struct {
	header
	Document json.RawMessage `json:"document"`
}

func (r *schemaResult) text(w io.Writer) { fmt.Fprintf(w, "%s", r.Document) }

func newConfigSchema(p *program) *cobra.Command {
	return p.command(&cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration",
		Long:  `Print the JSON Schema (2020-12) of the configuration, for editors and checks.`,
		Args:  arguments(0, 0),
	}, func() result { return &schemaResult{Document: json.RawMessage("null")} }, func(context.Context, []string) (result, error) {
		document, err := config.Schema()
		return &schemaResult{Document: document}, err
	})
}
