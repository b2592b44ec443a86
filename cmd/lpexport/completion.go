package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// completionResult is a script for a shell.
type completionResult struct {
	header
	Shell  string `json:"shell"`
	Script string `json:"script"`
}

func (r *completionResult) text(w io.Writer) { fmt.Fprint(w, r.Script) }

func newCompletion(p *program) *cobra.Command {
	var cmd *cobra.Command
	shells := []string{"bash", "zsh", "fish", "powershell"}
	cmd = p.command(&cobra.Command{
		Use:   "completion " + strings.Join(shells, "|"),
		Short: "Print a completion script for a shell",
		Long: `Print the script that completes commands and flags in a shell. For bash:
  source <(lpexport completion bash)`,
		ValidArgs: shells,
		Args:      arguments(1, 1),
	}, func() result { return new(completionResult) }, func(_ context.Context, args []string) (result, error) {
		return runCompletion(cmd.Root(), args[0])
	})
	return cmd
}

func runCompletion(root *cobra.Command, shell string) (*completionResult, error) {
	generate, known := map[string]func(io.Writer) error{
		"bash":       func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":        root.GenZshCompletion,
		"fish":       func(w io.Writer) error { return root.GenFishCompletion(w, true) },
		"powershell": root.GenPowerShellCompletionWithDesc,
	}[shell]
	found := &completionResult{Shell: shell}
	if !known {
		return found, usage(fmt.Sprintf("no completion for %q", shell), "lpexport completion bash")
	}
	var script strings.Builder
	err := generate(&script)
	found.Script = script.String()
	return found, err
}
