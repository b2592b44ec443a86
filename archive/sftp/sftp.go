// Package sftp is the destination that is a folder of an SFTP server.
//
// A bundle is sent into a folder whose name starts with "." beside the other
// work of its account and renamed to where it belongs, so that a reader sees
// all of it or nothing. A file for a flat folder takes the same way. The size of
// each file is read back before the rename, since a server with a full disk
// may say yes to everything; files are synced where the server can do that.
// What was cut off is sent again from its start, under another hidden name, since
// a server may let nobody remove the first. Modes are left to the server.
package sftp

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"

	"lpexport/archive"
)

var (
	_ archive.Destination = (*Destination)(nil)
	_ archive.Source      = (*Destination)(nil)
)

// Destination is a folder of bundles. Its root is made when it is absent.
type Destination struct{ remote }

// New returns the destination for c, or everything that is wrong with c. It
// reads the known_hosts file and connects to nothing yet.
func New(c Config) (*Destination, error) {
	d := &Destination{}
	return d, d.configure(c)
}

// remote is what both layouts share: the server, and the session that is kept
// for the next call. Calls at the same time have a session each, so that one
// that is cancelled ends no other.
type remote struct {
	server              server
	root, account, name string

	mu     sync.Mutex // of what follows
	idle   *session   // or nil
	random io.Reader
	lost   []string // our unfinished work that a lost connection has left

	// testOnlyBefore, if set, is asked before each step that changes something,
	// one after the other; its error stands for the step's own.
	testOnlyBefore func(op, path string) error
	asking         sync.Mutex
}

func (r *remote) configure(c Config) (err error) {
	r.root, r.account, r.name, r.random = c.root(), c.Account, c.Name, c.random()
	r.server, err = c.check()
	return err
}

// step reports whether a step may be made.
func (r *remote) step(ctx context.Context, op, path string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.testOnlyBefore != nil {
		r.asking.Lock()
		defer r.asking.Unlock()
		return r.testOnlyBefore(op, path)
	}
	return nil
}

// below returns the server's path of a path below the root.
func (r *remote) below(name string) string { return path.Join(r.root, name) }

// where says where a path below the root is, as curl would be told: "~" is where
// the login starts.
func (r *remote) where(name string) string {
	host := r.server.address()
	if r.server.port == "22" {
		host = strings.TrimSuffix(host, ":22")
	}
	place := r.below(name)
	if !path.IsAbs(place) {
		place = path.Join("/~", place)
	}
	return "sftp://" + host + place
}

// part returns a random part of a name.
func (r *remote) part() (string, error) {
	raw := make([]byte, 8)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := io.ReadFull(r.random, raw); err != nil {
		return "", fmt.Errorf("random name: %w", err)
	}
	return hex.EncodeToString(raw), nil
}
