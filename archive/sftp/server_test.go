package sftp

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// fault is what a test server does with a request.
type fault int

const (
	serve      fault = iota
	refuse           // answer that it failed
	cutBefore        // end the connection in place of it
	cutAfter         // end the connection in place of the answer
	hang             // answer nothing, but keep the connection alive
	lie              // of a write: say yes and keep half
	dawdle           // of a read: give half of what was asked for
	permission       // answer that it is not allowed
	dressUp          // of a list: add folders whose names lead elsewhere
)

// testServer is an SFTP server of this process, below a folder.
type testServer struct {
	t        *testing.T
	root     string
	listener net.Listener
	over     chan struct{}

	mu       sync.Mutex
	config   *ssh.ServerConfig
	fault    func(op, path string) fault // asked before each request, or nil
	conns    map[net.Conn]bool
	sessions int // that were begun
	freed    uint64
	fsid     map[string]uint64 // of file systems by folder; 0: the server names none
}

// setFsid says which file systems folders are in.
func (s *testServer) setFsid(fsid map[string]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fsid = fsid
}

// The password and the keys of all test servers. The keys are the same each
// time, so that nothing has to be written down.
const password = "correct horse"

var (
	userKey  = newKey(1)
	otherKey = newKey(2)
	hostKey  = newKey(3)
)

func newKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), seed))
}

func signer(key any) ssh.Signer {
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		panic(err)
	}
	return s
}

// encode returns a private key as ssh-keygen writes it.
func encode(key ed25519.PrivateKey) []byte {
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(block)
}

var makeRSA = sync.OnceValue(func() ssh.Signer {
	key, err := rsa.GenerateKey(nil, 2048)
	if err != nil {
		panic(err)
	}
	return signer(key)
})

// newServer starts a server. It ends with the test.
func newServer(t *testing.T, hostKeys ...ssh.Signer) *testServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{t: t, root: t.TempDir(), listener: listener, over: make(chan struct{}), conns: make(map[net.Conn]bool), freed: 1 << 40}
	s.config = &ssh.ServerConfig{
		PasswordCallback: func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			if string(given) != password {
				return nil, errors.New("wrong password")
			}
			return nil, nil
		},
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if string(key.Marshal()) != string(signer(userKey).PublicKey().Marshal()) {
				return nil, errors.New("wrong key")
			}
			return nil, nil
		},
	}
	if len(hostKeys) == 0 {
		hostKeys = []ssh.Signer{signer(hostKey)}
	}
	for _, key := range hostKeys {
		s.config.AddHostKey(key)
	}
	var running sync.WaitGroup
	running.Go(func() { s.accept(&running) })
	t.Cleanup(func() {
		close(s.over)
		listener.Close()
		s.cut()
		running.Wait()
	})
	return s
}

// configFor returns what a client needs for the server.
func (s *testServer) configFor() Config {
	host, port := "127.0.0.1", s.listener.Addr().(*net.TCPAddr).Port
	return Config{
		Host: host, Port: port, User: "archive", Key: encode(userKey),
		KnownHosts: knownFile(s.t, port, signer(hostKey).PublicKey()),
		Path:       "/drop", Account: "a", Name: "d", Timeout: 30 * time.Second,
		Random: rand.NewChaCha8([32]byte{1}),
		Pause:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

// knownFile writes a known_hosts file that has the keys for the server.
func knownFile(t *testing.T, port int, keys ...ssh.PublicKey) string {
	t.Helper()
	var lines strings.Builder
	for _, key := range keys {
		lines.WriteString(knownhosts.Line([]string{fmt.Sprintf("[127.0.0.1]:%d", port)}, key) + "\n")
	}
	name := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(name, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func (s *testServer) accept(running *sync.WaitGroup) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[conn] = true
		s.mu.Unlock()
		running.Go(func() {
			s.talk(conn)
			conn.Close()
		})
	}
}

// cut ends all connections.
func (s *testServer) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		conn.Close()
		delete(s.conns, conn)
	}
}

// inject sets what is done with the requests that follow.
func (s *testServer) inject(f func(op, path string) fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

func (s *testServer) talk(conn net.Conn) {
	s.mu.Lock()
	config := *s.config
	s.mu.Unlock()
	server, channels, requests, err := ssh.NewServerConn(conn, &config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	var sessions sync.WaitGroup
	defer sessions.Wait()
	for c := range channels {
		channel, asked, err := c.Accept()
		if err != nil {
			return
		}
		sessions.Go(func() {
			for r := range asked {
				ok := r.Type == "subsystem" && string(r.Payload[4:]) == "sftp"
				_ = r.Reply(ok, nil)
				if ok {
					s.mu.Lock()
					s.sessions++
					s.mu.Unlock()
					sessions.Go(func() { s.serve(server, channel) })
				}
			}
		})
	}
}

func (s *testServer) serve(conn *ssh.ServerConn, channel ssh.Channel) {
	root, err := os.OpenRoot(s.root)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer root.Close()
	h := &handlers{server: s, conn: conn, root: root}
	server := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: h, FilePut: h, FileCmd: h, FileList: h})
	_ = server.Serve()
	channel.Close()
}

// begun returns how many sessions were begun.
func (s *testServer) begun() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

// limited starts a relay to a server that lets one connection pass, and cuts it
// after so many bytes from the server. passed tells whether the client was the
// one that ended it.
func limited(t *testing.T, server string, bytes int) (port int, passed func() bool) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool, 1)
	go func() {
		defer listener.Close()
		client, err := listener.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		far, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer far.Close()
		go func() {
			_, _ = io.Copy(far, client)
			far.Close()
		}()
		n, _ := io.Copy(client, io.LimitReader(far, int64(bytes)))
		done <- n < int64(bytes)
	}()
	return listener.Addr().(*net.TCPAddr).Port, func() bool { return <-done }
}
