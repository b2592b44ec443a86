package smtp

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConfigIsChecked(t *testing.T) {
	good := func() Config { return Config{Host: "mx.archive.example", Sender: sender, Recipient: recipient} }
	for name, change := range map[string]func(*Config){
		"as it is":           func(*Config) {},
		"IPv4":               func(c *Config) { c.Host = "192.0.2.1" },
		"IPv6":               func(c *Config) { c.Host = "2001:db8::1" },
		"absolute name":      func(c *Config) { c.Host = "mx.archive.example." },
		"null sender":        func(c *Config) { c.Sender = "" },
		"login":              func(c *Config) { c.Username, c.Password = username, password },
		"in the clear":       func(c *Config) { c.TLS = NoTLS },
		"login, loopback":    func(c *Config) { c.TLS, c.Host, c.Username, c.Password = NoTLS, "127.0.0.1", username, password },
		"login, localhost":   func(c *Config) { c.TLS, c.Host, c.Username, c.Password = NoTLS, "localhost", username, password },
		"address literal":    func(c *Config) { c.Recipient, c.Hello = "journal@[192.0.2.1]", "[IPv6:2001:db8::1]" },
		"every sign in atom": func(c *Config) { c.Recipient = "a!#$%&'*+-/=?^_`{|}~.9@b" },
	} {
		c := good()
		change(&c)
		if _, err := New(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*Config){
		"no host":               func(c *Config) { c.Host = "" },
		"host with port":        func(c *Config) { c.Host = "mx.example:25" },
		"host with CRLF":        func(c *Config) { c.Host = "mx\r\nRSET" },
		"host in brackets":      func(c *Config) { c.Host = "[::1]" },
		"host with zone":        func(c *Config) { c.Host = "fe80::1%eth0" },
		"port":                  func(c *Config) { c.Port = 65536 },
		"negative port":         func(c *Config) { c.Port = -1 },
		"unknown TLS":           func(c *Config) { c.TLS = "ssl" },
		"hello with space":      func(c *Config) { c.Hello = "a b" },
		"hello with CRLF":       func(c *Config) { c.Hello = "a\r\nMAIL" },
		"no recipient":          func(c *Config) { c.Recipient = "" },
		"user only":             func(c *Config) { c.Username = username },
		"password only":         func(c *Config) { c.Password = password },
		"NUL in password":       func(c *Config) { c.Username, c.Password = username, "a\x00b" },
		"password in the clear": func(c *Config) { c.TLS, c.Username, c.Password = NoTLS, username, password },
		"loopback in a name": func(c *Config) {
			c.TLS, c.Host, c.Username, c.Password = NoTLS, "localhost.evil.example", username, password
		},
		"negative size": func(c *Config) { c.MaxBytes = -1 },
		"negative cap":  func(c *Config) { c.PerConnection = -1 },
		"negative time": func(c *Config) { c.DataTimeout = -1 },
	} {
		c := good()
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s was accepted", name)
		} else if strings.Contains(err.Error(), password) || strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%s: %q is not fit for a log", name, err)
		}
	}
}

// badAddresses must never get into MAIL or RCPT.
var badAddresses = []string{
	"a", "@b", "a@", "a@b@c", "a b@c", "<a@b>", "a@b>", "a@b> SIZE=1", "a@b\r\nRCPT TO:<eve@evil.example>", "a@b\n", "\ta@b", "a@b ",
	"ü@b", "a@ü", "\"a b\"@c", ".a@b", "a.@b", "a..b@c", "a@b..c", "a@-b", "a@[b]", "a@[::1]x", "a\x00@b", "Eve <a@b>", "a,b@c", "a@b,c@d",
	strings.Repeat("a", 65) + "@b", "a@" + strings.Repeat("b", 64), "a@" + strings.Repeat("b.", 130) + "c",
}

func TestAddressThatIsNoneIsRefused(t *testing.T) {
	for _, bad := range badAddresses {
		if _, err := New(Config{Host: "mx.example", Recipient: bad}); err == nil {
			t.Errorf("recipient %q was accepted", bad)
		}
		if _, err := New(Config{Host: "mx.example", Recipient: recipient, Sender: bad}); err == nil {
			t.Errorf("sender %q was accepted", bad)
		}
	}
}

// FuzzAddress: what is put between "<" and ">" cannot leave them, and means the
// same to the standard library's parser.
func FuzzAddress(f *testing.F) {
	for _, s := range append(badAddresses, sender, recipient) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !isAddress(s) {
			return
		}
		if strings.ContainsAny(s, "<>\r\n\t \"\\,;") {
			t.Errorf("%q", s)
		}
		if a, err := netmail.ParseAddress("<" + s + ">"); err != nil || a.Address != s {
			t.Errorf("%q is %v: %v", s, a, err)
		}
	})
}

func TestDefaults(t *testing.T) {
	for mode, port := range map[string]string{"": "25", StartTLS: "25", NoTLS: "25", ImplicitTLS: "465"} {
		d, err := New(Config{Host: "::1", TLS: mode, Recipient: recipient})
		if err != nil {
			t.Fatal(err)
		}
		if want := "smtp://[::1]:" + port + "/" + recipient; d.where != want {
			t.Errorf("%q: %s, want %s", mode, d.where, want)
		}
	}
}

func TestLoadTLS(t *testing.T) {
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	a := newAuthority(t)
	pair := a.issue(t, "lpexport", time.Now().Add(time.Hour))
	key := func(k *ecdsa.PrivateKey) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	ca := write("ca.pem", "CERTIFICATE", a.cert.Raw)
	cert := write("client.pem", "CERTIFICATE", pair.Certificate[0])
	mine := write("client.key", "PRIVATE KEY", key(pair.PrivateKey.(*ecdsa.PrivateKey)))
	other := write("other.key", "PRIVATE KEY", key(a.key))
	pool, certs, err := LoadTLS(ca, cert, mine)
	if err != nil || len(certs) != 1 || !pool.Equal(a.pool) {
		t.Errorf("%d certificates, %v", len(certs), err)
	}
	if pool, certs, err := LoadTLS("", "", ""); pool != nil || certs != nil || err != nil {
		t.Errorf("nothing: %v, %v, %v", pool, certs, err)
	}
	for _, bad := range [][3]string{
		{filepath.Join(dir, "absent"), "", ""}, {mine, "", ""}, {"", cert, ""}, {"", "", mine}, {"", cert, other}, {"", mine, mine},
	} {
		if _, _, err := LoadTLS(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
