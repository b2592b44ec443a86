package archive

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// zipCreated has a zone of its own and a fraction, which no zip may show.
var zipCreated = time.Date(2026, 1, 31, 0, 30, 45, 123e6, time.FixedZone("", 3600))

type zipEntry struct{ name, text string }

// zipped writes the entries; those named *.xml in three pieces, as joined ones.
func zipped(t testing.TB, created time.Time, entries []zipEntry) []byte {
	t.Helper()
	var out bytes.Buffer
	z := newZipPart(&out, t.TempDir(), created)
	for _, e := range entries {
		if !strings.HasSuffix(e.name, ".xml") {
			must(t, add(z, e.name, []byte(e.text)))
			continue
		}
		w, err := z.begin(e.name)
		must(t, err)
		for _, piece := range []string{e.text[:1], e.text[1 : len(e.text)/2], e.text[len(e.text)/2:]} {
			_, err := io.WriteString(w, piece)
			must(t, err)
		}
	}
	must(t, z.close())
	return out.Bytes()
}

// add writes an entry whole.
func add(z *zipPart, name string, doc []byte) error {
	w, err := z.begin(name)
	if err != nil {
		return err
	}
	_, err = w.Write(doc)
	return err
}

func unzipped(data []byte) (got []zipEntry, err error) {
	err = eachZipEntry(bytes.NewReader(data), int64(len(data)), func(name string, r io.Reader) error {
		text, err := io.ReadAll(r)
		got = append(got, zipEntry{name, string(text)})
		return err
	})
	return got, err
}

// entries has texts that compress well, badly and to more than one block.
func entries() []zipEntry {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	return []zipEntry{
		{"local-000000007-000001.eml", "one"},
		{"local-000000007-000002.eml", string(noise)},
		{"export.xml", strings.Repeat("<Message>the account is open again</Message>\n", 5_000)},
		{"A@b+c=d_e.eml", "\x00"},
	}
}

func TestZipReadsBack(t *testing.T) {
	want := entries()
	got, err := unzipped(zipped(t, zipCreated, want))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d entries came back otherwise: %v", len(got), err)
	}
	if got, err := unzipped(zipped(t, zipCreated, nil)); err != nil || len(got) != 0 {
		t.Errorf("an empty zip gave %v, %v", got, err)
	}
}

// Two renderings of a bundle must be the same file, wherever they are made.
func TestZipIsDeterministic(t *testing.T) {
	want := zipped(t, zipCreated, entries())
	if !bytes.Equal(want, zipped(t, zipCreated.UTC().Truncate(time.Second), entries())) {
		t.Error("the zone or the fraction of the time shows")
	}
	list, err := zip.NewReader(bytes.NewReader(want), int64(len(want)))
	must(t, err)
	for _, f := range list.File {
		if f.CreatorVersion>>8 != 0 || f.ExternalAttrs != 0 || f.Comment != "" {
			t.Errorf("%s tells of the system that made it", f.Name)
		}
		if want := time.Date(2026, 1, 30, 23, 30, 45, 0, time.UTC); !f.Modified.Equal(want) {
			t.Errorf("%s was modified %s, want %s", f.Name, f.Modified, want)
		}
	}
}

// Rendering anew must give the bytes that were delivered once: a change of this
// hash is a change of Renderer.
func TestZipBytesAreKnown(t *testing.T) {
	const want = "28831521370002794488b0271c3f2c438677ca008b2f825e8e78302162b899b1"
	if got := fmt.Sprintf("%x", sha256.Sum256(zipped(t, zipCreated, entries()))); got != want {
		t.Errorf("the same entries made the zip %s, want %s", got, want)
	}
}

