//go:build unix

package s3

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// gateway is a real server of a test's own, which it can kill.
type gateway struct {
	t    *testing.T
	dir  string
	addr string
	cmd  *exec.Cmd
}

// startGateway starts one with nothing in it.
func startGateway(t *testing.T) (*gateway, Config) {
	t.Helper()
	environment(t, "PROGRAM")
	ca, err := os.ReadFile(environment(t, "CA"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, dir: t.TempDir(), addr: l.Addr().String()}
	l.Close()
	for _, name := range []string{"data", "versions"} {
		if err := os.Mkdir(filepath.Join(g.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c := Config{
		Endpoint: g.addr, PathStyle: true, CA: ca, Bucket: "bucket", Prefix: "a/root", AccessKey: "key", SecretKey: "secret",
		Account: archivetest.Account, Name: archivetest.Name,
	}
	g.start()
	t.Cleanup(g.kill)
	makeBucket(t, c, true)
	return g, c
}

// start starts the server on what is in its folder, and waits until it listens.
func (g *gateway) start() {
	g.t.Helper()
	cert, key := environment(g.t, "CERT"), environment(g.t, "KEY")
	g.cmd = exec.Command(environment(g.t, "PROGRAM"), "--port", g.addr, "--cert", cert, "--key", key, "-q",
		"posix", "--versioning-dir", filepath.Join(g.dir, "versions"), filepath.Join(g.dir, "data"))
	g.cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY=key", "ROOT_SECRET_KEY=secret")
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	for range 400 {
		if conn, err := net.Dial("tcp", g.addr); err == nil {
			conn.Close()
			return
		}
		time.Sleep(25 * time.Millisecond) // another process: nothing tells when it is ready
	}
	g.t.Fatal("the server does not listen")
}

// kill ends the server as a power cut does.
func (g *gateway) kill() {
	_ = g.cmd.Process.Kill()
	_ = g.cmd.Wait()
}

// killing kills the server in the middle of the body of upload number n.
type killing struct {
	http.RoundTripper
	kill func()
	n    int
}

func (k *killing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPut {
		if k.n--; k.n == 0 {
			var once sync.Once
			half := r.ContentLength / 2
			r = r.Clone(r.Context())
			body := r.Body
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(io.LimitReader(body, half), readFunc(func([]byte) (int, error) {
				once.Do(k.kill)
				return 0, io.EOF
			}), body), body}
		}
	}
	return k.RoundTripper.RoundTrip(r)
}

// TestRealServerKilledInEachUpload kills the server half way through each
// upload of a delivery and starts it again. The next delivery goes on, and the
// item is there once.
func TestRealServerKilledInEachUpload(t *testing.T) {
	environment(t, "PROGRAM")
	item := large(t)
	for n := 1; ; n++ {
		g, c := startGateway(t)
		c.Lock = Lock{governance, 1}
		d := open(t, c)
		d.partSize = 5 << 20
		d.watch.next = &killing{d.transport, g.kill, n}
		_, err := d.Deliver(t.Context(), item)
		if err == nil {
			if n < 5 {
				t.Errorf("only %d uploads were seen", n-1)
			}
			break
		}
		if e := classOf(t, err); e.Class != archive.Retry {
			t.Errorf("killed in upload %d: class %s: %v", n, e.Class, err)
		}
		g.start()
		wantGoingOn(t, c, item)
		g.kill()
	}
}

// TestRealServerKilledAtEachStep kills it between the requests.
func TestRealServerKilledAtEachStep(t *testing.T) {
	environment(t, "PROGRAM")
	item := spooled(t, 1)
	for n := 1; ; n++ {
		g, c := startGateway(t)
		d := open(t, c)
		step := 0
		d.testOnlyBefore = func(string, string) error {
			if step++; step == n {
				g.kill()
			}
			return nil
		}
		_, err := d.Deliver(t.Context(), item)
		if err == nil {
			if n < 7 {
				t.Errorf("only %d steps were seen", n-1)
			}
			break
		}
		if e := classOf(t, err); e.Class != archive.Retry {
			t.Errorf("killed at step %d: class %s: %v", n, e.Class, err)
		}
		g.start()
		wantGoingOn(t, c, item)
		g.kill()
	}
}

// wantGoingOn cleans up and delivers as a next process does.
func wantGoingOn(t *testing.T, c Config, item archive.Item) {
	t.Helper()
	if slices.ContainsFunc(seenAt(t, c), func(p string) bool { return strings.HasSuffix(p, archive.ManifestFile) }) {
		wantOnceAt(t, c, item)
	}
	d := open(t, c)
	d.partSize = 5 << 20
	if err := d.Clean(t.Context()); err != nil {
		t.Error(err)
	}
	if hidden := hiddenAt(t, c); len(hidden) > 0 {
		t.Errorf("left after Clean: %q", hidden)
	}
	deliver(t, d, item)
	wantOnceAt(t, c, item)
}
