package sftp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"lpexport/archive/internal/again"
)

// Config says which server and folder, and whose work in it is ours. Password
// or Key is required, and exactly one of KnownHosts and Fingerprint: a server
// that cannot prove who it is is given nothing.
type Config struct {
	Host        string        // a name or an IP address
	Port        int           // 0: 22
	User        string        // who logs in
	Password    string        // also the answer to a server that asks for it as its only question
	Key         []byte        // a private key in PEM, or OpenSSH's own form of it
	Passphrase  string        // of Key; "": it is not encrypted
	KnownHosts  string        // a file as OpenSSH keeps it, read again for each login. Host certificates are not supported
	Fingerprint string        // of the host key, of whatever type: "SHA256:…" as ssh-keygen -l prints it
	Path        string        // the root; relative to where the login starts. It may be a symbolic link, nothing below it may
	Account     string        // whose items are taken and whose bundles Bundles returns
	Name        string        // the destination's: Clean touches no other's work
	Timeout     time.Duration // for a login, and for a server that answers nothing; 0: a minute
	Random      io.Reader     // of the names of unfinished work; nil: crypto/rand

	Pause func(context.Context, time.Duration) error // before a lost connection is made again; nil waits
}

// defaultTimeout is longer than a busy server needs for one answer, a sync of a
// large file included.
const defaultTimeout = time.Minute

// server is a Config that can be used.
type server struct {
	host, port string
	user       string
	password   string
	key        ssh.Signer // or nil
	known, pin string     // one of them is ""
	timeout    time.Duration
	pause      func(context.Context, time.Duration) error
}

func (s server) address() string { return net.JoinHostPort(s.host, s.port) }

// check returns the server of c, and everything that is wrong with c.
func (c Config) check() (server, error) {
	port := c.Port
	if port == 0 {
		port = 22
	}
	s := server{
		host: c.Host, port: strconv.Itoa(port), user: c.User, password: c.Password,
		known: c.KnownHosts, pin: c.Fingerprint, timeout: c.Timeout, pause: c.Pause,
	}
	if s.pause == nil {
		s.pause = again.Pause
	}
	if s.timeout <= 0 {
		s.timeout = defaultTimeout
	}
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(!validHost(c.Host), "host %q: not a host name or IP address", c.Host)
	fault(port < 1 || port > 65535, "port %d: not between 1 and 65535", port)
	fault(c.User == "" || !printable(c.User), "user %q: not a user name", c.User)
	fault(!printable(c.Path), "path %q: holds control characters", c.Path)
	fault(c.Password == "" && len(c.Key) == 0, "a password or a key is required")
	fault((c.KnownHosts == "") == (c.Fingerprint == ""), "one of known_hosts and fingerprint is required")
	fault(c.Fingerprint != "" && !validFingerprint(c.Fingerprint), "fingerprint: not \"SHA256:\" and 43 characters, as ssh-keygen -l prints it")
	if c.KnownHosts != "" {
		_, err := knownhosts.New(c.KnownHosts)
		fault(err != nil, "known_hosts: %w", err)
	}
	if len(c.Key) > 0 {
		key, err := c.parseKey()
		fault(err != nil, "key: %w", err)
		s.key = key
	}
	return s, errors.Join(faults...)
}

func (c Config) parseKey() (ssh.Signer, error) {
	if c.Passphrase != "" {
		return ssh.ParsePrivateKeyWithPassphrase(c.Key, []byte(c.Passphrase))
	}
	key, err := ssh.ParsePrivateKey(c.Key)
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		return nil, errors.New("it is encrypted: its passphrase is required")
	}
	return key, err
}

// root returns the cleaned path of the root.
func (c Config) root() string {
	if c.Path == "" {
		return "."
	}
	return path.Clean(c.Path)
}

func (c Config) random() io.Reader {
	if c.Random == nil {
		return rand.Reader
	}
	return c.Random
}

// validHost lets pass only what may stand in a command that a hint shows.
func validHost(host string) bool {
	return host != "" && len(host) <= 253 && host[0] != '-' && strings.IndexFunc(host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".:_-", r)
	}) < 0
}

func printable(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

func validFingerprint(text string) bool {
	sum, ok := strings.CutPrefix(text, "SHA256:")
	raw, err := base64.RawStdEncoding.Strict().DecodeString(sum)
	return ok && err == nil && len(raw) == sha256.Size
}
