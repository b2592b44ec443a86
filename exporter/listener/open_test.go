package listener

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Everything that a person can put right is told with what to type.
func TestOpenErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	tls := func(r *rig, s *Settings) { *s = r.withTLS(*s) }
	for name, test := range map[string]struct {
		change func(*rig, *Settings)
		want   error
		hint   string
	}{
		"no port":           {func(_ *rig, s *Settings) { s.Address = "127.0.0.1" }, ErrAddress, "host:port"},
		"every address":     {func(_ *rig, s *Settings) { s.Address = ":8443" }, ErrPlain, "127.0.0.1:8443"},
		"every address, v4": {func(_ *rig, s *Settings) { s.Address = "0.0.0.0:0" }, ErrPlain, "set certificate and key"},
		"every address, v6": {func(_ *rig, s *Settings) { s.Address = "[::]:0" }, ErrPlain, "set certificate and key"},
		"another address":   {func(_ *rig, s *Settings) { s.Address = "192.0.2.1:0" }, ErrPlain, "proxy"},
		"a name":            {func(_ *rig, s *Settings) { s.Address = "localhost.example:0" }, ErrPlain, "proxy"},
		"in use":            {func(_ *rig, s *Settings) { s.Address = taken.Addr().String() }, syscall.EADDRINUSE, "ss -ltnp"},
		"no such address": {func(r *rig, s *Settings) { tls(r, s); s.Address = "192.0.2.1:0" },
			syscall.EADDRNOTAVAIL, "ip address"},
		"no certificate file": {func(r *rig, s *Settings) { tls(r, s); s.Certificate += ".absent" }, fs.ErrNotExist, "ls -lL"},
		"no key file":         {func(r *rig, s *Settings) { tls(r, s); s.Key += ".absent" }, ErrCertificate, "ls -lL"},
		"certificate alone":   {func(r *rig, s *Settings) { s.Certificate = r.cert }, ErrCertificate, "or neither"},
		"key alone":           {func(r *rig, s *Settings) { s.Key = r.key }, ErrCertificate, "or neither"},
		"another's key":       {func(r *rig, s *Settings) { tls(r, s); r.install(r.key, r.issue("other", start).key) }, ErrCertificate, "openssl pkey"},
		"no PEM":              {func(r *rig, s *Settings) { tls(r, s); r.install(r.cert, []byte("x")) }, ErrCertificate, "openssl x509"},
		"swapped":             {func(r *rig, s *Settings) { tls(r, s); s.Certificate, s.Key = s.Key, s.Certificate }, ErrCertificate, "openssl"},
		"expired":             {func(r *rig, s *Settings) { tls(r, s); r.pass(25 * time.Hour) }, ErrNotValid, "-dates"},
		"not yet valid":       {func(r *rig, s *Settings) { tls(r, s); r.pass(-time.Hour) }, ErrNotValid, "date -u"},
	} {
		r := newRig(t)
		r.installBoth(r.issue("first", start))
		set := r.settings(ok)
		test.change(r, &set)
		l, err := Listen(t.Context(), set)
		if err == nil {
			l.Shutdown(t.Context())
		}
		e, typed := errors.AsType[*Error](err)
		if !errors.Is(err, test.want) || !typed || !strings.Contains(e.Hint(), test.hint) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
			if typed {
				t.Errorf("%s: hint %q, want %q", name, e.Hint(), test.hint)
			}
		}
		key, readErr := os.ReadFile(r.key)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if secret := strings.Split(string(key), "\n")[1]; err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells the key: %v", name, err)
		}
	}
	if _, err := Listen(t.Context(), Settings{Address: "127.0.0.1:0"}); err == nil {
		t.Error("no handler: the default one of net/http would answer")
	}
}

// All that stands for this machine alone may be plain; with TLS any address may be.
func TestOpenAddresses(t *testing.T) {
	r := newRig(t)
	r.installBoth(r.issue("first", start))
	addresses := map[string]bool{"127.0.0.1:0": false, "127.8.9.10:0": false, "localhost:0": false, "LOCALHOST:0": false, "0.0.0.0:0": true, ":0": true}
	if c, err := net.Listen("tcp", "[::1]:0"); err == nil {
		c.Close()
		addresses["[::1]:0"] = false
		addresses["[::]:0"] = true
	}
	for address, secure := range addresses {
		set := r.settings(ok)
		if secure {
			set = r.withTLS(set)
		}
		set.Address = address
		l, err := Listen(t.Context(), set)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if at := l.Addr().(*net.TCPAddr); at.Port == 0 || at.IP.IsLoopback() == secure {
			t.Errorf("%s: listens on %v", address, at)
		}
		if err := l.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
