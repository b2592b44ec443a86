package sftp

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/internal/again"
)

// nth does what to the request number n and serves all others. requests tells
// how many there were.
func nth(n int, what fault) (f func(op, path string) fault, requests func() int) {
	var seen atomic.Int64
	return func(string, string) fault {
		if seen.Add(1) == int64(n) {
			return what
		}
		return serve
	}, func() int { return int(seen.Load()) }
}

// inDrop returns the files of a bundle that was delivered.
func inDrop(item archive.Item) []string {
	return []string{
		path.Join("drop", item.Path, archive.SumsFile), path.Join("drop", item.Path, archive.ManifestFile),
		path.Join("drop", item.Path, archive.TranscriptsFile),
	}
}

// Whatever the server does to whichever request: a reader sees the bundle whole
// or not at all, and the next try delivers it.
func TestFaultOfTheServerAtEachRequest(t *testing.T) {
	for what, name := range map[fault]string{refuse: "refused", cutBefore: "cut before", cutAfter: "cut after"} {
		requests := 0
		for n := 1; ; n++ {
			s, item := newServer(t), spooled(t)
			d := open(t, s.configFor())
			inject, count := nth(n, what)
			s.inject(inject)
			_, err := d.Deliver(context.Background(), item)
			s.cut() // what the server still does is done
			requests = count()
			if err != nil {
				wantClass(t, err, archive.Retry)
			}
			if err != nil && what != refuse {
				t.Errorf("request %d %s: %v", n, name, err)
			}
			seen := walk(t, s.root)
			if len(seen) > 0 && !slices.Equal(seen, inDrop(item)) || err == nil && len(seen) == 0 {
				t.Errorf("request %d %s, error %v: visible is %q", n, name, err, seen)
			}
			s.inject(nil)
			if err := d.Clean(context.Background()); err != nil {
				t.Errorf("request %d %s: clean: %v", n, name, err)
			}
			if _, err := d.Deliver(context.Background(), item); err != nil {
				t.Errorf("request %d %s: delivered again: %v", n, name, err)
			}
			if seen := all(t, s.root); !slices.Equal(seen, inDrop(item)) {
				t.Errorf("request %d %s and delivered again: %q", n, name, seen)
			}
			if requests < n {
				break
			}
		}
		if requests < 15 {
			t.Errorf("%s: only %d requests were seen", name, requests)
		}
	}
}

