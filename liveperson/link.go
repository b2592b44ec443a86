package liveperson

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
)

// Link is where a file of a conversation lies, for a while: how long is not
// published. Whoever has URL may fetch the file, so that it is never logged and
// never part of an error; a Link prints as redacted.
type Link struct {
	URL  string // as received
	Path string // of URL, decoded, without the query: what names the file. Hostile input of any bytes
	Err  error  // not nil: this is no link that can be used, and Path is ""
}

func (Link) LogValue() slog.Value { return slog.StringValue("redacted") }
func (Link) String() string       { return "redacted" }
func (Link) GoString() string     { return "redacted" }

// What can be wrong with a link.
var (
	ErrBadLink     = errors.New("not a link that can be followed safely")
	ErrLinkExpired = errors.New("the link has expired or its file is gone: ask for new links")
)

// HostError is a link to a host that neither the Domain API names for files nor
// Config.FileHosts allows.
type HostError struct{ Host string } // a host name, maybe with a port; nothing else of the link

func (e *HostError) Error() string {
	return fmt.Sprintf("the file lies on %s, which is not allowed: if that host is LivePerson's, add its domain to files.hosts", e.Host)
}

// maxLink bounds a link, in bytes.
const maxLink = 8 << 10

var errLongLink = fmt.Errorf("%w: more than %d bytes", ErrBadLink, maxLink)

// link reads one link. One that cannot be used says so, for the caller to count.
func (c *Client) link(raw string) Link {
	u, err := c.parseLink(raw)
	if err != nil {
		return Link{URL: raw, Err: err}
	}
	return Link{URL: raw, Path: u.Path}
}

// parseLink accepts https addresses with a plain host and a path, and http where
// the whole account is on this machine. Errors quote nothing.
func (c *Client) parseLink(raw string) (*url.URL, error) {
	if len(raw) > maxLink {
		return nil, errLongLink
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: not an address", ErrBadLink)
	case u.Scheme != "https" && !(u.Scheme == "http" && c.local() && loopback(u.Hostname())):
		return nil, fmt.Errorf("%w: not https", ErrBadLink)
	case u.User != nil || strings.Contains(raw, "#"):
		return nil, fmt.Errorf("%w: a user or a fragment", ErrBadLink)
	case !validHost(u.Host):
		return nil, fmt.Errorf("%w: not a host name", ErrBadLink)
	case strings.Contains(u.RawQuery, " "): // it would be sent as it is, and end the request's address
		return nil, fmt.Errorf("%w: a space in the query", ErrBadLink)
	case !strings.HasPrefix(u.Path, "/"):
		return nil, fmt.Errorf("%w: no path", ErrBadLink)
	}
	return u, nil
}

// local tells that the account is on this machine: plain http, any port.
func (c *Client) local() bool { return c.base.Scheme == "http" }

// mayFetch tells whether a file may be fetched from u's host, and whether the
// login goes with the request: to the file service itself and nowhere else.
func (c *Client) mayFetch(ctx context.Context, u *url.URL) (login bool, err error) {
	service, err := c.fileService(ctx)
	switch {
	case err != nil:
		return false, err
	case origin(u.Scheme, u.Host) == service:
		return true, nil
	case c.listed(u):
		return false, nil
	}
	storage, err := c.resolve(ctx, serviceStorage)
	_, elsewhere := errors.AsType[*ServiceHostError](err)
	switch {
	case err != nil && !elsewhere && !unknownService(err):
		return false, err
	case err == nil && origin(u.Scheme, u.Host) == storage:
		return false, nil
	}
	return false, &HostError{Host: u.Host}
}

// listed tells whether Config.FileHosts has u's host or a domain above it. An IP
// literal or a port of its own is nobody's domain, but for this machine's.
func (c *Client) listed(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	if !(c.local() && loopback(host)) {
		_, err := netip.ParseAddr(host)
		if err == nil || origin(u.Scheme, u.Host) != origin(u.Scheme, host) {
			return false
		}
	}
	return below(host, c.cfg.FileHosts)
}

// origin is the one spelling of a scheme and a host.
func origin(scheme, host string) string {
	scheme, host = strings.ToLower(scheme), strings.ToLower(host)
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return scheme + "://" + host
}
