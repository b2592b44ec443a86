package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of what is read. The writer keeps them too, so they only ever stop
// what somebody else has made.
const (
	MaxManifest   = 64 << 20 // bytes of a manifest.json
	maxName       = 1024     // bytes of a path or name in it, chosen so that file systems can hold them
	maxFiles      = 100_000
	requiredNames = 15 // of manifestNames: the first ones
)

var (
	manifestNames = []string{"schema", "bundle", "serial", "account", "destination", "archive", "settings_sha256",
		"generator", "created", "origin", "period", "previous", "files", "slices", "totals", "coverage", "replaces"}
	periodNames   = []string{"from", "to"}
	previousNames = []string{"bundle", "sha256"}
	fileInfoNames = []string{"path", "bytes", "sha256", "clear"}
	clearNames    = []string{"bytes", "sha256"}
	listingNames  = []string{"conversation", "slice", "revision", "messages", "amendments", "dialogs", "happened", "file", "parts"}
	partNames     = []string{"file", "entry"}
	dialogNames   = []string{"dialog", "sequences", "derived", "variants"}
	variantNames  = []string{"sequence", "variant"}
	totalsNames   = []string{"conversations", "messages", "amendments", "files", "bytes"}
)

// ParseManifest reads the bytes of a manifest.json. It is strict and bounded:
// every member must be there once and of its type (coverage may be absent: older
// versions wrote none; replaces is, where nothing was), every path must stay inside the bundle and name one file
// only, and what the manifest says of itself (its bundle's name, the files its
// slices lie in) must agree. Members it does not know are skipped. Whether it
// agrees with the files is for Verify to find out.
func ParseManifest(data []byte) (*Manifest, error) {
	if len(data) > MaxManifest {
		return nil, fmt.Errorf("read manifest: over %d bytes", MaxManifest)
	}
	var slices []Listing
	m, err := parseManifest(bytes.NewReader(data), func(l *Listing) { slices = append(slices, *l) })
	if err != nil {
		return nil, err
	}
	m.Slices = slices
	return m, nil
}

// parseManifest hands each slice's listing to each instead of keeping it. The
// listings it has handed over count for nothing if it then returns an error. It
// reads at most MaxManifest bytes.
func parseManifest(r io.Reader, each func(*Listing)) (*Manifest, error) {
	m := new(Manifest)
	d := newDecoder(io.LimitReader(r, MaxManifest))
	known := map[string]bool{}
	d.object(manifestNames, requiredNames, func(i int) { d.manifestMember(m, manifestNames[i], known, each) })
	d.end()
	if d.err == nil {
		d.err = m.check()
	}
	if d.err != nil {
		return nil, fmt.Errorf("read manifest: %w", d.err)
	}
	return m, nil
}

// errFilesRead ends the reading of a manifest after its list of files.
var errFilesRead = errors.New("files read")

// parseFiles reads only as far as the list of files, however long the list of
// slices behind it is.
func parseFiles(r io.Reader) ([]FileInfo, error) {
	m := new(Manifest)
	d := newDecoder(io.LimitReader(r, MaxManifest))
	d.object(manifestNames, requiredNames, func(i int) {
		d.manifestMember(m, manifestNames[i], map[string]bool{}, func(*Listing) {})
		if manifestNames[i] == "files" && d.err == nil {
			d.err = errFilesRead
		}
	})
	if d.err == errFilesRead {
		d.err = checkFiles(m.Files)
	}
	if d.err != nil {
		return nil, fmt.Errorf("read manifest: %w", d.err)
	}
	return m.Files, nil
}

// manifestMember reads one member; known holds the files once they are read.
func (d *decoder) manifestMember(m *Manifest, name string, known map[string]bool, each func(*Listing)) {
	switch name {
	case "schema":
		if schema := d.string(); schema != ManifestSchema {
			d.fail(errors.New("not a manifest of this version"))
		}
	case "bundle":
		m.Bundle = d.name()
	case "serial":
		m.Serial = d.count(1)
	case "account":
		m.Account = d.name()
	case "destination":
		m.Destination = d.name()
	case "archive":
		m.Archive = d.name()
	case "settings_sha256":
		m.SettingsSHA256 = d.hash()
	case "generator":
		m.Generator = d.name()
	case "created":
		m.Created = d.time()
	case "origin":
		m.Origin = d.name()
	case "period":
		times := [...]*int64{&m.Period.From, &m.Period.To}
		d.object(periodNames, 2, func(i int) { *times[i] = d.time() })
	case "previous":
		if !d.null() {
			m.Previous = new(Previous)
			d.previous(m.Previous)
		}
	case "coverage":
		m.Coverage = d.coverageList()
	case "replaces":
		m.Replaces = readList(d, (*decoder).replaced)
	case "files":
		m.Files = readList(d, (*decoder).fileInfo)
		for _, f := range m.Files {
			known[f.Path] = true
		}
	case "slices":
		d.list(func() {
			var l Listing
			d.listing(&l, known)
			if d.err == nil {
				each(&l)
			}
		})
	case "totals":
		d.totals(&m.Totals)
	}
}

