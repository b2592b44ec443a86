package sandbox_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dghubble/oauth1"

	"lpexport/liveperson/sandbox"
)

func TestWhoMayListFiles(t *testing.T) {
	r := connect(t, lively(later))
	c := withFiles(t, r.account, later, 1)
	good := filesPath + "conversationId=" + c.ID + "&page=0&pageSize=100"
	for _, bad := range []string{
		"", "conversationId=" + c.ID, "page=0&pageSize=100", "conversationId=x&page=-1&pageSize=1", "conversationId=x&page=0&pageSize=0",
		"conversationId=x&page=0&pageSize=101", "conversationId=x&page=x&pageSize=1",
	} {
		if w := r.do("GET", filesPath+bad, ""); w.Code != 400 {
			t.Errorf("%q: %d", bad, w.Code)
		}
	}
	if w := r.do("POST", good, ""); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
	if w := r.do("GET", strings.Replace(good, "/sandbox/", "/other/", 1), ""); w.Code != 404 {
		t.Errorf("another account: %d", w.Code)
	}
	for kind, header := range map[string]string{"none": "", "another token": "Bearer x.y.z"} {
		if w := r.do("GET", good, "", "Authorization", header); w.Code != 401 {
			t.Errorf("%s: %d", kind, w.Code)
		}
	}
	settings := lively(later)
	settings.Files.Refused = true
	r = connect(t, settings)
	if w := r.do("GET", good, ""); w.Code != 403 || !json.Valid(w.Body.Bytes()) {
		t.Errorf("refused: %d %s", w.Code, w.Body)
	}
	settings.Files = sandbox.Files{NoService: true}
	r = connect(t, settings)
	for _, one := range []string{"fms/", ""} {
		w := r.do("GET", "/api/account/sandbox/service/"+one+"baseURI.json", "")
		if (w.Code == 404) != (one != "") || strings.Contains(w.Body.String(), "fms") {
			t.Errorf("no service: %d %s", w.Code, w.Body)
		}
	}
}

