package archive

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
)

// Seal encrypts the files of a bundle. It was made once, with randomness, when
// the bundle was cut; what it makes of a file follows from the seal, the name
// and the bytes alone.
type Seal interface {
	// Encrypt returns what encrypts into w the file of that name. Its Close ends
	// the encryption and leaves w open.
	Encrypt(w io.Writer, name string) (io.WriteCloser, error)

	// Extension is what an encrypted file's name has more, with its dot.
	Extension() string
}

// spooled is a file of a bundle while it is written: hashed and counted as it
// is, and before its encryption if there is one.
type spooled struct {
	name  string
	f     *os.File
	disk  measured // what goes to the disk
	clear measured
	out   *bufio.Writer
	seal  io.WriteCloser // nil: not encrypted
}

// measured hashes and counts what passes.
type measured struct {
	w   io.Writer
	sum hash.Hash
	n   int64
}

func (m *measured) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.sum.Write(p[:n])
	m.n += int64(n)
	return n, err
}

func (m *measured) hex() string { return hex.EncodeToString(m.sum.Sum(nil)) }

const spoolBuffer = 64 << 10

// create begins a file of the bundle; seal may be nil. Encrypted, the file is
// called clear inside, which nobody without the key sees.
func create(dir, name, clear string, seal Seal) (*spooled, error) {
	s := &spooled{name: name}
	if seal != nil {
		s.name += seal.Extension()
	}
	f, err := os.OpenFile(filepath.Join(dir, s.name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, FileMode)
	if err != nil {
		return nil, err
	}
	s.f, s.disk = f, measured{w: f, sum: sha256.New()}
	s.out = bufio.NewWriterSize(&s.disk, spoolBuffer)
	s.clear = measured{w: s.out, sum: sha256.New()}
	if seal != nil {
		if s.seal, err = seal.Encrypt(s.out, clear); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		s.clear.w = s.seal
	}
	return s, nil
}

// Write takes what the file says before its encryption.
func (s *spooled) Write(p []byte) (int, error) {
	if s.seal == nil {
		return s.out.Write(p)
	}
	return s.clear.Write(p)
}

// close makes the file durable and tells what it came to.
func (s *spooled) close() (FileInfo, error) {
	var err error
	if s.seal != nil {
		err = s.seal.Close()
	}
	if err == nil {
		err = s.out.Flush()
	}
	if err == nil {
		err = s.f.Sync()
	}
	if err = errors.Join(err, s.f.Close()); err != nil {
		return FileInfo{}, err
	}
	s.f = nil
	info := FileInfo{Path: s.name, Bytes: s.disk.n, SHA256: s.disk.hex()}
	if s.seal != nil {
		info.Clear = &Clear{Bytes: s.clear.n, SHA256: s.clear.hex()}
	}
	return info, nil
}

// discard leaves the file unfinished. After close it does nothing.
func (s *spooled) discard() error {
	if s.f == nil {
		return nil
	}
	return s.f.Close()
}
