package directory

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"lpexport/archive"
)

// A folder that was a mount point and is none any more is given nothing: what a missing
// mount leaves is a folder like any other.
func TestDropWithoutItsMount(t *testing.T) {
	item, root := dropped(t)
	d, mounted := openDrop(root), true
	d.mounted = func(string) (bool, error) { return mounted, nil }
	stands, err := d.Stand(context.Background())
	if err != nil || stands != archive.MountPoint {
		t.Fatalf("stands as %q, %v", stands, err)
	}
	item.After, mounted = stands, false
	_, err = d.Deliver(context.Background(), item)
	if e := classOf(t, err); e.Class != archive.Halt || !errors.Is(err, archive.ErrGone) {
		t.Errorf("class %s: %v", e.Class, err)
	}
	if names := all(t, root); len(names) > 0 {
		t.Errorf("the folder holds %q", names)
	}
	if stands, err := d.Stand(context.Background()); err != nil || stands != "" {
		t.Errorf("stands as %q, %v", stands, err)
	}
	mounted = true
	if _, err := d.Deliver(context.Background(), item); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	_, err = d.Stand(context.Background())
	if e := classOf(t, err); e.Class != archive.Halt || !errors.Is(err, archive.ErrGone) {
		t.Errorf("absent: class %s, %v", e.Class, err)
	}
}

// No repair goes through a link, and none makes a root where the bundle before is gone.
func TestRepairOfWhatIsGone(t *testing.T) {
	item, root := spooled(t)
	d := open(root)
	if _, err := d.Deliver(context.Background(), item); err != nil {
		t.Fatal(err)
	}
	item.After = "a/2026/01/30/d-000000009"
	where := filepath.Join(root, filepath.FromSlash(item.Path))
	if err := os.Remove(filepath.Join(where, archive.ManifestFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Repair(context.Background(), item, true); !errors.Is(err, archive.ErrGone) {
		t.Errorf("repaired: %v", err)
	}
	if err := errors.Join(os.RemoveAll(where), os.Symlink(t.TempDir(), where)); err != nil {
		t.Fatal(err)
	}
	item.After = ""
	if _, err := d.Repair(context.Background(), item, true); err == nil {
		t.Error("repaired through a link")
	}
}
