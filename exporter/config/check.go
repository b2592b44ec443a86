package config

import (
	"fmt"
	"net"
	"net/url"

	"golang.org/x/crypto/bcrypt"
)

// check finds what is wrong between keys, each of which is good on its own, and
// settles what destinations leave to their archives.
func (d *decoder) check(c *draft) {
	if c.Account != Sandbox && !d.loginFaulty() {
		d.checkLogin(c.LivePerson)
	}
	d.checkWebhook(c.Webhook)
	d.checkServe(c.Serve)
	d.checkAlert(c.Alert)
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
	d.checkPlaces(c.chosen)
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
	d.checkListener("webhook", w.Listen, w.TLS)
}

// reachable tells whether others than this machine can reach an address.
func reachable(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && !loopback(host)
}

// checkListener wants TLS where others than this machine can reach a listener.
func (d *decoder) checkListener(path, listen string, t TLS) {
	if listen == "" || d.faulty(path) {
		return
	}
	if d.incomplete(join(path, "tls"), []part{{"cert_file", t.CertFile == ""}, {"key_file", t.KeyFile == ""}}, "the certificate is incomplete without it") || !t.Empty() {
		return
	}
	if reachable(listen) {
		key := join(path, "listen")
		d.fault(d.line(key), key, "is no loopback address: then %s (cert_file, key_file) is required, or a proxy before it", join(path, "tls"))
	}
}

// checkServe wants a password, too, where others than this machine can look.
func (d *decoder) checkServe(s Serve) {
	d.checkListener("serve", s.Listen, s.TLS)
	if s.Listen == "" || d.faulty("serve") {
		return
	}
	if reachable(s.Listen) && s.PasswordHash.Empty() {
		d.fault(d.line("serve.listen"), "serve.password_hash", "is required where serve.listen is no loopback address")
	}
	if hash := s.PasswordHash; !hash.Empty() {
		if _, err := bcrypt.Cost([]byte(hash.Reveal())); err != nil {
			d.fault(d.line("serve.password_hash"), "serve.password_hash", "must be a bcrypt hash, as `htpasswd -nB` makes them")
		}
	}
}

func (d *decoder) checkAlert(a Alert) {
	if len(a.Command) > 0 && !a.URL.Empty() {
		d.fault(d.line("alert.url"), "alert.url", "is given beside alert.command: keep one of them")
	}
	if len(a.Command) > 0 && checkTilde(a.Command[0]) != nil {
		d.fault(d.line("alert.command[0]"), "alert.command[0]", "%s", checkTilde(a.Command[0]))
	}
	if a.URL.Empty() || d.faulty("alert") {
		return
	}
	u, err := url.Parse(a.URL.Reveal())
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		d.fault(d.line("alert.url"), "alert.url", "must be an https URL, or http on a loopback address")
	}
}
