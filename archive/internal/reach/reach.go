// Package reach says what a person can do where a connection could not be made.
package reach

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"syscall"
)

const byItself = "; delivery goes on by itself"

// Hint is what to do about a connection that could not be made, or "" for other
// errors. keys name what the configuration says of the place.
func Hint(err error, keys string) string {
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		if name.IsNotFound {
			return "no such host is known: check " + keys + ", and the DNS of this machine" + byItself
		}
		return "the DNS of this machine does not answer: look at its network" + byItself
	}
	if made, ok := errors.AsType[*net.OpError](err); !ok || made.Op != "dial" && made.Op != "proxyconnect" {
		return ""
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: check " + keys + ", and whether a firewall is in the way" + byItself
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route leads there: look at the network and the firewall of this machine" + byItself
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "nothing answers there: check " + keys + ", and whether a firewall is in the way" + byItself
	}
	return "check " + keys + ", and the network of this machine" + byItself
}

// Certificate is what to do about a certificate that proves nothing, or "" for
// other errors. keys name what the configuration says of the place, authority the
// key for the authorities to trust.
func Certificate(err error, keys, authority string) string {
	if !isType[*tls.CertificateVerificationError](err) {
		return ""
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "the certificate has expired or is not valid yet: compare this machine's clock, then have the far side's operator renew it"
	}
	if isType[x509.HostnameError](err) {
		return "the certificate is for another name: check " + keys
	}
	return "the certificate is of an authority that this machine does not trust, such as that of a proxy which inspects TLS: " +
		"check " + keys + ", and give the authority's certificate as " + authority
}

func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
