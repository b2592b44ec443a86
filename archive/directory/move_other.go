//go:build !linux

package directory

// moveNew renames a file to a name that must be free, as far as one can look
// before.
func moveNew(from, to string) error { return moveIfAbsent(from, to) }
