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
