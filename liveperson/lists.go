package liveperson

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sync/atomic"
	"time"
)

// lists is what a Client holds of the lists it has read: users and skills.
type lists struct {
	users  atomic.Pointer[held[User]]
	skills atomic.Pointer[held[Skill]]
}

// held is a list as it was read whole, with the revision it bore. It is never
// changed, only replaced: a revision never stands beside the entries of another.
type held[T any] struct {
	revision string // "": the answer bore none
	at       time.Time
	entries  []T
}

// trusted is how long a revision is sent back. Then all is asked for again, in
// case something changed that LivePerson's revision did not tell.
const trusted = 24 * time.Hour

// listing is one list of the account's configuration. These are not paged:
// the answer is one array of all.
type listing[T any] struct {
	op, path, version string
	privilege         privilege
	read              func(Value) T
}

// fetch returns the list as it is now. It sends back the revision of the one
// that is held, and where LivePerson says that it is unchanged, returns that one.
//
// A caller is never told "unchanged" instead: this would be true of what the
// Client has read last, and not of what the caller has stored, if that failed or
// another process has stored something older since. Given the entries each time,
// it compares them with what it has, and no update can be lost in between.
//
// A failure while a revision was sent forgets it: the next call asks for all.
func fetch[T any](ctx context.Context, c *Client, place *atomic.Pointer[held[T]], l listing[T]) ([]T, error) {
	before := place.Load()
	sent := before
	if sent != nil && c.cfg.Now().Sub(sent.at) >= trusted {
		sent = nil
	}
	got, err := ask(ctx, c, l, sent)
	if sent != nil && failedMatch(err) {
		got, err = ask(ctx, c, l, nil)
	}
	if err != nil {
		place.CompareAndSwap(before, nil) // not what another call has read meanwhile
		return nil, err
	}
	if got.revision == "" {
		place.Store(nil)
	} else {
		place.Store(got)
	}
	return slices.Clone(got.entries), nil
}

// failedMatch tells a 412: LivePerson documents none, but to a server that keeps
// to RFC 9110, 13.1.1, it is what If-Match means when the list has changed.
func failedMatch(err error) bool {
	var api *APIError
	return errors.As(err, &api) && api.Status == http.StatusPreconditionFailed
}

// ask asks for what is newer than known, or for all when that is nil. It
// returns known itself when there is nothing newer.
func ask[T any](ctx context.Context, c *Client, l listing[T], known *held[T]) (got *held[T], err error) {
	k := &call{
		op:       l.op,
		service:  serviceAccounts,
		path:     "/api/account/" + c.cfg.Account + "/configuration/le-users/" + l.path,
		query:    url.Values{"v": {l.version}, "include_deleted": {"true"}},
		refusals: []int{http.StatusUnauthorized, http.StatusForbidden},
		hint:     c.login.hint(l.privilege),
		read: func(a *answer) (err error) {
			if a.status == http.StatusNotModified {
				got = known
				return nil
			}
			got = &held[T]{revision: a.revision, at: c.cfg.Now()}
			got.entries, err = l.entries(a.body)
			return err
		},
	}
	if known != nil {
		k.revision = known.revision
	}
	err = c.do(ctx, k)
	return got, err
}

// entityLimit bounds one user or skill.
const entityLimit = 1 << 20

// entries reads the whole of an answer.
func (l listing[T]) entries(s *stream) (list []T, err error) {
	err = s.array(func() error {
		raw, err := s.value(entityLimit)
		switch {
		case err == errTooLong:
			return fmt.Errorf("%w: an entry of more than %d bytes", ErrTooLarge, entityLimit)
		case err != nil:
			return err
		}
		v := Value(raw)
		if !v.IsObject() {
			return fmt.Errorf("%w: an entry that is no object", ErrUnexpected)
		}
		list = append(list, l.read(v))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, s.end()
}

// What may be sent back as a revision: a number, or an entity tag. Not "*",
// which would match whatever there is.
var revisionForm = regexp.MustCompile(`^(W/)?"?[A-Za-z0-9._:+/=-]{1,128}"?$`)

// revisionOf is the revision that an answer bears, "" when there is none that
// may be sent back. It is one number for the whole account, in ac-revision by the
// pages of the Users and Skills APIs, in ETag by their appendix.
func revisionOf(h http.Header) string {
	for _, name := range []string{"ac-revision", "ETag"} {
		if v := h.Get(name); revisionForm.MatchString(v) {
			return v
		}
	}
	return ""
}
