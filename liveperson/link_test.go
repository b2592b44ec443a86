package liveperson

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// secure is a client that is not of this machine: the Domain API names fms and
// swift below liveperson.net; files answers for everything else.
func secure(t testing.TB, files roundTrip, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{
		Account: testAccount, Source: "x", OAuth2: &OAuth2Credentials{"i", "s"}, Jitter: func() float64 { return 0 },
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if _, service, ok := strings.Cut(r.URL.Path, "/service/"); ok && r.URL.Host == "api.liveperson.net" {
				service, _, _ = strings.Cut(service, "/")
				return answered(strings.NewReader(fmt.Sprintf(`{"service":%q,"baseURI":"va.%s.liveperson.net"}`, service, service))), nil
			}
			return known(files)(r)
		}),
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLinkForms(t *testing.T) {
	c := secure(t, nil)
	for raw, path := range map[string]string{
		"https://h.example/a": "/a",
		"HTTPS://H.EXAMPLE:443/a/b.jpg?temp_url_sig=0f&x=%0A": "/a/b.jpg",
		"https://h.example:8443/a":                            "/a", // whether that port may be asked is for the hosts to say
		"https://h.example/a%20b%2Fc%3f":                      "/a b/c?",
		"https://h.example/..%5C../evil%0d%0A%00.jpg":         "/..\\../evil\r\n\x00.jpg",
		"https://h.example/../../x":                           "/../../x",
		"https://h.example//x":                                "//x",
		"https://h.example/%ff":                               "/\xff",
		"https://h.example/grün":                              "/grün",
	} {
		if l := c.link(raw); l.Err != nil || l.Path != path || l.URL != raw {
			t.Errorf("%q: %q, %v", raw, l.Path, l.Err)
		}
	}
	for _, raw := range []string{
		"", " ", "/a", "//h.example/a", "h.example/a", "https:", "https://", "https:///a", "https:a", "https:/a", "https://h.example", "https://h.example?x=/a",
		"http://h.example/a", "http://127.0.0.1/a", "http://localhost/a", "ftp://h.example/a", "file:///etc/passwd", "javascript:alert(1)", "data:text/plain,x",
		"https://user@h.example/a", "https://user:password@h.example/a", "https://@h.example/a", "https://h.example\\@evil.example/a",
		"https://h.example/a#", "https://h.example/a#b", "https://h.example#@evil.example/a",
		"https://h.example/a\r\nHost: evil.example", "https://h.example\r\n/a", "https://h.example/\x00", "https://h.example/%zz", "https://h.example/a\x7f", "https://h.example/a?b c", "https://h.example/a? HTTP/1.1",
		"https://exämple.example/a", "https://h.example。evil/a", "https://h%2eexample/a", "https://h.example%00/a", "https://h .example/a", "https://-h.example/a",
		"https://h.example./a", "https://h.example:/a", "https://h.example:x/a", "https://h.example:999999/a", "https://[::1/a", "https://[fe80::1%25eth0]/a",
		"https://h.example/" + strings.Repeat("a", maxLink), "https://" + strings.Repeat("h", 256) + "/a",
	} {
		if l := c.link(raw); !errors.Is(l.Err, ErrBadLink) || l.Path != "" {
			t.Errorf("%q: %q, %v", raw, l.Path, l.Err)
		}
	}
}

// FuzzLink makes sure that what is accepted leads where it says, and that its
// request is the one that was checked.
func FuzzLink(f *testing.F) {
	for _, s := range []string{"https://h.example/a?b", "https://u@h/a", "https://[::1]:1/%2f", "http://localhost/a", "https://h\\@e/", "https://h/#", "file:///a", "https://0/? "} {
		f.Add(s)
	}
	c := secure(f, nil)
	f.Fuzz(func(t *testing.T, raw string) {
		l := c.link(raw)
		if l.Err != nil {
			if !errors.Is(l.Err, ErrBadLink) || l.Path != "" || len(l.Err.Error()) > 200 {
				t.Fatalf("%q: %v", raw, l.Err)
			}
			return
		}
		u, err := c.parseLink(raw)
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		req, err := c.request(context.Background(), &call{link: u.String(), open: true}, "", "")
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		again, err := url.Parse(req.URL.String())
		switch {
		case err != nil, req.URL.Scheme != "https", !validHost(req.URL.Host), req.URL.User != nil, req.URL.Fragment != "":
			t.Errorf("%q asks %q, %v", raw, req.URL, err)
		case req.URL.Path != l.Path, again.Path != l.Path, again.Host != u.Host, req.URL.RawQuery != u.RawQuery:
			t.Errorf("%q asks %q", raw, req.URL)
		case strings.ContainsAny(req.URL.RequestURI(), "\r\n\x00 "):
			t.Errorf("%q asks for %q", raw, req.URL.RequestURI())
		case len(raw) > maxLink:
			t.Error("a long link")
		}
		if host := strings.ToLower(u.Hostname()); utf8.RuneCountInString(host) != len(host) {
			t.Errorf("%q: host %q", raw, host)
		}
	})
}

