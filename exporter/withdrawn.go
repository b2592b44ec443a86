package exporter

import (
	"context"
	"os"
	"path/filepath"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// verifyWithdrawn makes sure that what was withdrawn for its size is named by the
// manifest of the bundle that holds it now.
func (e *Exporter) verifyWithdrawn(ctx context.Context, destination int64, report func(archive.Problem)) error {
	named, path := map[archive.Replaced]bool{}, "" // by the manifest at path
	return e.cp.Withdrawals(ctx, destination, func(w checkpoint.Withdrawal) error {
		if !w.Delivered {
			return nil // still under way
		}
		if w.By != path {
			path = w.By
			clear(named)
			raw, err := os.ReadFile(filepath.Join(e.manifestsDir(), filepath.FromSlash(path), archive.ManifestFile))
			if err != nil {
				return nil // reported as missing or unreadable
			}
			m, err := archive.ParseManifest(raw)
			if err != nil {
				return nil // reported as damaged
			}
			for _, r := range m.Replaces {
				named[r] = true
			}
		}
		file := archive.Replaced{Bundle: filepath.Base(w.Bundle), FileInfo: archive.FileInfo{Path: w.File, Bytes: w.Bytes, SHA256: w.SHA256}}
		if !named[file] {
			report(archive.Problem{Kind: archive.Missing, Path: w.Bundle + "/" + w.File, Detail: "it was refused for its size, and the manifest of " + w.By + " does not say that it replaces it"})
		}
		return nil
	})
}