// all returns the paths of all files below root, hidden ones too.
func all(t *testing.T, root string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(name string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, err = filepath.Rel(root, name)
			files = append(files, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	return files
}

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

// Of a single file an importer may be quicker than the answer: after a lost
// rename nobody knows, after anything else the file is not there.
func TestDropIsUncertainOnlyAtTheRename(t *testing.T) {
	for what, name := range map[fault]string{refuse: "refused", cutBefore: "cut before", cutAfter: "cut after"} {
		uncertain := 0
		for n := 1; ; n++ {
			s, item := newServer(t), dropped(t)
			if err := os.Mkdir(filepath.Join(s.root, "drop"), 0o700); err != nil {
				t.Fatal(err)
			}
			d := openDrop(t, s.configFor())
			inject, count := nth(n, what)
			var at atomic.Value
			at.Store("")
			s.inject(func(op, p string) fault {
				f := inject(op, p)
				if f != serve {
					at.Store(op)
				}
				return f
			})
			_, err := d.Deliver(context.Background(), item)
			s.cut()
			op, want := at.Load(), archive.Retry
			if op == "rename" && what != refuse {
				want = archive.Uncertain
				uncertain++
			}
			seen := walk(t, s.root)
			if err != nil {
				wantClass(t, err, want)
			}
			if there := len(seen) > 0; there && err != nil && want != archive.Uncertain || !there && err == nil {
				t.Errorf("%s of request %d %s, error %v: visible is %q", op, n, name, err, seen)
			}
			s.inject(nil)
			if err := d.Clean(context.Background()); err != nil {
				t.Errorf("clean: %v", err)
			}
			if _, err := d.Deliver(context.Background(), item); err != nil {
				t.Errorf("delivered again: %v", err)
			}
			if seen := all(t, s.root); !slices.Equal(seen, []string{"drop/" + archive.TranscriptsFile}) {
				t.Errorf("%s of request %d %s and delivered again: %q", op, n, name, seen)
			}
			if count() < n {
				break
			}
		}
		if want := map[fault]int{refuse: 0, cutBefore: 1, cutAfter: 1}[what]; uncertain != want {
			t.Errorf("%s: %d uncertain ends, want %d", name, uncertain, want)
		}
	}
}

// only does what to the requests of one kind.
func only(op string, what fault) func(string, string) fault {
	return func(o, _ string) fault {
		if o == op {
			return what
		}
		return serve
	}
}

func TestNotPermittedIsRetriedWithAHint(t *testing.T) {
	s := newServer(t)
	for _, op := range []string{"mkdir", "create", "rename"} {
		s.inject(only(op, permission))
		_, err := open(t, s.configFor()).Deliver(context.Background(), spooled(t))
		wantHint(t, wantClass(t, err, archive.Retry), "operator")
	}
}

// Servers with a full disk may say yes to everything: only the size tells.
func TestServerThatLiesIsNotBelieved(t *testing.T) {
	s, item := newServer(t), spooled(t)
	s.inject(only("write", lie))
	d := open(t, s.configFor())
	_, err := d.Deliver(context.Background(), item)
	wantClass(t, err, archive.Retry)
	if seen := all(t, s.root); len(seen) > 0 {
		t.Errorf("left: %q", seen)
	}
	s.mu.Lock()
	s.freed = 10
	s.mu.Unlock()
	_, err = d.Deliver(context.Background(), item)
	wantHint(t, wantClass(t, err, archive.Retry), "full")
	s.inject(only("write", refuse))
	_, err = d.Deliver(context.Background(), item)
	wantHint(t, wantClass(t, err, archive.Retry), "full")
}

// One write of many may fail while later ones do not: a file with a hole has
// the right size.
func TestHoleIsNoticed(t *testing.T) {
	s, item := newServer(t), spooledMany(t, 1, 300)[0]
	var refused atomic.Bool
	s.inject(func(op, p string) fault {
		if op == "write" && strings.HasSuffix(p, archive.TranscriptsFile) && !refused.Swap(true) {
			return refuse
		}
		return serve
	})
	_, err := open(t, s.configFor()).Deliver(context.Background(), item)
	wantClass(t, err, archive.Retry)
	if seen := walk(t, s.root); len(seen) > 0 {
		t.Errorf("visible: %q", seen)
	}
}

// A server that hangs, be it at any request, must not hang us, though its
// connection lives.
func TestSilentServerIsRetried(t *testing.T) {
	for _, op := range []string{"lstat", "mkdir", "create", "write", "close", "rename", "realpath"} {
		s, item := newServer(t), spooled(t)
		c := s.configFor()
		c.Timeout = 300 * time.Millisecond
		d := open(t, c)
		if op == "realpath" { // asks whether a kept session lives
			if _, err := d.Probe(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		s.inject(only(op, hang))
		_, err := d.Deliver(context.Background(), item)
		if op == "realpath" {
			if err != nil {
				t.Errorf("a new session was not tried: %v", err)
			}
			continue
		}
		wantHint(t, wantClass(t, err, archive.Retry), "server")
		if _, silent := errors.AsType[*silentError](err); !silent {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// What hangs ends at once when its caller stops, and what others do goes on.
func TestCancelEndsOnlyItsOwnCall(t *testing.T) {
	s := newServer(t)
	both := spooledMany(t, 2, 1)
	d := open(t, s.configFor())
	ctx, cancel := context.WithCancel(context.Background())
	waits, released := make(chan struct{}, 9), make(chan struct{})
	s.inject(func(op, p string) fault {
		if op == "create" && strings.Contains(p, path.Base(both[0].Path)) {
			waits <- struct{}{}
			<-released
		}
		if op == "create" && strings.Contains(p, path.Base(both[1].Path)) {
			<-waits
			cancel()
			return hang
		}
		return serve
	})
	first := make(chan error)
	go func() {
		_, err := d.Deliver(context.Background(), both[0])
		first <- err
	}()
	_, err := d.Deliver(ctx, both[1])
	if wantClass(t, err, archive.Retry); !errors.Is(err, context.Canceled) {
		t.Errorf("cause lost: %v", err)
	}
	close(released)
	if err := <-first; err != nil {
		t.Errorf("ended with another call: %v", err)
	}
}

// A session that was lost between two calls costs nothing but a login.
func TestKeptSessionIsReplacedWhenItIsLost(t *testing.T) {
	s := newServer(t)
	d := open(t, s.configFor())
	for range 3 {
		if _, err := d.Bundles(context.Background(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.begun(); n != 1 {
		t.Errorf("%d sessions for three calls", n)
	}
	s.cut()
	if _, err := d.Bundles(context.Background(), ""); err != nil {
		t.Errorf("after the session was lost: %v", err)
	}
	if n := s.begun(); n != 2 {
		t.Errorf("%d sessions, want one more", n)
	}
}
