package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// system is what is asked of the kernel. Tests give other answers.
type system struct {
	statfs func(path string, fs *unix.Statfs_t) error
	setlk  func(fd uintptr, cmd int, lock *unix.Flock_t) error
	flock  func(fd, how int) error
	mmap   func(fd int, offset int64, length, prot, flags int) ([]byte, error)
}

var linux = &system{unix.Statfs, unix.FcntlFlock, unix.Flock, unix.Mmap}

// tryLocks tests in dir what a checkpoint relies on: two who have opened one file keep
// each other out by the locks of ranges that SQLite takes and by those of leases, and
// each sees at once what the other writes into mapped memory, as SQLite's index of the
// write-ahead log is. It takes less than a millisecond and leaves nothing behind.
func (s *system) tryLocks(dir string) error {
	a, b, err := openTwice(dir)
	if err != nil {
		return classify("test locks in", dir, err)
	}
	defer a.Close()
	defer b.Close()
	for _, test := range []func(a, b *os.File) error{s.tryRanges, s.tryFlock, s.tryMapping} {
		if err := test(a, b); err != nil {
			return unfit(dir, "the file system of the state directory cannot keep locks: "+err.Error())
		}
	}
	return nil
}

// openTwice opens one file as two processes would. It has no name, or has lost it when
// openTwice returns: no two who open a state at once meet, and it ends with its holder.
func openTwice(dir string) (a, b *os.File, err error) {
	if fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600); err == nil {
		a = os.NewFile(uintptr(fd), dir)
		if b, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_RDWR, 0); err == nil {
			return a, b, nil
		}
		a.Close()
	}
	// Not every file system makes files without a name, nor has every machine a /proc.
	return openNamed(dir)
}

func openNamed(dir string) (a, b *os.File, err error) {
	if a, err = os.CreateTemp(dir, ".locks-*"); err != nil {
		return nil, nil, err
	}
	b, err = os.OpenFile(a.Name(), os.O_RDWR, 0)
	if err = errors.Join(err, os.Remove(a.Name())); err != nil {
		a.Close()
		b.Close()
		return nil, nil, err
	}
	return a, b, nil
}

// lockByte is where SQLite's locks begin (its PENDING_BYTE).
const lockByte = 1 << 30

var errShared = errors.New("two were given one lock")

// tryRanges tests locks of byte ranges. Those of open files are made by the machinery
// of SQLite's, and are kept apart within a process, too.
func (s *system) tryRanges(a, b *os.File) error {
	lock := func(f *os.File, kind int16, at int64) error {
		return s.setlk(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: kind, Start: at, Len: 1})
	}
	switch err := lock(a, unix.F_WRLCK, lockByte); {
	case errors.Is(err, unix.EINVAL):
		return nil // a kernel that has no such locks: nothing can be said
	case err != nil:
		return fmt.Errorf("lock a range: %w", err)
	}
	if err := denied(lock(b, unix.F_WRLCK, lockByte)); err != nil {
		return fmt.Errorf("lock a range twice: %w", err)
	}
	if err := denied(lock(b, unix.F_RDLCK, lockByte)); err != nil {
		return fmt.Errorf("lock a range twice, to read: %w", err)
	}
	if err := lock(b, unix.F_WRLCK, lockByte+1); err != nil {
		return fmt.Errorf("lock the next byte: %w", err)
	}
	if err := lock(a, unix.F_UNLCK, lockByte); err != nil {
		return fmt.Errorf("unlock a range: %w", err)
	}
	if err := lock(b, unix.F_WRLCK, lockByte); err != nil {
		return fmt.Errorf("lock a range that was unlocked: %w", err)
	}
	return nil
}

// denied is nil for the answer to who asks for a lock that another has.
func denied(err error) error {
	switch {
	case err == nil:
		return errShared
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
		return nil
	}
	return err
}

// tryFlock tests locks of whole files, as leases are.
func (s *system) tryFlock(a, b *os.File) error {
	if err := s.flock(int(a.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("lock a file: %w", err)
	}
	if err := denied(s.flock(int(b.Fd()), unix.LOCK_EX|unix.LOCK_NB)); err != nil {
		return fmt.Errorf("lock a file twice: %w", err)
	}
	return nil
}

var errUnseen = errors.New("what one writes another does not see")

// tryMapping tests shared memory. On a disk that is full it says nothing: that is for
// who wants to write.
func (s *system) tryMapping(a, b *os.File) (err error) {
	page := os.Getpagesize()
	if _, err := a.WriteAt(make([]byte, page), 0); err != nil {
		return nil
	}
	var maps [2][]byte
	for i, f := range []*os.File{a, b} {
		if maps[i], err = s.mmap(int(f.Fd()), 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
			return fmt.Errorf("map a file: %w", err)
		}
		defer func() { _ = unix.Munmap(maps[i]) }() // of a file that goes away with it
	}
	// A disk that becomes full at this moment is a fault.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { _ = recover() }()
	for i, value := range []byte{0x5a, 0xa5} {
		maps[i][0] = value
		if maps[1-i][0] != value {
			return fmt.Errorf("map a file twice: %w", errUnseen)
		}
	}
	return nil
}
