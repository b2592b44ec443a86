package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"
)

// checked is what one bundle says of itself and how its files bear it out.
type checked struct {
	place
	problems []Problem
	manifest *Manifest // nil if there is none to be believed; without its slices
	listed   Totals    // what the manifest's lists add up to
	sha      string    // of manifest.json as it was written, as far as that is known, or ""
	facts    facts     // what its transcripts deliver
	known    bool      // facts are there
	readers  map[string]Lines
	docs     *documents // nil: no file is one
	files    int
	bytes    int64
}

func (c *checked) problem(kind, file, detail string) {
	path := c.path()
	if file != "" {
		path += "/" + file
	}
	c.problems = append(c.problems, Problem{kind, path, detail})
}

// buffers lends the scanners that bundles are read with.
var buffers = sync.Pool{New: func() any { return new(scanner) }}

// check reads a bundle whole.
func check(ctx context.Context, src Source, readers map[string]Lines, p place, seed maphash.Seed) *checked {
	c := &checked{place: p, readers: readers}
	c.facts.seed = seed
	s := buffers.Get().(*scanner)
	defer buffers.Put(s)
	there, err := src.Files(ctx, p.path())
	if err != nil {
		c.problem(Unreadable, "", reason(err))
		return c
	}
	files, known := c.lists(ctx, src)
	if !known {
		return c
	}
	for _, f := range files {
		c.file(ctx, src, s, f)
	}
	c.compareDocuments(ctx, src)
	for _, name := range there {
		listed := slices.ContainsFunc(files, func(f FileInfo) bool { return f.Path == name })
		if !listed && name != ManifestFile && name != SumsFile {
			c.problem(Extra, name, "no manifest names it")
		}
	}
	if c.manifest != nil && c.manifest.Totals != c.listed {
		c.problem(Miscounted, ManifestFile, fmt.Sprintf("totals %+v, the lists say %+v", c.manifest.Totals, c.listed))
	}
	return c
}

// reason is an error's text. Transports put paths and numbers in it, no text of
// messages.
func reason(err error) string { return err.Error() }

// reading reads a file, hashing and counting what comes, until ctx is done.
type reading struct {
	ctx  context.Context
	in   io.ReadCloser
	sum  hash.Hash
	size int64
	err  error // what ended the reading, if it was not the end of the file
}

func (r *reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		r.err = err
		return 0, err
	}
	n, err := r.in.Read(p)
	r.sum.Write(p[:n])
	r.size += int64(n)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// hash is that of what was read, in lower-case hex.
func (r *reading) hash() string { return hex.EncodeToString(r.sum.Sum(nil)) }

// open opens a file of the bundle.
func (c *checked) open(ctx context.Context, src Source, name string) (*reading, error) {
	in, err := src.Open(ctx, c.path()+"/"+name)
	if err != nil {
		return nil, err
	}
	return &reading{ctx: ctx, in: in, sum: sha256.New()}, nil
}

// whole reads a file to its end: read first, as far as it likes, then the rest.
// It tells whether the file could be read, and reports it if not.
func (c *checked) whole(ctx context.Context, src Source, name string, read func(io.Reader)) (*reading, bool) {
	r, err := c.open(ctx, src, name)
	if err != nil {
		kind, detail := Unreadable, reason(err)
		if errors.Is(err, fs.ErrNotExist) {
			kind, detail = Missing, "the file is not there"
		}
		c.problem(kind, name, detail)
		return nil, false
	}
	defer r.in.Close()
	read(r)
	if r.err == nil {
		io.Copy(io.Discard, r) // r keeps the error
	}
	c.files++
	c.bytes += r.size
	if r.err != nil {
		c.problem(Unreadable, name, reason(r.err))
	}
	return r, r.err == nil
}

