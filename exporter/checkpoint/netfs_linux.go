package checkpoint

import (
	"errors"

	"golang.org/x/sys/unix"
)

// networkMagic are the file system types of statfs(2) that are somewhere else.
var networkMagic = map[int64]string{
	unix.NFS_SUPER_MAGIC:  "NFS",
	unix.SMB_SUPER_MAGIC:  "SMB",
	unix.SMB2_SUPER_MAGIC: "SMB",
	unix.CIFS_SUPER_MAGIC: "CIFS",
	unix.AFS_SUPER_MAGIC:  "AFS",
	unix.CEPH_SUPER_MAGIC: "Ceph",
}

// refuseNetworkFS refuses a directory where SQLite's locks and its write-ahead
// log cannot be relied on (sqlite.org/wal.html: all processes on one host).
func refuseNetworkFS(dir string) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return classify("look at state directory", dir, err)
	}
	// The magic is 32 bits wide, whatever the field is.
	name, ok := networkMagic[int64(uint32(s.Type))]
	if !ok {
		return nil
	}
	return &Error{Kind: NetworkFS, Op: "open checkpoint", Path: dir,
		Err:  errors.New("the state directory is on a network file system (" + name + ")"),
		Hint: "put it on a disk of this machine (key: state); destinations may be on the network"}
}
