package sftp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/pkg/sftp"

	"lpexport/archive"
)

// hashes tells whether a file has the given SHA-256. One of more than limit
// bytes has not.
func (s *session) hashes(name string, limit int64, want string) (bool, error) {
	info, err := s.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > limit {
		return false, err
	}
	f, err := s.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	sum := sha256.New()
	in := io.LimitReader(&whole{f, info.Size()}, limit+1)
	if _, err := io.CopyBuffer(sum, in, make([]byte, readSize(info.Size()))); err != nil {
		return false, err
	}
	return hex.EncodeToString(sum.Sum(nil)) == want, nil
}

// readSize is how much of a file of that size is asked for at once: much, since
// a server may be far away.
func readSize(size int64) int64 { return min(max(size, 0)+1, 512<<10) }

// whole reads a file that has left more bytes. The library takes an answer that
// is shorter than what it asked for as the end, and so would take half a file
// for a whole one.
type whole struct {
	file *sftp.File
	left int64
}

func (w *whole) Read(p []byte) (int, error) {
	n, err := w.file.Read(p)
	w.left -= int64(n)
	if err == io.EOF && w.left > 0 {
		if n > 0 {
			return n, nil
		}
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// create makes a new file, syncs it, and compares its size.
func (s *session) create(name string, content []byte) error {
	f, err := s.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = s.sync(f)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	size := int64(len(content))
	if err == nil {
		err = s.sizes([]string{name}, []archive.ItemFile{{Path: path.Base(name), Bytes: size}})
	}
	return s.explained(path.Dir(name), size, err)
}

// sizes compares what the server has of files with what was sent: servers may
// say yes to every write, and keep less.
func (s *session) sizes(targets []string, files []archive.ItemFile) error {
	for i, f := range s.look(targets...) {
		if f.err != nil {
			return fmt.Errorf("%s: %w", files[i].Path, f.err)
		}
		if f.info.Size() != files[i].Bytes {
			return fmt.Errorf("%s: %d bytes were sent, the server has %d", files[i].Path, files[i].Bytes, f.info.Size())
		}
	}
	return nil
}

// explained adds to an error of writing so many bytes that the disk is full, if
// it is: servers name no reason.
func (s *session) explained(folder string, need int64, err error) error {
	if err == nil {
		return nil
	}
	if free, ok := s.free(folder); ok && free < uint64(need) {
		return &fullError{free, err}
	}
	return err
}

// syncs tells whether the server can make a file durable.
func (s *session) syncs() bool {
	version, ok := s.HasExtension("fsync@openssh.com")
	return ok && version == "1"
}

// sync makes a file durable where the server can do that.
func (s *session) sync(f *sftp.File) error {
	if !s.syncs() {
		return nil
	}
	return f.Sync()
}

// free returns how many bytes an ordinary user can still write, if the server tells.
func (s *session) free(folder string) (uint64, bool) {
	if _, ok := s.HasExtension("statvfs@openssh.com"); !ok {
		return 0, false
	}
	v, err := s.StatVFS(folder)
	if err != nil {
		return 0, false
	}
	return v.Frsize * v.Bavail, true
}

// mounted reports whether the server says that a folder is in another file system
// than the one above it. Most do not name file systems: then it is not known.
func (s *session) mounted(folder string) bool {
	if _, ok := s.HasExtension("statvfs@openssh.com"); !ok {
		return false
	}
	here, err := s.StatVFS(folder)
	if err != nil || here.Fsid == 0 {
		return false
	}
	above, err := s.StatVFS(path.Join(folder, ".."))
	return err == nil && above.Fsid != 0 && above.Fsid != here.Fsid
}
