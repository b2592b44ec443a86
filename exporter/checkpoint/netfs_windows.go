package checkpoint

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// refuseUnfitFS refuses a directory on a drive that is on the network.
func refuseUnfitFS(dir string) error {
	full, err := filepath.Abs(dir)
	if err != nil {
		return classify("look at state directory", dir, err)
	}
	path, err := windows.UTF16PtrFromString(full)
	if err != nil {
		return classify("look at state directory", dir, err)
	}
	volume := make([]uint16, windows.MAX_LONG_PATH)
	if err := windows.GetVolumePathName(path, &volume[0], uint32(len(volume))); err != nil {
		return classify("look at state directory", dir, err)
	}
	if windows.GetDriveType(&volume[0]) == windows.DRIVE_REMOTE {
		return onNetwork(dir, windows.UTF16ToString(volume))
	}
	return nil
}
