package liveperson

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// certified is a server on loopback with a certificate of its own, and who signed it.
func certified(t *testing.T, change func(*x509.Certificate)) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	mould := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the firm's proxy"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.AddDate(90, 0, 0), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	change(mould)
	raw, err := x509.CreateCertificate(rand.Reader, mould, mould, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of the handshake that the client ends
	s.StartTLS()
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(signed)
	return s, pool
}

// lookedUp is the error of a look-up at address through transport.
func lookedUp(t *testing.T, address string, transport http.RoundTripper, ca *x509.CertPool) *APIError {
	t.Helper()
	c, err := New(Config{Account: testAccount, DomainAPI: address, Source: "test", Transport: transport, CA: ca, Now: func() time.Time { return noon },
		OAuth2: &OAuth2Credentials{"id", "secret"}, Wait: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	c.retries = retries{}
	_, err = c.resolve(context.Background(), serviceHistory)
	api, ok := errors.AsType[*APIError](err)
	if !ok {
		t.Fatalf("got %T %v", err, err)
	}
	return api
}

func TestCertificatesHaveTheirRemedy(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*x509.Certificate)
		trusted bool
		want    string
	}{
		"inspecting proxy": {func(*x509.Certificate) {}, false, `issued by "CN=the firm's proxy"; where a proxy of your firm inspects TLS, give its CA certificate as liveperson.ca_file`},
		"expired":          {func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Second) }, true, "compare this machine's clock with a time server"},
		"another server":   {func(c *x509.Certificate) { c.IPAddresses = nil; c.DNSNames = []string{"other.example"} }, true, "another server answers under this name"},
	} {
		s, pool := certified(t, test.change)
		if !test.trusted {
			pool = x509.NewCertPool()
		}
		if got := lookedUp(t, s.URL, nil, pool).Hint(); !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	s, pool := certified(t, func(*x509.Certificate) {})
	if got := lookedUp(t, s.URL, nil, pool); got.Status != http.StatusNotFound {
		t.Errorf("with liveperson.ca_file: %v", got)
	}
}

func TestWhatDoesNotAnswerHasItsRemedy(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	refusing := func(status int) http.RoundTripper {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(proxy.Close)
		return through(proxy.URL)
	}
	failing := func(err error) http.RoundTripper {
		return roundTrip(func(*http.Request) (*http.Response, error) { return nil, err })
	}
	for name, test := range map[string]struct {
		address   string
		transport http.RoundTripper
		want      string
	}{
		"no TLS":           {strings.Replace(plain.URL, "http:", "https:", 1), nil, "speaks no TLS"},
		"refused":          {closed.URL, nil, "the connection is refused: a firewall"},
		"unknown name":     {"https://api.example", failing(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "api.example", IsNotFound: true}}), `the name "api.example" is not known here`},
		"no DNS":           {"https://api.example", failing(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "api.example", IsTimeout: true}}), "the DNS of this machine does not answer"},
		"silence":          {"https://api.example", failing(context.DeadlineExceeded), "nothing answers: a firewall may drop"},
		"proxy login":      {"https://api.example", refusing(http.StatusProxyAuthRequired), "the proxy wants a login"},
		"proxy forbids":    {"https://api.example", refusing(http.StatusForbidden), "does not let this machine reach LivePerson"},
		"no proxy":         {"https://api.example", through(closed.URL), "the proxy in HTTPS_PROXY cannot be reached"},
		"nothing to do":    {"https://api.example", failing(errors.New("something else")), ""},
		"no trusted roots": {"https://api.example", failing(x509.SystemRootsError{}), "SSL_CERT_FILE"},
	} {
		got := lookedUp(t, test.address, test.transport, nil).Hint()
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestWhatAnswersInLivePersonsPlaceHasItsRemedy(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"portal":   {body(`<html>Please log in</html>`), "a proxy or a portal may answer"},
		"redirect": {status(302, "Location", "https://portal.example/"), "a proxy or a portal may answer"},
		"refused":  {status(403), "refuses this machine"},
		"too many": {status(429), "lower liveperson.concurrency"},
		"trouble":  {status(503), "LivePerson has trouble"},
		"unknown":  {status(404), ""},
	} {
		s := httptest.NewServer(test.answer)
		t.Cleanup(s.Close)
		got := lookedUp(t, s.URL, nil, nil).Hint()
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// through is the default transport with a proxy.
func through(proxy string) http.RoundTripper {
	transport := newTransport(Timeouts{Dial: time.Second}, 1, nil)
	transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy) }
	return transport
}
