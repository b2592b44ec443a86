package sftp

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/internal/again"
)

// flaky does what to every nth request.
func flaky(every int, what fault) func(op, path string) fault {
	var seen atomic.Int64
	return func(string, string) fault {
		if seen.Add(1)%int64(every) == 0 {
			return what
		}
		return serve
	}
}

// A connection that is lost now and then costs pauses, and no run.
func TestLostConnectionIsMadeAgain(t *testing.T) {
	for what, name := range map[fault]string{cutBefore: "before", cutAfter: "after"} {
		s, items := newServer(t), spooledMany(t, 4, 1)
		d := open(t, s.configFor())
		s.inject(flaky(33, what)) // a bundle of three files takes 20, and 6 to remove it
		var want []string
		for _, item := range items {
			if _, err := d.Deliver(context.Background(), item); err != nil {
				t.Errorf("cut %s: %v", name, err)
			}
			want = append(want, inDrop(item)...)
		}
		if seen := all(t, s.root); !slices.Equal(seen, want) || s.begun() < 3 {
			t.Errorf("cut %s: %d sessions, %q", name, s.begun(), seen)
		}
		s.inject(flaky(13, what))
		for _, item := range items {
			if got, err := d.Bundles(context.Background(), ""); err != nil || len(got) != len(items) {
				t.Errorf("cut %s: bundles %q, %v", name, got, err)
			}
			f, err := d.Open(context.Background(), item.Path+"/"+archive.ManifestFile)
			if err != nil {
				t.Errorf("cut %s: %v", name, err)
				continue
			}
			_ = f.Close()
		}
	}
}

// A connection that does not hold is given up soon: who delivers has longer pauses.
func TestConnectionThatIsLostAgainIsGivenUp(t *testing.T) {
	s := newServer(t)
	c, paused := s.configFor(), time.Duration(0)
	c.Pause = func(_ context.Context, wait time.Duration) error { paused += wait; return nil }
	s.inject(only("create", cutBefore))
	_, err := open(t, c).Deliver(context.Background(), spooled(t))
	if wantClass(t, err, archive.Retry); s.begun() != again.Tries || paused < 10*time.Second || paused > time.Minute {
		t.Errorf("%d sessions, pauses of %s: %v", s.begun(), paused, err)
	}
	// What all but the last have left is gone: each session removes the former's.
	s.inject(nil)
	if _, err := open(t, s.configFor()).Deliver(context.Background(), spooled(t)); err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(s.root, "drop", "a", ".*"))
	if err != nil || len(folders) != 1 {
		t.Errorf("left: %q, %v", folders, err)
	}
}

// writeOnce lets nobody remove anything.
func writeOnce(op, _ string) fault {
	if op == "remove" || op == "rmdir" {
		return permission
	}
	return serve
}

// TestServerThatLetsNobodyRemove: what is left there is told, and is in nobody's way.
func TestServerThatLetsNobodyRemove(t *testing.T) {
	for _, how := range []fault{permission, refuse} {
		s, items := newServer(t), spooledMany(t, 2, 1)
		once := func(op, path string) fault {
			if writeOnce(op, path) == serve {
				return serve
			}
			return how
		}
		s.inject(once)
		d := open(t, s.configFor())
		facts, err := d.Probe(context.Background())
		if err != nil || !strings.Contains(strings.Join(facts, "\n"), "does not let us remove") {
			t.Errorf("probe: %q, %v", facts, err)
		}
		// An upload that is cut off, and one that meets a full disk.
		for _, what := range []fault{cutBefore, refuse} {
			s.inject(func(op, path string) fault {
				if op == "write" {
					return what
				}
				return once(op, path)
			})
			if _, err := d.Deliver(context.Background(), items[0]); err == nil {
				t.Fatal("delivered")
			}
		}
		s.inject(once)
		for _, item := range items {
			left, ok := errors.AsType[*archive.LeftError](d.Clean(context.Background()))
			if !ok || len(left.Names) < 2 || !strings.HasPrefix(left.Names[0], ".") {
				t.Errorf("left: %v", left)
			}
			if _, err := d.Deliver(context.Background(), item); err != nil {
				t.Errorf("delivered after that: %v", err)
			}
		}
		if seen := walk(t, s.root); !slices.Equal(seen, slices.Concat(inDrop(items[0]), inDrop(items[1]))) {
			t.Errorf("visible: %q", seen)
		}
	}
}

func TestDropThatLetsNobodyRemove(t *testing.T) {
	s, item := newServer(t), dropped(t)
	if err := os.Mkdir(filepath.Join(s.root, "drop"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.inject(writeOnce)
	d := openDrop(t, s.configFor())
	facts, err := d.Probe(context.Background())
	if err != nil || !strings.Contains(strings.Join(facts, "\n"), "does not let us remove") {
		t.Errorf("probe: %q, %v", facts, err)
	}
	if _, ok := errors.AsType[*archive.LeftError](d.Clean(context.Background())); !ok {
		t.Error("nothing is said to be left")
	}
	if _, err := d.Deliver(context.Background(), item); err != nil {
		t.Error(err)
	}
	if seen := walk(t, s.root); !slices.Equal(seen, []string{"drop/" + archive.TranscriptsFile}) {
		t.Errorf("visible: %q", seen)
	}
}
