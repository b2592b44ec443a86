package monitor

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// local reports whether a request asks this machine by a name of its own, or by one of
// hosts. A page of somebody else may have a browser here ask for it under a name of
// theirs (DNS rebinding), and could then read what is answered without a password.
// Browsers always send a name: without one, nobody rebinds.
func local(r *http.Request, hosts []string) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "" || host == "localhost" || slices.Contains(hosts, host) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
