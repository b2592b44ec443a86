package liveperson

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Probe is one thing that was tried; Err nil: it works.
type Probe struct {
	Name   string
	Err    error
	Awaits string // the Probe without which this one cannot be tried: it was not; "": it was
}

// Names of the probes that ask for a conversation, and for the skills.
const (
	ProbeHistory = "conversations"
	ProbeSkills  = "skills"
)

// probeClock is the name of the probe that compares clocks.
const probeClock = "clock"

// maxSkew is how wrong our clock may be: signatures carry its time.
const maxSkew = time.Minute

// Check tries everything the account is used for, once or twice each: the
// look-up of each service, the clock, the login, one conversation, users, skills.
// Each fault is found once: what cannot be tried for it, Awaits it. Users and skills
// are asked for in full, whatever this Client holds, and everything is asked for
// though the circuit be open.
func (c *Client) Check(ctx context.Context) []Probe {
	brief := *c
	brief.retries, brief.lists, brief.circuit = hasty, new(lists), newDeafCircuit()
	return brief.check(ctx)
}

// CheckFiles asks once for the files of a conversation that is nobody's. Its error
// is one of ConversationFiles: under ErrFilesRefused, this login is given none. What
// the API says of an unknown conversation is not published: an empty list, or that
// it is not known, which is an answer as good.
func (c *Client) CheckFiles(ctx context.Context) error {
	brief := *c
	brief.retries, brief.circuit = hasty, newDeafCircuit()
	_, err := brief.ConversationFiles(ctx, "00000000-0000-4000-8000-000000000000")
	if api, ok := errors.AsType[*APIError](err); ok && !errors.Is(err, ErrFilesRefused) && (api.Status == http.StatusBadRequest || api.Status == http.StatusNotFound) {
		return nil
	}
	return err
}

func (c *Client) check(ctx context.Context) []Probe {
	t := &trying{}
	const history, accounts = "domain " + serviceHistory, "domain " + serviceAccounts
	lookUp := func(service string) func() error {
		return func() error { _, err := c.resolve(ctx, service); return err }
	}
	t.try(history, lookUp(serviceHistory))
	reached := ""
	if t.failed[history] != nil && !ofService(t.failed[history]) {
		reached = history // the Domain API is asked in vain for the others, too
	}
	t.try(accounts, lookUp(serviceAccounts), reached)
	// With OAuth 1.0 there is no log-in, and LivePerson refuses what was signed at
	// another time.
	login := []string{probeClock}
	if c.cfg.OAuth2 != nil {
		const tokens = "domain " + serviceTokens
		t.try(tokens, lookUp(serviceTokens), reached)
		t.try(probeClock, c.clock, reached)
		t.try("login", func() error { _, err := c.login.ready(ctx, c); return err }, tokens)
		login = []string{"login"}
	} else {
		t.try(probeClock, c.clock, reached)
	}
	t.try(ProbeHistory, func() error { return c.tryHistory(ctx) }, append(login, history)...)
	t.try("users", func() error { _, err := c.Users(ctx); return err }, append(login, accounts)...)
	t.try(ProbeSkills, func() error { _, err := c.Skills(ctx); return err }, append(login, accounts)...)
	return t.probes
}

// trying is what was tried so far.
type trying struct {
	probes []Probe
	failed map[string]error
}

// try tries what needs nothing that has failed or was not tried itself.
func (t *trying) try(name string, f func() error, needs ...string) {
	for _, p := range t.probes {
		if slices.Contains(needs, p.Name) && (p.Err != nil || p.Awaits != "") {
			t.probes = append(t.probes, Probe{Name: name, Awaits: cmp.Or(p.Awaits, p.Name)})
			return
		}
	}
	err := f()
	t.probes = append(t.probes, Probe{Name: name, Err: err})
	if t.failed == nil {
		t.failed = map[string]error{}
	}
	t.failed[name] = err
}

// ofService reports whether a look-up failed for that service alone: it was answered.
func ofService(err error) bool {
	_, elsewhere := errors.AsType[*ServiceHostError](err)
	api, answered := errors.AsType[*APIError](err)
	return elsewhere || answered && api.Status != 0 && !errors.Is(err, ErrNotJSON) && !errors.Is(err, ErrRedirect) && api.Status != http.StatusUnauthorized
}

// tryHistory asks for at most one conversation of the last day.
func (c *Client) tryHistory(ctx context.Context) error {
	now := c.cfg.Now()
	_, err := c.Search(ctx, Query{
		Start: Range{From: now.Add(-24 * time.Hour), To: now},
		Limit: 1, Content: []string{},
	}, nowhere{})
	return err
}

// nowhere is a Sink that keeps nothing.
type nowhere struct{}

func (nowhere) Reset()                 {}
func (nowhere) Record([]byte) error    { return nil }
func (nowhere) Oversized([]byte) error { return nil }

func (c *Client) clock() error {
	skew, known := c.ClockSkew()
	if known && skew.Abs() <= maxSkew {
		return nil
	}
	return &ClockError{Known: known, Skew: skew.Round(time.Second)}
}

// ClockError is a clock of this machine that is wrong, or that nothing can be said of.
type ClockError struct {
	Known bool
	Skew  time.Duration // LivePerson's time minus ours, where it is known
}

func (e *ClockError) Error() string {
	switch {
	case !e.Known:
		return "LivePerson's answers do not say what time it is"
	case e.Skew < 0:
		return fmt.Sprintf("this machine's clock is %v ahead of LivePerson's", -e.Skew)
	}
	return fmt.Sprintf("this machine's clock is %v behind LivePerson's", e.Skew)
}

// Hint is what to do about it.
func (e *ClockError) Hint() string {
	if !e.Known {
		return "a proxy removes the Date header of answers: let it pass; until then, keep this machine's clock right by a time server"
	}
	return "set this machine's clock by a time server: timedatectl set-ntp true"
}
