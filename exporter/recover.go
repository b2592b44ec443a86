package exporter

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// Recovery is what a destination turned out to hold.
type Recovery struct {
	Destination   string
	Bundles       int
	Serial        int // the state goes on after it
	Conversations int
	Messages      int      // names, amendments once
	Withdrawn     int      // bundles that were cut here and are not there: their entries are due again
	Damaged       int      // bundles whose transcripts are not what their manifests say: only names were taken from those
	Proven        []Period // that the manifests prove to be there, under whatever selection
	Unproven      Period   // of which they name messages, and prove nothing; zero: there is none
}

// UnknownDestinationError is a name that the configuration does not have.
type UnknownDestinationError struct{ Name string }

func (e *UnknownDestinationError) Error() string {
	return fmt.Sprintf("the configuration has no destination %q", e.Name)
}

// NotReadableError is a destination that cannot be read back.
type NotReadableError struct{ Destination string }

func (e *NotReadableError) Error() string {
	return fmt.Sprintf("destination %s cannot be read back: what it holds is known from the state alone", e.Destination)
}

// Recover rebuilds what the state knows of a destination from what lies there.
// What the manifests name counts as delivered; what was cut here and is not
// there is due again under new numbers, which goes on record as a decision of by;
// the archive's origin, serial and chain are gone on with. A bundle that this state
// knows under another hash is refused with a ChangedError until a person has accepted
// it. It happens in one transaction, or not at all.
func (e *Exporter) Recover(ctx context.Context, name string, by Acceptance) (Recovery, error) {
	r := Recovery{Destination: name}
	if err := by.check(); err != nil {
		return r, err
	}
	i := slices.IndexFunc(e.Destinations, func(d Destination) bool { return d.Name == name })
	if i < 0 {
		return r, &UnknownDestinationError{Name: name}
	}
	dest := e.Destinations[i]
	release, err := e.leaseDestination(ctx, name)
	if err != nil {
		return r, err
	}
	defer release()
	source, ok := dest.Target.(archive.Source)
	if !ok {
		return r, &NotReadableError{Destination: name}
	}
	w := &worker{Exporter: e, dest: dest}
	if w.row, err = e.registered(ctx, dest); err != nil {
		return r, err
	}
	bundles, err := w.listBundles(ctx, source)
	if err != nil {
		return r, err
	}
	lost, err := w.compareKnown(ctx, source, bundles)
	if err != nil {
		return r, err
	}
	if err := e.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		if err := w.recover(ctx, tx, source, bundles, &r); err != nil {
			return err
		}
		return w.withdraw(tx, lost, &r, by)
	}); err != nil {
		return r, err
	}
	if err := os.RemoveAll(e.spoolDir(name)); err != nil {
		return r, fmt.Errorf("empty spool: %w", err)
	}
	return r, nil
}

// registered is the destination's row, made now when there is none.
func (e *Exporter) registered(ctx context.Context, d Destination) (checkpoint.Destination, error) {
	row, found, err := e.cp.Destination(ctx, d.Name)
	if err != nil || found {
		return row, err
	}
	if err := e.registerOne(ctx, d); err != nil {
		return row, err
	}
	row, _, err = e.cp.Destination(ctx, d.Name)
	return row, err
}

// found is one bundle at the destination.
type found struct {
	path, sha256 string
	manifest     *archive.Manifest
}

// listBundles reads the manifests of the destination's bundles, by serial.
func (w *worker) listBundles(ctx context.Context, source archive.Source) ([]found, error) {
	paths, err := source.Bundles(ctx, "")
	if err != nil {
		return nil, err
	}
	var list []found
	for _, p := range paths {
		if !w.owns(p) {
			continue
		}
		raw, err := readManifest(ctx, source, p)
		if err != nil {
			return nil, fmt.Errorf("read manifest of %s: %w", p, err)
		}
		m, err := archive.ParseManifest(raw)
		if err != nil {
			return nil, errors.Join(w.knownOtherwise(ctx, source, p, hexSum(raw)), fmt.Errorf("manifest of %s: %w", p, err))
		}
		// The slices are read again, one bundle at a time.
		m.Slices = nil
		list = append(list, found{path: p, sha256: hexSum(raw), manifest: m})
	}
	slices.SortFunc(list, func(a, b found) int { return a.manifest.Serial - b.manifest.Serial })
	return list, nil
}

