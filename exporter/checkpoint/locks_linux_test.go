package checkpoint

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// unfitFor makes sure that a directory is refused for that reason, with a hint.
func unfitFor(t *testing.T, err error, why string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != NetworkFS || e.Hint == "" || !strings.Contains(err.Error(), why) {
		t.Errorf("refused with %v, want: %s", err, why)
	}
}

func TestFileSystemsThatAreRefusedByTheirKind(t *testing.T) {
	for magic, kind := range unfitMagic {
		s := *linux
		s.statfs = func(_ string, fs *unix.Statfs_t) error { fs.Type = magic; return nil }
		unfitFor(t, s.refuse(t.TempDir()), "("+kind+")")
	}
	for what, magic := range map[string]int64{"FUSE": 0x65735546, "9p": 0x01021997, "GPFS": 0x47504653, "Lustre": 0x0bd00bd0} {
		if _, is := unfitMagic[magic]; !is {
			t.Errorf("%s is not among them", what)
		}
	}
	for what, magic := range map[string]int64{"ext4": unix.EXT4_SUPER_MAGIC, "XFS": unix.XFS_SUPER_MAGIC, "btrfs": unix.BTRFS_SUPER_MAGIC,
		"tmpfs": unix.TMPFS_MAGIC, "overlay": unix.OVERLAYFS_SUPER_MAGIC} {
		if kind, is := unfitMagic[magic]; is {
			t.Errorf("%s is taken for %s", what, kind)
		}
	}
}

// A file system may be of a kind that nobody has heard of.
func TestFileSystemsThatAreRefusedByTheirLocks(t *testing.T) {
	no := func(errno error) func(uintptr, int, *unix.Flock_t) error {
		return func(uintptr, int, *unix.Flock_t) error { return errno }
	}
	for _, c := range []struct {
		why   string // "": it is fit
		spoil func(*system)
	}{
		{"", func(*system) {}},
		{"lock a range: no locks available", func(s *system) { s.setlk = no(unix.ENOLCK) }},
		{"lock a range twice: two were given one lock", func(s *system) { s.setlk = no(nil) }},
		{"", func(s *system) { s.setlk = no(unix.EINVAL) }}, // the kernel is old
		{"lock a range twice, to read: two were given one lock", func(s *system) {
			s.setlk = func(fd uintptr, cmd int, l *unix.Flock_t) error {
				if l.Type == unix.F_RDLCK {
					return nil
				}
				return unix.FcntlFlock(fd, cmd, l)
			}
		}},
		{"lock the next byte: resource temporarily unavailable", func(s *system) { // it locks whole files
			s.setlk = func(fd uintptr, cmd int, l *unix.Flock_t) error {
				whole := *l
				whole.Start, whole.Len = 0, 0
				return unix.FcntlFlock(fd, cmd, &whole)
			}
		}},
		{"lock a range that was unlocked", func(s *system) {
			s.setlk = func(fd uintptr, cmd int, l *unix.Flock_t) error {
				if l.Type == unix.F_UNLCK {
					return nil
				}
				return unix.FcntlFlock(fd, cmd, l)
			}
		}},
		{"lock a file: operation not supported", func(s *system) { s.flock = func(int, int) error { return unix.EOPNOTSUPP } }},
		{"lock a file twice: two were given one lock", func(s *system) { s.flock = func(int, int) error { return nil } }},
		{"map a file: no such device", func(s *system) {
			s.mmap = func(int, int64, int, int, int) ([]byte, error) { return nil, unix.ENODEV }
		}},
		{"map a file twice: what one writes another does not see", func(s *system) {
			s.mmap = func(fd int, at int64, length, prot, flags int) ([]byte, error) {
				return unix.Mmap(fd, at, length, prot, unix.MAP_PRIVATE)
			}
		}},
	} {
		s := *linux
		c.spoil(&s)
		dir := t.TempDir()
		err := s.tryLocks(dir)
		if c.why != "" {
			unfitFor(t, err, c.why)
		} else if err != nil {
			t.Errorf("refused: %v", err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

// Without a /proc, or where no file can be made without a name.
func TestProbeWithANameLosesIt(t *testing.T) {
	dir := t.TempDir()
	a, b, err := openNamed(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for _, test := range []func(a, b *os.File) error{linux.tryRanges, linux.tryFlock, linux.tryMapping} {
		if err := test(a, b); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := openNamed(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in no directory: %v", err)
	}
}

func TestManyTryTheLocksAtOnce(t *testing.T) {
	dir := t.TempDir()
	errs := make([]error, 32)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			for range 20 {
				errs[i] = errors.Join(errs[i], refuseUnfitFS(dir))
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func BenchmarkTryLocks(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		if err := refuseUnfitFS(dir); err != nil {
			b.Fatal(err)
		}
	}
}
