package listener

import (
	"errors"
	"log/slog"
	"net"
	"time"
)

// repeatAfter is the shortest time between two log lines about the same trouble.
const repeatAfter = time.Hour

// door logs that connections cannot be accepted, as when the process has too many
// files open. The server tries again by itself.
type door struct {
	net.Listener
	log    *slog.Logger
	now    func() time.Time
	logged time.Time // zero: never
}

// Accept is called by one goroutine at a time.
func (d *door) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err == nil || errors.Is(err, net.ErrClosed) {
		return c, err
	}
	if now := d.now(); d.logged.IsZero() || now.Sub(d.logged) >= repeatAfter {
		d.logged = now
		d.log.Error("connections cannot be accepted", "address", d.Addr().String(), "error", err)
	}
	return nil, err
}