func TestFileHosts(t *testing.T) {
	allow := func(hosts ...string) func(*Config) { return func(c *Config) { c.FileHosts = hosts } }
	c := secure(t, nil, allow("liveperson.net", "Files.Example"))
	for host, want := range map[string]string{
		"va.fms.liveperson.net": "login", "VA.FMS.liveperson.net:443": "login", "va.swift.liveperson.net": "yes",
		"liveperson.net": "yes", "z1.objectstorage.LivePerson.net": "yes", "liveperson.net:443": "yes", "files.example": "yes", "a.b.files.example": "yes",
		"va.fms.liveperson.net:8443": "no", "va.fms.liveperson.net:80": "no", "liveperson.net:444": "no", "x.liveperson.net:80": "no",
		"evilliveperson.net": "no", "liveperson.net.evil.example": "no", "example": "no", "net": "no", "liveperson.com": "no", "xfiles.example": "no",
		"127.0.0.1": "no", "10.0.0.1": "no", "[::1]": "no", "[2001:db8::1]": "no", "localhost": "no", "169.254.169.254": "no", "2130706433": "no", "0x7f.1": "no",
	} {
		login, err := c.mayFetch(context.Background(), mustURL(t, "https://"+host+"/a"))
		got := map[bool]string{true: "login", false: "yes"}[login]
		if err != nil {
			var h *HostError
			if got = "no"; !errors.As(err, &h) || h.Host != host || !strings.Contains(err.Error(), host) {
				t.Errorf("%s: %v", host, err)
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
	if _, err := secure(t, nil).mayFetch(context.Background(), mustURL(t, "https://liveperson.net/a")); err == nil {
		t.Error("a host that nobody has named")
	}
}

// On this machine other ports, and addresses that are its own, are no danger.
func TestFileHostsOfThisMachine(t *testing.T) {
	f := newFilesFake(t)
	f.on(domainPath(serviceStorage), status(404))
	c, _ := f.client(func(c *Config) { c.FileHosts = []string{"127.0.0.1", "files.localhost"} })
	for address, want := range map[string]bool{
		f.URL: true, "http://127.0.0.1:1": true, "http://a.files.localhost:8080": true, "https://files.localhost:8443": true,
		"http://[::1]:1": false, "http://localhost": false, "https://10.0.0.1": false, "https://files.example": false,
	} {
		_, err := c.mayFetch(context.Background(), mustURL(t, address+"/a"))
		if (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// An account of this machine has plain links to this machine, and to no other.
func TestPlainLinks(t *testing.T) {
	c, _ := newFilesFake(t).client()
	for address, want := range map[string]bool{
		"http://127.0.0.1:1/a": true, "http://[::1]/a": true, "http://x.localhost/a": true, "https://files.example/a": true,
		"http://10.0.0.1/a": false, "http://files.example/a": false, "http://127.0.0.1.files.example/a": false,
	} {
		if l := c.link(address); (l.Err == nil) != want {
			t.Errorf("%s: %v", address, l.Err)
		}
	}
}

// While nobody can tell where storage is, a host is neither allowed nor refused.
func TestStorageNotLookedUp(t *testing.T) {
	f := newFilesFake(t)
	f.on(domainPath(serviceStorage), status(503))
	c, _ := f.client()
	_, err := c.mayFetch(context.Background(), mustURL(t, "http://localhost/a"))
	var host *HostError
	if errors.As(err, &host) || !mustAPIError(t, err).Temporary() {
		t.Errorf("got %v", err)
	}
}

func TestFileHostsAreDomains(t *testing.T) {
	good := Config{Account: "a", Source: "x", OAuth2: &OAuth2Credentials{"i", "s"}}
	for host, want := range map[string]bool{
		"liveperson.net": true, "a-b.c1.example": true, "localhost": true, "127.0.0.1": true,
		"": false, ".": false, ".net": false, "net": false, "liveperson.net.": false, "*.liveperson.net": false, "https://liveperson.net": false,
		"liveperson.net:443": false, "10.0.0.1": false, "a..example": false, "a b.example": false, "exämple.example": false, "a.example/x": false,
	} {
		cfg := good
		cfg.FileHosts = []string{host}
		if _, err := New(cfg); (err == nil) != want {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestLinksPrintAsRedacted(t *testing.T) {
	l := Link{URL: "https://h.example/a?sig=hush", Path: "/hush"}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "link", l, "links", []Link{l})
	fmt.Fprintf(&b, "%v %+v %#v %s %v %v", l, l, l, l, &l, []Link{l})
	if strings.Contains(b.String(), "hush") {
		t.Error(b.String())
	}
}

func mustURL(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
