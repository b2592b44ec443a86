package liveperson

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

// Hint is the likely remedy of a request that was not answered as documented, for
// operators; "" where nothing but waiting helps.
func (e *APIError) Hint() string {
	if e.Status != 0 {
		return e.answerHint()
	}
	if hint := certificateHint(e.Err); hint != "" {
		return hint
	}
	return networkHint(e.Err, e.Timeout)
}

// answerHint is the remedy for something that answered, and not as LivePerson does.
func (e *APIError) answerHint() string {
	switch {
	case errors.Is(e.Err, ErrRedirect), errors.Is(e.Err, ErrNotJSON):
		return "a proxy or a portal may answer in LivePerson's place: set HTTPS_PROXY to the proxy that lets this machine out, and check liveperson.domain_api"
	case e.Status == http.StatusForbidden:
		return "LivePerson, or a proxy, refuses this machine: ask LivePerson whether the account takes logins from listed addresses only"
	case e.Status == http.StatusTooManyRequests:
		return "the account is asked too often: lower liveperson.concurrency, and find out who else uses its APIs"
	case e.Status >= 500:
		return "LivePerson has trouble: see its status page, and try again later"
	}
	return ""
}

// certificateHint is the remedy where TLS found the wrong server, or none.
func certificateHint(err error) string {
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "who signed the server's certificate is not trusted here: " + signer(unknown.Cert) +
			"; where a proxy of your firm inspects TLS, give its CA certificate as liveperson.ca_file"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return "compare this machine's clock with a time server; if it is right, who answers has an expired certificate: " + signer(invalid.Cert)
		}
		return "who answers has a certificate that is not valid for a server: " + signer(invalid.Cert)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "another server answers under this name: check the DNS of this machine, a proxy on the way, and liveperson.domain_api"
	}
	if _, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return "this machine has no list of trusted authorities: install ca-certificates, or name a file of them in SSL_CERT_FILE"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "who answers speaks no TLS: check liveperson.domain_api, and HTTPS_PROXY"
	}
	return ""
}

// signer names who issued a certificate. The name comes from the network.
func signer(c *x509.Certificate) string {
	if c == nil {
		return "its issuer is not known"
	}
	return fmt.Sprintf("it was issued by %.200q", c.Issuer.String())
}

// networkHint is the remedy where nothing answered.
func networkHint(err error, timeout bool) string {
	if proxy, ok := errors.AsType[*ProxyError](err); ok {
		if proxy.Status == http.StatusProxyAuthRequired {
			return "the proxy wants a login: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
		}
		return "the proxy in HTTPS_PROXY does not let this machine reach LivePerson: ask who runs it to allow *.liveperson.net and *.lpsnmedia.net, port 443"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		return "the proxy in HTTPS_PROXY cannot be reached: check its address, or list the host in NO_PROXY"
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		if name.IsNotFound {
			return fmt.Sprintf("the name %.253q is not known here: check the DNS of this machine; where only a proxy leads out, set HTTPS_PROXY", name.Name)
		}
		return "the DNS of this machine does not answer: check its name servers; where only a proxy leads out, set HTTPS_PROXY"
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		return "the connection is refused: a firewall, or the wrong liveperson.domain_api; allow this machine *.liveperson.net and *.lpsnmedia.net, port 443, or set HTTPS_PROXY"
	case timeout, errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "nothing answers: a firewall may drop the packets; allow this machine *.liveperson.net and *.lpsnmedia.net, port 443, or set HTTPS_PROXY"
	}
	return ""
}

// ProxyError is a proxy that did not connect us.
type ProxyError struct{ Status int }

func (e *ProxyError) Error() string {
	return fmt.Sprintf("the proxy answered with status %d", e.Status)
}

// proxyAnswer makes a proxy's refusal a ProxyError: net/http knows it as a text only.
func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return &ProxyError{Status: answer.StatusCode}
}
