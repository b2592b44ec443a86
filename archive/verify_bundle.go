package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"slices"
	"sync"
)

// checked is what one bundle says of itself and how its files bear it out.
type checked struct {
	place
	problems []Problem
	manifest *Manifest // nil if there is none to be believed; without its slices
	data     []byte    // of manifest.json, while the bundle is being read
	listed   Totals    // what the manifest's lists add up to
	sha      string    // of manifest.json as it was written, as far as that is known, or ""
	facts    facts     // what its transcripts deliver
	whole    bool      // facts are complete
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
func check(ctx context.Context, src Source, p place, seed maphash.Seed) *checked {
	c := &checked{place: p}
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
	for _, name := range there {
		listed := slices.ContainsFunc(files, func(f FileInfo) bool { return f.Path == name })
		if !listed && name != ManifestFile && name != SumsFile {
			c.problem(Extra, name, "no manifest names it")
		}
	}
	if c.manifest != nil && c.manifest.Totals != c.listed {
		c.problem(Miscounted, ManifestFile, fmt.Sprintf("totals %+v, the lists say %+v", c.manifest.Totals, c.listed))
	}
	c.data = nil
	return c
}

// reason is an error's text. Transports put paths and numbers in it, no text of
// messages.
func reason(err error) string { return err.Error() }

// small reads one of the two lists.
func (c *checked) small(ctx context.Context, src Source, name string) ([]byte, bool) {
	f, err := src.Open(ctx, c.path()+"/"+name)
	if err != nil {
		c.cannotOpen(name, err)
		return nil, false
	}
	defer f.Close()
	data, err := readAll(f, MaxManifest+1)
	if err != nil {
		c.problem(Unreadable, name, reason(err))
		return nil, false
	}
	c.files++
	c.bytes += int64(len(data))
	if len(data) > MaxManifest {
		c.problem(Damaged, name, fmt.Sprintf("over %d bytes", MaxManifest))
		return nil, false
	}
	return data, true
}

// readAll reads at most limit bytes, into a buffer of the file's size if it has
// one.
func readAll(f io.Reader, limit int64) ([]byte, error) {
	var b bytes.Buffer
	if file, ok := f.(fs.File); ok {
		if info, err := file.Stat(); err == nil {
			b.Grow(int(min(info.Size(), limit)) + bytes.MinRead)
		}
	}
	_, err := b.ReadFrom(io.LimitReader(f, limit))
	return b.Bytes(), err
}

func (c *checked) cannotOpen(name string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		c.problem(Missing, name, "the file is not there")
		return
	}
	c.problem(Unreadable, name, reason(err))
}

// lists reads manifest.json and SHA256SUMS and returns the files that the one
// which is to be believed names; false if neither is.
func (c *checked) lists(ctx context.Context, src Source) ([]FileInfo, bool) {
	data, haveManifest := c.small(ctx, src, ManifestFile)
	sums, haveSums := c.small(ctx, src, SumsFile)
	var m *Manifest
	var fault error
	if haveManifest {
		m, fault = c.parse(data)
		c.sha = hexSum(data)
	}
	if !haveSums {
		c.manifest = m
		if haveManifest && m == nil {
			c.problem(Malformed, ManifestFile, reason(fault))
		}
		return c.believed()
	}
	v := judge(m, c.sha, sums)
	if !v.sums {
		c.problem(Damaged, SumsFile, "it does not say what the manifest says")
	}
	if v.manifest && haveManifest {
		c.manifest = m
		if m == nil {
			c.problem(Malformed, ManifestFile, reason(fault))
		}
	} else {
		if haveManifest {
			c.problem(Damaged, ManifestFile, "hash "+c.sha+", written was "+v.recorded)
		}
		c.sha = v.recorded
	}
	if files, ok := c.believed(); ok {
		return files, true
	}
	files := slices.DeleteFunc(v.lines, func(f FileInfo) bool { return f.Path == ManifestFile })
	for i := range files {
		files[i].Bytes = -1 // SHA256SUMS knows no sizes
	}
	return files, v.sums
}

func (c *checked) believed() ([]FileInfo, bool) {
	if c.manifest == nil {
		return nil, false
	}
	if c.manifest.path() != c.path() {
		c.problem(Malformed, ManifestFile, "it is the manifest of "+c.manifest.path())
		files := c.manifest.Files
		c.manifest, c.sha = nil, ""
		return files, true
	}
	return c.manifest.Files, true
}

// path is where the bundle belongs.
func (m *Manifest) path() string {
	return BundlePath(m.Account, m.Destination, m.Serial, millis(m.Created))
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// file reads one file whole, hashes it and, if it is transcripts whose manifest
// is believed, gathers what it delivers.
func (c *checked) file(ctx context.Context, src Source, s *scanner, f FileInfo) {
	in, err := src.Open(ctx, c.path()+"/"+f.Path)
	if err != nil {
		c.cannotOpen(f.Path, err)
		return
	}
	defer in.Close()
	c.files++
	sum := sha256.New()
	s.reset(&stoppable{ctx, in}, sum)
	var t *transcripts
	if c.manifest != nil && f.Path == TranscriptsFile {
		t = &transcripts{scanner: s, manifest: c.manifest, facts: &c.facts}
		t.read(c.data)
	}
	err = s.drain()
	c.bytes += s.size
	switch {
	case err != nil:
		c.problem(Unreadable, f.Path, reason(err))
	case f.Bytes >= 0 && s.size != f.Bytes:
		c.problem(Damaged, f.Path, fmt.Sprintf("%d bytes, written were %d", s.size, f.Bytes))
	case hex.EncodeToString(sum.Sum(nil)) != f.SHA256:
		c.problem(Damaged, f.Path, "hash "+hex.EncodeToString(sum.Sum(nil))+", written was "+f.SHA256)
	case t != nil:
		c.whole = true
		for _, p := range t.problems {
			c.problem(p.Kind, f.Path, p.Detail)
		}
		if t.period() != c.manifest.Period {
			c.problem(Miscounted, ManifestFile, "the period is not that of its messages")
		}
	}
}

// stoppable stops reading when ctx is done.
type stoppable struct {
	ctx context.Context
	in  io.Reader
}

func (r *stoppable) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}

// parse reads the manifest and adds up what it lists, and keeps its bytes
// instead of its slices.
func (c *checked) parse(data []byte) (*Manifest, error) {
	conversations := make(map[uint64]struct{})
	m, err := parseManifest(data, func(l *Listing) {
		conversations[c.facts.hash(l.Conversation, "", 2)] = struct{}{}
		c.listed.Messages += l.Messages
		c.listed.Amendments += l.Amendments
	})
	if err != nil {
		return nil, err
	}
	c.data = data
	c.listed.Conversations = len(conversations)
	c.listed.Files = len(m.Files)
	for _, f := range m.Files {
		c.listed.Bytes += f.Bytes
	}
	return m, nil
}
