package checkpoint

import "errors"

// unfit is a directory where SQLite's locks, or the memory that its processes share,
// cannot be relied on (sqlite.org/wal.html: all processes on one host, by one mount).
// There two processes damage the checkpoint within seconds.
func unfit(dir, why string) error {
	return &Error{Kind: NetworkFS, Op: "open checkpoint", Path: dir, Err: errors.New(why),
		Hint: "put it on a local disk of this machine, such as ext4 or XFS (key: state); destinations may be on the network"}
}

// onNetwork is unfit by the kind of its file system.
func onNetwork(dir, kind string) error {
	return unfit(dir, "the state directory is on a network, cluster or user-space file system ("+kind+"), where locks may not reach everybody who uses it")
}
