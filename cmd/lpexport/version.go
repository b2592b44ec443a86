package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionResult says what this binary was built from.
type versionResult struct {
	header
	Version  string `json:"version"`
	Revision string `json:"revision"` // "" where the build does not say
	Modified bool   `json:"modified"`
	Built    string `json:"revision_time"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (r *versionResult) text(w io.Writer) {
	fmt.Fprintf(w, "lpexport %s", r.Version)
	if r.Revision != "" {
		fmt.Fprintf(w, " (%s", r.Revision)
		if r.Modified {
			fmt.Fprint(w, ", modified")
		}
		fmt.Fprint(w, ")")
	}
	fmt.Fprintf(w, " %s %s\n", r.Go, r.Platform)
}

func newVersion(p *program) *cobra.Command {
	return p.command(&cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  `Print the version, the revision it was built from, and the platform.`,
		Args:  arguments(0, 0),
	}, func() result { return new(versionResult) }, func(context.Context, []string) (result, error) {
		return buildVersion(), nil
	})
}

// buildVersion reads what the linker left in the binary.
func buildVersion() *versionResult {
	found := &versionResult{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return found
	}
	if info.Main.Version != "" {
		found.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			found.Revision = setting.Value
		case "vcs.time":
			found.Built = setting.Value
		case "vcs.modified":
			found.Modified = setting.Value == "true"
		}
	}
	return found
}

// generator names this build in manifests.
func generator() string { return "lpexport " + buildVersion().Version }
