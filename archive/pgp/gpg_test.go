package pgp_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lpexport/archive/pgp"
)

// gnupg is GnuPG with a home of its own, at the time that the tests live in.
type gnupg struct {
	t    *testing.T
	home string
}

func newGnuPG(t *testing.T) gnupg {
	t.Helper()
	for _, tool := range []string{"gpg", "gpgconf"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: compared with the library alone", tool)
		}
	}
	// Not t.TempDir: the path of the agent's socket must be short.
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	g := gnupg{t, home}
	t.Cleanup(func() {
		kill := exec.Command("gpgconf", "--homedir", home, "--kill", "all")
		if out, err := kill.CombinedOutput(); err != nil {
			t.Errorf("end gpg-agent: %v: %s", err, out)
		}
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	return g
}

// run returns what gpg writes, and what it tells of its status.
func (g gnupg) run(in []byte, at time.Time, args ...string) (out []byte, status string, err error) {
	cmd := exec.Command("gpg", append([]string{
		"--homedir", g.home, "--batch", "--no-tty", "--quiet", "--no-auto-key-locate", "--trust-model", "always",
		"--faked-system-time", at.Format("20060102T150405") + "!", "--pinentry-mode", "loopback", "--passphrase", "",
		"--status-fd", "2",
	}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &stdout, &stderr
	err = cmd.Run()
	return stdout.Bytes(), stderr.String(), err
}

func (g gnupg) must(in []byte, args ...string) []byte {
	g.t.Helper()
	out, status, err := g.run(in, born, args...)
	if err != nil {
		g.t.Fatalf("gpg %v: %v\n%s", args, err, status)
	}
	return out
}

// key makes a key and returns its public half as a vendor would send it.
func (g gnupg) key(name, algorithm, expires string) []byte {
	g.t.Helper()
	g.must(nil, "--quick-generate-key", name, algorithm, "default", expires)
	return g.must(nil, "--armor", "--export", name)
}

func TestGnuPGReadsWhatWasWritten(t *testing.T) {
	g := newGnuPG(t)
	keys := [][]byte{
		g.key("rsa@archive.example", "default", "never"),
		g.key("curve@archive.example", "future-default", "2y"),
	}
	contents := map[string][]byte{
		"empty": nil, "small": []byte("an e-mail\r\n"), "big": noise(3<<20 + 17),
	}
	for name, recipients := range map[string][][]byte{"RSA": keys[:1], "Curve25519": keys[1:], "both": keys} {
		r := read(t, recipients...)
		seal, err := r.Seal(rand.Reader, now)
		if err != nil {
			t.Fatal(err)
		}
		for size, content := range contents {
			data := encrypt(t, seal, "mails/"+size+".eml", content)
			got, status, err := g.run(data, now, "--decrypt")
			if err != nil || !bytes.Equal(got, content) {
				t.Fatalf("%s, %s: not what was encrypted: %v\n%s", name, size, err, status)
			}
			for _, want := range []string{"DECRYPTION_OKAY", "GOODMDC", "PLAINTEXT 62 0 " + size + ".eml"} {
				if !strings.Contains(status, want) {
					t.Errorf("%s, %s: GnuPG does not say %s:\n%s", name, size, want, status)
				}
			}
			data[len(data)-30-len(content)/2] ^= 1
			if _, status, err := g.run(data, now, "--decrypt"); err == nil || strings.Contains(status, "DECRYPTION_OKAY") {
				t.Errorf("%s, %s: damage is not noticed:\n%s", name, size, status)
			}
		}
	}
}

func TestGnuPGKeyThatHasExpired(t *testing.T) {
	g := newGnuPG(t)
	key := pgp.File{Name: "vendor.asc", Data: g.key("short@archive.example", "future-default", "3d")}
	for days, fine := range map[time.Duration]bool{2: true, 4: false} {
		_, err := pgp.ReadKeys([]pgp.File{key}, born.Add(days*24*time.Hour))
		if fine != (err == nil) {
			t.Errorf("after %d days of 3: %v", days, err)
		}
	}
}

func TestGnuPGKeyThatIsRevoked(t *testing.T) {
	g := newGnuPG(t)
	g.key("lost@archive.example", "future-default", "never")
	made, err := filepath.Glob(filepath.Join(g.home, "openpgp-revocs.d", "*.rev"))
	if err != nil || len(made) != 1 {
		t.Fatalf("revocations %v, %v", made, err)
	}
	text, err := os.ReadFile(made[0])
	if err != nil {
		t.Fatal(err)
	}
	g.must(bytes.Replace(text, []byte("\n:-----BEGIN"), []byte("\n-----BEGIN"), 1), "--import")
	_, err = pgp.ReadKeys([]pgp.File{{Name: "vendor.asc", Data: g.must(nil, "--armor", "--export")}}, now)
	if err == nil || !strings.Contains(err.Error(), "is revoked") {
		t.Error(err)
	}
}
