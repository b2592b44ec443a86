package directory

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/internal/hidden"
)

// keepsAll lets nobody remove anything, as some shares do.
func keepsAll(op, _ string) error {
	if op == "remove" {
		return &fs.PathError{Op: "remove", Err: fs.ErrPermission}
	}
	return nil
}

// What nobody may remove is told, and is no fault.
func TestFolderThatLetsNobodyRemove(t *testing.T) {
	root := t.TempDir()
	c := Config{Path: root, Account: "a", Name: "d"}
	d, drop := New(c), NewDrop(c)
	d.testOnlyBefore, drop.testOnlyBefore = keepsAll, keepsAll
	for name, test := range map[string]struct {
		target interface {
			Probe(context.Context) ([]string, error)
			Clean(context.Context) error
		}
		left string
	}{
		"bundles": {d, filepath.Join(root, "a", hidden.Bundle(archive.BundleName("d", 1))+"x")},
		"drop":    {drop, filepath.Join(root, hidden.Dropped("a", "d")+"x")},
	} {
		facts, err := test.target.Probe(context.Background())
		if err != nil || len(facts) != 1 || !strings.Contains(facts[0], "nobody may remove") {
			t.Errorf("%s: %q, %v", name, facts, err)
		}
		if err := os.Mkdir(test.left, 0o700); err != nil {
			t.Fatal(err)
		}
		left, ok := errors.AsType[*archive.LeftError](test.target.Clean(context.Background()))
		if !ok || len(left.Names) != 2 || !errors.Is(left, fs.ErrPermission) { // the probe and what was cut off
			t.Errorf("%s: left %v", name, left)
		}
	}
	// Any other error still is one.
	d.testOnlyBefore = func(op, _ string) error { return map[string]error{"remove": errors.New("broken")}[op] }
	if _, ok := errors.AsType[*archive.Error](d.Clean(context.Background())); !ok {
		t.Error("an error of the disk was taken for a refusal")
	}
}
