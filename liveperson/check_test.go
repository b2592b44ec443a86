package liveperson

import (
	"context"
	"net/http"
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

func TestCheck(t *testing.T) {
	dated := func(at time.Time, h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", at.Format(http.TimeFormat))
			h(w, r)
		}
	}
	right := dated(noon, body(`[]`))
	for name, test := range map[string]struct {
		change func(*fake)
		failed string
	}{
		"all well":     {func(f *fake) {}, ""},
		"no history":   {func(f *fake) { f.on(searchPath, status(403)) }, "conversations"},
		"no users":     {func(f *fake) { f.on(usersPath, status(403)) }, "users"},
		"no skills":    {func(f *fake) { f.on(skillsPath, dated(noon, status(403))) }, "skills"},
		"no login":     {func(f *fake) { f.on(tokenPath, dated(noon, status(400))) }, "login, conversations, users, skills"},
		"no domain":    {func(f *fake) { f.on(domainPath(serviceHistory), status(404)) }, "domain msgHist, conversations"},
		"wrong clock":  {func(f *fake) { f.on(skillsPath, dated(noon.Add(-61*time.Second), body(`[]`))) }, "clock"},
		"nearly right": {func(f *fake) { f.on(skillsPath, dated(noon.Add(time.Minute), body(`[]`))) }, ""},
	} {
		f := newFake(t)
		f.on(skillsPath, right)
		test.change(f)
		c, _ := f.client()
		failed, all := failing(c.Check(context.Background()))
		if failed != test.failed {
			t.Errorf("%s: failed %s, want %s", name, failed, test.failed)
		}
		if want := "domain msgHist, domain accountConfigReadOnly, domain sentinel, login, conversations, users, skills, clock"; all != want {
			t.Errorf("%s: probes %s", name, all)
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
