package checkpoint

import "context"

// User is an agent or bot as the account's directory has it. Events name him by
// PID, which is "" where the directory does not tell it.
type User struct{ ID, PID, Login, Name, Email, Kind string }

// PutUsers replaces the directory of users, by id.
func (tx *Tx) PutUsers(users map[string]User) error {
	if err := tx.exec(`DELETE FROM user`); err != nil {
		return err
	}
	for _, u := range users {
		if err := tx.exec(`INSERT INTO user (id, pid, login, name, email, kind) VALUES (?, ?, ?, ?, ?, ?)`,
			u.ID, u.PID, u.Login, u.Name, u.Email, u.Kind); err != nil {
			return err
		}
	}
	return nil
}

// Users reads the directory of users by id.
func (c *Checkpoint) Users(ctx context.Context) (map[string]User, error) {
	users := map[string]User{}
	err := c.list(ctx, func(s scanner) error {
		var u User
		if err := s.Scan(&u.ID, &u.PID, &u.Login, &u.Name, &u.Email, &u.Kind); err != nil {
			return err
		}
		users[u.ID] = u
		return nil
	}, `SELECT id, pid, login, name, email, kind FROM user`)
	return users, err
}

// PutSkills replaces the directory of skills, id to name.
func (tx *Tx) PutSkills(skills map[string]string) error {
	if err := tx.exec(`DELETE FROM skill`); err != nil {
		return err
	}
	for id, name := range skills {
		if err := tx.exec(`INSERT INTO skill (id, name) VALUES (?, ?)`, id, name); err != nil {
			return err
		}
	}
	return nil
}

// Skills reads the directory of skills, id to name.
func (c *Checkpoint) Skills(ctx context.Context) (map[string]string, error) {
	skills := map[string]string{}
	err := c.list(ctx, func(s scanner) error {
		var id, name string
		if err := s.Scan(&id, &name); err != nil {
			return err
		}
		skills[id] = name
		return nil
	}, `SELECT id, name FROM skill`)
	return skills, err
}
