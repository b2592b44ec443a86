package pgp

import (
	"bytes"
	"crypto/aes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// maxName is the longest file name that a literal data packet holds, in bytes.
const maxName = 255

// Encrypt writes to w, in OpenPGP's binary form, what is written to the
// returned writer, and ends it at its Close, which leaves w open; without
// Close, or after an error, w has no readable file. Memory does not grow with
// the file.
//
// name is the clear file's path in its bundle, slash separated; its last part,
// of at most 255 bytes, goes along encrypted. What is written to w depends on
// the seal, name and content alone. The same name under one seal must always
// have the same content: the difference of two could be seen from outside up to
// the first block in which they differ.
func (s Sealed) Encrypt(w io.Writer, name string) (io.WriteCloser, error) {
	if s.IsZero() {
		return nil, errors.New("encrypt: nothing was sealed")
	}
	base := path.Base(name)
	if !fs.ValidPath(name) || base == "." || len(base) > maxName {
		return nil, fmt.Errorf("encrypt: %q is not a file's path, or its name is over %d bytes", name, maxName)
	}
	out, err := s.hidden.seal.open(w, name, base)
	if err != nil {
		return nil, fmt.Errorf("encrypt %s: %w", name, err)
	}
	return &writer{out: out, chunk: make([]byte, 0, chunkBytes)}, nil
}

// Extension is what the name of an encrypted file has behind the clear one's.
func (Sealed) Extension() string { return ".pgp" }

// open writes what stands before the content.
func (s *seal) open(w io.Writer, name, base string) (io.WriteCloser, error) {
	prefix, err := s.prefix(name)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(s.PKESK); err != nil {
		return nil, err
	}
	// The library draws the prefix and nothing else.
	config := &packet.Config{Rand: bytes.NewReader(prefix)}
	contents, err := packet.SerializeSymmetricallyEncrypted(w, packet.CipherAES256, false, packet.CipherSuite{}, s.SessionKey, config)
	if err != nil {
		return nil, err
	}
	const binary, noTime = true, 0
	return packet.SerializeLiteral(contents, binary, base, noTime)
}

// prefix derives the random block that a file's encryption begins with. All
// files of a bundle have one session key, so this must differ between them.
func (s *seal) prefix(name string) ([]byte, error) {
	return hkdf.Key(sha256.New, s.Seed, nil, "lpexport/pgp/v1/prefix\x00"+name, aes.BlockSize)
}

// chunkBytes is how much the library is given at once. It cuts its packets by
// the sizes of what it is given, and keeps all of it in memory.
const chunkBytes = 64 << 10

// writer makes the packets independent of how the content is written.
type writer struct {
	out   io.WriteCloser
	chunk []byte
	err   error
}

func (w *writer) Write(p []byte) (int, error) {
	written := 0
	for w.err == nil && written < len(p) {
		n := min(len(p)-written, cap(w.chunk)-len(w.chunk))
		w.chunk = append(w.chunk, p[written:written+n]...)
		written += n
		if len(w.chunk) == cap(w.chunk) {
			w.flush()
		}
	}
	return written, w.err
}

func (w *writer) flush() {
	_, w.err = w.out.Write(w.chunk)
	w.chunk = w.chunk[:0]
}

var errClosed = errors.New("encrypt: already closed")

// Close writes what is left and the detection code.
func (w *writer) Close() error {
	if w.err == nil && len(w.chunk) > 0 {
		w.flush()
	}
	if w.err != nil {
		return w.err
	}
	w.err = errClosed
	return w.out.Close()
}
