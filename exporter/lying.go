package exporter

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// lying is what lies where a bundle was delivered to.
type lying struct {
	digest string // of the list of its files, as sha256sum writes it; "": nothing is there
	faults []string
	lacks  bool // files are not there
	other  bool // files have other bytes, or are none of the bundle's
}

// whole reports whether it is what was delivered.
func (l *lying) whole() bool { return l.digest != "" && !l.lacks && !l.other }

// look reads all of a bundle. sum is the hash of its manifest as it was written; ""
// where that is not known.
func (e *Exporter) look(ctx context.Context, source archive.Source, bundle, sum string) (*lying, error) {
	l := &lying{}
	names, err := source.Files(ctx, bundle)
	if errors.Is(err, fs.ErrNotExist) {
		names, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		l.lacks, l.faults = true, []string{"it is not there"}
		return l, nil
	}
	slices.Sort(names)
	there := make(map[string]string, len(names))
	list := sha256.New()
	for _, name := range names {
		if there[name], err = sumOf(ctx, source, bundle+"/"+name); err != nil {
			return nil, err
		}
		fmt.Fprintf(list, "%s  %s\n", there[name], name)
	}
	l.digest = hexOf(list.Sum(nil))
	if there[archive.ManifestFile] != sum {
		l.differs(there, archive.ManifestFile, sum)
		return l, nil // what else belongs there, nothing tells
	}
	raw, err := readManifest(ctx, source, bundle)
	if err != nil {
		return nil, err
	}
	m, err := archive.ParseManifest(raw)
	if err != nil {
		return nil, err
	}
	for _, f := range append(m.Files, archive.FileInfo{Path: archive.SumsFile, SHA256: hexSum(m.Sums(sum))}) {
		l.differs(there, f.Path, f.SHA256)
		delete(there, f.Path)
	}
	delete(there, archive.ManifestFile)
	for _, name := range names {
		if _, extra := there[name]; extra {
			l.other = true
			l.faults = append(l.faults, name+" is none of its files")
		}
	}
	return l, nil
}

// differs notes a file that is not there, or has another hash.
func (l *lying) differs(there map[string]string, name, want string) {
	switch is, found := there[name]; {
	case !found:
		l.lacks = true
		l.faults = append(l.faults, name+" is not there")
	case is != want:
		l.other = true
		l.faults = append(l.faults, fmt.Sprintf("%s has hash %s, expected %s", name, is, want))
	}
}

// detail is what differs, bounded.
func (l *lying) detail() string {
	const most = 20
	text := strings.Join(l.faults[:min(len(l.faults), most)], "; ")
	if more := len(l.faults) - most; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// sumOf is the hash of a file at a destination.
func sumOf(ctx context.Context, source archive.Source, name string) (_ string, err error) {
	f, err := source.Open(ctx, name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(sum, &interruptible{ctx, f}); err != nil {
		return "", err
	}
	return hexOf(sum.Sum(nil)), nil
}

// interruptible reads until its context is done.
type interruptible struct {
	ctx context.Context
	in  io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.in.Read(p)
}

// find keeps what was found of a bundle that this state has written: a problem
// until a person decides.
func (w *worker) find(ctx context.Context, bundle, sum string, l *lying) error {
	return w.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		return tx.Find(w.finding(bundle, sum, l))
	})
}

func (w *worker) finding(bundle, sum string, l *lying) checkpoint.Finding {
	kind := checkpoint.FoundMissing
	if l.other {
		kind = checkpoint.FoundChanged
	}
	return checkpoint.Finding{Destination: w.row.ID, Path: bundle, Kind: kind, Was: sum, Found: l.digest, Detail: l.detail(), FoundAt: w.millis()}
}

// accepts reports whether a person has accepted a bundle as it was found now.
func (w *worker) accepts(ctx context.Context, bundle, digest string) (bool, error) {
	accepted, err := w.accepted(ctx, w.row.ID)
	was, found := accepted[bundle]
	return found && was == digest, err
}

// accepted is as what bundles of a destination were accepted last, by their paths.
func (e *Exporter) accepted(ctx context.Context, destination int64) (map[string]string, error) {
	list, err := e.cp.AcceptedFindings(ctx, destination)
	all := make(map[string]string, len(list))
	for _, f := range list {
		all[f.Path] = f.Found
	}
	return all, err
}
