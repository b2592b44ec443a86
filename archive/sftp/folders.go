package sftp

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
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
