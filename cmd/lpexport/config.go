package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"lpexport/exporter/config"
)

func newConfig(p *program) *cobra.Command {
	return group(&cobra.Command{Use: "config", Short: "Write, check and describe the configuration"},
		newConfigInit(p), newConfigValidate(p), newConfigSchema(p))
}

// initResult is the file that config init wrote.
type initResult struct {
	header
	Path string `json:"path"`
}

func (r *initResult) text(w io.Writer) {
	if r.Path != "" {
		fmt.Fprintf(w, "wrote %s\nnext: lpexport export --config %s\n", r.Path, r.Path)
	}
}

func newConfigInit(p *program) *cobra.Command {
	return p.command(&cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a starter file",
		Long: `Write a configuration with every key, its default and what it means, for the
simulated account. FILE is ./config.yaml where it is not given. An existing
file is never overwritten.`,
		Args: arguments(0, 1),
	}, func() result { return new(initResult) }, func(_ context.Context, args []string) (result, error) {
		path := localConfig
		if len(args) == 1 {
			path = args[0]
		}
		return runConfigInit(path)
	})
}

func runConfigInit(path string) (*initResult, error) {
	// Secrets may be written into it later.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return new(initResult), usage(fmt.Sprintf("%s exists already", path), "lpexport config validate --config "+path)
	case err != nil:
		return new(initResult), fmt.Errorf("write a starter file: %w", err)
	}
	_, err = f.Write(config.Starter)
	if err := errors.Join(err, f.Close()); err != nil {
		return new(initResult), fmt.Errorf("write a starter file: %w", err)
	}
	return &initResult{Path: path}, nil
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
