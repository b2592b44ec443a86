package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/pkg/sftp"
)

// change is a short name for what a seed changes.
type change = map[string]string

func init() {
	seedFolders()
	seedSFTP()
	seedS3()
	seedKeys()
	seedSMTP()
}

func seedFolders() {
	seeds["D1"] = func(t *testing.T) string { return directoryAt(writeFile(t, "file", nil) + "/archive") }
	seeds["D2"] = func(t *testing.T) string { return dropKeys + directoryAt(filepath.Join(t.TempDir(), "absent")) }
	seeds["D3"] = func(t *testing.T) string {
		dir := t.TempDir()
		if err := os.Symlink(t.TempDir(), filepath.Join(dir, "sandbox")); err != nil {
			t.Fatal(err)
		}
		return directoryAt(dir)
	}
}

func seedSFTP() {
	seed := func(number string, make func(s *stubSFTP) string) {
		seeds[number] = func(t *testing.T) string { return make(newStubSFTP(t)) }
	}
	denying := func(s *stubSFTP, methods ...string) {
		s.deny = func(r *sftp.Request) bool {
			for _, m := range methods {
				if r.Method == m {
					return true
				}
			}
			return false
		}
	}
	seed("F1", func(s *stubSFTP) string { return s.config(change{"port": closedPort(s.t)}) })
	seed("F2", func(s *stubSFTP) string { denying(s, "Rename"); return s.config(nil) })
	seed("F3", func(s *stubSFTP) string { return s.config(change{"known_hosts": writeFile(s.t, "known_hosts", nil)}) })
	seed("F4", func(s *stubSFTP) string {
		_, other := newSSHKey(s.t)
		return s.config(change{"known_hosts": s.known(other.PublicKey())})
	})
	seed("F5", func(s *stubSFTP) string {
		return s.config(change{"known_hosts": "", "fingerprint": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
	})
	seed("F6", func(s *stubSFTP) string { return s.config(change{"password": "another"}) })
	seed("F7", func(s *stubSFTP) string {
		other, _ := newSSHKey(s.t)
		return s.config(change{"password": "", "key_file": s.keyFile(other)})
	})
	seed("F8", func(s *stubSFTP) string { s.noSFTP = true; return s.config(nil) })
	seed("F9", func(s *stubSFTP) string { denying(s, "Mkdir", "Put", "Open"); return s.config(nil) })
	seed("F10", func(s *stubSFTP) string { return s.drop("/absent") })
	seed("F11", func(s *stubSFTP) string { denying(s, "List"); return s.drop("/") })
}

func seedS3() {
	seed := func(number string, make func(s *stubS3) string) {
		seeds[number] = func(t *testing.T) string { return make(newStubS3(t)) }
	}
	refusing := func(number string, status int, code string, when func(r *http.Request) bool, changes change) {
		seed(number, func(s *stubS3) string {
			s.refuse = func(r *http.Request) (int, string) {
				if when == nil || when(r) {
					return status, code
				}
				return 0, ""
			}
			return s.config(changes)
		})
	}
	writing := func(r *http.Request) bool { return r.Method == http.MethodPut }
	seed("B1", func(s *stubS3) string { return s.config(change{"endpoint": "127.0.0.1:" + closedPort(s.t)}) })
	seed("B2", func(s *stubS3) string { return s.config(change{"bucket": "another"}) })
	refusing("B3", 403, "InvalidAccessKeyId", nil, nil)
	refusing("B4", 403, "SignatureDoesNotMatch", nil, nil)
	refusing("B5", 400, "ExpiredToken", nil, change{"session_token": "old"})
	refusing("B6", 301, "PermanentRedirect", nil, nil)
	refusing("B7", 403, "RequestTimeTooSkewed", nil, nil)
	refusing("B8", 403, "AccessDenied", writing, nil)
	refusing("B9", 403, "AccessDenied", func(r *http.Request) bool { return r.URL.Query().Has("list-type") }, nil)
	seed("B10", func(s *stubS3) string { return s.config(change{"lock": "{mode: compliance, days: 30}"}) })
	seed("B11", func(s *stubS3) string { return s.config(change{"sse": "s3"}) })
	seed("B12", func(s *stubS3) string { return s.config(change{"ca_file": ""}) })
	seed("B13", func(s *stubS3) string { return s.expired() })
	seed("B14", func(s *stubS3) string {
		plain := httptest.NewServer(s)
		s.t.Cleanup(plain.Close)
		return s.config(change{"endpoint": "https://" + plain.Listener.Addr().String()})
	})
	seed("B15", func(s *stubS3) string { return s.config(change{"ca_file": filepath.Join(s.t.TempDir(), "absent.pem")}) })
	refusing("B16", 507, "InsufficientStorage", writing, nil)
}

// expired lets the store show a certificate that has expired, of an authority that
// is trusted.
func (s *stubS3) expired() string {
	pair := newCertificate(s.t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-24 * time.Hour) })
	s.server.TLS.Certificates = []tls.Certificate{pair}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})
	return s.config(change{"ca_file": writeFile(s.t, "ca.pem", ca)})
}

// newCertificate makes a certificate for a server on loopback, signed by itself.
func newCertificate(t *testing.T, edit func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	edit(template)
	made, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{made}, PrivateKey: key}
}

func seedKeys() {
	sealed := func(t *testing.T, key string) string {
		return directoryAt(t.TempDir()) + "    pgp: {keys: [" + key + "]}\n"
	}
	seeds["K1"] = func(t *testing.T) string {
		s := newStubSFTP(t)
		return s.config(change{"known_hosts": filepath.Join(t.TempDir(), "absent")})
	}
	seeds["K2"] = func(t *testing.T) string {
		return newStubSFTP(t).config(change{"password": "", "key_file": filepath.Join(t.TempDir(), "absent")})
	}
	seeds["K3"] = func(t *testing.T) string {
		return newStubSFTP(t).config(change{"password": "", "password_file": filepath.Join(t.TempDir(), "absent")})
	}
	seeds["K4"] = func(t *testing.T) string { return sealed(t, filepath.Join(t.TempDir(), "absent.asc")) }
	seeds["K5"] = func(t *testing.T) string {
		config := &packet.Config{KeyLifetimeSecs: 3600, Time: func() time.Time { return time.Now().Add(-48 * time.Hour) }}
		_, public, err := newArchiveKey(config)
		if err != nil {
			t.Fatal(err)
		}
		return sealed(t, writeFile(t, "expired.asc", public))
	}
	seeds["K6"] = func(t *testing.T) string { return sealed(t, writeFile(t, "no.asc", []byte("no key\n"))) }
}

// closedPort is a port of this machine on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