// Compressors change, so nothing is compressed; and readers that go from the front
// to the back take a stored entry only if its length stands in front of it.
func TestZipStoresAndTellsLengthsFirst(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	z := newZipPart(&out, dir, zipCreated)
	want := []zipEntry{{"short", "one"}, {"long", strings.Repeat("long", entryMemory)}, {"again", "two"}, {"longer", strings.Repeat("x", 5*entryMemory)}}
	for _, e := range want {
		must(t, add(z, e.name, []byte(e.text)))
	}
	must(t, z.close())
	got, err := unzipped(out.Bytes())
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d entries came back otherwise: %v", len(got), err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	at, size := 0, zipEnd
	for _, e := range want {
		header := out.Bytes()[at:]
		flags, method, length := binary.LittleEndian.Uint16(header[6:]), binary.LittleEndian.Uint16(header[8:]), binary.LittleEndian.Uint32(header[22:])
		if string(header[:4]) != "PK\x03\x04" || flags != 0 || method != zip.Store || int(length) != len(e.text) {
			t.Fatalf("%s: flags %x, method %d, length %d", e.name, flags, method, length)
		}
		at += 30 + len(e.name) + 9 + len(e.text)
		size += len(e.text) + int(entrySize(e.name))
	}
	if out.Len() > size || out.Len() < size-zipEnd {
		t.Errorf("it has %d bytes, at most %d were expected", out.Len(), size)
	}
}

