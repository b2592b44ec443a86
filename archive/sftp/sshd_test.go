//go:build linux

package sftp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// The tests below are against the OpenSSH server that .ci/servers/sshd starts,
// and tell what it needs by variables of this prefix.
const variables = "LPEXPORT_TEST_SSHD_"

func variable(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(variables + name)
	if value == "" && os.Getenv("CI_REAL_SERVERS") == "1" {
		t.Fatalf("%s%s is not set: start .ci/servers/sshd", variables, name)
	}
	if value == "" {
		t.Skipf("%s%s is not set: no OpenSSH server, see .ci/servers/sshd", variables, name)
	}
	return value
}

// realServer returns how the current user logs in with a key.
func realServer(t testing.TB) Config {
	t.Helper()
	port, err := strconv.Atoi(variable(t, "PORT"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(variable(t, "KEY"))
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Host: variable(t, "HOST"), Port: port, User: variable(t, "USER"), Key: key,
		KnownHosts: variable(t, "KNOWN_HOSTS"), Account: "a", Name: "d", Timeout: 30 * time.Second,
	}
}

// jailed returns how the user with a password logs in, and where its root lies here.
func jailed(t *testing.T) (Config, string) {
	t.Helper()
	c := realServer(t)
	if os.Getuid() != 0 {
		t.Skip("only root can make a user and a chroot")
	}
	c.User, c.Password, c.Key = variable(t, "JAILED_USER"), variable(t, "JAILED_PASSWORD"), nil
	return c, variable(t, "JAIL")
}

// jailedFolder makes a folder that the jailed user may write to; c.Path is set to it.
func jailedFolder(t *testing.T) (Config, string) {
	t.Helper()
	c, jail := jailed(t)
	folder, err := os.MkdirTemp(filepath.Join(jail, "drop"), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	u, err := user.Lookup(c.User)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	if err := os.Chown(folder, uid, -1); err != nil {
		t.Fatal(err)
	}
	c.Path = "/drop/" + filepath.Base(folder)
	return c, folder
}

func TestContractOfOpenSSH(t *testing.T) {
	c := realServer(t)
	archivetest.Run(t, func(t *testing.T) archivetest.Target {
		root := filepath.Join(t.TempDir(), "not", "there")
		c.Path = root
		return targetOn(t, c, root)
	})
}

// The same by a user with a password, who sees only its own folder.
func TestContractOfOpenSSHInAJail(t *testing.T) {
	jailed(t)
	archivetest.Run(t, func(t *testing.T) archivetest.Target {
		c, folder := jailedFolder(t)
		c.Path += "/not/there"
		return targetOn(t, c, filepath.Join(folder, "not", "there"))
	})
}

func TestDropContractOfOpenSSH(t *testing.T) {
	c := realServer(t)
	archivetest.RunFiles(t, func(t *testing.T) archivetest.FileTarget {
		c.Path = t.TempDir()
		return filesOn(t, c, c.Path)
	})
}

// OpenSSH refuses to rename to a name that is taken. Nothing may be replaced.
func TestDropReplacesNothingOnOpenSSH(t *testing.T) {
	c := realServer(t)
	c.Path = t.TempDir()
	target := filepath.Join(c.Path, archive.TranscriptsFile)
	d := openDrop(t, c)
	d.testOnlyBefore = func(op, _ string) error {
		if op == "rename" {
			return os.WriteFile(target, []byte("somebody's"), 0o600)
		}
		return nil
	}
	_, err := d.Deliver(context.Background(), dropped(t))
	wantClass(t, err, archive.Halt)
	if got, err := os.ReadFile(target); err != nil || string(got) != "somebody's" {
		t.Errorf("replaced by %q, %v", got, err)
	}
}

func TestFactsOfOpenSSH(t *testing.T) {
	c := realServer(t)
	c.Path = t.TempDir()
	facts, err := open(t, c).Probe(context.Background())
	text := strings.Join(facts, "\n")
	for _, want := range []string{"SSH-2.0-OpenSSH", "ssh-ed25519 SHA256:", "sync of files: yes", "free: "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not told: %v, %s", want, err, text)
		}
	}
}

// The server shows two keys. Each of them is the right one if it is pinned, and
// neither is if another is known.
func TestHostKeysOfOpenSSH(t *testing.T) {
	c := realServer(t)
	c.Path = t.TempDir()
	pinned := c
	pinned.KnownHosts, pinned.Fingerprint = "", variable(t, "FINGERPRINT_RSA")
	if _, err := open(t, pinned).Probe(context.Background()); err != nil {
		t.Errorf("the RSA key is pinned: %v", err)
	}
	pinned.Fingerprint = ssh.FingerprintSHA256(signer(otherKey).PublicKey())
	_, err := open(t, pinned).Probe(context.Background())
	if wantClass(t, err, archive.Halt); !strings.Contains(err.Error(), variable(t, "FINGERPRINT_RSA")) {
		t.Errorf("not all keys are told: %v", err)
	}
	c.KnownHosts = knownFile(t, c.Port, signer(otherKey).PublicKey())
	_, err = open(t, c).Probe(context.Background())
	wantHint(t, wantClass(t, err, archive.Halt), "ssh-keyscan -p "+strconv.Itoa(c.Port))
	c.KnownHosts = knownFile(t, c.Port+1, signer(otherKey).PublicKey())
	_, err = open(t, c).Probe(context.Background())
	wantHint(t, wantClass(t, err, archive.Halt), "ssh-keygen -lf -")
}

// The command in the hint prints what the error says.
func TestHintOfUnknownHostIsRight(t *testing.T) {
	c := realServer(t)
	c.KnownHosts = knownFile(t, c.Port+1, signer(otherKey).PublicKey())
	_, err := open(t, c).Probe(context.Background())
	e := wantClass(t, err, archive.Halt)
	_, rest, _ := strings.Cut(e.Hint, "`")
	command, _, _ := strings.Cut(rest, "`")
	printed, cerr := exec.Command("sh", "-c", command).Output()
	if cerr != nil {
		t.Fatalf("%s: %v", command, cerr)
	}
	_, shown, _ := strings.Cut(err.Error(), "SHA256:")
	if !bytes.Contains(printed, []byte("SHA256:"+shown)) {
		t.Errorf("%v, but %s prints %s", err, command, printed)
	}
}

func TestRefusedByOpenSSH(t *testing.T) {
	c := realServer(t)
	for name, change := range map[string]func(*Config){
		"key":      func(c *Config) { c.Key = encode(otherKey) },
		"user":     func(c *Config) { c.User = "nobody-of-that-name" },
		"password": func(c *Config) { c.Key, c.Password = nil, "wrong" },
	} {
		wrong := c
		change(&wrong)
		_, err := open(t, wrong).Probe(context.Background())
		t.Log(name, err)
		wantHint(t, wantClass(t, err, archive.Halt), "operator")
	}
	wrong, _ := jailed(t)
	wrong.Password = "wrong"
	_, err := open(t, wrong).Probe(context.Background())
	wantClass(t, err, archive.Halt)
}

// A server with a full disk says no more than "failure", or nothing at all.
func TestFullDiskOfOpenSSH(t *testing.T) {
	c, folder := jailedFolder(t)
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256k,mode=0777", "tmpfs", folder).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a small file system: %v %s", err, out)
	}
	defer func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	}()
	item := spooledMany(t, 1, 800)[0]
	d := open(t, c)
	_, err := d.Deliver(context.Background(), item)
	wantHint(t, wantClass(t, err, archive.Retry), "full")
	if seen := walk(t, folder); len(seen) > 0 {
		t.Errorf("visible: %q", seen)
	}
	if err := d.Clean(context.Background()); err != nil {
		t.Error(err)
	}
	// With room again it goes on.
	if err := syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_REMOUNT, "size=64m,mode=0777"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Deliver(context.Background(), item); err != nil {
		t.Error(err)
	}
}

