package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"lpexport/archive"
	"lpexport/archive/directory"
)

// verifyResult is what a walk over bundles found.
type verifyResult struct {
	header
	Bundles  int               `json:"bundles"`
	Files    int               `json:"files"`
	Problems []archive.Problem `json:"problems"`

	walked bool
}

func newVerifyResult() *verifyResult { return &verifyResult{Problems: []archive.Problem{}} }

func (r *verifyResult) text(w io.Writer) {
	for _, p := range r.Problems {
		fmt.Fprintf(w, "%s %s: %s\n", p.Kind, printable(p.Path), printable(p.Detail))
	}
	if !r.walked {
		return
	}
	fmt.Fprintf(w, "verified %s, %s: %s\n", count(r.Bundles, "bundle"), count(r.Files, "file"), count(len(r.Problems), "problem"))
}

func newVerify(p *program) *cobra.Command {
	return p.command(&cobra.Command{
		Use:   "verify [PATH]",
		Short: "Prove that the bundles are whole",
		Long: `Read every bundle again: each file against its manifest and SHA256SUMS, the
chain of manifests, the numbers, the totals, and the names of messages inside
against those that the manifest lists. One line for each problem; the walk is
finished in spite of them.

With PATH, the folder above the account's, no configuration is needed. Without
it, all configured destinations are read.`,
		Args: arguments(0, 1),
	}, func() result { return newVerifyResult() }, func(ctx context.Context, args []string) (result, error) {
		if len(args) == 1 {
			return runVerifyPath(ctx, args[0])
		}
		return runVerify(ctx, p)
	})
}

// runVerify reads what the configured destinations hold.
func runVerify(ctx context.Context, p *program) (*verifyResult, error) {
	found := newVerifyResult()
	c, err := p.loadConfig()
	if err != nil {
		return found, err
	}
	// Destinations may share a folder, which is read once for all of them.
	read := map[string]bool{}
	for _, d := range c.Destinations {
		root, err := filepath.Abs(d.Directory.Path)
		if err != nil {
			return found, fmt.Errorf("verify %s: %w", d.Name, err)
		}
		if read[root] {
			continue
		}
		read[root] = true
		if err := found.add(ctx, newTarget(c.Account, d)); err != nil {
			return found, err
		}
	}
	return found, found.verdict()
}

// runVerifyPath reads a folder of which nothing else is known.
func runVerifyPath(ctx context.Context, path string) (*verifyResult, error) {
	found := newVerifyResult()
	accounts, err := accountsIn(path)
	if err != nil {
		return found, err
	}
	for _, account := range accounts {
		if err := found.add(ctx, directory.New(directory.Config{Path: path, Account: account})); err != nil {
			return found, err
		}
	}
	if found.Bundles == 0 && len(found.Problems) == 0 {
		return found, usage(fmt.Sprintf("no bundle in %s: give the folder above the account's", path), "")
	}
	return found, found.verdict()
}

var accountName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// accountsIn lists the folders below path that can be an account's, sorted.
func accountsIn(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, &outcome{code: exitUsage, fact: "verify", err: err}
	}
	var accounts []string
	for _, entry := range entries {
		if entry.IsDir() && accountName.MatchString(entry.Name()) {
			accounts = append(accounts, entry.Name())
		}
	}
	return accounts, nil
}

// add walks over all bundles of one source.
func (r *verifyResult) add(ctx context.Context, source archive.Source) error {
	walked, err := archive.Verify(ctx, source, func(p archive.Problem) { r.Problems = append(r.Problems, p) })
	r.walked = true
	r.Bundles += walked.Bundles
	r.Files += walked.Files
	return err
}

// verdict is the error that the problems make.
func (r *verifyResult) verdict() error {
	if len(r.Problems) == 0 {
		return nil
	}
	return &outcome{
		code: exitDamage, fact: fmt.Sprintf("%s found; nothing was changed", count(len(r.Problems), "problem")),
		hint: "restore the named files from a copy of the archive, then: lpexport verify",
	}
}
