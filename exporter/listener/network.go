package listener

import (
	"net"
	"net/netip"
)

// mostKnown bounds the addresses remembered as those of proven clients.
const mostKnown = 1024

// group is the connections of one address, or of one IPv6 network of 64 bits, which
// is what a single host is commonly given.
type group struct {
	key      netip.Prefix
	local    bool // this machine: a proxy, behind which anybody may be
	unproven int
	open     int
	known    uint64 // when one of its connections was proven last; 0: never
	turns    chan struct{}
}

// groupOf is the group of an address.
func (s *seats) groupOf(address net.Addr) *group {
	key := NetworkOf(address.String())
	if g := s.groups[key]; g != nil {
		return g
	}
	local, turns := key.Addr().IsLoopback() || key.Addr() == ipv6Loopback, turnsOf(s.most)
	if !local {
		turns = max(1, turns/4)
	}
	return &group{key: key, local: local, turns: make(chan struct{}, turns)}
}

// ipv6Loopback is the network of ::1, which has nothing but that one in use.
var ipv6Loopback = netip.IPv6Unspecified()

// NetworkOf is what a single client is known by, from its host:port: its address, or
// of IPv6 the first 64 bits, which is what one host is commonly given. What has no
// address is in no network.
func NetworkOf(remote string) netip.Prefix {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	ip := at.Addr().Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	network, _ := ip.Prefix(bits) // never fails: so many bits there are
	return network
}

// forget drops a group that nobody needs any more, or else the known one that was
// proven longest ago, when there are too many.
func (s *seats) forget(g *group) {
	if g.open == 0 && g.known == 0 {
		delete(s.groups, g.key)
	}
	if len(s.groups) <= s.most+mostKnown {
		return
	}
	var oldest *group
	for _, each := range s.groups {
		if each.open == 0 && (oldest == nil || each.known < oldest.known) {
			oldest = each
		}
	}
	if oldest != nil {
		delete(s.groups, oldest.key)
	}
}