func (d *decoder) previous(p *Previous) {
	d.object(previousNames, 2, func(i int) {
		switch previousNames[i] {
		case "bundle":
			p.Bundle = d.name()
		case "sha256":
			p.SHA256 = d.hash()
		}
	})
}

func (d *decoder) fileInfo(f *FileInfo) {
	d.object(fileInfoNames, 3, func(i int) {
		switch fileInfoNames[i] {
		case "path":
			f.Path = d.name()
		case "bytes":
			f.Bytes = d.integer(0, MaxSequence)
		case "sha256":
			f.SHA256 = d.hash()
		case "clear":
			f.Clear = new(Clear)
			d.clear(f.Clear)
		}
	})
}

func (d *decoder) clear(c *Clear) {
	d.object(clearNames, 2, func(i int) {
		switch clearNames[i] {
		case "bytes":
			c.Bytes = d.integer(0, MaxSequence)
		case "sha256":
			c.SHA256 = d.hash()
		}
	})
}

// listing reads one slice's. The files come before the slices in a manifest, so
// the file that it names must be known already.
func (d *decoder) listing(l *Listing, files map[string]bool) {
	d.object(listingNames, 8, func(i int) {
		switch listingNames[i] {
		case "conversation":
			l.Conversation = d.string()
		case "slice":
			l.Slice = d.count(1)
		case "revision":
			l.Revision = d.count(1)
		case "file":
			l.File = d.name()
		case "messages":
			l.Messages = d.count(0)
		case "amendments":
			l.Amendments = d.count(0)
		case "dialogs":
			l.Dialogs = readList(d, (*decoder).dialog)
		case "happened":
			l.Happened = readList(d, (*decoder).text)
		case "parts":
			l.Parts = readList(d, (*decoder).part)
		}
	})
	if d.err != nil {
		return
	}
	if l.Conversation == "" || l.Amendments > l.Messages {
		d.fail(errors.New("a slice of no conversation, or with more amendments than messages"))
	}
	for _, name := range append([]Part{{File: l.File}}, l.Parts...) {
		if !files[name.File] {
			d.fail(errors.New("a slice in a file that is not listed"))
			return
		}
	}
	if len(l.Parts) > 0 && l.Parts[0].File != l.File {
		d.fail(errors.New("a slice whose first part lies elsewhere"))
	}
}

func (d *decoder) part(p *Part) {
	d.object(partNames, 1, func(i int) {
		switch partNames[i] {
		case "file":
			p.File = d.name()
		case "entry":
			p.Entry = d.name()
		}
	})
}

func (d *decoder) dialog(g *Dialog) {
	d.object(dialogNames, 4, func(i int) {
		switch dialogNames[i] {
		case "dialog":
			g.ID = d.string()
		case "sequences":
			s, err := ParseSequences(d.string())
			if err != nil {
				d.fail(err)
			}
			g.Sequences = s
		case "derived":
			g.Derived = readList(d, (*decoder).text)
		case "variants":
			g.Variants = readList(d, (*decoder).variant)
		}
	})
}

func (d *decoder) text(s *string) { *s = d.string() }

func (d *decoder) variant(v *Variant) {
	d.object(variantNames, 2, func(i int) {
		switch variantNames[i] {
		case "sequence":
			v.Sequence = d.integer(0, MaxSequence)
		case "variant":
			v.Number = d.count(2)
		}
	})
}

func (d *decoder) totals(t *Totals) {
	numbers := [...]*int{&t.Conversations, &t.Messages, &t.Amendments, &t.Files}
	d.object(totalsNames, 5, func(i int) {
		if i < len(numbers) {
			*numbers[i] = d.count(0)
			return
		}
		t.Bytes = d.integer(0, MaxSequence)
	})
}

// name reads a string that is short and not empty.
func (d *decoder) name() string {
	s := d.string()
	if d.err == nil && (s == "" || len(s) > maxName) {
		d.fail(fmt.Errorf("a name that is empty or over %d bytes", maxName))
	}
	return s
}

// hash reads a SHA-256 in lower-case hex.
func (d *decoder) hash() string {
	s := d.string()
	if d.err == nil && !isHash(s) {
		d.fail(errors.New("not a SHA-256 in lower-case hex"))
	}
	return s
}

func isHash(s string) bool {
	return len(s) == 64 && strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') }) < 0
}