func TestZipAsOthersReadIt(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.zip")
	must(t, os.WriteFile(name, zipped(t, zipCreated, entries()), FileMode))
	readers := map[string][]string{
		"unzip":   {"-t", name},
		"python3": {"-m", "zipfile", "-t", name},
	}
	for program, args := range readers {
		t.Run(program, func(t *testing.T) {
			path, err := exec.LookPath(program)
			if err != nil {
				t.Skip(program + " is not installed")
			}
			out, err := exec.Command(path, args...).CombinedOutput()
			if err != nil || bytes.Contains(out, []byte("bad")) || bytes.Contains(out, []byte("warning")) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestZipRefusesToWrite(t *testing.T) {
	var out bytes.Buffer
	z := newZipPart(&out, t.TempDir(), zipCreated)
	must(t, add(z, "a.eml", []byte("one")))
	for _, name := range hostileZipNames {
		if err := add(z, name, []byte("two")); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
	if add(z, "a.eml", []byte("two")) == nil || add(z, "A.EML", []byte("two")) == nil {
		t.Error("a name was taken twice")
	}
	must(t, add(z, "c.eml", []byte("three")))
	must(t, z.close())
	got, err := unzipped(out.Bytes())
	if want := []zipEntry{{"a.eml", "one"}, {"c.eml", "three"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("refusals left %q, %v", got, err)
	}
}

var hostileZipNames = []string{
	"", ".", "..", "../a.eml", "a/b.eml", "/a.eml", `a\b.eml`, `..\a.eml`, "C:a.eml", "a.eml\x00", "a\nCount: 9", "a.eml/",
	".hidden", "-rf", "é.eml", "a b.eml", "a.eml.", "a\u202elme.exe", strings.Repeat("n", 201),
}

// foreign makes a zip as somebody else could.
func foreign(t testing.TB, headers ...zip.FileHeader) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	w.RegisterCompressor(12, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 1) })
	for i := range headers {
		f, err := w.CreateHeader(&headers[i])
		must(t, err)
		if !strings.HasSuffix(headers[i].Name, "/") {
			_, err = io.WriteString(f, strings.Repeat("text", 100))
			must(t, err)
		}
	}
	must(t, w.Close())
	return out.Bytes()
}

func TestZipRefusesToRead(t *testing.T) {
	zips := map[string][]byte{
		"twice":    foreign(t, zip.FileHeader{Name: "a", Method: zip.Deflate}, zip.FileHeader{Name: "A", Method: zip.Deflate}),
		"no zip":   []byte(strings.Repeat("no zip", 100)),
		"empty":    nil,
		"method":   foreign(t, zip.FileHeader{Name: "a", Method: 12}),
		"half":     zipped(t, zipCreated, entries())[:1000],
		"overlong": overlapping(t),
	}
	for _, name := range hostileZipNames {
		zips[fmt.Sprintf("name %q", name)] = foreign(t, zip.FileHeader{Name: name, Method: zip.Deflate})
	}
	for what, data := range zips {
		got, err := unzipped(data)
		if err == nil || len(got) > 0 {
			t.Errorf("%s: gave %d entries, %v", what, len(got), err)
			continue
		}
		if strings.Contains(err.Error(), "..") || strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("%s: the error quotes the name: %q", what, err)
		}
	}
}

// overlapping makes a zip whose list names the same bytes many times.
func overlapping(t testing.TB) []byte {
	data := foreign(t, zip.FileHeader{Name: "a", Method: zip.Deflate}, zip.FileHeader{Name: "b", Method: zip.Deflate})
	// The list's second entry: its offset is made the first's, its sizes all of the zip.
	second := bytes.LastIndex(data, []byte("PK\x01\x02"))
	data = bytes.Clone(data)
	data[second+20] = byte(len(data))
	data[second+21] = byte(len(data) >> 8)
	copy(data[second+42:], []byte{0, 0, 0, 0})
	return data
}

// Damage to an entry must never give another text.
func TestZipFindsDamage(t *testing.T) {
	want := []zipEntry{{"a.eml", strings.Repeat("the account is open again. ", 20)}}
	data := zipped(t, zipCreated, want)
	start, end := 30+len("a.eml")+9, bytes.LastIndex(data, []byte("PK\x01\x02"))
	for i := start; i < end; i++ {
		for bit := range 8 {
			broken := bytes.Clone(data)
			broken[i] ^= 1 << bit
			if got, err := unzipped(broken); err == nil && !slices.Equal(got, want) {
				t.Fatalf("bit %d of byte %d made another text", bit, i)
			}
		}
	}
}

// An entry is checked to its end, also when its reader stops before.
func TestZipChecksWhatIsNotRead(t *testing.T) {
	data := zipped(t, zipCreated, []zipEntry{{"a.eml", strings.Repeat("text", 10_000)}})
	crc := bytes.LastIndex(data, []byte("PK\x01\x02")) + 16
	data[crc]++
	nothing := func(string, io.Reader) error { return nil }
	if err := eachZipEntry(bytes.NewReader(data), int64(len(data)), nothing); !errors.Is(err, zip.ErrChecksum) {
		t.Errorf("a wrong checksum was not missed: %v", err)
	}
	stop := errors.New("stop")
	if err := eachZipEntry(bytes.NewReader(data), int64(len(data)), func(string, io.Reader) error { return stop }); err != stop {
		t.Errorf("the caller's error came back as %v", err)
	}
}

// What is listed must not decide how much memory is taken.
func TestZipBoundsTheList(t *testing.T) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	extra := make([]byte, 60_000)
	copy(extra, []byte{0xfe, 0xca, byte((60_000 - 4) & 0xff), (60_000 - 4) >> 8}) // one field of an unknown kind
	for i := range 600 {
		_, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i), Extra: extra})
		must(t, err)
	}
	must(t, w.Close())
	if _, err := unzipped(out.Bytes()); err == nil || !strings.Contains(err.Error(), "list of entries") {
		t.Errorf("a list of %d bytes was read: %v", out.Len()/2, err)
	}
}

// What can be written can be read back: of the longest names as many as a zip
// takes stay below the bound of the list, with room for large offsets.
func TestZipHoldsAsManyEntriesAsItReads(t *testing.T) {
	var out bytes.Buffer
	z := newZipPart(&out, t.TempDir(), zipCreated)
	must(t, add(z, strings.Repeat("n", 200), []byte("text")))
	must(t, errors.Join(z.flush(), z.out.Flush()))
	before := out.Len()
	must(t, z.close())
	if listed := out.Len() - before + len("zip64 sizes and offset, 28 B"); listed*maxZipEntries > maxZipDirectory {
		t.Errorf("%d entries of %d bytes are over the bound of the list", maxZipEntries, listed)
	}

	z = newZipPart(io.Discard, t.TempDir(), zipCreated)
	for i := range maxZipEntries - 1 {
		z.taken[fmt.Sprint(i)] = struct{}{}
	}
	must(t, add(z, "last.eml", []byte("text")))
	if err := add(z, "more.eml", []byte("text")); err == nil {
		t.Error("one entry too many was written")
	}
}

