package listener

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func (r *rig) logged(level string, want int) {
	r.Helper()
	if got := strings.Count(r.log.String(), "level="+level+" "); got != want {
		r.Errorf("%d lines of %s, want %d: %s", got, level, want, r.log.String())
	}
}

// A renewed certificate is used at the first look after both files are there.
func TestReload(t *testing.T) {
	r := newRig(t)
	first, second := r.issue("first", start), r.issue("second", start.Add(time.Hour))
	r.installBoth(first)
	l := r.serve(r.withTLS(r.settings(ok)))
	r.presents(l, "first")
	if got := l.CertificateExpiry(); !got.Equal(start.Add(24 * time.Hour)) {
		t.Errorf("expires at %v", got)
	}
	r.pass(2 * time.Hour)
	r.presents(l, "first") // looked at, and unchanged
	r.installBoth(second)
	r.presents(l, "first") // too early for another look
	r.pass(lookEvery)
	r.presents(l, "second")
	if got := l.CertificateExpiry(); !got.Equal(start.Add(25 * time.Hour)) {
		t.Errorf("expires at %v", got)
	}
	r.logged("INFO", 1)
	r.logged("ERROR", 0)
}

// The expiry is that of the files without any handshake.
func TestExpiryLooksByItself(t *testing.T) {
	r := newRig(t)
	r.installBoth(r.issue("first", start))
	l := r.serve(r.withTLS(r.settings(ok)))
	r.installBoth(r.issue("second", start.Add(time.Hour)))
	r.pass(time.Hour)
	if got := l.CertificateExpiry(); !got.Equal(start.Add(25 * time.Hour)) {
		t.Errorf("expires at %v", got)
	}
	// A clock that was set back does not stop the looks.
	r.installBoth(r.issue("third", start.Add(-time.Hour)))
	r.pass(-time.Hour)
	r.presents(l, "third")
}

// A certificate that is renewed for the same key changes one file only.
func TestReloadSameKey(t *testing.T) {
	r := newRig(t)
	first := r.issue("first", start)
	r.installBoth(first)
	l := r.serve(r.withTLS(r.settings(ok)))
	// Its chain is longer now, its leaf the same.
	r.install(r.cert, append(first.cert, r.issue("issuer", start).cert...))
	r.pass(lookEvery)
	r.presents(l, "first")
	r.logged("INFO", 1)
	if got := len(l.pair.inUse().Certificate); got != 2 {
		t.Errorf("%d certificates in the chain", got)
	}
}

// What is written in two steps, or in pieces, is used when it is whole; until
// then the old pair is, with one line in the log.
func TestHalfWritten(t *testing.T) {
	for name, halves := range map[string]func(r *rig, next issued){
		"certificate first": func(r *rig, next issued) { r.install(r.cert, next.cert) },
		"key first":         func(r *rig, next issued) { r.install(r.key, next.key) },
		"cut certificate":   func(r *rig, next issued) { r.install(r.cert, next.cert[:100]); r.install(r.key, next.key) },
		"empty key":         func(r *rig, next issued) { r.install(r.cert, next.cert); r.install(r.key, nil) },
		"expired":           func(r *rig, _ issued) { r.installBoth(r.issue("old", start.Add(-48*time.Hour))) },
		"absent key": func(r *rig, _ issued) {
			if err := os.Remove(r.key); err != nil {
				r.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.installBoth(r.issue("first", start))
			l := r.serve(r.withTLS(r.settings(ok)))
			next := r.issue("second", start)
			halves(r, next)
			for range 3 {
				r.pass(lookEvery)
				r.presents(l, "first")
			}
			r.logged("ERROR", 1)
			r.installBoth(next)
			r.pass(lookEvery)
			r.presents(l, "second")
			r.logged("ERROR", 1)
			r.logged("INFO", 1)
		})
	}
}

