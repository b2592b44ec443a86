package liveperson

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Config is what a Client needs to know. Account, Source and one login are
// required; everything else has a default.
type Config struct {
	Account     string
	DomainAPI   string             // "": DefaultDomainAPI. Plain http only when the host is loopback, and then for all services
	OAuth2      *OAuth2Credentials // exactly one of OAuth2 and OAuth1
	OAuth1      *OAuth1Credentials
	Source      string   // names the caller in every search, 1..20 characters
	Concurrency int      // requests in flight at most, of every kind together, login and look-up included; 0: 4
	Rollover    bool     // also conversations of the rollover account
	Hosts       []string // domains whose hosts may be sent the login when the Domain API names them, besides LivePerson's own
	FileHosts   []string // domains whose hosts may serve files, besides those that the Domain API names: liveperson.net is that host and all below
	UserAgent   string
	RecordLimit int64 // bytes of one record, above which it is reported and not kept; 0: 1 MiB
	BodyLimit   int64 // bytes of one answer; 0: 4 GiB, as answers are streamed
	Timeouts    Timeouts
	CA          *x509.CertPool // whose certificates the default Transport trusts; nil: the system's

	Log       *slog.Logger                                     // nil: silent
	Observe   func(Result)                                     // told how each request ended, by several goroutines; nil: nobody
	Transport http.RoundTripper                                // nil: one with Timeouts
	Now       func() time.Time                                 // nil: time.Now
	Jitter    func() float64                                   // [0,1); nil: math/rand/v2
	Wait      func(ctx context.Context, d time.Duration) error // nil: a timer
}

// OAuth2Credentials belong to an app installed with the client_credentials
// grant.
type OAuth2Credentials struct{ ClientID, ClientSecret string }

// OAuth1Credentials are the four values of an API key: consumer key and
// secret, token and token secret in the words of RFC 5849.
type OAuth1Credentials struct{ AppKey, AppSecret, AccessToken, AccessTokenSecret string }

// LogValue, String and GoString keep secrets out of whatever prints a Config.
func (OAuth2Credentials) LogValue() slog.Value { return slog.StringValue("redacted") }
func (OAuth2Credentials) String() string       { return "redacted" }
func (OAuth2Credentials) GoString() string     { return "redacted" }
func (OAuth1Credentials) LogValue() slog.Value { return slog.StringValue("redacted") }
func (OAuth1Credentials) String() string       { return "redacted" }
func (OAuth1Credentials) GoString() string     { return "redacted" }

// Timeouts bound each step of a request; a zero field means its default. Dial,
// TLS and Header apply to the default Transport only.
type Timeouts struct {
	Dial   time.Duration // 10 s
	TLS    time.Duration // 10 s
	Header time.Duration // from the request sent to the answer's head: 60 s
	Idle   time.Duration // longest silence within a body: 60 s
}

// DefaultDomainAPI is LivePerson's domain look-up.
const DefaultDomainAPI = "https://api.liveperson.net"

var accountForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// complete checks c and fills in the defaults.
func (c *Config) complete() error {
	var errs []error
	if !accountForm.MatchString(c.Account) {
		errs = append(errs, errors.New("account: 1 to 64 letters, digits, _ or -"))
	}
	if n := utf8.RuneCountInString(c.Source); n < 1 || n > 20 || strings.ContainsFunc(c.Source, unicode.IsControl) {
		errs = append(errs, errors.New("source: 1 to 20 characters"))
	}
	if c.Concurrency < 0 {
		errs = append(errs, errors.New("concurrency: below 1"))
	}
	errs = append(errs, c.checkLogin(), c.checkHosts(), c.checkFileHosts())
	c.DomainAPI = cmp.Or(c.DomainAPI, DefaultDomainAPI)
	if _, err := parseBase(c.DomainAPI); err != nil {
		errs = append(errs, fmt.Errorf("domain API: %w", err))
	}
	c.fill()
	return errors.Join(errs...)
}

func (c *Config) checkLogin() error {
	switch {
	case (c.OAuth1 == nil) == (c.OAuth2 == nil):
		return errors.New("login: exactly one of OAuth 1.0 and OAuth 2.0")
	case c.OAuth2 != nil && (c.OAuth2.ClientID == "" || c.OAuth2.ClientSecret == ""):
		return errors.New("login: OAuth 2.0 needs a client id and a client secret")
	case c.OAuth1 != nil && (c.OAuth1.AppKey == "" || c.OAuth1.AppSecret == "" ||
		c.OAuth1.AccessToken == "" || c.OAuth1.AccessTokenSecret == ""):
		return errors.New("login: OAuth 1.0 needs an app key, an app secret, an access token and its secret")
	}
	return nil
}

var domainForm = regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]$`)

func (c *Config) checkHosts() error {
	for _, host := range c.Hosts {
		if len(host) > 253 || !domainForm.MatchString(host) || loopback(host) {
			return fmt.Errorf("hosts: %q is not a domain such as liveperson.net", host)
		}
	}
	return nil
}

func (c *Config) checkFileHosts() error {
	for _, host := range c.FileHosts {
		if len(host) > 253 || !domainForm.MatchString(host) && !loopback(host) {
			return fmt.Errorf("file hosts: %q is not a domain such as liveperson.net", host)
		}
	}
	return nil
}

func (c *Config) fill() {
	c.Concurrency = cmp.Or(c.Concurrency, 4)
	c.UserAgent = cmp.Or(c.UserAgent, "lpexport")
	c.RecordLimit = cmp.Or(c.RecordLimit, 1<<20)
	c.BodyLimit = cmp.Or(c.BodyLimit, 4<<30)
	c.Timeouts.Dial = cmp.Or(c.Timeouts.Dial, 10*time.Second)
	c.Timeouts.TLS = cmp.Or(c.Timeouts.TLS, 10*time.Second)
	c.Timeouts.Header = cmp.Or(c.Timeouts.Header, time.Minute)
	c.Timeouts.Idle = cmp.Or(c.Timeouts.Idle, time.Minute)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Observe == nil {
		c.Observe = func(Result) {}
	}
	if c.Transport == nil {
		c.Transport = newTransport(c.Timeouts, c.Concurrency, c.CA)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	if c.Wait == nil {
		c.Wait = sleep
	}
}

func newTransport(t Timeouts, concurrency int, ca *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: proxyAnswer,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: ca},
		DialContext:            (&net.Dialer{Timeout: t.Dial}).DialContext,
		TLSHandshakeTimeout:    t.TLS,
		ResponseHeaderTimeout:  t.Header,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    concurrency,
		ForceAttemptHTTP2:      true,
		ReadBufferSize:         64 << 10,
	}
}

// parseBase reads the domain API's address: https, or http to this machine.
func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("not a URL")
	case u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("scheme and host only")
	case !validHost(u.Host):
		return nil, errors.New("not a host name")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return u, nil
	}
	return nil, errors.New("https is required, but for loopback addresses")
}

var hostForm = regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$`)

// validHost tells whether s is nothing but a host, maybe with a port.
func validHost(s string) bool { return len(s) <= 255 && hostForm.MatchString(s) }

// loopback tells whether a host can only be this machine.
func loopback(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
