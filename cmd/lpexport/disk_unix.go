//go:build !windows

package main

import "golang.org/x/sys/unix"

// freeSpace is how many bytes this user can still write below dir.
func freeSpace(dir string) (uint64, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return 0, err
	}
	// The fields differ in type from system to system.
	return uint64(disk.Bavail) * uint64(disk.Bsize), nil
}
