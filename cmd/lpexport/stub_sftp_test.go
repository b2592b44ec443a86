package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// stubSFTP is an SFTP server in memory, which knows a user "u" with the password
// "p" and one key.
type stubSFTP struct {
	t       *testing.T
	address *net.TCPAddr
	host    ssh.Signer
	key     ed25519.PrivateKey // of the user

	noSFTP bool                       // takes the login and nothing else
	deny   func(r *sftp.Request) bool // what is not permitted
}

func newSSHKey(t *testing.T) (ed25519.PrivateKey, ssh.Signer) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, signer
}

func newStubSFTP(t *testing.T) *stubSFTP {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stubSFTP{t: t, address: listener.Addr().(*net.TCPAddr)}
	_, s.host = newSSHKey(t)
	var users ssh.Signer
	s.key, users = newSSHKey(t)
	config := &ssh.ServerConfig{
		PasswordCallback: func(c ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			if c.User() != "u" || string(given) != "p" {
				return nil, errors.New("no")
			}
			return nil, nil
		},
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if string(key.Marshal()) != string(users.PublicKey().Marshal()) {
				return nil, errors.New("no")
			}
			return nil, nil
		},
	}
	config.AddHostKey(s.host)
	files := sftp.InMemHandler()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				s.talk(conn, config, files)
			})
		}
	})
	t.Cleanup(func() { listener.Close(); running.Wait() })
	return s
}

func (s *stubSFTP) talk(conn net.Conn, config *ssh.ServerConfig, files sftp.Handlers) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, asked, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range asked {
				_ = r.Reply(r.Type == "subsystem" && !s.noSFTP, nil)
			}
		}()
		h := &denying{s, files}
		_ = sftp.NewRequestServer(channel, sftp.Handlers{FileGet: h, FilePut: h, FileCmd: h, FileList: h}).Serve()
	}
}

// denying asks before each request whether it is permitted.
type denying struct {
	*stubSFTP
	files sftp.Handlers
}

func (d *denying) may(r *sftp.Request) error {
	if d.deny != nil && d.deny(r) {
		return sftp.ErrSSHFxPermissionDenied
	}
	return nil
}

func (d *denying) Fileread(r *sftp.Request) (io.ReaderAt, error) { return d.files.FileGet.Fileread(r) }

func (d *denying) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	if err := d.may(r); err != nil {
		return nil, err
	}
	return d.files.FilePut.Filewrite(r)
}

func (d *denying) Filecmd(r *sftp.Request) error {
	if err := d.may(r); err != nil {
		return err
	}
	if r.Method == "Rmdir" { // which the library's example takes for a file
		r.Method = "Remove"
	}
	return d.files.FileCmd.Filecmd(r)
}

func (d *denying) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if err := d.may(r); err != nil {
		return nil, err
	}
	return d.files.FileList.Filelist(r)
}

// known writes a known_hosts file that has a key for the server.
func (s *stubSFTP) known(key ssh.PublicKey) string {
	s.t.Helper()
	line := knownhosts.Line([]string{fmt.Sprintf("[127.0.0.1]:%d", s.address.Port)}, key) + "\n"
	return writeFile(s.t, "known_hosts", []byte(line))
}

// keyFile writes a user's key.
func (s *stubSFTP) keyFile(key ed25519.PrivateKey) string {
	s.t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return writeFile(s.t, "key", pem.EncodeToMemory(block))
}

func writeFile(t *testing.T, name string, data []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// config is a good configuration, but for what change says: "" leaves a key out.
func (s *stubSFTP) config(change map[string]string) string {
	s.t.Helper()
	return section("sftp", map[string]string{
		"host": "127.0.0.1", "port": fmt.Sprint(s.address.Port), "user": "u", "password": "p",
		"known_hosts": s.known(s.host.PublicKey()), "path": "/archive",
	}, change)
}

// drop is the same for a flat folder.
func (s *stubSFTP) drop(folder string) string {
	s.t.Helper()
	return dropKeys + s.config(map[string]string{"path": folder})
}

const dropKeys = "    layout: drop\n    mail: {domain: lpexport.firm.example}\n"

// section is a transport with its keys, but for what change says.
func section(name string, keys, change map[string]string) string {
	maps.Copy(keys, change)
	text := "    " + name + ":\n"
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if keys[key] != "" {
			text += "      " + key + ": " + keys[key] + "\n"
		}
	}
	return text
}
