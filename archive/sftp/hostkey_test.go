package sftp

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"lpexport/archive"
)

// probe logs in with c and returns what came of it.
func probe(t *testing.T, c Config) error {
	t.Helper()
	_, err := open(t, c).Probe(context.Background())
	return err
}

// wantStranger wants that the server was not trusted and was given nothing, and
// that a person is told which key it shows and how to compare it.
func wantStranger(t *testing.T, s *testServer, err error, shown ...ssh.Signer) {
	t.Helper()
	wantHint(t, wantClass(t, err, archive.Halt), "ssh-keyscan -p ", " 127.0.0.1 | ssh-keygen -lf -")
	for _, key := range shown {
		if want := ssh.FingerprintSHA256(key.PublicKey()); !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
	if s.begun() > 0 || len(walk(t, s.root)) > 0 {
		t.Error("a server that is not trusted was used")
	}
}

func TestKnownHosts(t *testing.T) {
	for name, known := range map[string][]ssh.Signer{
		"the one":                 {signer(hostKey)},
		"one of several":          {signer(otherKey), signer(hostKey)},
		"one of several types":    {makeRSA(), signer(hostKey)},
		"the other of two shown":  {makeRSA()},
		"neither of the shown":    {signer(otherKey)},
		"no key for this address": {},
	} {
		s := newServer(t, makeRSA(), signer(hostKey))
		c := s.configFor()
		var keys []ssh.PublicKey
		for _, k := range known {
			keys = append(keys, k.PublicKey())
		}
		c.KnownHosts = knownFile(t, c.Port, keys...)
		err := probe(t, c)
		switch {
		case name == "neither of the shown":
			wantStranger(t, s, err, signer(hostKey))
		case len(known) == 0:
			wantStranger(t, s, err)
		case err != nil:
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A server that has a key of another type than the known one is another server,
// or has a new key: a person must see which.
func TestKnownTypeIsNoLongerOffered(t *testing.T) {
	s := newServer(t, makeRSA())
	wantStranger(t, s, probe(t, s.configFor()), makeRSA())
}

func TestRevokedKey(t *testing.T) {
	s := newServer(t)
	c := s.configFor()
	line := "@revoked * " + string(ssh.MarshalAuthorizedKey(signer(hostKey).PublicKey()))
	known, err := os.ReadFile(c.KnownHosts)
	if err == nil {
		err = os.WriteFile(c.KnownHosts, append(known, line...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	wantStranger(t, s, probe(t, c), signer(hostKey))
}

// The file is read for each login: what a person adds counts at once.
func TestKnownHostsAreReadAgain(t *testing.T) {
	s := newServer(t)
	c := s.configFor()
	right, err := os.ReadFile(c.KnownHosts)
	if err == nil {
		err = os.WriteFile(c.KnownHosts, nil, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, c)
	_, err = d.Probe(context.Background())
	wantStranger(t, s, err, signer(hostKey))
	if err := os.WriteFile(c.KnownHosts, right, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Probe(context.Background()); err != nil {
		t.Errorf("with the right line: %v", err)
	}
	d.Close()
	if err := os.Remove(c.KnownHosts); err != nil {
		t.Fatal(err)
	}
	_, err = d.Probe(context.Background())
	if wantClass(t, err, archive.Halt); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the file: %v", err)
	}
}

// A fingerprint does not tell the key's type, so each must be tried.
func TestPinnedFingerprint(t *testing.T) {
	both := []ssh.Signer{makeRSA(), signer(hostKey)}
	for _, key := range both {
		s := newServer(t, both...)
		c := s.configFor()
		c.KnownHosts, c.Fingerprint = "", ssh.FingerprintSHA256(key.PublicKey())
		if err := probe(t, c); err != nil {
			t.Errorf("%s: %v", key.PublicKey().Type(), err)
		}
	}
	s := newServer(t, both...)
	c := s.configFor()
	c.KnownHosts, c.Fingerprint = "", ssh.FingerprintSHA256(signer(otherKey).PublicKey())
	wantStranger(t, s, probe(t, c), both...)
}
