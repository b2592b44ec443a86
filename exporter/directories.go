package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// refreshDirectories fetches the account's users and skills, and stores them.
func (e *Exporter) refreshDirectories(ctx context.Context) error {
	_, err := e.fetchDirectories(ctx)
	return err
}

// fetchDirectories fetches and stores the account's users and skills. A run goes on
// with those it has when they cannot be fetched: they only fill in what records do
// not say, and which skills a selection means is remembered. noSkills is why the
// skills could not be fetched.
//
// What is fetched is compared with what is stored every time, also when
// LivePerson was only asked for what had changed: it may be that the last ones
// could not be stored, or that another process has stored older ones since.
func (e *Exporter) fetchDirectories(ctx context.Context) (noSkills, err error) {
	users, noUsers := e.Source.Users(ctx)
	if err := e.tolerate(ctx, "users", noUsers); err != nil {
		return nil, err
	}
	skills, noSkills := e.listSkills(ctx)
	if err := e.tolerate(ctx, "skills", noSkills); err != nil {
		return noSkills, err
	}
	if noUsers == nil {
		if err := e.keepUsers(ctx, directoryOf(users)); err != nil {
			return noSkills, err
		}
	}
	if noSkills != nil {
		return noSkills, nil
	}
	return nil, e.keepSkills(ctx, skillNames(skills))
}

// skillNames are the skills' names by their ids.
func skillNames(skills []liveperson.Skill) map[string]string {
	names := map[string]string{}
	for _, s := range skills {
		names[s.ID] = s.Name
	}
	return names
}

// listSkills fetches the skills. An empty list is no answer where there were skills
// before, or where a selection needs some: with the deleted ones it only grows.
func (e *Exporter) listSkills(ctx context.Context) ([]liveperson.Skill, error) {
	skills, err := e.Source.Skills(ctx)
	if err != nil || len(skills) > 0 {
		return skills, err
	}
	known, err := e.cp.Skills(ctx)
	if err == nil && len(known)+len(e.Skills) > 0 {
		err = &liveperson.APIError{Op: "list skills", Err: errNoSkills}
	}
	return nil, err
}

var errNoSkills = errors.New("LivePerson listed no skill at all")

// keepUsers stores the directory of users if it is another than the one known.
// Users that it has no more stay known: what they wrote may still be on its way.
func (e *Exporter) keepUsers(ctx context.Context, users map[string]checkpoint.User) error {
	known, err := e.cp.Users(ctx)
	for id, u := range known {
		switch listed, is := users[id]; {
		case !is:
			users[id] = u
		case listed.PID == "": // events bear it
			listed.PID = u.PID
			users[id] = listed
		}
	}
	if err != nil || maps.Equal(known, users) {
		return err
	}
	return e.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.PutUsers(users) })
}

// keepSkills stores the directory of skills if it is another than the one known.
func (e *Exporter) keepSkills(ctx context.Context, skills map[string]string) error {
	known, err := e.cp.Skills(ctx)
	if err != nil || maps.Equal(known, skills) {
		return err
	}
	return e.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.PutSkills(skills) })
}

// tolerate lets a run go on without a directory that LivePerson does not give.
func (e *Exporter) tolerate(ctx context.Context, what string, err error) error {
	var api *liveperson.APIError
	var auth *liveperson.AuthError
	switch {
	case err == nil:
	case isUnavailable(err):
		return err
	case ctx.Err() != nil || !errors.As(err, &api) && !errors.As(err, &auth):
		return fmt.Errorf("fetch %s: %w", what, err)
	}
	if e.news.is("directory of "+what, newsOf(err)) && err != nil {
		e.Log.Warn("directory could not be fetched: going on with the names in the records", "directory", what, "error", err)
	}
	return nil
}

func directoryOf(users []liveperson.User) map[string]checkpoint.User {
	byID := make(map[string]checkpoint.User, len(users))
	for _, u := range users {
		kind := kindOf(u.Type)
		if kind == "unknown" {
			kind = ""
		}
		byID[u.ID] = checkpoint.User{ID: u.ID, PID: u.PID, Login: u.Login, Name: cmp.Or(u.FullName, u.Nickname), Email: u.Email, Kind: kind}
	}
	return byID
}
