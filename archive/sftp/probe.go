package sftp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"golang.org/x/crypto/ssh"

	"lpexport/archive"
	"lpexport/archive/internal/hidden"
)

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
