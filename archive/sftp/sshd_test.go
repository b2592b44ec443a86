//go:build linux

package sftp

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
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
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
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

// OpenSSH names file systems, so that a missing mount is seen there.
func TestMountsOfOpenSSH(t *testing.T) {
	c := realServer(t)
	for folder, want := range map[string]string{"/proc": archive.MountPoint, "/proc/sys": "", t.TempDir(): ""} {
		c.Path = folder
		if got, err := openDrop(t, c).Stand(context.Background()); err != nil || got != want {
			t.Errorf("%s stands as %q, %v, want %q", folder, got, err, want)
		}
	}
}
