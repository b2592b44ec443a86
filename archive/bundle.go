package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// BundleName is the name of a bundle: its destination's and its serial.
func BundleName(destination string, serial int) string {
	return fmt.Sprintf("%s-%09d", destination, serial)
}

// BundlePath is where a bundle lies below its destination's root, slash
// separated: <account>/<YYYY>/<MM>/<DD>/<name> of the UTC day it was cut.
func BundlePath(account, destination string, serial int, created time.Time) string {
	return account + "/" + created.UTC().Format("2006/01/02") + "/" + BundleName(destination, serial)
}

// Head is what is known of a bundle when it is cut. It never changes again, so
// that rendering the same slices under it gives the same bytes.
type Head struct {
	Serial         int // from 1; the bundle's name follows from it
	Account        string
	Destination    string
	Archive        string
	SettingsSHA256 string
	Generator      string
	Origin         string
	Created        time.Time  // kept to the millisecond
	Previous       *Previous  // nil in the first
	Coverage       []Coverage // nil: nothing is said of it
	Replaces       []Replaced `json:",omitempty"`
}

// Counts is what a manifest sums up of one slice. From and To are the first and
// the last SentAt of its messages in epoch milliseconds, 0 without messages.
type Counts struct {
	Conversation         string
	Messages, Amendments int
	From, To             int64
}

// CountsOf counts what s holds.
func CountsOf(s *Slice) Counts {
	c := Counts{Conversation: s.Conversation, Messages: len(s.Messages)}
	var p Period
	for i := range s.Messages {
		p.include(s.Messages[i].SentAt, s.Messages[i].SentAt)
		if s.Messages[i].Amends != 0 {
			c.Amendments++
		}
	}
	c.From, c.To = p.From, p.To
	return c
}

// Rendered is what a Writer has made.
type Rendered struct {
	ManifestSHA256 string // lower-case hex
	Totals         Totals
	Files          []Packed // in the order of the manifest
}

// The manifest's slices gather in one file and the manifest in another until
// all of it is known. Names with "." are unfinished work to every reader.
const (
	slicesTemp   = ".slices"
	manifestTemp = ".manifest.json"
)

// Writer renders a bundle into a folder. It keeps no slice in memory. After an
// error the folder holds unfinished work and the Writer is of no more use: call
// Discard and remove the folder.
type Writer struct {
	dir           string
	manifest      Manifest
	packer        packer
	parts         []Part   // of the slice being added
	listings      *os.File // the manifest's slices
	list          *bufio.Writer
	line          []byte
	listed        int64 // bytes in listings
	conversations map[[16]byte]struct{}
	err           error
}

// NewWriter begins a bundle in the folder dir, which must be there and empty.
// The caller makes dir's own entry in its parent durable.
func NewWriter(dir string, head Head, shape Shape) (*Writer, error) {
	w := &Writer{dir: dir, conversations: make(map[[16]byte]struct{})}
	w.manifest = Manifest{
		Bundle: BundleName(head.Destination, head.Serial), Serial: head.Serial,
		Account: head.Account, Destination: head.Destination, Archive: head.Archive,
		SettingsSHA256: head.SettingsSHA256, Generator: head.Generator,
		Created: head.Created.UnixMilli(), Origin: head.Origin, Previous: head.Previous, Coverage: head.Coverage,
		Replaces: head.Replaces,
	}
	w.packer = packer{dir: dir, shape: shape, created: head.Created.UTC(), bundle: place{
		account: head.Account, day: head.Created.UTC().Format("2006/01/02"), destination: head.Destination, serial: head.Serial}}
	if err := w.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("begin bundle %s: %w", w.manifest.Bundle, err), w.Discard())
	}
	return w, nil
}

func (w *Writer) open() error {
	if err := w.manifest.checkHead(); err != nil {
		return err
	}
	there, err := os.ReadDir(w.dir)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		return errors.New("the folder is not empty")
	}
	w.listings, err = os.OpenFile(filepath.Join(w.dir, slicesTemp), os.O_RDWR|os.O_CREATE|os.O_EXCL, FileMode)
	if err != nil {
		return err
	}
	w.list = bufio.NewWriterSize(w.listings, 32<<10)
	return nil
}

// Add writes one slice: its line as AppendLine made it, and its listing as
// Listing.Append made it, both as they were frozen at the cut. Neither is kept.
func (w *Writer) Add(line, listing []byte, c Counts) error {
	if w.err == nil {
		if w.err = w.add(line, listing, c); w.err != nil {
			w.err = fmt.Errorf("add slice: %w", w.err)
		}
	}
	return w.err
}

func (w *Writer) add(line, listing []byte, c Counts) error {
	if len(line) < 3 || line[0] != '{' || bytes.IndexByte(line, '\n') != len(line)-1 {
		return errors.New("not one line of JSON")
	}
	if len(listing) < 2 || listing[0] != '{' || bytes.IndexByte(listing, '\n') >= 0 {
		return errors.New("listing is not JSON on one line")
	}
	w.parts = w.parts[:0]
	laid := w.packer.laid
	err := w.packer.shape.Format.Documents(line, func(doc Document) error {
		part, err := w.packer.add(doc)
		w.parts = append(w.parts, part)
		return err
	})
	if err != nil {
		return err
	}
	if len(w.parts) == 0 {
		return errors.New("the format made no document of it")
	}
	if len(w.packer.files) >= maxFiles {
		return fmt.Errorf("over %d files", maxFiles)
	}
	return w.enlist(listing, c, w.packer.laid-laid)
}