// The file service takes tokens only, however good a signature is.
func TestFilesTakeNoSignature(t *testing.T) {
	now := time.Now() // the library signs with it
	settings := small(now)
	settings.Now = func() time.Time { return now }
	r := &remote{t: t, account: sandbox.New(settings)}
	c := sandbox.DefaultCredentials
	for target, want := range map[string]int{
		"/api/account/sandbox/configuration/le-users/users?v=6.0": 200, filesPath + "conversationId=x&page=0&pageSize=1": 401,
	} {
		taker := &headerTaker{}
		client := oauth1.NewConfig(c.AppKey, c.AppSecret).Client(oauth1.NoContext, oauth1.NewToken(c.AccessToken, c.AccessTokenSecret))
		client.Transport.(*oauth1.Transport).Base = taker
		response, err := client.Get("https://sandbox.example" + target)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if w := r.do("GET", target, "", "Authorization", taker.header); w.Code != want {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
}

// A link is worth something for a minute, as it was given, in this account.
func TestLinksAreSigned(t *testing.T) {
	clock := later
	settings := lively(later)
	settings.Now = func() time.Time { return clock }
	r := connect(t, settings)
	c := withFiles(t, r.account, later, 2)
	links := r.links(c.ID, 0, 100).Items
	other := settings
	other.Seed++
	code := func(r *remote, link string) int { w, _ := r.follow(link); return w.Code }
	if got := code(connect(t, settings), links[0]); got != 200 {
		t.Errorf("after a restart: %d", got)
	}
	if got := code(connect(t, other), links[0]); got != 401 {
		t.Errorf("in another account: %d", got)
	}
	u, _ := url.Parse(links[0])
	next, _ := url.Parse(links[1])
	query := u.Query()
	if sig := query.Get("temp_url_sig"); len(sig) != 40 || len(query) != 2 {
		t.Errorf("query %v", query)
	}
	for name, change := range map[string]func(u *url.URL, q url.Values){
		"no signature":     func(_ *url.URL, q url.Values) { q.Del("temp_url_sig") },
		"no expiry":        func(_ *url.URL, q url.Values) { q.Del("temp_url_expires") },
		"a later expiry":   func(_ *url.URL, q url.Values) { q.Set("temp_url_expires", "99999999999") },
		"another path":     func(u *url.URL, _ url.Values) { u.Path = next.Path },
		"hidden place":     func(_ *url.URL, q url.Values) { q.Set("temp_url_sig", "00"+q.Get("temp_url_sig")[2:]) },
		"signature's end":  func(_ *url.URL, q url.Values) { q.Set("temp_url_sig", q.Get("temp_url_sig")[:38]+"zz") },
		"a long signature": func(_ *url.URL, q url.Values) { q.Set("temp_url_sig", q.Get("temp_url_sig")+"00") },
	} {
		u, q := *u, u.Query()
		change(&u, q)
		u.RawQuery = q.Encode()
		if got := code(r, u.String()); got != 401 {
			t.Errorf("%s: %d", name, got)
		}
	}
	clock = clock.Add(59 * time.Second)
	if got := code(r, links[0]); got != 200 {
		t.Errorf("before it expires: %d", got)
	}
	clock = clock.Add(time.Second)
	if got := code(r, links[0]); got != 401 {
		t.Errorf("expired: %d", got)
	}
}

func TestErasedFilesAreGone(t *testing.T) {
	clock := later
	settings := lively(later)
	settings.LateChanges = false
	c := withFiles(t, sandbox.New(settings), later, 2)
	first := slices.IndexFunc(c.Messages, func(m sandbox.Message) bool { return m.Path != "" })
	settings.Changes = []sandbox.Change{{At: later.Add(time.Second), Kind: sandbox.Erase, Conversation: c.Number, Message: first}}
	settings.Now = func() time.Time { return clock }
	r := connect(t, settings)
	links := r.links(c.ID, 0, 100).Items
	clock = clock.Add(time.Second)
	left := r.links(c.ID, 0, 100)
	if len(left.Items) != len(links)-1 || left.Pagination.TotalRecords != len(links)-1 {
		t.Errorf("%d of %d are listed", len(left.Items), len(links))
	}
	for i, want := range []int{404, 200} {
		if w, _ := r.follow(links[i]); w.Code != want {
			t.Errorf("link %d: %d", i, w.Code)
		}
	}
}

func TestFaultsOfFiles(t *testing.T) {
	settings := lively(later)
	settings.Faults = []sandbox.Fault{
		{Kind: sandbox.Status, Code: 429, RetryAfter: "3", Route: sandbox.Links, Nth: []int{1}},
		{Kind: sandbox.Cut, Route: sandbox.Links, Nth: []int{2}, Fraction: 0.5},
		{Kind: sandbox.Cut, Route: sandbox.Download, Nth: []int{1}, Fraction: 0.5}, {Kind: sandbox.HTML, Route: sandbox.Download, Nth: []int{2}},
		{Kind: sandbox.Empty, Route: sandbox.Download, Nth: []int{3}}, {Kind: sandbox.Status, Route: sandbox.Download, Nth: []int{4}},
	}
	r := connect(t, settings)
	c := withFiles(t, r.account, later, 1)
	list := filesPath + "conversationId=" + c.ID + "&page=0&pageSize=100"
	if w := r.do("GET", list, ""); w.Code != 429 || w.Header().Get("Retry-After") != "3" {
		t.Errorf("links 1: %d", w.Code)
	}
	if w := r.do("GET", list, ""); json.Valid(w.Body.Bytes()) {
		t.Errorf("links 2: %s", w.Body)
	}
	link := r.links(c.ID, 0, 100).Items[0]
	u, _ := url.Parse(link)
	whole := r.account.FileBytes(u.Path)
	for i, want := range []struct {
		code int
		body string
	}{{200, string(whole[:len(whole)/2])}, {200, "<!DOCTYPE html>"}, {200, ""}, {503, "{"}, {200, string(whole)}} {
		w, _ := r.follow(link)
		if w.Code != want.code || !strings.HasPrefix(w.Body.String(), want.body) || i != 1 && i != 3 && w.Body.Len() != len(want.body) {
			t.Errorf("download %d: %d, %d bytes", i+1, w.Code, w.Body.Len())
		}
	}
	if counts := r.account.Requests(); counts[sandbox.Links] != 3 || counts[sandbox.Download] != 5 {
		t.Errorf("counted %v", counts)
	}
}
