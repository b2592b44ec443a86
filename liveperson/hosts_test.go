package liveperson

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func mustNamed(t *testing.T, err error, service, host string) *ServiceHostError {
	t.Helper()
	var named *ServiceHostError
	if !errors.As(err, &named) || named.Service != service || named.Host != host {
		t.Errorf("%s at %q: got %T %v", service, host, err, err)
		return &ServiceHostError{}
	}
	return named
}

// naming is a client of a public Domain API that names hosts for services, and what
// it has sent to any host but that one.
func naming(t *testing.T, hosts map[string]string, change ...func(*Config)) (c *Client, sent *[]string) {
	t.Helper()
	sent = new([]string)
	cfg := Config{
		Account: testAccount, Source: "x", OAuth2: &OAuth2Credentials{"i", "s"}, Jitter: func() float64 { return 0 },
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "api.liveperson.net" {
				service := strings.Split(r.URL.Path, "/")[5]
				host := "va." + strings.ToLower(service) + ".liveperson.net"
				if named, ok := hosts[service]; ok {
					host = named
				}
				return answered(strings.NewReader(fmt.Sprintf(`{"service":%q,"baseURI":%q}`, service, host))), nil
			}
			*sent = append(*sent, r.URL.Host)
			switch {
			case r.URL.Path == tokenPath:
				return answered(strings.NewReader(`{"access_token":"t"}`)), nil
			case strings.Contains(r.URL.Path, "/configuration/"):
				return answered(strings.NewReader(`[]`)), nil
			}
			return answered(strings.NewReader(emptyPage)), nil
		}),
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, sent
}

