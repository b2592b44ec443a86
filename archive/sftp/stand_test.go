package sftp

import (
	"context"
	"errors"
	"os"
	"testing"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// A server that names file systems lets a missing mount be seen; of another nothing is
// known, and files are dropped as before.
func TestDropWithoutItsMount(t *testing.T) {
	s, folder := newFolder(t)
	c := s.configFor()
	c.Account, c.Name = archivetest.Account, archivetest.Name
	d, ctx := openDrop(t, c), context.Background()
	if stands, err := d.Stand(ctx); err != nil || stands != "" {
		t.Errorf("a server that says nothing: %q, %v", stands, err)
	}
	s.setFsid(map[string]uint64{"/drop": 2, "/": 1})
	stands, err := d.Stand(ctx)
	if err != nil || stands != archive.MountPoint {
		t.Fatalf("stands as %q, %v", stands, err)
	}
	item := archivetest.FileItems(t, 1)[0]
	item.After = stands
	if _, err := d.Deliver(ctx, item); err != nil {
		t.Fatal(err)
	}
	s.setFsid(map[string]uint64{"/drop": 1, "/": 1})
	before := all(t, folder)
	item = archivetest.FileItems(t, 2)[1]
	item.After = stands
	_, err = d.Deliver(ctx, item)
	e, ok := errors.AsType[*archive.Error](err)
	if !ok || e.Class != archive.Halt || !errors.Is(err, archive.ErrGone) {
		t.Errorf("delivered: %v", err)
	}
	if now := all(t, folder); len(now) != len(before) {
		t.Errorf("the folder holds %q", now)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Stand(ctx); !errors.Is(err, archive.ErrGone) {
		t.Errorf("absent: %v", err)
	}
}
