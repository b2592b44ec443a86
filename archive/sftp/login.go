package sftp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/ssh"

	"lpexport/archive"
)

// line is a connection that remembers whether it was the network that failed.
type line struct {
	net.Conn
	closed, lost atomic.Bool
}

func (l *line) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	return n, l.noted(err)
}

func (l *line) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	return n, l.noted(err)
}

func (l *line) noted(err error) error {
	if err != nil && !l.closed.Load() {
		l.lost.Store(true)
	}
	return err
}

// Close ends the connection; what fails from now on is no fault of the network.
func (l *line) Close() error {
	l.closed.Store(true)
	return l.Conn.Close()
}

var errLineLost = errors.New("the connection was lost during the login")

// login is one attempt to log in.
type login struct {
	server    server
	line      *line
	presented bool // a password or a key
}

// methods are the ways to log in, in the order in which they are tried.
func (l *login) methods() []ssh.AuthMethod {
	var methods []ssh.AuthMethod
	if l.server.key != nil {
		methods = append(methods, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
			l.presented = true
			return []ssh.Signer{l.server.key}, nil
		}))
	}
	if l.server.password != "" {
		methods = append(methods, ssh.PasswordCallback(func() (string, error) {
			l.presented = true
			return l.server.password, nil
		}), ssh.KeyboardInteractive(l.answer))
	}
	return methods
}

// answer gives the password to a server that asks one thing without echo, as
// many do in place of a password login, and nothing to any other question.
func (l *login) answer(_, _ string, questions []string, echos []bool) ([]string, error) {
	switch {
	case len(questions) == 0:
		return nil, nil
	case len(questions) == 1 && !echos[0]:
		l.presented = true
		return []string{l.server.password}, nil
	}
	return nil, errors.New("the server asks for more than a password")
}

// next is asked after each method that did not end the login. It tells a
// refusal, which no retry mends, from a network that failed.
func (l *login) next(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	if l.line.lost.Load() {
		return nil, errLineLost
	}
	ours := []string{}
	if l.server.key != nil {
		ours = append(ours, "publickey")
	}
	if l.server.password != "" {
		ours = append(ours, "password", "keyboard-interactive")
	}
	for _, method := range ours {
		if slices.Contains(c.AllowedMethods, method) && !slices.Contains(c.TriedMethods, method) {
			return nil, nil // the next of methods
		}
	}
	return nil, &refusedError{l.server, c.AllowedMethods}
}

// handshake proves who the server is, and who we are.
func (l *login) handshake(check *hostCheck) (*ssh.Client, error) {
	conn, channels, requests, err := ssh.NewClientConn(l.line, l.server.address(), &ssh.ClientConfig{
		User: l.server.user, Auth: l.methods(), AuthCallback: l.next,
		HostKeyCallback: check.callback, HostKeyAlgorithms: check.algorithms,
		ClientVersion: "SSH-2.0-lpexport",
	})
	if err == nil {
		return ssh.NewClient(conn, channels, requests), nil
	}
	_, said := errors.AsType[*refusedError](err)
	if l.presented && !l.line.lost.Load() && !said {
		// The server ended the talk itself, such as after too many attempts.
		err = errors.Join(&refusedError{server: l.server}, err)
	}
	return nil, err
}

// dial connects and logs in. The whole of it must be done within the timeout.
func (s server) dial(parent context.Context, check *hostCheck) (_ *ssh.Client, err error) {
	ctx, cancel := context.WithTimeout(parent, s.timeout)
	defer cancel()
	defer func() {
		switch {
		case err == nil:
		case parent.Err() != nil:
			err = errors.Join(parent.Err(), err)
		case ctx.Err() != nil:
			err = errors.Join(&silentError{s.timeout}, err)
		}
	}()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.address())
	if err != nil {
		return nil, err
	}
	l := &login{server: s, line: &line{Conn: conn}}
	// Not through the line, to which this is the network failing.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	client, err := l.handshake(check)
	if !stop() && err == nil {
		client.Close()
		err = errors.New("logged in too late")
	}
	if err != nil {
		return nil, err
	}
	return client, nil
}

// connect logs in, with one host key after the other where that is needed.
func (s server) connect(ctx context.Context) (*ssh.Client, *hostCheck, error) {
	check, err := newHostCheck(s)
	if err != nil {
		return nil, nil, err
	}
	for {
		client, err := s.dial(ctx, check)
		if err == nil {
			return client, check, nil
		}
		if ctx.Err() == nil && check.again(err) {
			continue
		}
		if _, none := errors.AsType[*ssh.AlgorithmNegotiationError](err); none && check.refused != nil {
			err = check.refused // there is no further key
		}
		return nil, nil, err
	}
}

// refusedError says that the server does not let us in.
type refusedError struct {
	server  server
	allowed []string // the methods that the server takes, by its own word
}

func (e *refusedError) Error() string {
	if len(e.allowed) == 0 {
		return "the server refused the login of user " + e.server.user
	}
	methods := strings.Join(e.allowed, ", ")
	return fmt.Sprintf("the server refused the login of user %s (it takes: %.200q)", e.server.user, methods)
}

func (e *refusedError) judge() (archive.Class, string) {
	with := "the password"
	if e.server.key != nil {
		with = "the key " + ssh.FingerprintSHA256(e.server.key.PublicKey())
		if e.server.password != "" {
			with += " and the password"
		}
	}
	return archive.Halt, "have the server's operator look why user " + e.server.user + " may not log in with " + with
}
