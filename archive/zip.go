package archive

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxZipEntries bounds one zip. maxZipDirectory bounds what is read to list its
// entries, and so the memory that takes: an entry of ours takes at most 270
// bytes there.
const (
	maxZipEntries   = 100_000
	maxZipDirectory = 32 << 20
)

// zipPart writes one zip. The same calls give the same bytes: every entry is stored
// as it is, since compressors change from one version of Go to the next, and bears
// the bundle's time, in UTC, and nothing of this machine. Its length and checksum
// stand in front of it: some readers take no stored entry that tells them behind.
// It holds the names of its entries, and of documents no more than entryMemory.
// After an error of writing the zip is lost.
type zipPart struct {
	out     *zip.Writer
	entry   *storedEntry // what is being written; it has no name before the first
	created time.Time
	taken   map[string]struct{} // names in lower case
}

// newZipPart begins a zip in w, which stays the caller's; long entries gather in
// the folder dir. Zips can tell the time of the years 1980 to 2105; a clock outside
// of them shows as another year there.
func newZipPart(w io.Writer, dir string, created time.Time) *zipPart {
	return &zipPart{out: zip.NewWriter(w), entry: newStoredEntry(dir), created: created.UTC(), taken: make(map[string]struct{})}
}

// begin begins an entry that takes what is written until the next call of begin
// or close. Where a name is refused nothing has been written.
func (z *zipPart) begin(name string) (io.Writer, error) {
	if !safeName(name) {
		return nil, errors.New("zip entry: not a safe file name")
	}
	if len(z.taken) == maxZipEntries {
		return nil, fmt.Errorf("over %d entries in a zip", maxZipEntries)
	}
	// Unpacked on Windows, names that differ in case are the same file.
	lower := strings.ToLower(name)
	if _, there := z.taken[lower]; there {
		return nil, fmt.Errorf("zip entry %q: the name is taken", name)
	}
	if err := z.flush(); err != nil {
		return nil, err
	}
	z.taken[lower] = struct{}{}
	z.entry.begin(name)
	return z.entry, nil
}

// flush writes the entry that has been gathered.
func (z *zipPart) flush() error {
	e := z.entry
	if e.name == "" {
		return nil
	}
	if e.n > math.MaxUint32 {
		return fmt.Errorf("zip entry %q: over 4 GiB", e.name)
	}
	at := uint32(z.created.Unix())
	header := &zip.FileHeader{
		Name: e.name, Method: zip.Store, ReaderVersion: 10, CreatorVersion: 10,
		CRC32: e.sum.Sum32(), CompressedSize64: uint64(e.n), UncompressedSize64: uint64(e.n),
		Extra: []byte{'U', 'T', 5, 0, 1, byte(at), byte(at >> 8), byte(at >> 16), byte(at >> 24)},
	}
	//lint:ignore SA1019 CreateRaw writes these two, and does not look at Modified.
	header.ModifiedDate, header.ModifiedTime = dosTime(z.created)
	out, err := z.out.CreateRaw(header)
	if err != nil {
		return err
	}
	e.name = ""
	return e.copyTo(out)
}

// dosTime is a time as a zip has it, to two seconds.
func dosTime(t time.Time) (day, second uint16) {
	return uint16(t.Day() + int(t.Month())<<5 + (t.Year()-1980)<<9), uint16(t.Second()/2 + t.Minute()<<5 + t.Hour()<<11)
}

// entrySize is what an entry takes in a zip besides its content; zipEnd is what
// stands behind all of them.
func entrySize(name string) int64 { return int64(30 + 46 + 2*(9+len(name))) }

const zipEnd = 22 + 20 + 56

// close ends the zip and leaves its writer open.
func (z *zipPart) close() error {
	err := z.flush()
	if err == nil {
		err = z.out.Close()
	}
	return errors.Join(err, z.entry.remove())
}

// discard leaves the zip unfinished.
func (z *zipPart) discard() error { return z.entry.remove() }

// eachZipEntry calls each with every entry of a zip of size bytes in r, in order.
// What each does not read is read and checked behind it. It takes the zips that
// zipPart writes: a name that is not safe or comes twice, entries that share
// bytes, and data that differ from their length or checksum are errors. It holds
// the list of entries, never an entry. Errors of each are returned as they are;
// no error names an entry whose name is not safe.
func eachZipEntry(r io.ReaderAt, size int64, each func(name string, r io.Reader) error) error {
	in := &boundedReaderAt{r: r, left: maxZipDirectory}
	list, err := zip.NewReader(in, size)
	if err != nil && in.left < 0 {
		err = fmt.Errorf("a list of entries over %d bytes", maxZipDirectory)
	}
	if err == nil {
		err = checkZip(list.File, size)
	}
	if err != nil {
		return fmt.Errorf("read zip: %w", err)
	}
	in.left = math.MaxInt64 // the list is read; what entries take is bounded by checkZip
	for _, f := range list.File {
		if err := readZipEntry(f, each); err != nil {
			return err
		}
	}
	return nil
}

