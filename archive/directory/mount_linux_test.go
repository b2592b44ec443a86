package directory

import "testing"

func TestMountPoints(t *testing.T) {
	for path, want := range map[string]bool{"/proc": true, "/proc/sys": false, t.TempDir(): false} {
		if got, err := isMountPoint(path); err != nil || got != want {
			t.Errorf("%s: %v, %v", path, got, err)
		}
	}
	if _, err := isMountPoint("/not/there"); err == nil {
		t.Error("what is not there is no error")
	}
}
