package liveperson

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestLookUp(t *testing.T) {
	f := newFake(t)
	list := `{"baseURIs":[{"service":"msghist","baseURI":"wrong"},{"service":"other","baseURI":"wrong"},{"service":"msgHist","account":"1","baseURI":%q}]}`
	for name, answer := range map[string]string{
		"one":          `{"service":"msgHist","account":"12345678","baseURI":%q}`,
		"no name":      `{"baseURI":%q}`,
		"list":         list,
		"unknown keys": `{"x":{"baseURI":"wrong"},"baseURI":%q}`,
	} {
		f.on(domainPath(serviceHistory), body(fmt.Sprintf(answer, f.host())))
		c, _ := f.client()
		if err := search(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := f.asked(domainPath(serviceHistory))[0]; got.query != "version=1.0" || got.auth != "" {
		t.Errorf("asked with %+v", got)
	}
}

// A login is never sent to what is not a bare host of the service asked for.
func TestHostileHosts(t *testing.T) {
	for _, host := range []string{
		" ", "http://127.0.0.1", "//127.0.0.1", "127.0.0.1/x", "127.0.0.1?x", "127.0.0.1#x", "a@127.0.0.1", "a:b@127.0.0.1",
		"127.0.0.1\\n", "127.0.0.1:99999999", "127.0.0.1:x", "127.0.0.1%2f", "[::1", "example.com", "localhost.example.com", "10.0.0.1", "-x.localhost",
	} {
		f := newFake(t)
		f.on(domainPath(serviceHistory), body(fmt.Sprintf(`{"service":"msgHist","baseURI":%q}`, host)))
		c, _ := f.client(func(c *Config) {
			c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host != f.host() {
					t.Errorf("%q: asked %s", host, r.URL)
				}
				return http.DefaultTransport.RoundTrip(r)
			})
		})
		mustNamed(t, search(c), "msgHist", host)
		if len(f.asked(searchPath)) != 0 {
			t.Errorf("%q: searched", host)
		}
	}
	for what, answer := range map[string]string{"another service": "sentinel", "none": "msgHist"} {
		f := newFake(t)
		f.on(domainPath(serviceHistory), body(fmt.Sprintf(`{"service":%q,"baseURI":""}`, answer)))
		c, _ := f.client()
		if _, err := c.lookUp(context.Background(), serviceHistory); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// With https, all are asked by https.
func TestHTTPSForAllServices(t *testing.T) {
	var asked []string
	c, err := New(Config{
		Account: testAccount, Source: "x", OAuth2: &OAuth2Credentials{"i", "s"},
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.Scheme+"://"+r.URL.Host)
			switch {
			case strings.Contains(r.URL.Path, "/service/msgHist/"):
				return answered(strings.NewReader(`{"baseURI":"va.msghist.liveperson.net"}`)), nil
			case strings.Contains(r.URL.Path, "/service/"):
				return answered(strings.NewReader(`{"baseURI":"va.sentinel.liveperson.net"}`)), nil
			case r.URL.Path == tokenPath:
				return answered(strings.NewReader(`{"access_token":"t"}`)), nil
			}
			return answered(strings.NewReader(emptyPage)), nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := search(c); err != nil {
		t.Fatal(err)
	}
	want := "https://api.liveperson.net https://api.liveperson.net https://va.sentinel.liveperson.net https://va.msghist.liveperson.net"
	if got := strings.Join(asked, " "); got != want {
		t.Errorf("asked %s", got)
	}
}

func TestLookUpIsKeptForAnHour(t *testing.T) {
	f := newFake(t)
	c, clk := f.client()
	for i, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {time.Hour - time.Second, 1}, {time.Second, 2}} {
		clk.wait(context.Background(), step.after)
		if err := search(c); err != nil {
			t.Fatal(err)
		}
		if n := len(f.asked(domainPath(serviceHistory))); n != step.want {
			t.Errorf("step %d: %d look-ups", i, n)
		}
	}
}

func TestLookUpAgainAfterNoAnswer(t *testing.T) {
	f := newFake(t)
	f.on(searchPath, hangUp, body(emptyPage))
	c, _ := f.client()
	if err := search(c); err != nil {
		t.Fatal(err)
	}
	if n := len(f.asked(domainPath(serviceHistory))); n != 2 {
		t.Errorf("%d look-ups", n)
	}
}

// When only the look-up is down, work goes on with the known hosts.
func TestKnownHostServesOn(t *testing.T) {
	f := newFake(t)
	c, clk := f.client()
	if err := search(c); err != nil {
		t.Fatal(err)
	}
	f.on(domainPath(serviceHistory), status(500))
	clk.wait(context.Background(), 2*time.Hour)
	for range 2 {
		if err := search(c); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(f.asked(domainPath(serviceHistory))); n != 3 { // the first, and one of two attempts
		t.Errorf("%d look-ups", n)
	}
}

func TestUnknownAccount(t *testing.T) {
	f := newFake(t)
	f.on(domainPath(serviceHistory), status(401))
	c, _ := f.client()
	if auth := mustAuthError(t, search(c)); !strings.Contains(auth.Hint, "account") {
		t.Errorf("got %+v", auth)
	}
}

func TestOfficialDomainSample(t *testing.T) {
	sample, err := os.ReadFile("../../shared/samples/domain.json")
	if err != nil {
		t.Skip("the official samples are not here")
	}
	v, err := parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	if got := baseURI(v, "visitorFeed"); got != "lo.v-feed.liveperson.net" {
		t.Errorf("got %q", got)
	}
	if got := baseURI(v, "VisitorFeed"); got != "" {
		t.Errorf("names are case sensitive, got %q", got)
	}
}