// lists reads manifest.json and SHA256SUMS and returns the files that the one
// which is to be believed names; false if neither is.
func (c *checked) lists(ctx context.Context, src Source) ([]FileInfo, bool) {
	var m *Manifest
	var fault error
	read, haveManifest := c.whole(ctx, src, ManifestFile, func(r io.Reader) { m, fault = c.parse(r) })
	if haveManifest {
		c.sha = read.hash()
	}
	var sums []byte
	_, haveSums := c.whole(ctx, src, SumsFile, func(r io.Reader) { sums, _ = io.ReadAll(io.LimitReader(r, maxSums)) })
	v := verdict{manifest: true, sums: true}
	if haveSums {
		v = judge(m, c.sha, sums)
	}
	if !v.sums {
		c.problem(Damaged, SumsFile, "it does not say what the manifest says")
	}
	switch {
	case haveManifest && !v.manifest:
		c.problem(Damaged, ManifestFile, "hash "+c.sha+", written was "+v.recorded)
	case haveManifest && m == nil:
		c.problem(Malformed, ManifestFile, reason(fault))
	case haveManifest && m.path() != c.path():
		c.problem(Malformed, ManifestFile, "it is the manifest of "+m.path())
		c.sha = ""
		return m.Files, true
	case haveManifest:
		c.manifest = m
		return m.Files, true
	}
	if !haveManifest || !v.manifest {
		c.sha = v.recorded
	}
	files := slices.DeleteFunc(v.lines, func(f FileInfo) bool { return f.Path == ManifestFile })
	for i := range files {
		files[i].Bytes = -1 // SHA256SUMS knows no sizes
	}
	return files, v.sums && haveSums
}

// maxSums bounds SHA256SUMS, to as many files as a manifest may list.
const maxSums = MaxManifest

// path is where the bundle belongs.
func (m *Manifest) path() string {
	return BundlePath(m.Account, m.Destination, m.Serial, time.UnixMilli(m.Created))
}

// file reads one file whole, hashes it and, if it is transcripts whose manifest
// is believed, gathers what it delivers.
func (c *checked) file(ctx context.Context, src Source, s *scanner, f FileInfo) {
	var t *transcripts
	var fault error
	read, ok := c.whole(ctx, src, f.Path, func(r io.Reader) {
		if c.manifest == nil || f.Path != TranscriptsFile {
			fault = c.document(f.Path, r)
			return
		}
		s.reset(r)
		t = &transcripts{scanner: s, manifest: c.manifest, facts: &c.facts}
		c.names(ctx, src, t)
	})
	switch {
	case !ok:
	case f.Bytes >= 0 && read.size != f.Bytes:
		c.problem(Damaged, f.Path, fmt.Sprintf("%d bytes, written were %d", read.size, f.Bytes))
	case read.hash() != f.SHA256:
		c.problem(Damaged, f.Path, "hash "+read.hash()+", written was "+f.SHA256)
	case fault != nil:
		c.facts.unsure = true
		c.problem(Misnamed, f.Path, "it cannot be read: "+reason(fault))
	case t != nil:
		c.known = true
		for _, p := range t.problems {
			c.problem(p.Kind, f.Path, p.Detail)
		}
		if t.period() != c.manifest.Period {
			c.problem(Miscounted, ManifestFile, "the period is not that of its messages")
		}
	}
}

// names compares the transcripts with the manifest's slices.
func (c *checked) names(ctx context.Context, src Source, t *transcripts) {
	manifest, err := c.open(ctx, src, ManifestFile)
	if err == nil {
		defer manifest.in.Close()
		err = t.read(manifest)
	}
	if err != nil {
		c.problem(Unreadable, ManifestFile, reason(err))
		c.facts.unsure = true
	}
}

// parse reads the manifest without its slices and adds up what it lists.
func (c *checked) parse(r io.Reader) (*Manifest, error) {
	conversations := make(map[uint64]struct{})
	m, err := parseManifest(r, func(l *Listing) {
		conversations[c.facts.hash(l.Conversation, "", 2)] = struct{}{}
		c.listed.Messages += l.Messages
		c.listed.Amendments += l.Amendments
	})
	if err != nil {
		return nil, err
	}
	c.listed.Conversations = len(conversations)
	c.listed.Files = len(m.Files)
	for _, f := range m.Files {
		c.listed.Bytes += f.Bytes
	}
	return m, nil
}