// checkZip makes sure that the list is one of ours, and that all entries
// together do not take more than the zip has.
func checkZip(files []*zip.File, size int64) error {
	if len(files) > maxZipEntries {
		return fmt.Errorf("over %d entries", maxZipEntries)
	}
	taken := make(map[string]struct{}, len(files))
	left := uint64(size)
	for i, f := range files {
		name := strings.ToLower(f.Name)
		if _, twice := taken[name]; twice || !safeName(f.Name) {
			return fmt.Errorf("entry %d has a name that is not safe or comes twice", i+1)
		}
		taken[name] = struct{}{}
		if f.Method != zip.Store && f.Method != zip.Deflate { // earlier versions compressed
			return fmt.Errorf("entry %q: another compression than ours", f.Name)
		}
		if f.CompressedSize64 > left {
			return fmt.Errorf("entry %q: more bytes than the zip has", f.Name)
		}
		left -= f.CompressedSize64
	}
	return nil
}

func readZipEntry(f *zip.File, each func(name string, r io.Reader) error) error {
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("read zip: entry %q: %w", f.Name, err)
	}
	defer in.Close()
	if err := each(f.Name, in); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return fmt.Errorf("read zip: entry %q: %w", f.Name, err)
	}
	return nil
}

// boundedReaderAt fails when more than left bytes are asked for.
type boundedReaderAt struct {
	r    io.ReaderAt
	left int64
}

var errZipBound = errors.New("more is read than was agreed")

func (b *boundedReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errZipBound
	}
	return b.r.ReadAt(p, off)
}

// appendSmarshManifest appends the .mf that lies beside a zip: how many documents
// it has, then their names. Smarsh asks of an intake that the count is exact,
// that each name is in the zip, and that no entry is empty; it shows no layout,
// so this is the plainest that holds what it asks for. What is counted there is
// mails: attachments that lie beside a document come with it and are none.
func appendSmarshManifest(dst []byte, names []string) []byte {
	dst = strconv.AppendInt(append(dst, "Count: "...), int64(len(names)), 10)
	dst = append(dst, '\n')
	for _, name := range names {
		dst = append(append(dst, name...), '\n')
	}
	return dst
}

// defaultZipName is the template where Packing.Name is "".
const defaultZipName = "{bundle}-{part}"

// zipName fills in a template that CheckZipName takes. Parts count from 1 in
// each bundle. The name has no extension yet.
func zipName(template string, bundle place, part int, created time.Time) string {
	if template == "" {
		template = defaultZipName
	}
	created = created.UTC()
	return strings.NewReplacer(
		"{bundle}", bundle.name(),
		"{destination}", bundle.destination,
		"{serial}", fmt.Sprintf("%09d", bundle.serial),
		"{part}", fmt.Sprintf("%03d", part),
		"{date}", created.Format("20060102"),
		"{created}", created.Format("20060102150405"),
	).Replace(template)
}

// CheckZipName tells what is wrong with a Packing's Name. It may hold {bundle},
// {destination}, {serial}, {part}, {date} (YYYYMMDD) and {created}
// (YYYYMMDDhhmmss), the times in UTC. It must give names that no two zips of a
// destination share, and that every file system takes.
func CheckZipName(template string) error {
	if template == "" {
		return nil
	}
	if !strings.Contains(template, "{part}") {
		return errors.New("{part} is missing: the zips of one bundle would share a name")
	}
	if !strings.Contains(template, "{bundle}") && !strings.Contains(template, "{serial}") {
		return errors.New("{bundle} or {serial} is missing: the zips of two bundles would share a name")
	}
	longest := place{destination: strings.Repeat("d", 63), serial: 999_999_999}
	name := zipName(template, longest, 99_999, time.Unix(0, 0))
	if strings.ContainsAny(name, "{}") {
		return errors.New("an unknown placeholder: there are {bundle}, {destination}, {serial}, {part}, {date} and {created}")
	}
	if !safeName(name + ".zip.pgp") {
		return errors.New(`gives names that some file systems refuse: use letters, digits and "-_.@+=", first no "." or "-", at most 190`)
	}
	return nil
}
