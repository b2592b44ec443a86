package listener

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// start is when the clocks of certificates begin.
var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// rig is all around a Listener that a test looks at.
type rig struct {
	*testing.T
	log  journal
	cert string // file
	key  string // file

	mu  sync.Mutex
	now time.Time
}

func newRig(t *testing.T) *rig {
	dir := t.TempDir()
	return &rig{T: t, now: start, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
}

// journal is a log that a test reads while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// settings are those of a plain listener on a free port.
func (r *rig) settings(h http.HandlerFunc) Settings {
	return Settings{
		Address: "127.0.0.1:0", Handler: h, Now: r.clock,
		Log: slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// withTLS adds the rig's certificate.
func (r *rig) withTLS(set Settings) Settings {
	set.Certificate, set.Key = r.cert, r.key
	return set
}

// serve listens and answers until the test ends.
func (r *rig) serve(set Settings) *Listener {
	r.Helper()
	l, err := Listen(r.Context(), set)
	if err != nil {
		r.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- l.Serve() }()
	r.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // whatever is still in flight is not of this test's interest
		_ = l.Shutdown(ctx)
		if err := <-served; err != nil {
			r.Errorf("serve: %v", err)
		}
	})
	return l
}

// issued is a certificate with its key, as files hold them.
type issued struct {
	cert, key []byte
	name      string
}

// issue makes a certificate for loopback that says name, and is valid for a day
// from then on.
func (r *rig) issue(name string, from time.Time) issued {
	r.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		r.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: from, NotAfter: from.Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		r.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		r.Fatal(err)
	}
	return issued{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), name,
	}
}

// install replaces a file as programs that renew certificates do: at once.
func (r *rig) install(path string, content []byte) {
	r.Helper()
	temp := path + ".new"
	if err := os.WriteFile(temp, content, 0o600); err != nil {
		r.Fatal(err)
	}
	if err := os.Rename(temp, path); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) installBoth(p issued) {
	r.Helper()
	r.install(r.cert, p.cert)
	r.install(r.key, p.key)
}

// presented is the name of the certificate that a new connection is shown.
func presented(l *Listener) (string, error) {
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

func (r *rig) presents(l *Listener, want string) {
	r.Helper()
	got, err := presented(l)
	if err != nil || got != want {
		r.Errorf("the certificate of %q is shown, %v; want %q", got, err, want)
	}
}

// dial opens a connection, on which each Read is bounded by the test's own end.
func (r *rig) dial(l *Listener) net.Conn {
	r.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { c.Close() })
	return c
}

func (r *rig) write(c net.Conn, text string) {
	r.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		r.Fatal(err)
	}
}
