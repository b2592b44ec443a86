package sftp

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"lpexport/archive"
)

// hostCheck judges the host keys that a server shows. A server has several, and
// shows one of a type that the client asks for: so we ask for the types that we
// know, and try all of them for a fingerprint, which does not tell its type.
type hostCheck struct {
	server     server
	known      ssh.HostKeyCallback // of the known_hosts file, or nil
	algorithms []string            // to ask for in the next login
	narrow     bool                // these are not all there are
	refused    *hostKeyError       // what was shown so far, and is not to be trusted
	trusted    ssh.PublicKey       // what was shown and is, or nil
}

func newHostCheck(s server) (*hostCheck, error) {
	c := &hostCheck{server: s, algorithms: plainAlgorithms()}
	if s.known == "" {
		return c, nil
	}
	known, err := knownhosts.New(s.known)
	if err != nil {
		return nil, &archive.Error{
			Class: archive.Halt, Op: "read known_hosts", Path: s.known, Err: err,
			Hint: "without it the server cannot prove who it is: restore the file",
		}
	}
	c.known = known
	if types := c.knownTypes(); len(types) > 0 {
		c.narrow = true
		c.algorithms = slices.DeleteFunc(c.algorithms, func(a string) bool { return !slices.Contains(types, keyType(a)) })
	}
	return c, nil
}

// plainAlgorithms are those for host keys without a certificate.
func plainAlgorithms() []string {
	return slices.DeleteFunc(ssh.SupportedAlgorithms().HostKeys, func(a string) bool { return strings.Contains(a, "-cert-") })
}

// keyType returns the type of the keys that an algorithm signs with.
func keyType(algorithm string) string {
	if algorithm == ssh.KeyAlgoRSASHA256 || algorithm == ssh.KeyAlgoRSASHA512 {
		return ssh.KeyAlgoRSA
	}
	return algorithm
}

// knownTypes returns the types of the host's keys in the known_hosts file.
func (c *hostCheck) knownTypes() []string {
	err := c.known(c.server.address(), &net.TCPAddr{}, noKey{})
	var types []string
	if e, ok := errors.AsType[*knownhosts.KeyError](err); ok {
		for _, k := range e.Want {
			types = append(types, k.Key.Type())
		}
	}
	return types
}

// noKey is a key that is equal to no other: asked for, it makes the file tell
// what it has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// callback is asked during a login whether the key may be trusted.
func (c *hostCheck) callback(address string, remote net.Addr, key ssh.PublicKey) error {
	why := ""
	if c.known != nil {
		why = c.judge(c.known(address, remote, key))
	} else if ssh.FingerprintSHA256(key) != c.server.pin {
		why = "is not the pinned one"
	}
	if why == "" {
		c.trusted = key
		return nil
	}
	if c.refused == nil {
		c.refused = &hostKeyError{server: c.server, why: why}
	}
	c.refused.shown = append(c.refused.shown, key)
	return c.refused
}

// judge puts into words what the known_hosts file says; "" is that it knows the key.
func (c *hostCheck) judge(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*knownhosts.KeyError](err); ok && len(e.Want) == 0 {
		return "is not known"
	}
	if _, ok := errors.AsType[*knownhosts.RevokedError](err); ok {
		return "is revoked"
	}
	return "is not the known one"
}

// again tells whether a login that ended with err should be made with other
// algorithms: another key may be the right one, or tell a person more.
func (c *hostCheck) again(err error) bool {
	_, none := errors.AsType[*ssh.AlgorithmNegotiationError](err)
	_, wrong := errors.AsType[*hostKeyError](err)
	switch {
	case c.known == nil && wrong:
		seen := c.refused.shown[len(c.refused.shown)-1].Type()
		left := slices.DeleteFunc(slices.Clone(c.algorithms), func(a string) bool { return keyType(a) == seen })
		shorter := len(left) < len(c.algorithms)
		c.algorithms = left
		return shorter && len(left) > 0
	case c.narrow && none:
		c.narrow, c.algorithms = false, plainAlgorithms()
		return true
	}
	return false
}

// hostKeyError says that the server has not proved who it is.
type hostKeyError struct {
	server server
	why    string
	shown  []ssh.PublicKey // at least one
}

func (e *hostKeyError) Error() string {
	var keys []string
	for _, k := range e.shown {
		keys = append(keys, k.Type()+" "+ssh.FingerprintSHA256(k))
	}
	return fmt.Sprintf("the host key of %s %s: it shows %s", e.server.address(), e.why, strings.Join(keys, ", "))
}

func (e *hostKeyError) judge() (archive.Class, string) {
	scan := fmt.Sprintf("ssh-keyscan -p %s %s", e.server.port, e.server.host)
	hint := fmt.Sprintf("ask the server's operator whether a fingerprint above is right, or compare with `%s | ssh-keygen -lf -` from a network that you trust; only then ", scan)
	if e.server.known == "" {
		return archive.Halt, hint + "pin it as `fingerprint`"
	}
	return archive.Halt, hint + fmt.Sprintf("put the server's line into %s (`%s` prints it)", e.server.known, scan)
}
