package liveperson

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// failing is the names of the probes that failed, and all names.
func failing(probes []Probe) (failed, all string) {
	var f, a []string
	for _, p := range probes {
		a = append(a, p.Name)
		if p.Err != nil {
			f = append(f, p.Name)
		}
	}
	return strings.Join(f, ", "), strings.Join(a, ", ")
}

// awaiting is the probes that were not tried, each with the one that it awaits.
func awaiting(probes []Probe) string {
	var list []string
	for _, p := range probes {
		if p.Awaits != "" {
			list = append(list, p.Name+" < "+p.Awaits)
		}
	}
	return strings.Join(list, ", ")
}

func TestCheck(t *testing.T) {
	const beyondLogin = "conversations < login, users < login, skills < login"
	const beyondLookUp = "domain accountConfigReadOnly < domain msgHist, domain sentinel < domain msgHist, clock < domain msgHist, " +
		"login < domain msgHist, conversations < domain msgHist, users < domain msgHist, skills < domain msgHist"
	for name, test := range map[string]struct {
		change           func(*fake)
		failed, awaiting string
	}{
		"all well":        {func(f *fake) {}, "", ""},
		"no history":      {func(f *fake) { f.on(searchPath, status(403)) }, "conversations", ""},
		"no users":        {func(f *fake) { f.on(usersPath, status(403)) }, "users", ""},
		"no skills":       {func(f *fake) { f.on(skillsPath, status(403)) }, "skills", ""},
		"no login":        {func(f *fake) { f.on(tokenPath, status(400)) }, "login", beyondLogin},
		"no domain":       {func(f *fake) { f.on(domainPath(serviceHistory), status(404)) }, "domain msgHist", "conversations < domain msgHist"},
		"no such account": {func(f *fake) { f.on(domainPath(serviceHistory), status(401)) }, "domain msgHist", beyondLookUp},
		"portal":          {func(f *fake) { f.on(domainPath(serviceHistory), body(`<html>`)) }, "domain msgHist", beyondLookUp},
		"wrong clock":     {func(f *fake) { f.on(domainPath(serviceTokens), f.domainAt(serviceTokens, noon.Add(-61*time.Second))) }, "clock", ""},
		"nearly right":    {func(f *fake) { f.on(domainPath(serviceTokens), f.domainAt(serviceTokens, noon.Add(time.Minute))) }, "", ""},
	} {
		f := newFake(t)
		test.change(f)
		c, _ := f.client()
		probes := c.Check(context.Background())
		failed, all := failing(probes)
		if failed != test.failed || awaiting(probes) != test.awaiting {
			t.Errorf("%s: failed %s, awaiting %s; want %s and %s", name, failed, awaiting(probes), test.failed, test.awaiting)
		}
		if want := "domain msgHist, domain accountConfigReadOnly, domain sentinel, clock, login, conversations, users, skills"; all != want {
			t.Errorf("%s: probes %s", name, all)
		}
	}
}

// What OAuth 1.0 signs bears a time: a refusal of it may be the clock's alone.
func TestCheckOAuth1AwaitsTheClock(t *testing.T) {
	f := newFake(t)
	f.on(domainPath(serviceAccounts), f.domainAt(serviceAccounts, noon.Add(time.Hour)))
	f.on(searchPath, status(401))
	c, _ := f.client(func(c *Config) { c.OAuth2, c.OAuth1 = nil, &OAuth1Credentials{"a", "b", "c", "d"} })
	probes := c.Check(context.Background())
	if failed, _ := failing(probes); failed != "clock" || awaiting(probes) != "conversations < clock, users < clock, skills < clock" {
		t.Errorf("failed %s, awaiting %s", failed, awaiting(probes))
	}
}

func TestCheckOfAClockThatNobodyNames(t *testing.T) {
	f := newFake(t)
	for _, s := range []string{serviceHistory, serviceAccounts, serviceTokens} {
		f.on(domainPath(s), f.domainAt(s, time.Time{}))
	}
	c, _ := f.client()
	for _, p := range c.Check(context.Background()) {
		if clock, ok := errors.AsType[*ClockError](p.Err); (p.Name == probeClock) != ok || ok && clock.Known {
			t.Errorf("%s: %v", p.Name, p.Err)
		}
	}
}

func TestCheckOAuth1NeedsNoTokens(t *testing.T) {
	f := newFake(t)
	c, _ := f.client(func(c *Config) { c.OAuth2, c.OAuth1 = nil, &OAuth1Credentials{"a", "b", "c", "d"} })
	if _, all := failing(c.Check(context.Background())); strings.Contains(all, "sentinel") || strings.Contains(all, "login") {
		t.Errorf("probes %s", all)
	}
}

// A person waits: no long repeats.
func TestCheckIsHasty(t *testing.T) {
	f := newFake(t)
	f.on(searchPath, status(500))
	c, clk := f.client()
	c.Check(context.Background())
	if w := clk.waited(); len(w) != 1 || w[0] != time.Second {
		t.Errorf("waited %v", w)
	}
	if c.retries.server[0] != 5*time.Second {
		t.Error("the client itself has become hasty")
	}
}
