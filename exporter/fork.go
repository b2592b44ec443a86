package exporter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"lpexport/archive"
)

// ForkError is a destination that holds what this checkpoint does not know:
// another checkpoint has written there, or this one is an older copy. Nothing
// is cut for it until a person has decided.
type ForkError struct {
	Destination string
	Bundle      string // the path of what is not known
	Reason      string
}

func (e *ForkError) Error() string {
	return fmt.Sprintf("destination %s holds bundle %s, %s", e.Destination, e.Bundle, e.Reason)
}

// Hint is what to do about it.
func (e *ForkError) Hint() string {
	return "if the archive is right, let this state go on from it: lpexport recover --destination " + e.Destination
}

// checkFork compares what lies at the destination with what was sent there. It
// looks at the day of the last bundle and the days since: whoever else writes
// there, or wrote after a copy of the state was made, wrote later than that.
func (w *worker) checkFork(ctx context.Context) error {
	since := ""
	if w.row.PreviousPath != "" {
		since = strings.TrimPrefix(path.Dir(w.row.PreviousPath), w.Account+"/")
	}
	source, ok := w.dest.Target.(archive.Source)
	if !ok {
		return nil
	}
	paths, err := source.Bundles(ctx, since)
	if err != nil {
		return err
	}
	for _, p := range paths {
		if !w.owns(p) {
			continue
		}
		sum, found, err := w.cp.Known(ctx, w.row.ID, p)
		if err != nil {
			return err
		}
		if !found {
			return &ForkError{Destination: w.dest.Name, Bundle: p, Reason: "which this state has not written"}
		}
		if p != w.row.PreviousPath {
			continue
		}
		manifest, err := readManifest(ctx, source, p)
		if err != nil && !errors.Is(err, errManifestSize) {
			return err
		}
		if err != nil || hexSum(manifest) != sum {
			return &ForkError{Destination: w.dest.Name, Bundle: p, Reason: "whose manifest is not the one this state has written"}
		}
	}
	return nil
}

// owns tells whether a path is that of one of the destination's bundles.
func (w *worker) owns(p string) bool { return isBundleOf(p, w.Account, w.dest.Name) }

func isBundleOf(p, account, destination string) bool {
	name, serial, ok := cutLast(path.Base(p), "-")
	return ok && name == destination && len(serial) >= 9 && strings.HasPrefix(p, account+"/")
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// errManifestSize is a manifest that is none of ours.
var errManifestSize = errors.New("its manifest is over the size limit")

func readManifest(ctx context.Context, src archive.Source, bundle string) (_ []byte, err error) {
	f, err := src.Open(ctx, bundle+"/"+archive.ManifestFile)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b, err := io.ReadAll(io.LimitReader(f, archive.MaxManifest+1))
	if err == nil && len(b) > archive.MaxManifest {
		err = fmt.Errorf("%s: %w", bundle, errManifestSize)
	}
	return b, err
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hexOf(sum[:])
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
