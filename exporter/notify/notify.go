// Package notify tells a service manager how the program is: the service's side
// of sd_notify(3), which systemd speaks with services of Type=notify.
package notify

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-systemd/v22/daemon"
)

const (
	// patience bounds a send: a manager that does not read must not hold up
	// the service.
	patience = time.Second
	// maxStatus is in runes: what fits into one line of systemctl status.
	maxStatus = 200
)

// Notifier sends to the manager that started this process. Without one
// everything is a no-op. Every error means that the manager was not told, and
// nothing else: the service can go on. It may be used by many goroutines.
type Notifier struct {
	socket   string        // a path, or @name in the abstract namespace; "" = no manager
	limit    time.Duration // of the watchdog; 0 = there is none
	patience time.Duration
}

// New reads what the manager has put into the environment: NOTIFY_SOCKET,
// WATCHDOG_USEC and WATCHDOG_PID. The functions of go-systemd are not used, since
// they read the environment of the process and wait for the manager without a
// bound.
func New(getenv func(string) string) *Notifier {
	return &Notifier{
		socket:   getenv("NOTIFY_SOCKET"),
		limit:    watchdog(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID")),
		patience: patience,
	}
}

// watchdog gives the limit, or 0 where there is none or it is for another process.
func watchdog(usec, pid string) time.Duration {
	const most = int64(1<<63-1) / int64(time.Microsecond)
	limit, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || limit <= 0 || limit > most || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return time.Duration(limit) * time.Microsecond
}

// Ready says that the service has begun to do its work. status is as in Status.
func (n *Notifier) Ready(status string) error {
	return n.send(daemon.SdNotifyReady + "\n" + statusLine(status))
}

// Reloading says that the service reads its configuration again. Ready ends that.
func (n *Notifier) Reloading() error { return n.send(daemon.SdNotifyReloading) }

// Status shows people one line about the service. What cannot be printed is
// replaced, and more than 200 characters are cut. The line goes into the journal
// and systemctl status, so it must hold nothing of a conversation.
func (n *Notifier) Status(text string) error { return n.send(statusLine(text)) }

// Stopping says that the service has begun to stop.
func (n *Notifier) Stopping() error { return n.send(daemon.SdNotifyStopping) }

// Watchdog says how often Alive has to be called: twice in the time after which
// the manager takes the service for hung. ok is false where nobody watches.
func (n *Notifier) Watchdog() (interval time.Duration, ok bool) {
	if n.socket == "" || n.limit == 0 {
		return 0, false
	}
	return max(n.limit/2, 1), true
}

// Alive tells the watchdog that the service is not hung. Whoever calls it must
// know that: a timer alone proves nothing.
func (n *Notifier) Alive() error { return n.send(daemon.SdNotifyWatchdog) }

// send gives the manager one datagram.
func (n *Notifier) send(state string) error {
	if n.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: n.socket})
	if err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(n.patience)); err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	return nil
}

// statusLine keeps text from becoming another line of the protocol.
func statusLine(text string) string {
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(runes) > maxStatus {
		runes = append(runes[:maxStatus-1], '…')
	}
	return "STATUS=" + strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, string(runes))
}
