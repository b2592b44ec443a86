package config

import (
	"fmt"
)

// check finds what is wrong between keys, each of which is good on its own, and
// settles what destinations leave to their archives.
func (d *decoder) check(c *draft) {
	if c.Account != Sandbox && !d.loginFaulty() {
		d.checkLogin(c.LivePerson)
	}
	d.checkWebhook(c.Webhook)
	d.checkNames(c.chosen)
	for i, t := range c.chosen {
		path := fmt.Sprintf("destinations[%d]", i)
		d.settle(path, t, &c.Identity)
		if t.smtp != nil {
			t.settleSMTP()
		}
		d.checkReach(path, t)
	}
	d.checkIdentity(c)
}

// checkNames wants each name, and each name before it, once.
func (d *decoder) checkNames(list []*chosen) {
	first := map[string]int{}
	for i, t := range list {
		key := fmt.Sprintf("destinations[%d].name", i)
		if other, twice := first[t.Name]; twice && t.Name != "" {
			d.fault(d.line(key), key, "%q is the name of destinations[%d] already", t.Name, other)
			continue
		}
		first[t.Name] = i
	}
	before := map[string]int{}
	for i, t := range list {
		key := fmt.Sprintf("destinations[%d].renamed_from", i)
		if t.RenamedFrom == "" {
			continue
		}
		if other, there := first[t.RenamedFrom]; there {
			d.fault(d.line(key), key, "%q is the name of destinations[%d]: a destination that still exists", t.RenamedFrom, other)
		}
		if other, twice := before[t.RenamedFrom]; twice {
			d.fault(d.line(key), key, "%q became destinations[%d] already", t.RenamedFrom, other)
		}
		before[t.RenamedFrom] = i
	}
}

// loginFaulty says that what a login holds is not known, for faults reported already.
func (d *decoder) loginFaulty() bool {
	return d.faulty("liveperson.oauth2") || d.faulty("liveperson.oauth1") || d.faultyAt("liveperson")
}

// checkLogin wants exactly one complete login.
func (d *decoder) checkLogin(l LivePerson) {
	oauth2 := d.incomplete("liveperson.oauth2", []part{
		{"client_id", l.OAuth2.ClientID == ""},
		{"client_secret", l.OAuth2.ClientSecret.Empty()},
	}, loginIncomplete)
	oauth1 := d.incomplete("liveperson.oauth1", []part{
		{"app_key", l.OAuth1.AppKey.Empty()},
		{"app_secret", l.OAuth1.AppSecret.Empty()},
		{"access_token", l.OAuth1.AccessToken.Empty()},
		{"access_token_secret", l.OAuth1.AccessTokenSecret.Empty()},
	}, loginIncomplete)
	switch {
	case oauth2 || oauth1:
	case l.OAuth2.Empty() && l.OAuth1.Empty():
		d.fault(d.line("liveperson"), "liveperson", "one login is required: oauth2 (client_id, client_secret) or oauth1 (app_key, app_secret, access_token, access_token_secret)")
	case !l.OAuth2.Empty() && !l.OAuth1.Empty():
		d.fault(d.line("liveperson.oauth1"), "liveperson.oauth1", "is given beside oauth2: keep one login")
	}
}

const loginIncomplete = "the login is incomplete without it"

type part struct {
	key   string
	empty bool
}

// incomplete reports the parts that are empty while others are not.
func (d *decoder) incomplete(path string, parts []part, why string) bool {
	empty := 0
	for _, p := range parts {
		if p.empty {
			empty++
		}
	}
	if empty == 0 || empty == len(parts) {
		return false
	}
	for _, p := range parts {
		if p.empty {
			key := join(path, p.key)
			d.fault(d.line(key), key, "is required: %s", why)
		}
	}
	return true
}

// unprotected warns of what anybody on the way can read.
func (d *decoder) unprotected(i int, s *SMTP) []Fault {
	if s == nil || s.TLS != TLSNone || loopback(s.Host) {
		return nil
	}
	key := fmt.Sprintf("destinations[%d].smtp.tls", i)
	return []Fault{{File: d.file, Line: d.line(key), Key: key, Detail: "none sends what people wrote in the clear"}}
}

// unused warns of what is set and has no effect.
func (d *decoder) unused(c *Config) []Fault {
	fresh := defaults()
	var warnings []Fault
	for _, setting := range []struct {
		key  string
		used bool
	}{
		{"webhook.listen", c.Webhook.Listen != fresh.Webhook.Listen},
		{"serve.listen", c.Serve.Listen != fresh.Serve.Listen},
		{"metrics_file", c.MetricsFile != fresh.MetricsFile},
	} {
		if setting.used {
			warnings = append(warnings, Fault{
				File: d.file, Line: d.line(setting.key), Key: setting.key,
				Detail: "has no effect in this version",
			})
		}
	}
	return warnings
}

func (d *decoder) checkWebhook(w Webhook) {
	if w.Listen == "" || d.faulty("webhook") {
		return
	}
	for _, p := range []part{{"client_id", w.ClientID == ""}, {"client_secret", w.ClientSecret.Empty()}} {
		if p.empty {
			key := join("webhook", p.key)
			d.fault(d.line(key), key, "is required where webhook.listen is set")
		}
	}
}