func (w *worker) recover(ctx context.Context, tx *checkpoint.Tx, source archive.Source, bundles []found, r *Recovery) error {
	last := checkpoint.Recovery{Origin: w.cp.Origin()}
	if n := len(bundles); n > 0 {
		b := bundles[n-1]
		last = checkpoint.Recovery{Origin: b.manifest.Origin, Serial: b.manifest.Serial, Bundle: b.manifest.Bundle, ManifestSHA256: b.sha256, Path: b.path}
	}
	now := w.millis()
	if err := w.recoverCoverage(ctx, tx, bundles, r); err != nil {
		return err
	}
	withdrawn, err := tx.BeginRecovery(w.row.ID, last, now)
	if err != nil {
		return err
	}
	r.Withdrawn, r.Serial, r.Bundles = int(withdrawn), last.Serial, len(bundles)
	for _, b := range bundles {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := tx.AdoptBundle(w.row.ID, b.manifest.Serial, b.path, b.sha256, now); err != nil {
			return err
		}
		if err := w.hold(ctx, tx, source, b, r); err != nil {
			return fmt.Errorf("bundle %s: %w", b.path, err)
		}
	}
	if err := w.holdGivenUp(ctx, tx); err != nil {
		return err
	}
	r.Conversations, err = tx.CountHeld(w.row.ID)
	return err
}

// holdGivenUp notes what was in bundles that a person has given up as held: it is not to
// come again. What others have deleted in this transaction is still there for a reader.
func (w *worker) holdGivenUp(ctx context.Context, tx *checkpoint.Tx) error {
	names, err := w.cp.GivenUp(ctx, w.row.ID)
	if err != nil {
		return err
	}
	for _, name := range names {
		b, file, found, err := w.rejected(ctx, checkpoint.Quarantined{Destination: w.row.ID, SourceID: name})
		if err != nil {
			return err
		}
		if !found || file != "" {
			continue
		}
		err = w.cp.Slices(ctx, b.ID, func(l checkpoint.Line) error {
			line, err := w.packer.unpack(nil, l.Frame)
			if err != nil {
				return err
			}
			s, err := archive.ParseLine(line)
			if err != nil {
				return err
			}
			listing := archive.ListingOf(&s)
			_, err = w.holdSlice(tx, &listing, &s, l.NewestAt)
			return err
		})
		if err != nil {
			return fmt.Errorf("bundle %s, which was given up: %w", name, err)
		}
	}
	return nil
}

// hold notes every name of one bundle's manifest as held, with what the
// message says where the transcripts can be read.
func (w *worker) hold(ctx context.Context, tx *checkpoint.Tx, source archive.Source, b found, r *Recovery) error {
	raw, err := readManifest(ctx, source, b.path)
	if err != nil {
		return err
	}
	m, err := archive.ParseManifest(raw)
	if err != nil {
		return err
	}
	lines, sound, err := openSound(ctx, source, b.path, m)
	if err != nil {
		return err
	}
	defer lines.Close()
	if !sound {
		r.Damaged++
		l, err := w.look(ctx, source, b.path, b.sha256)
		if err != nil {
			return err
		}
		accepted, err := w.accepts(ctx, b.path, l.digest)
		if err == nil && !accepted {
			err = tx.Find(w.finding(b.path, b.sha256, l))
		}
		if err != nil {
			return err
		}
	}
	for i := range m.Slices {
		l := &m.Slices[i]
		if err := plausible(l); err != nil {
			return err
		}
		added, err := w.holdSlice(tx, l, lines.next(l), m.Period.To)
		if err != nil {
			return err
		}
		r.Messages += added
	}
	return nil
}

// holdSlice notes every name of one slice as held; s is the slice itself, or nil: then
// nothing of it is newer than newest. It returns how many messages are new.
func (w *worker) holdSlice(tx *checkpoint.Tx, l *archive.Listing, s *archive.Slice, newest int64) (added int, err error) {
	h, err := tx.Held(w.row.ID, l.Conversation)
	if err != nil {
		return 0, err
	}
	names, err := decodeSeen(h.Names, l.Conversation)
	if err != nil {
		return 0, err
	}
	added = holdListing(names, l, s)
	h.Revision, h.Slices = max(h.Revision, l.Revision), max(h.Slices, l.Slice)
	h.NewestAt = max(h.NewestAt, newestOf(s, newest))
	h.Names = names.encode(nil, l.Conversation)
	return added, tx.PutHeld(w.row.ID, h)
}

