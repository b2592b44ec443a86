package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"

	"github.com/spf13/cobra"

	"lpexport/archive"
	"lpexport/archive/directory"
	"lpexport/exporter"
)

// verifyResult is what a walk over bundles found.
type verifyResult struct {
	header
	Bundles  int               `json:"bundles"`
	Files    int               `json:"files"`
	Problems []archive.Problem `json:"problems"`

	walked bool
	known  map[string]bool
}

func newVerifyResult() *verifyResult {
	return &verifyResult{Problems: []archive.Problem{}, known: map[string]bool{}}
}

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
finished in spite of them. What was delivered and is found changed stays a
problem, even when it is put back or deleted, until you accept it.

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

// runVerify reads what the configured destinations hold, and compares it with
// the receipts.
func runVerify(ctx context.Context, p *program) (_ *verifyResult, err error) {
	found := newVerifyResult()
	c, err := p.loadConfig()
	if err != nil {
		return found, err
	}
	e, err := p.openExporter(ctx, c, exporter.Settings{})
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	walked, err := e.Verify(ctx, found.report)
	return found, errors.Join(err, found.end(walked))
}

// runVerifyPath reads a folder of which nothing else is known.
func runVerifyPath(ctx context.Context, root string) (*verifyResult, error) {
	found := newVerifyResult()
	accounts, err := accountsIn(root)
	if err != nil {
		return found, err
	}
	var total archive.Result
	for _, account := range accounts {
		walked, err := archive.Verify(ctx, directory.New(directory.Config{Path: root, Account: account}), exporter.Documents(), found.report)
		total.Bundles += walked.Bundles
		total.Files += walked.Files
		if err != nil {
			return found, errors.Join(err, found.end(total))
		}
	}
	if total.Bundles == 0 && len(found.Problems) == 0 {
		return found, usage(fmt.Sprintf("no bundle in %s: give the folder above the account's", root), "")
	}
	return found, found.end(total)
}

var accountName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// accountsIn lists the folders below root that can be an account's, sorted.
func accountsIn(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
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

var bundleName = regexp.MustCompile(`-[0-9]{9,}$`)

// report keeps a problem. That a file is damaged or gone may be seen by the
// walk and by its receipt: that is one problem.
func (r *verifyResult) report(p archive.Problem) {
	if p.Kind == archive.Damaged || p.Kind == archive.Missing {
		fault := p.Kind + " " + p.Path
		if name := path.Base(p.Path); bundleName.MatchString(name) {
			fault = p.Kind + " " + name // the walk cannot know the day of a bundle that is gone
		}
		if r.known[fault] {
			return
		}
		r.known[fault] = true
	}
	r.Problems = append(r.Problems, p)
}

// end takes the counts, and gives the error that the problems make.
func (r *verifyResult) end(walked archive.Result) error {
	r.walked, r.Bundles, r.Files = true, walked.Bundles, walked.Files
	if len(r.Problems) == 0 {
		return nil
	}
	return &outcome{
		code: exitDamage, fact: fmt.Sprintf("%s found; nothing was changed", count(len(r.Problems), "problem")),
		hint: "restore the named files from a copy of the archive, or with `lpexport replay --destination NAME`, and verify again; " +
			"what was found changed stays a problem until you accept it: lpexport accept bundle NAME --reason TEXT",
	}
}
