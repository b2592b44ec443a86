package sftp

import (
	"bytes"
	"encoding/pem"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestConfig(t *testing.T) {
	pin := ssh.FingerprintSHA256(signer(hostKey).PublicKey())
	right := Config{Host: "sftp.archive.example", User: "u", Password: "p", Fingerprint: pin}
	if d, err := New(right); err != nil || d.where("x") != "sftp://sftp.archive.example/~/x" {
		t.Errorf("%v, %q", err, d.where("x"))
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(userKey, "", []byte("abracadabra"))
	if err != nil {
		t.Fatal(err)
	}
	locked := pem.EncodeToMemory(block)
	for name, test := range map[string]struct {
		change func(*Config)
		want   string // of the error; "": none
	}{
		"no host":          {func(c *Config) { c.Host = "" }, "host"},
		"host is a flag":   {func(c *Config) { c.Host = "-oProxyCommand=x" }, "host"},
		"host is a script": {func(c *Config) { c.Host = "x;y" }, "host"},
		"IPv6":             {func(c *Config) { c.Host = "fe80::1" }, ""},
		"port":             {func(c *Config) { c.Port = 65536 }, "port"},
		"no user":          {func(c *Config) { c.User = "" }, "user"},
		"no credentials":   {func(c *Config) { c.Password = "" }, "password or a key"},
		"no host key":      {func(c *Config) { c.Fingerprint = "" }, "known_hosts and fingerprint"},
		"both":             {func(c *Config) { c.KnownHosts = "x" }, "known_hosts and fingerprint"},
		"MD5":              {func(c *Config) { c.Fingerprint = "MD5:aa:bb" }, "fingerprint"},
		"cut fingerprint":  {func(c *Config) { c.Fingerprint = pin[:len(pin)-1] }, "fingerprint"},
		"absent file":      {func(c *Config) { c.Fingerprint, c.KnownHosts = "", t.TempDir()+"/absent" }, "known_hosts"},
		"path":             {func(c *Config) { c.Path = "a\nb" }, "path"},
		"no key":           {func(c *Config) { c.Key = []byte("swordfish") }, "key"},
		"locked key":       {func(c *Config) { c.Key = locked }, "passphrase"},
		"passphrase":       {func(c *Config) { c.Key, c.Passphrase = locked, "abracadabra" }, ""},
	} {
		c := right
		test.change(&c)
		_, err := New(c)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		for _, secret := range [][]byte{[]byte("swordfish"), []byte("abraca"), locked} {
			if err != nil && bytes.Contains([]byte(err.Error()), secret) {
				t.Errorf("%s: the error tells a secret: %v", name, err)
			}
		}
	}
	// All faults at once.
	_, err = New(Config{Port: -1})
	for _, word := range []string{"host", "port", "user", "password", "fingerprint"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not name the %s", err, word)
		}
	}
}
