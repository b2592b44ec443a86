package liveperson

import (
	"context"
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

// Users is all users of the account as they are now, deleted ones included; the
// slice is the caller's. LivePerson is asked for what has changed only, so that
// it is cheap to call often.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	return fetch(ctx, c, &c.lists.users, listing[User]{
		op: "list users", path: "users", version: "6.0", privilege: readUsers, read: readUser,
	})
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

// Skills is all skills of the account, as Users is its users. The API's default
// selection of fields is just the three that are kept.
func (c *Client) Skills(ctx context.Context) ([]Skill, error) {
	return fetch(ctx, c, &c.lists.skills, listing[Skill]{
		op: "list skills", path: "skills", version: "4.0", privilege: readSkills, read: readSkill,
	})
}

func readSkill(v Value) Skill {
	return Skill{
		ID:      v.Get("id").Text(), // -1 is the id of "unassigned"
		Name:    v.Get("name").Text(),
		Deleted: v.Get("deleted").Bool(),
	}
}
