package liveperson

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Probe is one thing that was tried; Err nil: it works.
type Probe struct {
	Name string
	Err  error
}

// ProbeHistory is the name of the probe that asks for a conversation.
const ProbeHistory = "conversations"

// maxSkew is how wrong our clock may be: signatures carry its time.
const maxSkew = time.Minute

// Check tries everything the account is used for, once or twice each: the
// look-up of each service, the login, one conversation, users, skills, the
// clock. What needs a service that was not found is not tried and carries its
// error. Users and skills are asked for in full, whatever this Client holds, and
// everything is asked for though the circuit be open.
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
	_, noHistory := c.resolve(ctx, serviceHistory)
	_, noAccounts := c.resolve(ctx, serviceAccounts)
	probes := []Probe{{"domain msgHist", noHistory}, {"domain accountConfigReadOnly", noAccounts}}
	var noLogin error
	if c.cfg.OAuth2 != nil {
		_, noTokens := c.resolve(ctx, serviceTokens)
		if noLogin = noTokens; noLogin == nil {
			_, noLogin = c.login.ready(ctx, c)
		}
		probes = append(probes, Probe{"domain sentinel", noTokens}, Probe{"login", noLogin})
	}
	try := func(name string, needs error, f func() error) {
		err := needs
		if err == nil {
			err = noLogin
		}
		if err == nil {
			err = f()
		}
		probes = append(probes, Probe{name, err})
	}
	try(ProbeHistory, noHistory, func() error { return c.tryHistory(ctx) })
	try("users", noAccounts, func() error { _, err := c.Users(ctx); return err })
	try("skills", noAccounts, func() error { _, err := c.Skills(ctx); return err })
	return append(probes, Probe{"clock", c.clock()})
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
	if skew, ok := c.ClockSkew(); ok && skew.Abs() > maxSkew {
		return fmt.Errorf("LivePerson's clock and this machine's differ by %v", skew.Abs().Round(time.Second))
	}
	return nil
}
