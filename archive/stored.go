package archive

import (
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// entryTemp holds an entry of a zip that is too long for memory. A name with "."
// is unfinished work to every reader.
const entryTemp = ".entry"

// entryMemory is how much of an entry is held in memory.
const entryMemory = 256 << 10

// storedEntry gathers one entry of a zip, since what stands in front of it tells its
// length and checksum.
type storedEntry struct {
	dir  string // where a long one lies meanwhile
	name string
	sum  hash.Hash32
	n    int64
	held []byte   // all of it, unless file is used
	file *os.File // kept open for the next long one
	long bool     // it is in file
}

func newStoredEntry(dir string) *storedEntry { return &storedEntry{dir: dir, sum: crc32.NewIEEE()} }

func (e *storedEntry) begin(name string) {
	e.name, e.n, e.held, e.long = name, 0, e.held[:0], false
	e.sum.Reset()
}

func (e *storedEntry) Write(p []byte) (int, error) {
	if !e.long && len(e.held)+len(p) > entryMemory {
		if err := e.spill(); err != nil {
			return 0, err
		}
	}
	if e.long {
		if n, err := e.file.Write(p); err != nil {
			return n, err
		}
	} else {
		e.held = append(e.held, p...)
	}
	e.sum.Write(p)
	e.n += int64(len(p))
	return len(p), nil
}

// spill moves the entry to the disk.
func (e *storedEntry) spill() (err error) {
	if e.file == nil {
		if e.file, err = os.OpenFile(filepath.Join(e.dir, entryTemp), os.O_RDWR|os.O_CREATE|os.O_EXCL, FileMode); err != nil {
			return err
		}
	}
	if err := e.rewind(); err != nil {
		return err
	}
	if err := e.file.Truncate(0); err != nil {
		return err
	}
	e.long = true
	_, err = e.file.Write(e.held)
	e.held = e.held[:0]
	return err
}

func (e *storedEntry) rewind() error {
	_, err := e.file.Seek(0, io.SeekStart)
	return err
}

// copyTo writes the entry to out.
func (e *storedEntry) copyTo(out io.Writer) error {
	if !e.long {
		_, err := out.Write(e.held)
		return err
	}
	if err := e.rewind(); err != nil {
		return err
	}
	buffer := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buffer)
	_, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{e.file}, *buffer)
	return err
}

// remove leaves nothing behind. Twice it does nothing.
func (e *storedEntry) remove() error {
	if e.file == nil {
		return nil
	}
	name := e.file.Name()
	err := errors.Join(e.file.Close(), os.Remove(name))
	e.file = nil
	return err
}