// sessions returns the processes of the server's sessions.
func sessions(t *testing.T) []int {
	t.Helper()
	pid, err := os.ReadFile(variable(t, "PID_FILE"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ps", "-o", "pid=", "--ppid", strings.TrimSpace(string(pid))).Output()
	if err != nil && len(out) > 0 {
		t.Fatal(err)
	}
	var pids []int
	for _, field := range strings.Fields(string(out)) {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, n)
	}
	return pids
}

// signalled returns a destination whose session gets a signal before the step
// number n, if there is one: done tells whether it did.
func signalled(t *testing.T, d *remote, n int, signal syscall.Signal) (done func() bool) {
	t.Helper()
	before := sessions(t)
	step, sent := 0, false
	d.testOnlyBefore = func(op, path string) error {
		if step++; step == n {
			for _, pid := range sessions(t) {
				if !slices.Contains(before, pid) {
					sent = true
					if err := syscall.Kill(pid, signal); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	return func() bool { return sent }
}

// The session is killed before each step, as by a server that is restarted, and
// the delivery goes on afterwards.
func TestSessionOfOpenSSHIsKilledAtEachStep(t *testing.T) {
	c := realServer(t)
	item := spooled(t)
	for n := 1; ; n++ {
		c.Path = t.TempDir()
		d := open(t, c)
		done := signalled(t, &d.remote, n, syscall.SIGKILL)
		_, err := d.Deliver(context.Background(), item)
		if !done() {
			if err != nil || n < 10 {
				t.Errorf("ended after %d steps: %v", n, err)
			}
			return
		}
		wantClass(t, err, archive.Retry)
		if seen := walk(t, c.Path); len(seen) > 0 {
			t.Errorf("killed before step %d: visible is %q", n, seen)
		}
		d.testOnlyBefore = nil
		if err := d.Clean(context.Background()); err != nil {
			t.Error(err)
		}
		if _, err := d.Deliver(context.Background(), item); err != nil {
			t.Error(err)
		}
		if seen := all(t, c.Path); len(seen) != 3 {
			t.Errorf("killed before step %d and delivered again: %q", n, seen)
		}
	}
}

// The session is killed while much is on its way.
func TestSessionOfOpenSSHIsKilledInTheMiddleOfAFile(t *testing.T) {
	c := realServer(t)
	c.Path = t.TempDir()
	item := spooledMany(t, 1, 20_000)[0]
	d := open(t, c)
	before := sessions(t)
	killed := make(chan error, 1)
	d.testOnlyBefore = func(op, path string) error {
		if op == "write" && path == archive.TranscriptsFile {
			go func() {
				for size := int64(0); size < 1<<20; {
					if names, _ := filepath.Glob(filepath.Join(c.Path, "a", ".d-*", archive.TranscriptsFile)); len(names) == 1 {
						if info, err := os.Stat(names[0]); err == nil {
							size = info.Size()
						}
					}
				}
				var err error
				for _, pid := range sessions(t) {
					if !slices.Contains(before, pid) {
						err = errors.Join(err, syscall.Kill(pid, syscall.SIGKILL))
					}
				}
				killed <- err
			}()
		}
		return nil
	}
	_, err := d.Deliver(context.Background(), item)
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	wantClass(t, err, archive.Retry)
	d.testOnlyBefore = nil
	if err := d.Clean(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := d.Deliver(context.Background(), item); err != nil {
		t.Error(err)
	}
	got, err := read(d, item.Path+"/"+archive.TranscriptsFile)
	want, werr := os.ReadFile(filepath.Join(item.Dir, archive.TranscriptsFile))
	if err := errors.Join(err, werr); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes read back, %d spooled: %v", len(got), len(want), err)
	}
	if seen := all(t, c.Path); len(seen) != 3 {
		t.Errorf("delivered again: %q", seen)
	}
}

// A session that hangs is ended, before whichever step it began to.
func TestSessionOfOpenSSHIsStopped(t *testing.T) {
	c := realServer(t)
	c.Timeout = 500 * time.Millisecond
	item := spooledMany(t, 1, 20_000)[0]
	for _, n := range []int{1, 4, 5, 20} { // mkdir, create, write, rename
		c.Path = t.TempDir()
		d := open(t, c)
		before := sessions(t)
		done := signalled(t, &d.remote, n, syscall.SIGSTOP)
		_, err := d.Deliver(context.Background(), item)
		if !done() {
			continue
		}
		for _, pid := range sessions(t) {
			if !slices.Contains(before, pid) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		wantClass(t, err, archive.Retry)
		if _, silent := errors.AsType[*silentError](err); !silent {
			t.Errorf("stopped before step %d: %v", n, err)
		}
		if seen := walk(t, c.Path); len(seen) > 0 {
			t.Errorf("stopped before step %d: visible is %q", n, seen)
		}
	}
}

// BenchmarkOpenSSH sends the same files to the same server by this package and
// by OpenSSH's own client, log-in included.
func BenchmarkOpenSSH(b *testing.B) {
	for _, size := range []struct {
		name            string
		bundles, slices int
	}{{"OneLarge", 1, 40_000}, {"ManySmall", 150, 10}} {
		items := spooledMany(b, size.bundles, size.slices)
		var bytes int64
		for _, item := range items {
			files, err := item.Files()
			if err != nil {
				b.Fatal(err)
			}
			for _, f := range files {
				bytes += f.Bytes
			}
		}
		b.Run(size.name+"/lpexport", func(b *testing.B) {
			b.SetBytes(bytes)
			for b.Loop() {
				c := realServer(b)
				c.Path = b.TempDir()
				d, err := New(c)
				if err != nil {
					b.Fatal(err)
				}
				for _, item := range items {
					if _, err := d.Deliver(context.Background(), item); err != nil {
						b.Fatal(err)
					}
				}
				d.Close()
			}
		})
		for _, put := range []string{"put", "put -f"} { // -f: sync, as we do
			b.Run(size.name+"/"+strings.ReplaceAll(put, " ", ""), func(b *testing.B) {
				b.SetBytes(bytes)
				for b.Loop() {
					client(b, batch(items, b.TempDir(), put))
				}
			})
		}
	}
}

// batch returns the commands of the client that send the items' files.
func batch(items []archive.Item, root, put string) string {
	var commands strings.Builder
	made := map[string]bool{}
	for _, item := range items {
		for i, c := range item.Path + "/" {
			if dir := item.Path[:i]; c == '/' && !made[dir] {
				made[dir] = true
				fmt.Fprintf(&commands, "mkdir %s/%s\n", root, dir)
			}
		}
		for _, name := range []string{archive.TranscriptsFile, archive.SumsFile, archive.ManifestFile} {
			fmt.Fprintf(&commands, "%s %s/%s %s/%s/%s\n", put, item.Dir, name, root, item.Path, name)
		}
	}
	return commands.String()
}

func client(b *testing.B, commands string) {
	b.Helper()
	cmd := exec.Command("sftp", "-q", "-b", "-", "-P", variable(b, "PORT"), "-i", variable(b, "KEY"), "-o", "IdentitiesOnly=yes",
		"-o", "UserKnownHostsFile="+variable(b, "KNOWN_HOSTS"), "-o", "GlobalKnownHostsFile=/dev/null",
		"-o", "StrictHostKeyChecking=yes", variable(b, "USER")+"@"+variable(b, "HOST"))
	cmd.Stdin = strings.NewReader(commands)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
}