// Files may be written over, and in no more bytes than before.
func TestWrittenOver(t *testing.T) {
	r := newRig(t)
	first, second := r.issue("pair 1", start), r.issue("pair 2", start)
	r.installBoth(first)
	l := r.serve(r.withTLS(r.settings(ok)))
	for path, content := range map[string][]byte{r.cert: second.cert, r.key: second.key} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, start, start); err != nil {
			t.Fatal(err)
		}
	}
	r.pass(lookEvery)
	r.presents(l, "pair 2")
}

// When the old files are put back the trouble is over: another is logged again.
func TestPutBack(t *testing.T) {
	r := newRig(t)
	r.installBoth(r.issue("first", start))
	l := r.serve(r.withTLS(r.settings(ok)))
	for n := range 2 {
		if err := os.Rename(r.key, r.key+".away"); err != nil {
			t.Fatal(err)
		}
		r.pass(lookEvery)
		r.presents(l, "first")
		r.logged("ERROR", n+1)
		if err := os.Rename(r.key+".away", r.key); err != nil {
			t.Fatal(err)
		}
		r.pass(lookEvery)
		r.presents(l, "first")
	}
}

// A certificate that ends while it is used is told once, and served on: clients
// say better than silence what is wrong.
func TestExpiresWhileServing(t *testing.T) {
	r := newRig(t)
	r.installBoth(r.issue("first", start))
	l := r.serve(r.withTLS(r.settings(ok)))
	r.pass(24*time.Hour + time.Second)
	for range 3 {
		r.presents(l, "first")
		r.pass(lookEvery)
	}
	r.logged("ERROR", 1)
	if !strings.Contains(r.log.String(), "has expired") {
		t.Errorf("logged %s", r.log.String())
	}
	r.installBoth(r.issue("second", r.clock()))
	r.pass(lookEvery)
	r.presents(l, "second")
	r.pass(25 * time.Hour)
	r.presents(l, "second")
	r.logged("ERROR", 2)
}

// While certificates change under many handshakes, each of them succeeds with one
// of the pairs, and in the end with the last.
func TestReloadUnderLoad(t *testing.T) {
	r := newRig(t)
	const pairs, clients = 12, 8
	all := make([]issued, pairs)
	for i := range all {
		all[i] = r.issue(fmt.Sprint("pair ", i), start)
	}
	r.installBoth(all[0])
	set := r.withTLS(r.settings(ok))
	set.Log = nil
	set.Now = func() time.Time { r.pass(lookEvery); return r.clock() } // each handshake looks
	l := r.serve(set)
	done := make(chan struct{})
	handshakes := make(chan struct{}, clients)
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			for {
				name, err := presented(l)
				if err != nil || !strings.HasPrefix(name, "pair ") {
					t.Errorf("%q: %v", name, err)
				}
				select {
				case handshakes <- struct{}{}:
				case <-done:
					return
				}
			}
		})
	}
	for _, p := range all[1:] {
		r.install(r.cert, p.cert)
		for range clients { // between the halves
			<-handshakes
		}
		r.install(r.key, p.key)
		for range clients {
			<-handshakes
		}
	}
	close(done)
	running.Wait()
	r.presents(l, all[pairs-1].name)
}

// A reload looks at once; where only one file was renewed, the log says what may be behind
// that, once.
func TestReloadLooksAtOnce(t *testing.T) {
	r := newRig(t)
	r.installBoth(r.issue("first", start))
	l := r.serve(r.withTLS(r.settings(ok)))
	next := r.issue("second", start)
	r.install(r.cert, next.cert)
	for range 3 {
		l.Reload()
	}
	r.presents(l, "first")
	if got := strings.Count(r.log.String(), "credential of systemd"); got != 1 {
		t.Errorf("said %d times: %s", got, r.log.String())
	}
	r.install(r.key, next.key)
	l.Reload()
	r.presents(l, "second")
	r.serve(r.settings(ok)).Reload() // without TLS there is nothing to look at
}
