//go:build unix

package directory

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// deliveryVariable holds, in a child of TestKilledAtEveryStep, its delivery as JSON.
const deliveryVariable = "LPEXPORT_CRASH_DELIVERY"

// delivery is what a child process delivers, and the step it dies at.
type delivery struct {
	Root string
	Item archive.Item
	Step int
}

// TestMain makes of this test binary the process that is killed.
func TestMain(m *testing.M) {
	raw, child := os.LookupEnv(deliveryVariable)
	if !child {
		os.Exit(m.Run())
	}
	var c delivery
	if err := json.Unmarshal([]byte(raw), &c); err != nil {
		panic(err)
	}
	d := layoutOf(c.Root, c.Item, func(string, string) error {
		if c.Step--; c.Step == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	})
	if _, err := d.Deliver(context.Background(), c.Item); err != nil {
		panic(err)
	}
	os.Exit(0)
}

// layoutOf returns the destination that takes such items.
func layoutOf(root string, item archive.Item, before func(op, path string) error) archive.Destination {
	c := Config{Path: root, Account: archivetest.Account, Name: archivetest.Name}
	if item.File != nil {
		d := NewDrop(c)
		d.testOnlyBefore = before
		return d
	}
	d := New(c)
	d.testOnlyBefore = before
	return d
}

// A delivery is killed at each of its steps. A reader sees the item whole or not
// at all, and the next process delivers it and tidies up.
func TestKilledAtEveryStep(t *testing.T) {
	spool := t.TempDir()
	path := archivetest.Write(t, spool, archivetest.Archive{Account: archivetest.Account, Destination: archivetest.Name, Bundles: 1, Slices: 2, Messages: 3})[0]
	item := archivetest.Item(t, spool, path)
	killAtEveryStep(t, item, walk(t, spool), archivetest.Account)

	sum, err := os.ReadFile(filepath.Join(item.Dir, archive.SumsFile))
	if err != nil {
		t.Fatal(err)
	}
	item.File = fileInfo(archive.SumsFile, sum)
	killAtEveryStep(t, item, []string{archive.SumsFile}, ".")
}

// killAtEveryStep does so for an item that is whole when its files are visible.
// What is unfinished lies in the folder work.
func killAtEveryStep(t *testing.T, item archive.Item, whole []string, work string) {
	hidden, shown := 0, 0
	for step := 1; ; step++ {
		root := t.TempDir()
		if !diesDelivering(t, delivery{root, item, step}) {
			break
		}
		seen := walk(t, root)
		if len(seen) > 0 && !slices.Equal(seen, whole) {
			t.Errorf("killed at step %d: visible is %q", step, seen)
		}
		shown += len(seen)
		hidden += len(unfinished(t, filepath.Join(root, work)))
		d := layoutOf(root, item, nil)
		if err := d.Clean(context.Background()); err != nil {
			t.Errorf("killed at step %d: clean: %v", step, err)
		}
		if _, err := d.Deliver(context.Background(), item); err != nil {
			t.Errorf("killed at step %d: deliver: %v", step, err)
		}
		if seen := walk(t, root); !slices.Equal(seen, whole) {
			t.Errorf("killed at step %d and delivered again: visible is %q", step, seen)
		}
		if left := unfinished(t, filepath.Join(root, work)); len(left) > 0 {
			t.Errorf("killed at step %d and delivered again: %q is left", step, left)
		}
	}
	if hidden == 0 || shown == 0 {
		t.Errorf("killed with an unfinished item %d times, with a visible one %d times: neither may be 0", hidden, shown)
	}
}

func unfinished(t *testing.T, folder string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, ".*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// diesDelivering runs a child and tells whether it was killed.
func diesDelivering(t *testing.T, c delivery) bool {
	t.Helper()
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), deliveryVariable+"="+string(raw))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("child: %v %s", err, out)
	}
	return true
}
