package checkpoint

import (
	"strings"

	"golang.org/x/sys/unix"
)

// refuseUnfitFS refuses a directory whose file system says that it is not local, or
// whose type is one of a program (macFUSE, its forerunner and FUSE-T).
func refuseUnfitFS(dir string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return classify("look at state directory", dir, err)
	}
	kind := unix.ByteSliceToString(fs.Fstypename[:])
	if fs.Flags&unix.MNT_LOCAL == 0 || strings.Contains(kind, "fuse") {
		return onNetwork(dir, kind)
	}
	return nil
}
