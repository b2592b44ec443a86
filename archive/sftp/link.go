package sftp

import (
	"context"
	"errors"
	"io"
	"net"

	"lpexport/archive/internal/again"
)

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
