package exporter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"strconv"
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

// owns tells whether a path is that of one of the destination's bundles.
func (w *worker) owns(p string) bool { return isBundleOf(p, w.Account, w.dest.Name) }

func isBundleOf(p, account, destination string) bool {
	name, serial, ok := cutLast(path.Base(p), "-")
	return ok && name == destination && len(serial) >= 9 && strings.HasPrefix(p, account+"/")
}

// serialIn is the serial in the name of a destination's bundle.
func serialIn(p string) int {
	_, serial, _ := cutLast(path.Base(p), "-")
	n, err := strconv.Atoi(serial)
	if err != nil {
		return math.MaxInt
	}
	return n
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

func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hexOf(sum[:])
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
