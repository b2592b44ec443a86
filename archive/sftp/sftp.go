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
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"lpexport/archive"
	"lpexport/archive/internal/again"
	"lpexport/archive/internal/hidden"
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

// with lets use have a session. When the connection is lost it begins again with
// a new one, a few times, with pauses of seconds.
func (r *remote) with(ctx context.Context, use func(*session) error) error {
	return r.repeat(ctx, func() error {
		s, err := r.acquire(ctx)
		if err != nil {
			return err
		}
		err = s.run(ctx, func() error {
			r.removeLost(s)
			return use(s)
		})
		r.release(s, err == nil)
		return err
	})
}

// repeat calls do until it ends without a lost connection, a few times.
func (r *remote) repeat(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if err == nil || !lost(err) || n == again.Tries || ctx.Err() != nil {
			return err
		}
		if stopped := r.server.pause(ctx, again.Wait(n)); stopped != nil {
			return errors.Join(stopped, err)
		}
	}
}

// maxLost is how much lost work is remembered; Clean finds the rest.
const maxLost = 100

// discard removes unfinished work of ours. What a lost connection leaves is
// removed with the next session, what the server lets nobody remove stays.
func (r *remote) discard(s *session, temp string) {
	err := s.removeAll(temp)
	if err == nil || answered(err) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lost) < maxLost {
		r.lost = append(r.lost, temp)
	}
}

func (r *remote) removeLost(s *session) {
	r.mu.Lock()
	lost := r.lost
	r.lost = nil
	r.mu.Unlock()
	for _, temp := range lost {
		r.discard(s, temp)
	}
}

// acquire returns the session that was kept, if it still lives, or a new one.
func (r *remote) acquire(ctx context.Context) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	s := r.idle
	r.idle = nil
	r.mu.Unlock()
	if s != nil {
		if s.alive(ctx) {
			return s, nil
		}
		s.close()
	}
	return newSession(ctx, r.server)
}

// release keeps a session for the next call. After an error it is of no more
// use: a new one costs little then.
func (r *remote) release(s *session, well bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if well && !s.watch.ended() && r.idle == nil {
		r.idle = s
		return
	}
	s.close()
}

// Close ends the session that is kept.
func (r *remote) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.idle == nil {
		return nil
	}
	err := r.idle.close()
	r.idle = nil
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) { // the server was quicker
		return failure("close", r.where(""), err)
	}
	return nil
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

// clean removes what is ours of a folder's unfinished work.
func (r *remote) clean(ctx context.Context, folder string, ours func(name string) bool) error {
	var left *archive.LeftError
	err := r.with(ctx, func(s *session) error {
		left = nil
		names, err := s.list(r.below(folder))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range names {
			if !ours(e.Name()) {
				continue
			}
			if err := r.step(ctx, "remove", e.Name()); err != nil {
				return err
			}
			err := s.removeAll(path.Join(r.below(folder), e.Name()))
			if err != nil && !answered(err) {
				return err
			}
			if err != nil && left == nil {
				left = &archive.LeftError{Where: r.where(folder), Err: shortened(err)}
			}
			if err != nil {
				left.Names = append(left.Names, e.Name())
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return failure("clean", r.where(folder), err)
	case left != nil:
		return left
	}
	return nil
}

// Clean removes unfinished work of this destination.
func (d *Destination) Clean(ctx context.Context) error {
	return d.clean(ctx, d.account, func(name string) bool { return hidden.Left(d.name, name) })
}

// Probe logs in, writes a folder with a file as Deliver does, and removes it.
func (d *Destination) Probe(ctx context.Context) (facts []string, err error) {
	err = d.with(ctx, func(s *session) error {
		if err := d.makeFolders(ctx, s, d.account); err != nil {
			return err
		}
		if _, err := s.list(d.below(d.account)); err != nil {
			return fmt.Errorf("list the folder: %w", err)
		}
		left, err := d.probe(ctx, s)
		facts = append(s.facts(d.below(d.account)), probed(d.where(d.account), left))
		return err
	})
	if err != nil {
		return nil, failure("probe", d.where(d.account), err)
	}
	return facts, nil
}

// probed says what became of a probe.
func probed(where string, left error) string {
	if left != nil {
		return "wrote a probe, which the server does not let us remove, in " + where + ": what is cut off stays there too, under names that start with \".\""
	}
	return "wrote and removed a probe in " + where
}

// unremoved takes the server's refusals to remove something out of err: they are
// no fault of a probe.
func unremoved(errs ...error) (left, err error) {
	for _, each := range errs {
		if each != nil && answered(each) {
			left = each
		} else {
			err = errors.Join(err, each)
		}
	}
	return left, err
}

// probe returns in left why the probe could not be removed.
func (d *Destination) probe(ctx context.Context, s *session) (left, err error) {
	part, err := d.part()
	if err != nil {
		return nil, err
	}
	temp := d.below(d.account + "/" + hidden.Probe(d.name) + part)
	moved := temp + "x"
	if err := d.step(ctx, "mkdir", temp); err != nil {
		return nil, err
	}
	defer func() {
		refused, gone := unremoved(s.removeAll(temp), s.removeAll(moved))
		left, err = refused, errors.Join(err, gone)
	}()
	if err := s.Mkdir(temp); err != nil {
		return nil, err
	}
	if err := s.create(path.Join(temp, "probe"), []byte("lpexport probe\n")); err != nil {
		return nil, err
	}
	if err := d.step(ctx, "rename", temp); err != nil {
		return nil, err
	}
	return nil, s.Rename(temp, moved)
}

// facts says what a person may want to know of the server.
func (s *session) facts(folder string) []string {
	facts := []string{
		fmt.Sprintf("server: %q", s.ssh.ServerVersion()),
		"host key: " + s.host.trusted.Type() + " " + ssh.FingerprintSHA256(s.host.trusted),
		"sync of files: not offered",
	}
	if s.syncs() {
		facts[2] = "sync of files: yes"
	}
	if free, ok := s.free(folder); ok {
		facts = append(facts, fmt.Sprintf("free: %d MiB", free>>20))
	}
	return facts
}