// enlist adds the slice to what will be the manifest. laid is how many
// attachments became files with it.
func (w *Writer) enlist(listing []byte, c Counts, laid int) error {
	w.line = append(w.line[:0], ",\n"...)
	if len(w.conversations) == 0 {
		w.line = append(w.line[:0], '\n')
	}
	w.line = appendPlace(w.line, listing, w.parts)
	// What stands around the listings, files apart, is far below a mebibyte.
	if w.listed += int64(len(w.line) + 250*len(w.parts) + 400*laid); w.listed > MaxManifest-1<<20 {
		return fmt.Errorf("manifest over %d bytes", MaxManifest)
	}
	if _, err := w.list.Write(w.line); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(c.Conversation))
	w.conversations[[16]byte(sum[:16])] = struct{}{}
	t := &w.manifest.Totals
	t.Conversations = len(w.conversations)
	t.Messages += c.Messages
	t.Amendments += c.Amendments
	w.manifest.Period.include(c.From, c.To)
	return nil
}

// Close finishes the bundle: its files, SHA256SUMS and, last of all,
// manifest.json, each synced, and the folder. After a nil error the bundle is
// complete and durable in its folder.
func (w *Writer) Close() (Rendered, error) {
	if w.err != nil {
		return Rendered{}, errors.Join(w.err, w.Discard())
	}
	sha, err := w.finish()
	w.err = errors.New("bundle already closed")
	if err = errors.Join(err, w.Discard()); err != nil {
		return Rendered{}, fmt.Errorf("finish bundle %s: %w", w.manifest.Bundle, err)
	}
	return Rendered{ManifestSHA256: sha, Totals: w.manifest.Totals, Files: w.packer.files}, nil
}

func (w *Writer) finish() (manifestSHA256 string, err error) {
	if err := errors.Join(w.packer.close(), w.list.Flush()); err != nil {
		return "", err
	}
	m := &w.manifest
	for _, f := range w.packer.files {
		m.Files = append(m.Files, f.FileInfo)
		m.Totals.Bytes += f.Bytes
	}
	m.Totals.Files = len(m.Files)
	sum := sha256.New()
	err = CreateNew(filepath.Join(w.dir, manifestTemp), func(f io.Writer) error {
		return w.writeManifest(io.MultiWriter(f, sum))
	})
	if err != nil {
		return "", err
	}
	sha := hex.EncodeToString(sum.Sum(nil))
	err = CreateNew(filepath.Join(w.dir, SumsFile), func(f io.Writer) error {
		_, err := f.Write(appendSums(nil, m.Files, sha))
		return err
	})
	if err != nil {
		return "", err
	}
	// Windows removes no file that is open.
	if err := errors.Join(w.Discard(), os.Remove(filepath.Join(w.dir, slicesTemp))); err != nil {
		return "", err
	}
	// All other names must be durable before the one that says they are there.
	if err := SyncDir(w.dir); err != nil {
		return "", err
	}
	return sha, Rename(filepath.Join(w.dir, manifestTemp), filepath.Join(w.dir, ManifestFile))
}

func (w *Writer) writeManifest(out io.Writer) error {
	if _, err := w.listings.Seek(0, io.SeekStart); err != nil {
		return err
	}
	b := bufio.NewWriterSize(out, 64<<10)
	b.Write(w.manifest.appendHead(nil)) // bufio keeps an error for Flush
	if _, err := io.Copy(b, w.listings); err != nil {
		return err
	}
	b.Write(w.manifest.Totals.appendTail(nil))
	return b.Flush()
}

// Discard closes what is open and leaves the folder to the caller, who removes
// it. After Close, or twice, it does nothing.
func (w *Writer) Discard() error {
	err := w.packer.discard()
	w.packer.file = nil
	if w.listings != nil {
		err = errors.Join(err, w.listings.Close())
		w.listings = nil
	}
	return err
}

// appendSums appends SHA256SUMS: a line for each file and, last, the manifest's.
func appendSums(dst []byte, files []FileInfo, manifestSHA256 string) []byte {
	for _, f := range files {
		dst = appendSum(dst, f.SHA256, f.Path)
	}
	return appendSum(dst, manifestSHA256, ManifestFile)
}

// Sums returns the bytes of the SHA256SUMS that belongs to a manifest whose bytes
// have the given hash.
func (m *Manifest) Sums(manifestSHA256 string) []byte {
	return appendSums(nil, m.Files, manifestSHA256)
}

// appendSum appends one line as sha256sum writes it. Paths are safe ones, so
// none needs its escapes.
func appendSum(dst []byte, sha, path string) []byte {
	return append(append(append(append(dst, sha...), "  "...), path...), '\n')
}
