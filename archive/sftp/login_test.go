package sftp

import (
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"

	"lpexport/archive"
)

func TestLogin(t *testing.T) {
	partly := func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PasswordCallback: func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			if string(p) != password {
				return nil, errors.New("wrong password")
			}
			return nil, nil
		}}}
	}
	ask := func(questions ...string) func(*ssh.ServerConfig) {
		return func(c *ssh.ServerConfig) {
			c.PasswordCallback, c.PublicKeyCallback = nil, nil
			c.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
				answers, err := ask("", "", questions, make([]bool, len(questions)))
				if err != nil {
					return nil, err
				}
				for _, a := range answers {
					if a != password {
						return nil, errors.New("wrong answer")
					}
				}
				return nil, nil
			}
		}
	}
	for name, test := range map[string]struct {
		key, password bool // that we have
		server        func(*ssh.ServerConfig)
		refused       bool
	}{
		"key":                             {key: true},
		"password":                        {password: true},
		"key, then password":              {key: true, password: true, server: func(c *ssh.ServerConfig) { c.PublicKeyCallback = partly }},
		"password where asked for it":     {password: true, server: ask("Password: ")},
		"password, and a second question": {password: true, server: ask("Password: ", "Code: "), refused: true},
		"key where both are wanted":       {key: true, server: func(c *ssh.ServerConfig) { c.PublicKeyCallback = partly }, refused: true},
		"key where a password is wanted":  {key: true, server: func(c *ssh.ServerConfig) { c.PublicKeyCallback = nil }, refused: true},
		"password where a key is wanted":  {password: true, server: func(c *ssh.ServerConfig) { c.PasswordCallback = nil }, refused: true},
	} {
		s := newServer(t)
		if test.server != nil {
			s.configure(test.server)
		}
		c := s.configFor()
		if c.Key = nil; test.key {
			c.Key = encode(userKey)
		}
		if test.password {
			c.Password = password
		}
		err := probe(t, c)
		if test.refused {
			wantHint(t, wantClass(t, err, archive.Halt), "operator")
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s.begun() > 0 == test.refused {
			t.Errorf("%s: %d sessions", name, s.begun())
		}
	}
}

// The wrong credentials are refused, named by nothing that is secret, and not
// tried again in one call, which could lock the user out.
func TestWrongCredentialsHalt(t *testing.T) {
	for _, tries := range []int{0, 1} { // the server's own limit, which ends the connection
		for _, key := range []bool{true, false} {
			s := newServer(t)
			var given atomic.Int64
			s.configure(func(c *ssh.ServerConfig) {
				c.MaxAuthTries = tries
				c.AuthLogCallback = func(_ ssh.ConnMetadata, method string, _ error) {
					if method != "none" {
						given.Add(1)
					}
				}
			})
			c := s.configFor()
			if c.Key = encode(otherKey); !key {
				c.Key, c.Password = nil, "battery staple"
			}
			err := probe(t, c)
			e := wantClass(t, err, archive.Halt)
			wantHint(t, e, "archive", map[bool]string{true: ssh.FingerprintSHA256(signer(otherKey).PublicKey()), false: "password"}[key])
			if strings.Contains(err.Error()+e.Hint, "battery") {
				t.Errorf("the password is told: %v, %s", err, e.Hint)
			}
			if n := given.Load(); n > 1 {
				t.Errorf("%d logins were tried", n)
			}
		}
	}
}

// What is no refusal is tried again: a server that is not there, one that hangs
// up, one that is none.
func TestNoLoginIsRetried(t *testing.T) {
	s := newServer(t)
	c := s.configFor()
	for name, answer := range map[string]string{"hangs up": "", "is none": "220 mail.example ESMTP\r\n", "hangs up later": "SSH-2.0-x\r\n"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				conn.Write([]byte(answer))
				conn.Close()
			}
		}()
		c.Port = l.Addr().(*net.TCPAddr).Port
		t.Log(name)
		wantClass(t, probe(t, c), archive.Retry)
		l.Close()
		t.Log("is not there")
		wantClass(t, probe(t, c), archive.Retry)
	}
}

// A login that is cut at any point is a lost connection, never a refusal.
func TestLoginCutAnywhereIsRetried(t *testing.T) {
	s := newServer(t)
	c := s.configFor()
	s.inject(func(string, string) fault { return cutBefore })
	for limit := 0; ; limit += 97 {
		relay, passed := limited(t, s.listener.Addr().String(), limit)
		c.Port = relay
		c.KnownHosts = knownFile(t, relay, signer(hostKey).PublicKey())
		err := probe(t, c)
		wantClass(t, err, archive.Retry)
		if passed() {
			if limit < 1000 {
				t.Errorf("a login of only %d bytes", limit)
			}
			return
		}
	}
}