// The login goes to LivePerson's hosts, whatever the Domain API names.
func TestSecretsStayWithLivePerson(t *testing.T) {
	for _, host := range []string{
		"evil.example", "liveperson.net.evil.example", "evilliveperson.net", "liveperson.net.", "va.sentinel.liveperson.net.",
		"liveperson.net@evil.example", "evil.example@liveperson.net", "evil.example#.liveperson.net", "evil.example/.liveperson.net",
		"evil.example?.liveperson.net", "evil.example\\.liveperson.net", "evil.example:443", "va.sentinel.liveperson.net:8443", "va.sentinel.liveperson.net:",
		"va.sentinel.liveperson.net/", "va.sentinel.liveperson.net/r", "https://va.sentinel.liveperson.net", "http://va.sentinel.liveperson.net",
		"//va.sentinel.liveperson.net", "..liveperson.net", ".liveperson.net", "a..liveperson.net", "-a.liveperson.net", "a_b.liveperson.net", "*.liveperson.net",
		"10.0.0.1", "93.184.216.34", "127.0.0.1", "localhost", "x.localhost", "[::1]", "[2001:db8::1]", "2130706433", "0x7f.1", "liveperson", "net",
		"va.sentinel.liveperson.net%00", "va.sentinel.liveperson.net ", " va.sentinel.liveperson.net", "va。liveperson.net", "lıveperson.net",
		"lp-gw.au.prod.int.gw.lpcloud.io", "accdn.lpsnmedia.net",
	} {
		for _, service := range []string{serviceTokens, serviceHistory, serviceAccounts} {
			c, sent := naming(t, map[string]string{service: host})
			ask := func() error { return search(c) }
			if service == serviceAccounts {
				ask = func() error { _, err := c.Users(context.Background()); return err }
			}
			named := mustNamed(t, ask(), service, host)
			for _, to := range *sent {
				if !slices.Contains([]string{"va.sentinel.liveperson.net", "va.msghist.liveperson.net", "va.accountconfigreadonly.liveperson.net"}, to) {
					t.Errorf("%q: sent to %s", host, to)
				}
			}
			if c.Requests() > 3 {
				t.Errorf("%q was asked for again: %d requests", host, c.Requests())
			}
			if named.Domain != strings.Contains(named.Hint(), "liveperson.hosts") || !strings.Contains(named.Error(), service) {
				t.Errorf("%q: %s: %s", host, named, named.Hint())
			}
		}
	}
	for _, host := range []string{"liveperson.net", "va.sentinel.liveperson.net", "VA.Sentinel.LivePerson.NET", "va.sentinel.liveperson.net:443"} {
		c, _ := naming(t, map[string]string{serviceTokens: host})
		if err := search(c); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestHostsOfTheConfiguration(t *testing.T) {
	allow := func(domains ...string) func(*Config) { return func(c *Config) { c.Hosts = domains } }
	for host, good := range map[string]bool{
		"partner.example": true, "a.b.Partner.example": true, "partner.example:443": true,
		"notpartner.example": false, "example": false, "partner.example:8443": false, "partner.example.": false, "x.liveperson.net": true,
	} {
		c, _ := naming(t, map[string]string{serviceTokens: host}, allow("Partner.example"))
		if err := search(c); (err == nil) != good {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, domain := range []string{"", "example", "*.example", "10.0.0.1", "https://a.example", "a.example.", "a.example:443", "x.localhost", "a b.example"} {
		_, err := New(Config{Account: testAccount, Source: "x", OAuth2: &OAuth2Credentials{"i", "s"}, Hosts: []string{domain}})
		if err == nil {
			t.Errorf("%q: accepted", domain)
		}
	}
}

// A Domain API on this machine stays on this machine, by https too.
func TestLoopbackStaysLoopback(t *testing.T) {
	for host, good := range map[string]bool{
		"localhost": true, "127.0.0.1:8443": true, "[::1]:1": true, "x.localhost": true,
		"va.msghist.liveperson.net": false, "10.0.0.1": false, "0.0.0.0": false, "evil.example": false,
	} {
		for _, base := range []string{"https://localhost:8443", "http://127.0.0.1"} {
			c, err := New(Config{Account: testAccount, DomainAPI: base, Source: "x", OAuth2: &OAuth2Credentials{"i", "s"}, Hosts: []string{"evil.example"}})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.acceptHost(serviceTokens, host); (err == nil) != good {
				t.Errorf("%s from %s: %v", host, base, err)
			}
		}
	}
}

// A host that is refused while another one is known changes nothing for that one.
func TestRefusedHostDoesNotReplaceTheKnown(t *testing.T) {
	hosts := map[string]string{}
	clk := &clock{at: noon}
	c, sent := naming(t, hosts, func(c *Config) { c.Now, c.Wait = clk.now, clk.wait })
	if err := search(c); err != nil {
		t.Fatal(err)
	}
	hosts[serviceHistory], hosts[serviceTokens] = "evil.example", "evil.example"
	clk.wait(context.Background(), 3*domainLife)
	if err := search(c); err != nil || slices.Contains(*sent, "evil.example") {
		t.Errorf("%v; sent to %q", err, *sent)
	}
}

// Files are refused alone: the login is not sent there, and all else goes on.
func TestFileServiceElsewhere(t *testing.T) {
	c, sent := naming(t, map[string]string{serviceFiles: "evil.example", serviceStorage: "evil.example"})
	err := fetchFile(c)
	if auth := mustAuthError(t, err); !errors.Is(err, ErrFilesRefused) || !strings.Contains(auth.Hint, "liveperson.hosts") {
		t.Errorf("got %v", err)
	}
	mustNamed(t, err, serviceFiles, "evil.example")
	if err := search(c); err != nil || slices.Contains(*sent, "evil.example") {
		t.Errorf("%v; sent to %q", err, *sent)
	}

	c, sent = naming(t, map[string]string{serviceStorage: "evil.example"})
	_, _, err = get(c, Link{URL: "https://evil.example/v1/a", Path: "/v1/a"})
	if host, ok := errors.AsType[*HostError](err); !ok || host.Host != "evil.example" || slices.Contains(*sent, "evil.example") {
		t.Errorf("%v; sent to %q", err, *sent)
	}
	c, sent = naming(t, map[string]string{serviceStorage: "files.partner.example"}, func(c *Config) { c.FileHosts = []string{"partner.example"} })
	if _, _, err = get(c, Link{URL: "https://files.partner.example/v1/a", Path: "/v1/a"}); err != nil || !slices.Contains(*sent, "files.partner.example") {
		t.Errorf("%v; sent to %q", err, *sent)
	}
}

func TestCheckNamesTheHost(t *testing.T) {
	c, sent := naming(t, map[string]string{serviceTokens: "evil.example"})
	for _, p := range c.Check(context.Background()) {
		switch p.Name {
		case "domain sentinel":
			mustNamed(t, p.Err, serviceTokens, "evil.example")
		case "login", ProbeHistory, "users", ProbeSkills:
			if p.Err != nil || p.Awaits != "domain sentinel" {
				t.Errorf("%s: %v, awaits %q", p.Name, p.Err, p.Awaits)
			}
		}
	}
	if len(*sent) != 0 {
		t.Errorf("sent to %q", *sent)
	}
}

// Every service that is asked lies on a host that is trusted, in all official samples.
func TestOfficialHosts(t *testing.T) {
	files, _ := filepath.Glob("../../shared/samples/domain*.json")
	if len(files) == 0 {
		t.Skip("the official samples are not here")
	}
	c, _ := naming(t, nil)
	asked := []string{serviceHistory, serviceAccounts, serviceTokens, serviceFiles, serviceStorage}
	found := 0
	for _, file := range files {
		sample, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v, err := parse(sample)
		if err != nil {
			t.Fatal(err)
		}
		for _, service := range asked {
			if host := baseURI(v, service); host != "" {
				found++
				if err := c.acceptHost(service, host); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			}
		}
	}
	if found < len(asked) {
		t.Errorf("%d hosts", found)
	}
}
