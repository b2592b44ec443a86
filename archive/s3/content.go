package s3

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"

	"lpexport/archive"
)

const (
	// partSize is the size of a part of a large object, and the largest object
	// that is sent whole. What a cut costs is sent again.
	partSize = 32 << 20
	// maxParts is how many parts a store takes of one object. Longer parts are
	// used where these would not do.
	maxParts = 10_000
)

// digest is a SHA-256.
type digest [sha256.Size]byte

func (d digest) base64() string { return base64.StdEncoding.EncodeToString(d[:]) }
func (d digest) hex() string    { return hex.EncodeToString(d[:]) }

// content is what becomes one object: bytes that were read once to hash them
// and will be read again to send them.
type content struct {
	name  string // in the spool, for errors
	bytes int64
	whole digest
	part  int64    // size of all parts but the last
	parts []digest // nil if it is sent whole
	open  func() (reader, error)
}

type reader interface {
	io.ReaderAt
	io.Closer
}

// spooled hashes a file of an item. An error is an *archive.Error of class
// Abort, or the context's.
func (d *Destination) spooled(ctx context.Context, item archive.Item, file archive.ItemFile) (*content, error) {
	name := filepath.Join(item.Dir, filepath.FromSlash(file.Path))
	c := &content{name: item.Path + "/" + file.Path, bytes: file.Bytes, open: func() (reader, error) { return os.Open(name) }}
	c.part = partOf(c.bytes, d.partSize)
	if err := c.hash(ctx); err != nil {
		return nil, c.fault(ctx, err)
	}
	if file.Path == archive.ManifestFile && c.whole.hex() != item.ManifestSHA256 {
		return nil, c.fault(ctx, errChanged)
	}
	return c, nil
}

// partOf returns how long the parts of so many bytes are.
func partOf(bytes, least int64) int64 { return max(least, (bytes+maxParts-1)/maxParts) }

var errChanged = errors.New("not the bytes that were rendered")

// fault says that the spool cannot be vouched for, unless it is the context
// that ended the reading.
func (c *content) fault(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &archive.Error{
		Class: archive.Abort, Op: "read spooled item", Path: c.name, Err: err,
		Hint: "the spool is damaged: nothing is delivered from it",
	}
}

// hash reads everything once.
func (c *content) hash(ctx context.Context) error {
	in, err := c.open()
	if err != nil {
		return err
	}
	defer in.Close()
	c.parts = nil
	whole, part := sha256.New(), sha256.New()
	to := io.Writer(whole)
	if c.bytes > c.part {
		to = io.MultiWriter(whole, part)
	}
	for at := int64(0); at < c.bytes; at += c.part {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.Copy(to, io.NewSectionReader(in, at, c.part))
		if err != nil {
			return err
		}
		if n != min(c.part, c.bytes-at) {
			return fmt.Errorf("not %d bytes", c.bytes)
		}
		if c.bytes > c.part {
			c.parts = append(c.parts, digest(part.Sum(nil)))
			part.Reset()
		}
	}
	c.whole = digest(whole.Sum(nil))
	return nil
}

// unchanged tells whether the bytes are still those that were hashed.
func (c *content) unchanged(ctx context.Context) error {
	again := *c
	if err := again.hash(ctx); err != nil {
		return err
	}
	if again.whole != c.whole {
		return errChanged
	}
	return nil
}

// proves tells whether a store's SHA-256 is that of these bytes: the base64 of
// the whole's, or of an object in parts the base64 of the SHA-256 of all parts'
// hashes in a row, "-" and their number. Another one proves nothing, since
// parts can be cut otherwise.
func (c *content) proves(checksum string) bool {
	if checksum == c.whole.base64() {
		return true
	}
	all := sha256.New()
	for _, p := range c.parts {
		all.Write(p[:])
	}
	composite := digest(all.Sum(nil)).base64()
	return c.parts != nil && (checksum == composite || checksum == composite+"-"+strconv.Itoa(len(c.parts)))
}

// md5 hashes part i, or all of what is sent whole, for a store that knows no
// better checksum.
func (c *content) md5(ctx context.Context, in reader, i int) (string, error) {
	from, size := c.span(i)
	sum := md5.New()
	n, err := io.Copy(sum, io.NewSectionReader(in, from, size))
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", c.fault(ctx, err)
	}
	return base64.StdEncoding.EncodeToString(sum.Sum(nil)), nil
}

// span returns where part i, or all of what is sent whole, begins, and its size.
func (c *content) span(i int) (from, size int64) {
	from = int64(i) * c.part
	return from, min(c.part, c.bytes-from)
}

// sending is a part of a content, or all of what is sent whole, on its way.
type sending struct {
	content *content
	in      reader
	part    int
	last    *section // of the last try
}

// open begins it anew.
func (s *sending) open() io.ReadCloser {
	from, size := s.content.span(s.part)
	s.last = &section{Reader: io.NewSectionReader(s.in, from, size), left: size}
	return s.last
}

// faulty reports whether it was the spool that could not be read.
func (s *sending) faulty() bool { return s != nil && s.last != nil && s.last.fault.Load() != nil }

// blame returns err, or in its place the fault of the spool that led to it.
func (s *sending) blame(ctx context.Context, err error) error {
	if err != nil && s.faulty() {
		return s.content.fault(ctx, *s.last.fault.Load())
	}
	return err
}

// section is what is read in one try. It keeps the error that the network's error
// hides; the sending may go on after the answer, so it may be asked meanwhile.
type section struct {
	io.Reader
	left  int64
	fault atomic.Pointer[error]
}

func (s *section) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.left -= int64(n)
	if err == io.EOF && s.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		s.fault.CompareAndSwap(nil, &err)
	}
	return n, err
}

// Close does nothing: the file is open for all parts.
func (s *section) Close() error { return nil }
