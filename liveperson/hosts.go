package liveperson

import (
	"fmt"
	"slices"
	"strings"
)

// ownDomains are LivePerson's: every service that takes a login lies below one of
// them in all published answers of the Domain API. Those also name lpsnmedia.net,
// lpcloud.io, liveperson.com and others, for services that this client never asks.
var ownDomains = []string{"liveperson.net"}

// ServiceHostError is a host that the Domain API named for a service and that is
// not known as LivePerson's: the login would have gone there. Nothing was sent to
// it, and asking again does not help.
type ServiceHostError struct {
	Service string
	Host    string // as named, at most 100 bytes of it
	Domain  bool   // Config.Hosts can allow it

	local bool // the Domain API is on this machine
}

func (e *ServiceHostError) Error() string {
	return fmt.Sprintf("the Domain API names %q for %s, which is not known as LivePerson's: nothing was sent there", e.Host, e.Service)
}

// Hint is what to do about it.
func (e *ServiceHostError) Hint() string {
	switch {
	case e.Domain:
		return "ask LivePerson whether that host is theirs; if it is, add its domain to liveperson.hosts"
	case e.local:
		return "check liveperson.domain_api: on a loopback address it may only name loopback hosts"
	}
	return "check liveperson.domain_api: no service of LivePerson's has such a host"
}

// acceptHost refuses whatever the login must not be sent to.
func (c *Client) acceptHost(service, host string) error {
	switch {
	case host == "":
		return fmt.Errorf("%w: no host for the service", ErrUnexpected)
	case c.trusts(service, host):
		return nil
	}
	local := c.onThisMachine()
	return &ServiceHostError{Service: service, Host: host[:min(len(host), 100)],
		Domain: !local && domainForm.MatchString(host) && !loopback(host), local: local}
}

// trusts reports whether host, as the Domain API named it for a service, is a bare
// host that may be asked. A Domain API on this machine may name hosts on this
// machine only, and any other one only names below a known domain: no address, no
// port of its own, nothing on this machine.
func (c *Client) trusts(service, host string) bool {
	u, err := parseBase(c.base.Scheme + "://" + host)
	if err != nil || u.Path != "" {
		return false
	}
	if c.onThisMachine() {
		return loopback(u.Hostname())
	}
	domains := slices.Concat(ownDomains, c.cfg.Hosts)
	if service == serviceStorage { // no login goes there
		domains = append(domains, c.cfg.FileHosts...)
	}
	name := u.Hostname()
	return (u.Port() == "" || u.Port() == "443") && domainForm.MatchString(name) && !loopback(name) && below(name, domains)
}

// onThisMachine reports whether the Domain API is on a loopback address.
func (c *Client) onThisMachine() bool { return loopback(c.base.Hostname()) }

// below reports whether a host is one of the domains or lies below one.
func below(host string, domains []string) bool {
	host = strings.ToLower(host)
	return slices.ContainsFunc(domains, func(domain string) bool {
		domain = strings.ToLower(domain)
		return host == domain || strings.HasSuffix(host, "."+domain)
	})
}
