//go:build !windows

package archive

import (
	"errors"
	"os"
	"syscall"
)

// syncDir ignores that a file system cannot sync folders (some network and
// user-space ones answer EINVAL or ENOTSUP): nobody could do better there.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
