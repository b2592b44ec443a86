package liveperson

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// User is what is kept of a user. The API answers much more, a password hash
// among it in older versions; nothing of that is read.
type User struct {
	ID, PID  string
	Login    string
	Nickname string
	FullName string // mostly empty: LivePerson withholds it
	Email    string
	Deleted  bool
	Type     string // "0" system, "1" human, "2" bot, "" unknown
}

// Skill is a skill's name.
type Skill struct {
	ID, Name string
	Deleted  bool
}

// Users is all users of the account, deleted ones included.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	var users []User
	err := c.list(ctx, listing{
		op: "list users", path: "users", version: "6.0", privilege: readUsers,
		reset: func() { users = nil },
		each:  func(v Value) { users = append(users, readUser(v)) },
	})
	if err != nil {
		return nil, err
	}
	return users, nil
}

func readUser(v Value) User {
	u := User{
		ID:       v.Get("id").ID(),
		PID:      v.Get("pid").ID(),
		Login:    v.Get("loginName").Text(),
		Nickname: v.Get("nickname").Text(),
		FullName: v.Get("fullName").Text(),
		Email:    v.Get("email").Text(),
		Deleted:  v.Get("deleted").Bool(),
	}
	switch t := v.Get("userTypeId").Text(); t {
	case "0", "1", "2":
		u.Type = t
	}
	return u
}

// Skills is all skills of the account, deleted ones included. The API's
// default selection of fields is just the three that are kept.
func (c *Client) Skills(ctx context.Context) ([]Skill, error) {
	var skills []Skill
	err := c.list(ctx, listing{
		op: "list skills", path: "skills", version: "4.0", privilege: readSkills,
		reset: func() { skills = nil },
		each: func(v Value) {
			skills = append(skills, Skill{
				ID:      v.Get("id").Text(), // -1 is the id of "unassigned"
				Name:    v.Get("name").Text(),
				Deleted: v.Get("deleted").Bool(),
			})
		},
	})
	if err != nil {
		return nil, err
	}
	return skills, nil
}

// listing is one list of the account's configuration. These are not paged:
// the answer is one array of all.
type listing struct {
	op, path, version string
	privilege         privilege
	reset             func()
	each              func(Value)
}

// entityLimit bounds one user or skill.
const entityLimit = 1 << 20

func (c *Client) list(ctx context.Context, l listing) error {
	return c.do(ctx, &call{
		op:       l.op,
		service:  serviceAccounts,
		path:     "/api/account/" + c.cfg.Account + "/configuration/le-users/" + l.path,
		query:    url.Values{"v": {l.version}, "include_deleted": {"true"}},
		refusals: []int{http.StatusUnauthorized, http.StatusForbidden},
		hint:     c.login.hint(l.privilege),
		reset:    l.reset,
		read: func(a *answer) error {
			err := a.body.array(func() error { return l.entity(a.body) })
			if err != nil {
				return err
			}
			return a.body.end()
		},
	})
}

func (l listing) entity(s *stream) error {
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
	l.each(v)
	return nil
}
