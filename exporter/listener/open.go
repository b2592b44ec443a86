package listener

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strings"
	"syscall"
)

// What a listener is refused for, beside what the system says. Each is found
// under an Error.
var (
	ErrAddress     = errors.New("not host:port")
	ErrPlain       = errors.New("plain HTTP is served on loopback addresses only")
	ErrCertificate = errors.New("certificate and key cannot be used")
	ErrNotValid    = errors.New("the certificate is not valid at this time")
)

// Error is an address that cannot be listened on as it is configured.
type Error struct {
	Address string
	Err     error // one of the errors above, or the system's
	hint    string
}

func (e *Error) Error() string { return fmt.Sprintf("listen on %q: %v", e.Address, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// Hint is what to do about it.
func (e *Error) Hint() string { return e.hint }

// open binds the address; plain says that it is refused unless nobody but this
// machine can reach it.
func open(ctx context.Context, address string, plain bool) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &Error{address, ErrAddress, "write it as host:port, such as 127.0.0.1:8443"}
	}
	notPlain := &Error{address, ErrPlain,
		"set certificate and key, or listen on 127.0.0.1:" + port + " behind a proxy that does TLS"}
	if plain && !loopback(host) {
		return nil, notPlain
	}
	tcp, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, &Error{address, err, openHint(port, err)}
	}
	// The name localhost is what this machine's look-up makes of it.
	if at, ok := tcp.Addr().(*net.TCPAddr); plain && (!ok || !at.IP.IsLoopback()) {
		_ = tcp.Close()
		return nil, notPlain
	}
	return tcp, nil
}

// loopback tells whether host can be meant to be this machine alone. No host at
// all is every address of it.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// inUseOnWindows is WSAEADDRINUSE, which package syscall has no name for.
const inUseOnWindows = syscall.Errno(10048)

func openHint(port string, err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, inUseOnWindows):
		return "another program listens there, perhaps another lpexport serve: ss -ltnp 'sport = :" + port + "'"
	case errors.Is(err, fs.ErrPermission):
		return "ports below 1024 need a privilege: choose a higher one, or give the service CAP_NET_BIND_SERVICE"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "no interface of this machine has that address: ip address"
	}
	return "check host and port, and what the name stands for: getent hosts NAME"
}

// certificateError adds to what is wrong with a certificate how to look at it.
func certificateError(address, certificate, key string, err error) error {
	hint := "both must print the same: openssl x509 -noout -pubkey -in " + certificate + "; openssl pkey -pubout -in " + key
	_, unreadable := errors.AsType[*fs.PathError](err)
	switch {
	case certificate == "" || key == "":
		hint = "set certificate and key, or neither"
	case unreadable:
		hint = "both must be readable to the user that runs this: ls -lL " + certificate + " " + key
	case errors.Is(err, ErrNotValid):
		hint = "renew it, or set this machine's clock: openssl x509 -noout -dates -in " + certificate + "; date -u"
	}
	return &Error{address, err, hint}
}