// plausible refuses a listing that names more messages than it counts: a few
// bytes can name more than any memory holds.
func plausible(l *archive.Listing) error {
	var n int64
	for _, d := range l.Dialogs {
		if n += d.Sequences.Count(); n > int64(l.Messages) {
			return fmt.Errorf("slice %d of conversation %s: more sequences than messages", l.Slice, l.Conversation)
		}
	}
	return nil
}

// holdListing adds a listing's names; s is the slice itself, or nil. It returns
// how many messages are new.
func holdListing(names *seen, l *archive.Listing, s *archive.Slice) (added int) {
	for _, d := range l.Dialogs {
		dialog := names.dialog(d.ID)
		if s == nil {
			added += holdNames(dialog, &d, l.Revision)
		}
		for _, derived := range d.Derived {
			if addName(&dialog.derived, hash64([]byte(derived)), l.Revision) {
				added++
			}
		}
	}
	for _, name := range l.Happened {
		addName(&names.happened, hash64([]byte(name)), l.Revision)
	}
	if s == nil {
		return added
	}
	for i := range s.Happened {
		switch h := &s.Happened[i]; h.Kind {
		case archive.Joined, archive.Left, archive.Transferred:
			// Nothing tells whether an event told it, and how late.
			names.live.updatedAt = max(names.live.updatedAt, h.At)
			names.live.told = append(names.live.told, lateTold(h, 0))
		}
	}
	// In order, so that an amendment in the same slice comes last.
	for i := range s.Messages {
		if m := &s.Messages[i]; m.Derived == "" {
			held := seenMessage{sequence: m.Sequence, variant: int32(m.Variant), hash: m.ContentHash(), revision: int32(l.Revision)}
			if m.Source == sourceWebhook {
				held.hash, held.told, held.agents = m.WordsHash(), true, m.Audience == "agents"
			}
			added += holdMessage(names.dialog(m.Dialog), held)
		}
	}
	return added
}

// holdNames adds messages of which only the names are known. A sequence that is
// listed for a variant's sake may, or may not, stand for the first message of
// that name too: one that is held stays as it was.
func holdNames(dialog *seenDialog, d *archive.Dialog, revision int) (added int) {
	others := map[int64]bool{}
	for _, v := range d.Variants {
		others[v.Sequence] = true
		added += holdMessage(dialog, seenMessage{sequence: v.Sequence, variant: int32(v.Number), hash: unknownHash, revision: int32(revision)})
	}
	for _, span := range d.Sequences.Spans() {
		for n := span.First; n <= span.Last; n++ {
			if _, held := dialog.version(&seenMessage{sequence: n}); !held || !others[n] {
				added += holdMessage(dialog, seenMessage{sequence: n, hash: unknownHash, revision: int32(revision)})
			}
		}
	}
	return added
}

func holdMessage(d *seenDialog, m seenMessage) (added int) {
	from, to := d.group(m.sequence)
	for i := from; i < to; i++ {
		if k := &d.messages[i]; k.variant == m.variant {
			*k = m
			return 0
		}
	}
	d.insert(to, m)
	return 1
}

func newestOf(s *archive.Slice, otherwise int64) int64 {
	if s == nil {
		return otherwise
	}
	newest := int64(0)
	for i := range s.Messages {
		newest = max(newest, s.Messages[i].SentAt)
	}
	for i := range s.Happened {
		newest = max(newest, s.Happened[i].At)
	}
	return newest
}

// lineReader reads a bundle's transcripts beside its listings.
type lineReader struct {
	file io.ReadCloser
	in   *bufio.Reader
}

func openLines(ctx context.Context, src archive.Source, bundle string) (*lineReader, error) {
	f, err := src.Open(ctx, bundle+"/"+archive.TranscriptsFile)
	if errors.Is(err, os.ErrNotExist) {
		return &lineReader{}, nil
	}
	if err != nil {
		return nil, err
	}
	return &lineReader{file: f, in: bufio.NewReaderSize(f, 256<<10)}, nil
}

// next is the next slice if it is the listing's, else nil: then only the names
// are known.
func (r *lineReader) next(l *archive.Listing) *archive.Slice {
	if r.in == nil {
		return nil
	}
	line, err := r.in.ReadBytes('\n')
	if err != nil {
		r.in = nil
		return nil
	}
	s, err := archive.ParseLine(line)
	if err != nil || s.Conversation != l.Conversation || s.Number != l.Slice {
		return nil
	}
	return &s
}

func (r *lineReader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
