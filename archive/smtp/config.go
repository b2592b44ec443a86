package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Values of Config.TLS.
const (
	StartTLS    = "starttls" // begin in the clear, and send nothing before STARTTLS
	ImplicitTLS = "tls"      // TLS from the first byte
	NoTLS       = "none"     // mails are sent in the clear
)

// Config says which server, and who we are there.
type Config struct {
	Account, Name string // of the destination: no other's mails are sent

	Host         string            // the server's name, which its certificate must bear, or its IP address
	Port         int               // 0: 465 with ImplicitTLS, else 25
	TLS          string            // "": StartTLS
	CA           *x509.CertPool    // who may have signed the server's certificate; nil: whom the system trusts
	Certificates []tls.Certificate // what the server may ask us for

	Username, Password string // both or neither; without TLS only to a loopback address

	Hello     string // our name in EHLO; "": our IP address in brackets
	Sender    string // where the server reports what it cannot deliver; "": nowhere
	Recipient string // the archive

	MaxBytes      int64 // of a mail; 0: what the server says
	PerConnection int   // mails in one session at most; 0: 100

	DialTimeout    time.Duration // to connect; 0: 30 s
	CommandTimeout time.Duration // for one answer, or for a part of a mail to be taken; 0: 60 s
	DataTimeout    time.Duration // for the answer to a whole mail; 0: 10 min, as RFC 5321 4.5.3.2.6 asks: giving up earlier makes doubles

	Dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: a net.Dialer's
	Now  func() time.Time                                                     // nil: time.Now. Time-outs follow the real clock
}

// withDefaults returns c with what is absent filled in.
func (c Config) withDefaults() Config {
	if c.TLS == "" {
		c.TLS = StartTLS
	}
	if c.Port == 0 {
		c.Port = 25
		if c.TLS == ImplicitTLS {
			c.Port = 465
		}
	}
	if c.PerConnection == 0 {
		c.PerConnection = 100
	}
	for _, t := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&c.DialTimeout, 30 * time.Second}, {&c.CommandTimeout, time.Minute}, {&c.DataTimeout, 10 * time.Minute}} {
		if *t.value == 0 {
			*t.value = t.standard
		}
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: strings.TrimSuffix(c.Host, "."),
		RootCAs: c.CA, Certificates: c.Certificates,
	}
}

// check returns the first fault of c.
func (c Config) check() error {
	if !isHost(c.Host) {
		return fmt.Errorf("host %q is neither a name nor an IP address", c.Host)
	}
	if c.Port < 0 || c.Port > 65535 {
		return fmt.Errorf("port %d does not exist", c.Port)
	}
	if c.Hello != "" && !isDomain(c.Hello) {
		return fmt.Errorf("hello %q is not a domain", c.Hello)
	}
	if c.Sender != "" && !isAddress(c.Sender) {
		return fmt.Errorf("sender %q is not an address such as archive@bank.example", c.Sender)
	}
	if !isAddress(c.Recipient) {
		return fmt.Errorf("recipient %q is not an address such as journal@archive.example", c.Recipient)
	}
	if c.MaxBytes < 0 || c.PerConnection < 0 || c.DialTimeout < 0 || c.CommandTimeout < 0 || c.DataTimeout < 0 {
		return errors.New("a limit is below zero")
	}
	return c.checkLogin()
}

func (c Config) checkLogin() error {
	switch c.TLS {
	case "", StartTLS, ImplicitTLS, NoTLS:
	default:
		return fmt.Errorf("tls %q is none of %q, %q and %q", c.TLS, StartTLS, ImplicitTLS, NoTLS)
	}
	if (c.Username == "") != (c.Password == "") {
		return errors.New("username and password go together")
	}
	if strings.ContainsRune(c.Username+c.Password, 0) {
		return errors.New("username or password holds a NUL")
	}
	if c.TLS == NoTLS && c.Password != "" && !isLoopback(c.Host) {
		return fmt.Errorf("the password would be sent to %s in the clear", c.Host)
	}
	return nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() || host == "localhost"
}

func isHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Zone() == "" || isDomain(strings.TrimSuffix(host, ".")) && host[0] != '['
}

// isAddress tells whether s is a plain addr-spec: what can be put between "<"
// and ">" as it is. A quoted local part is not plain.
func isAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 {
		return false
	}
	for atom := range strings.SplitSeq(s[:at], ".") {
		if !only(atom, "!#$%&'*+-/=?^_`{|}~") {
			return false
		}
	}
	return isDomain(s[at+1:])
}

// isDomain tells whether s is a domain, or an IP address in brackets.
func isDomain(s string) bool {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		_, err := netip.ParseAddr(strings.TrimPrefix(inner, "IPv6:"))
		return closed && err == nil && !strings.Contains(inner, "%")
	}
	for label := range strings.SplitSeq(s, ".") {
		if !only(label, "-_") || label[0] == '-' || len(label) > 63 {
			return false
		}
	}
	return len(s) <= 253
}

// only tells whether s is made of letters, digits and the others, and not empty.
func only(s, others string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(others, r)
	}) < 0
}