// What lies beside documents are entries too.
func TestZipIsFullWithAttachments(t *testing.T) {
	there, more := &Attachment{Name: "0"}, &Attachment{Name: "more"}
	p := packer{shape: Shape{Packing: Packing{Zip: true}}, count: 2, beside: make(map[string]int64)}
	for i := range maxZipEntries - 3 {
		p.beside[fmt.Sprint(i)] = 0
	}
	if p.full(&Document{Beside: []*Attachment{there}}) {
		t.Error("there is room for one document")
	}
	if !p.full(&Document{Beside: []*Attachment{there, more}}) {
		t.Error("there is no room for a document and its attachment")
	}
}

func TestSmarshManifest(t *testing.T) {
	got := string(appendSmarshManifest([]byte("before "), []string{"a.eml", "b.eml"}))
	if want := "before Count: 2\na.eml\nb.eml\n"; got != want {
		t.Errorf("got %q want %q", got, want)
	}
	if got := string(appendSmarshManifest(nil, nil)); got != "Count: 0\n" {
		t.Errorf("got %q of nothing", got)
	}
}

func TestZipName(t *testing.T) {
	bundle := place{account: "a", day: "2026/01/30", destination: "smarsh", serial: 12}
	for template, want := range map[string]string{
		"":                "smarsh-000000012-003",
		"{bundle}_{part}": "smarsh-000000012_003",
		"{date}0000-LivePerson_{serial}{part}_{created}": "202601300000-LivePerson_000000012003_20260130233045",
		"{destination}.{part}.{serial}":                  "smarsh.003.000000012",
	} {
		if err := CheckZipName(template); err != nil {
			t.Errorf("%q: %v", template, err)
		}
		if got := zipName(template, bundle, 3, zipCreated); got != want {
			t.Errorf("%q gave %q, want %q", template, got, want)
		}
	}
	if got := zipName("{part}", bundle, 12345, zipCreated); got != "12345" {
		t.Errorf("a large part is %q", got)
	}
}

func TestCheckZipNameRefuses(t *testing.T) {
	for _, template := range []string{
		"{bundle}", "{part}", "{part}-{date}", "fixed", "{bundle}-{part}-{zone}", "{bundle}-{part}}", "{{bundle}}-{part}",
		"../{bundle}-{part}", "a/{bundle}-{part}", `a\{bundle}-{part}`, ".{bundle}-{part}", "-{bundle}-{part}", "{bundle} {part}",
		"{bundle}-{part}\n", "é{bundle}-{part}", strings.Repeat("n", 120) + "{bundle}-{part}", "{Bundle}-{part}",
	} {
		if err := CheckZipName(template); err == nil {
			t.Errorf("%q was taken", template)
		}
	}
}

func FuzzEachZipEntry(f *testing.F) {
	f.Add(zipped(f, zipCreated, entries()[:1]))
	f.Add(foreign(f, zip.FileHeader{Name: "../a", Method: zip.Deflate}))
	f.Add(overlapping(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := unzipped(data)
		if err != nil {
			return
		}
		names := map[string]bool{}
		for _, e := range got {
			if !safeName(e.name) || names[e.name] {
				t.Fatalf("%q came out", e.name)
			}
			names[e.name] = true
		}
	})
}

func BenchmarkZipPart(b *testing.B) {
	doc := []byte(strings.Repeat("2026-01-30T23:30:45.123Z Ana Agent <ana@example.test> (agent): the account you asked about is open again.\r\n", 80))
	z := newZipPart(io.Discard, b.TempDir(), zipCreated)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%maxZipEntries == 0 {
			z = newZipPart(io.Discard, b.TempDir(), zipCreated)
		}
		must(b, add(z, fmt.Sprintf("%d.eml", i), doc))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
