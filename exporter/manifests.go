package exporter

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// manifestsDir is where the manifests lie of a destination that gets none.
func (e *Exporter) manifestsDir() string { return filepath.Join(e.State, "manifests") }

// keepManifest copies a bundle's manifest and sums below the state. They are
// there before the bundle counts as delivered; again changes nothing.
func (w *worker) keepManifest(b *checkpoint.Bundle, dir string) error {
	target := filepath.Join(w.manifestsDir(), filepath.FromSlash(b.Path))
	if err := archive.MkdirAll(target); err != nil {
		return fmt.Errorf("keep manifest: %w", err)
	}
	for _, name := range []string{archive.SumsFile, archive.ManifestFile} {
		if err := copyNew(filepath.Join(dir, name), filepath.Join(target, name)); err != nil {
			return fmt.Errorf("keep manifest: %w", err)
		}
	}
	return archive.SyncDir(target)
}

// copyNew copies a file through a temporary one, unless the target is there.
func copyNew(from, to string) error {
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	temp := filepath.Join(filepath.Dir(to), "."+filepath.Base(to))
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := archive.CreateNew(temp, func(out io.Writer) error { _, err := io.Copy(out, in); return err }); err != nil {
		return err
	}
	return os.Rename(temp, to)
}
