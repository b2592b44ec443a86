package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lpexport/archive"
	"lpexport/exporter"
)

// backupResult is the copy that was made.
type backupResult struct {
	header
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

func (r *backupResult) text(w io.Writer) {
	if r.Path != "" {
		fmt.Fprintf(w, "copied the checkpoint to %s, %s\n", r.Path, count(r.Bytes, "byte"))
	}
}

func newBackup(p *program) *cobra.Command {
	return p.command(&cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the checkpoint while others work",
		Long: `Write a consistent copy of the checkpoint, also while another lpexport works
with it. FILE must not exist; only its owner can read it. To use the copy, put
it in the place of the checkpoint, then: lpexport recover --destination NAME
for each destination. Files that were fetched are not in it: copy the folder
files of the state too.`,
		Args: arguments(1, 1),
	}, func() result { return new(backupResult) }, func(ctx context.Context, args []string) (result, error) {
		return runBackup(ctx, p, args[0])
	})
}

func runBackup(ctx context.Context, p *program, path string) (_ *backupResult, err error) {
	found := new(backupResult)
	c, err := p.loadConfig()
	if err != nil {
		return found, err
	}
	if !hasCheckpoint(c) {
		return found, usage(fmt.Sprintf("no checkpoint to copy: %s does not exist", checkpointPath(c)), "lpexport status")
	}
	e, err := p.openExporter(ctx, c, exporter.Settings{})
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	bytes, err := writeBackup(ctx, e, path)
	if err != nil {
		return found, err
	}
	return &backupResult{Path: path, Bytes: bytes}, nil
}

// writeBackup leaves the whole copy, durable, or nothing.
func writeBackup(ctx context.Context, e *exporter.Exporter, path string) (bytes int64, err error) {
	// The copy holds what people wrote. SQLite fills an empty file and would
	// make a new one with wider rights.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return 0, usage(fmt.Sprintf("%s exists already", path), "")
	}
	if err != nil {
		return 0, fmt.Errorf("back up: %w", err)
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	if err := e.Backup(ctx, path); err != nil {
		return 0, err
	}
	if err := errors.Join(f.Sync(), archive.SyncDir(filepath.Dir(path))); err != nil {
		return 0, fmt.Errorf("back up: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("back up: %w", err)
	}
	return info.Size(), nil
}
