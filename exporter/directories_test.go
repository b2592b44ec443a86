package exporter

import (
	"context"
	"errors"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// tap hears how the account answers when it is asked for users and skills.
type tap struct {
	http.RoundTripper
	mu    sync.Mutex
	heard []string
}

func (l *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if err == nil && strings.Contains(r.URL.Path, "/le-users/") {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.heard = append(l.heard, path.Base(r.URL.Path)+" "+resp.Status[:3])
	}
	return resp, err
}

// take is what was heard since the last time.
func (l *tap) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	heard := strings.Join(l.heard, ", ")
	l.heard = nil
	return heard
}

// How two refreshes end: with both lists in full, or with both unchanged.
const (
	bothInFull    = "users 200, skills 200"
	bothUnchanged = "users 304, skills 304"
)

// tapped is a trial on an account in which the first agent is renamed an
// hour after the trial begins, and what is heard of its directories.
func tapped(t *testing.T) (*trial, *tap) {
	t.Helper()
	begin := 24 * time.Hour
	set := sandbox.Settings{Conversations: 1, Changes: []sandbox.Change{
		{At: epoch.Add(begin + time.Hour), Kind: sandbox.Rename, Agent: 0, Text: "Agent One"}}}
	r := newTrial(t, set, begin, nil)
	l := &tap{RoundTripper: r.account.Transport()}
	client, err := liveperson.New(liveperson.Config{
		Account: "sandbox", DomainAPI: "http://127.0.0.1", Source: "test", Concurrency: 1, Transport: l, Now: r.clock.Now,
		OAuth2: &liveperson.OAuth2Credentials{ClientID: sandbox.DefaultCredentials.ClientID, ClientSecret: sandbox.DefaultCredentials.ClientSecret},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Source = client
	return r, l
}

// mustRefresh refreshes the directories and wants these answers, and the first
// agent to be known by that name.
func (r *trial) mustRefresh(l *tap, answers, name string) {
	r.t.Helper()
	if err := r.refreshDirectories(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	if heard := l.take(); heard != answers {
		r.t.Errorf("answered %s, want %s", heard, answers)
	}
	users, err := r.cp.Users(context.Background())
	if got := users[sandbox.AgentID(0)].Name; got != name || err != nil {
		r.t.Errorf("the agent is %q, want %q: %v", got, name, err)
	}
	skills, err := r.cp.Skills(context.Background())
	if len(skills) != 6 || err != nil {
		r.t.Errorf("%d skills: %v", len(skills), err)
	}
}

func TestDirectoriesAreFetchedWhenTheyChanged(t *testing.T) {
	r, l := tapped(t)
	r.mustRefresh(l, bothInFull, "Agent 1")
	r.mustRefresh(l, bothUnchanged, "Agent 1")
	r.clock.Advance(time.Hour)
	r.mustRefresh(l, bothInFull, "Agent One")
	r.mustRefresh(l, bothUnchanged, "Agent One")
}

// A directory that could not be stored is stored the next time, although
// LivePerson then says that it is unchanged.
func TestDirectoryThatWasNotStoredIsNotLost(t *testing.T) {
	r, l := tapped(t)
	r.mustRefresh(l, bothInFull, "Agent 1")
	r.clock.Advance(time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	answering := r.Source
	r.Source = &stopAfterSkills{answering, cancel}
	if err := r.refreshDirectories(ctx); !errors.Is(err, context.Canceled) || l.take() != bothInFull {
		t.Fatalf("the new name was to be fetched and not stored: %v", err)
	}
	r.Source = answering
	r.mustRefresh(l, bothUnchanged, "Agent One")
}

// stopAfterSkills ends the caller's context once all has been fetched.
type stopAfterSkills struct {
	Source
	stop func()
}

func (s *stopAfterSkills) Skills(ctx context.Context) ([]liveperson.Skill, error) {
	defer s.stop()
	return s.Source.Skills(ctx)
}

// Another process may have asked before this one and stored after it: its
// older directories do not stay. Users whom the account does not list do.
func TestOlderDirectoriesOfAnotherProcessAreReplaced(t *testing.T) {
	r, l := tapped(t)
	r.mustRefresh(l, bothInFull, "Agent 1")
	older, err := r.cp.Users(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	older["gone"] = checkpoint.User{ID: "gone", Name: "Former Agent"}
	r.clock.Advance(time.Hour)
	r.mustRefresh(l, bothInFull, "Agent One")
	err = r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error {
		return errors.Join(tx.PutUsers(older), tx.PutSkills(map[string]string{"1": "Old"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	r.mustRefresh(l, bothUnchanged, "Agent One")
	users, err := r.cp.Users(context.Background())
	if users["gone"].Name != "Former Agent" || err != nil {
		t.Errorf("who is not listed any more is forgotten: %v", err)
	}
}
