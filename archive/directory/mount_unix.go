//go:build unix

package directory

import (
	"os"
	"path/filepath"
	"syscall"
)

// isMountPoint reports whether a folder begins another file system than the folder
// above it is in. A file system that is bound into itself is not seen.
func isMountPoint(path string) (bool, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false, err
	}
	device, err := deviceOf(path)
	if err != nil {
		return false, err
	}
	above, err := deviceOf(filepath.Join(path, ".."))
	return device != above, err
}

func deviceOf(path string) (uint64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, nil
	}
	return uint64(stat.Dev), nil // an int32 on some systems
}
