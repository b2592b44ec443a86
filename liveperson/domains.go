package liveperson

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// The services this client asks. Their names are case sensitive.
const (
	serviceHistory  = "msgHist"
	serviceAccounts = "accountConfigReadOnly"
	serviceTokens   = "sentinel"
	serviceFiles    = "fms"   // not every account has it
	serviceStorage  = "swift" // where hosted files lie
)

// errNoService is an answer that names no host for a service that not every
// account has: final, where for the others it is an answer that cannot be right.
var errNoService = errors.New("the Domain API names no host for the service")

// unknownService tells that a look-up was answered: there is no such service.
// How the Domain API says so is not published; every refusal of the question is
// taken for that, as the account itself is known from other look-ups.
func unknownService(err error) bool {
	var api *APIError
	return errors.As(err, &api) && (errors.Is(err, errNoService) || api.Status/100 == 4 && !api.Temporary() && !api.Timeout)
}

// Bases may change, so they are looked up again: after an hour, after a
// failure to reach one, and soon when a look-up itself failed.
const (
	domainLife  = time.Hour
	domainRetry = 5 * time.Minute
)

// domains is where the services of an account are.
type domains struct {
	turn chan struct{} // one look-up at a time

	mu    sync.Mutex
	hosts map[string]domain
}

type domain struct {
	base    string // scheme and host
	expires time.Time
}

func newDomains() *domains {
	return &domains{turn: make(chan struct{}, 1), hosts: make(map[string]domain)}
}

func (d *domains) get(service string) domain {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hosts[service]
}

func (d *domains) put(service string, v domain) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hosts[service] = v
}

// distrust makes the next request look the service up again.
func (d *domains) distrust(service string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v, ok := d.hosts[service]; ok {
		v.expires = time.Time{}
		d.hosts[service] = v
	}
}

// resolve is the base address of a service. A known address is used on when
// the look-up fails: the service may well be up while the look-up is down.
func (c *Client) resolve(ctx context.Context, service string) (string, error) {
	known := c.domains.get(service)
	if c.cfg.Now().Before(known.expires) {
		return known.base, nil
	}
	select {
	case c.domains.turn <- struct{}{}:
		defer func() { <-c.domains.turn }()
	case <-ctx.Done():
		return "", fmt.Errorf("look up %s: %w", service, ctx.Err())
	}
	known = c.domains.get(service)
	if c.cfg.Now().Before(known.expires) {
		return known.base, nil
	}
	asking := *c
	if known.base != "" {
		asking.retries, asking.circuit = hasty, newDeafCircuit()
	}
	base, err := asking.lookUp(ctx, service)
	switch {
	case err == nil:
		c.domains.put(service, domain{base: base, expires: c.cfg.Now().Add(domainLife)})
		return base, nil
	case known.base != "" && ctx.Err() == nil:
		c.cfg.Log.Warn("domain look-up failed, going on with the last known host", "service", service, "error", err)
		c.domains.put(service, domain{base: known.base, expires: c.cfg.Now().Add(domainRetry)})
		return known.base, nil
	}
	return "", err
}

// lookUp asks the Domain API. It answers one object, or a list of all.
func (c *Client) lookUp(ctx context.Context, service string) (string, error) {
	var host string
	err := c.do(ctx, &call{
		op:       "look up " + service,
		path:     "/api/account/" + c.cfg.Account + "/service/" + service + "/baseURI.json",
		query:    url.Values{"version": {"1.0"}},
		open:     true,
		files:    service == serviceFiles || service == serviceStorage,
		refusals: []int{http.StatusUnauthorized},
		hint:     "LivePerson does not know this account: check account",
		read: func(a *answer) error {
			v, err := a.body.document(1 << 20)
			if err != nil {
				return err
			}
			host = baseURI(v, service)
			if host == "" && (service == serviceFiles || service == serviceStorage) {
				return errNoService
			}
			return c.acceptHost(service, host)
		},
	})
	if named, ok := errors.AsType[*ServiceHostError](err); ok {
		return "", named
	}
	return origin(c.base.Scheme, host), err
}

// baseURI finds the host of a service in either shape, "" when it is not there.
func baseURI(v Value, service string) (host string) {
	if name := v.Get("service"); name == nil || name.Text() == service {
		host = v.Get("baseURI").Text()
	}
	v.Get("baseURIs").Each(func(e Value) bool {
		if e.Get("service").Text() == service {
			host = e.Get("baseURI").Text()
		}
		return host == ""
	})
	return host
}
