//go:build !linux

package checkpoint

// refuseNetworkFS cannot tell on this system; the manual says to use a local disk.
func refuseNetworkFS(string) error { return nil }
