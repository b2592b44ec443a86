package sftp

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pkg/sftp"

	"lpexport/archive"
)

// The limits on what a server can make us read of its folders.
const (
	maxList  = 256 << 20 // bytes of one folder's list: more than a million names
	maxDepth = 16        // folders in one another
	inFlight = 32        // requests for several paths at once
)

// list returns what is in a folder, sorted by name.
func (s *session) list(folder string) ([]fs.FileInfo, error) {
	done := s.watch.allow(maxList)
	defer done()
	entries, err := s.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	// The library leaves these out, but not if the server dresses them up.
	entries = slices.DeleteFunc(entries, func(e fs.FileInfo) bool { return e.Name() == "." || e.Name() == ".." || e.Name() == "/" })
	slices.SortFunc(entries, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// removeAll removes a file, or a folder and all in it. Of a symbolic link it
// removes the link. What is not there is removed.
func (s *session) removeAll(name string) error {
	info, err := s.Lstat(name)
	if err != nil {
		return unlessAbsent(err)
	}
	return s.removeBelow(name, info.IsDir(), 0)
}

func (s *session) removeBelow(name string, folder bool, depth int) error {
	if !folder {
		return unlessAbsent(s.Remove(name))
	}
	if depth == maxDepth {
		return fmt.Errorf("remove %s: folders too deep in one another", name)
	}
	entries, err := s.list(name)
	if err != nil {
		return unlessAbsent(err)
	}
	for _, e := range entries {
		if err := s.removeBelow(path.Join(name, e.Name()), e.IsDir(), depth+1); err != nil {
			return err
		}
	}
	return unlessAbsent(s.RemoveDirectory(name))
}

// unlessAbsent returns err, but nil where it says that something is not there.
func unlessAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// found is what lies at a path: err is fs.ErrNotExist where nothing does.
type found struct {
	info fs.FileInfo
	err  error
}

// look returns what lies at each of the paths. Links are not followed.
func (s *session) look(paths ...string) []found {
	all := make([]found, len(paths))
	_ = atOnce(len(paths), func(i int) error {
		all[i].info, all[i].err = s.Lstat(paths[i])
		return nil
	})
	return all
}

// atOnce calls f with 0 to n-1, many at once, since a server may be far away. It
// returns the error of the least of them.
func atOnce(n int, f func(int) error) error {
	errs := make([]error, n)
	var wait sync.WaitGroup
	turns := make(chan struct{}, inFlight)
	for i := range n {
		turns <- struct{}{}
		wait.Go(func() {
			errs[i] = f(i)
			<-turns
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// folders returns an error that is fs.ErrNotExist if one of the paths is
// absent, and a *notFolderError if one is anything but a folder.
func (s *session) folders(paths ...string) error {
	for i, f := range s.look(paths...) {
		if f.err != nil {
			return f.err
		}
		if !f.info.IsDir() {
			return &notFolderError{paths[i]}
		}
	}
	return nil
}

// mkdir makes a folder. One that is there, such as one that another process has
// just made, is success.
func (s *session) mkdir(name string) error {
	err := s.Mkdir(name)
	if err != nil && s.folders(name) == nil {
		return nil
	}
	return err
}

// makeRoot makes a folder and the ones above it where they are absent. Links
// are followed.
func (s *session) makeRoot(name string) error {
	info, err := s.Stat(name)
	switch {
	case err == nil && !info.IsDir():
		return &notFolderError{name}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if above := path.Dir(name); above != name {
		if err := s.makeRoot(above); err != nil {
			return err
		}
	}
	return s.mkdir(name)
}

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
