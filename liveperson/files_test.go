package liveperson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const filesPath = "/v1/account/12345678/conversation-files"

func newFilesFake(t *testing.T) *fake {
	f := newFake(t)
	f.on(domainPath(serviceFiles), f.domain(serviceFiles))
	f.on(domainPath(serviceStorage), f.domain(serviceStorage))
	return f
}

// linkPages answers with the links of a page each; paginated tells of pages as the
// official example does, which counts from 1 what is asked for from 0.
func linkPages(paginated bool, pages ...[]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("page"))
		answer := map[string]any{"items": []string{}}
		if n < len(pages) && pages[n] != nil {
			answer["items"] = pages[n]
		}
		if paginated {
			total := 0
			for _, p := range pages {
				total += len(p)
			}
			next, prev := any(n+2), any(n)
			if n+1 >= len(pages) {
				next = nil
			}
			if n == 0 {
				prev = nil
			}
			answer["pagination"] = map[string]any{
				"totalRecords": total, "currentPage": n + 1, "totalPages": len(pages), "nextPage": next, "prevPage": prev,
			}
		}
		json.NewEncoder(w).Encode(answer)
	}
}

// named are links to files of that name.
func named(host string, signature string, names ...string) (urls []string) {
	for _, n := range names {
		urls = append(urls, "http://"+host+"/v1/files/"+n+"?temp_url_sig="+signature)
	}
	return urls
}

func paths(links []Link) (list []string) {
	for _, l := range links {
		list = append(list, strings.TrimPrefix(l.Path, "/v1/files/"))
	}
	return list
}

func TestConversationFiles(t *testing.T) {
	f := newFilesFake(t)
	f.on(filesPath, linkPages(true, named(f.host(), "x", "a", "b"), named(f.host(), "x", "c")))
	c, _ := f.client()
	links, err := c.ConversationFiles(context.Background(), "a b&c=d")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, paths(links)); diff != "" {
		t.Error(diff)
	}
	asked := f.asked(filesPath)
	if len(asked) != 2 || asked[1].query != "conversationId=a%20b%26c%3Dd&page=1&pageSize=100" || asked[0].auth != "Bearer t0k.en-1" {
		t.Errorf("asked %+v", asked)
	}
	if _, err := c.ConversationFiles(context.Background(), "a\x00b"); err == nil || len(f.asked(filesPath)) != 2 {
		t.Errorf("asked for an id that is none: %v", err)
	}
}

// hundred are the names of a full page.
func hundred(first int) (names []string) {
	for i := range linkPage {
		names = append(names, "f"+strconv.Itoa(first+i))
	}
	return names
}

func TestPagesOfLinks(t *testing.T) {
	const host = "127.0.0.1"
	unnamed := func(ids ...int) (urls []string) {
		for _, id := range ids {
			urls = append(urls, fmt.Sprintf("http://%s/v1/files/download?id=%d", host, id))
		}
		return urls
	}
	all := strings.Join(hundred(0), " ")
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
		asked  int
	}{
		"none":                            {linkPages(true, nil), "", 1},
		"none and no pagination":          {linkPages(false, nil), "", 1},
		"no pagination":                   {linkPages(false, named(host, "x", "a", "b")), "a b", 1},
		"no pagination, a full page":      {linkPages(false, named(host, "x", hundred(0)...), named(host, "x", "z")), all + " z", 2},
		"no pagination, only a full page": {linkPages(false, named(host, "x", hundred(0)...)), all, 2},
		"moved and signed anew":           {linkPages(true, named(host, "x", "a", "b"), named(host, "y", "b", "c")), "a b c", 3},
		"page 0 is page 1":                {linkPages(true, named(host, "x", "a", "b"), named(host, "y", "a", "b"), named(host, "x", "c")), "a b c", 4},
		"one path, queries name files":    {linkPages(true, unnamed(1, 2, 3), unnamed(4)), "download download download download", 2},
		"an empty page ends":              {linkPages(true, named(host, "x", "a"), nil, named(host, "x", "b")), "a", 2},
		"null pages before the count": {func(w http.ResponseWriter, r *http.Request) {
			n := r.URL.Query().Get("page")
			io.WriteString(w, `{"items":["http://127.0.0.1/v1/files/`+n+`"],"pagination":{"totalRecords":3,"nextPage":null}}`)
		}, "0 1 2", 3},
		"a count too high": {func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"items":["http://127.0.0.1/v1/files/a"],"pagination":{"totalRecords":3,"nextPage":null}}`)
		}, "a", 2},
	} {
		f := newFilesFake(t)
		f.on(filesPath, test.answer)
		c, _ := f.client()
		links, err := c.ConversationFiles(context.Background(), "c")
		if got := strings.Join(paths(links), " "); err != nil || got != test.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if n := len(f.asked(filesPath)); n != test.asked {
			t.Errorf("%s: %d pages", name, n)
		}
	}
}

func TestEndlessPages(t *testing.T) {
	for name, answer := range map[string]string{
		"the same for ever":   `{"items":["http://127.0.0.1/a"],"pagination":{"totalRecords":9,"nextPage":1}}`,
		"bad ones for ever":   `{"items":["no link"],"pagination":{"totalRecords":9,"nextPage":1}}`,
		"new ones for ever":   "",
		"no links for ever":   `{"items":[1],"pagination":{"totalRecords":9,"nextPage":1}}`,
		"ten thousand at all": `{"items":[` + strings.Repeat(`1,`, maxLinks) + `1],"pagination":{"nextPage":null}}`,
	} {
		f := newFilesFake(t)
		n := 0
		f.on(filesPath, func(w http.ResponseWriter, _ *http.Request) {
			if n++; answer != "" {
				io.WriteString(w, answer)
				return
			}
			io.WriteString(w, `{"items":["http://127.0.0.1/`+strconv.Itoa(n)+`"],"pagination":{"totalRecords":1,"nextPage":1}}`)
		})
		c, _ := f.client()
		links, err := c.ConversationFiles(context.Background(), "c")
		if !errors.Is(err, ErrUnexpected) && !errors.Is(err, ErrTooLarge) || links != nil {
			t.Errorf("%s: %d links, %v", name, len(links), err)
		}
		most := maxLinkPages
		if strings.Contains(name, "the same") || strings.Contains(name, "bad ones") {
			most = 3 // the first, the same for counting from 0 or 1, and once more
		}
		if api := mustAPIError(t, err); api.Op != listFiles || n > most {
			t.Errorf("%s: %v after %d pages", name, err, n)
		}
	}
}

// One bad link spoils no other and is there to be counted.
func TestBadLinks(t *testing.T) {
	f := newFilesFake(t)
	items := []any{
		"http://127.0.0.1/v1/files/good", 7, nil, []string{"http://127.0.0.1/x"}, map[string]string{"downloadUrl": "http://127.0.0.1/x"},
		strings.Repeat("x", maxLink+1), "http://127.0.0.1/" + strings.Repeat("x", 1<<20), strings.Repeat("\x01", maxLink), "javascript:alert(1)",
		"http://127.0.0.1/v1/files/also",
	}
	f.on(filesPath, func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"items": items})
	})
	c, _ := f.client()
	links, err := c.ConversationFiles(context.Background(), "c")
	if err != nil || len(links) != len(items) {
		t.Fatalf("%d links, %v", len(links), err)
	}
	for i, l := range links {
		good := i == 0 || i == len(items)-1
		if (l.Err == nil) != good || (l.Path != "") != good || !good && !errors.Is(l.Err, ErrBadLink) {
			t.Errorf("item %d: %q, %v", i, l.Path, l.Err)
		}
	}
}

func TestUnexpectedListOfFiles(t *testing.T) {
	for _, answer := range []string{
		``, `[]`, `{}`, `null`, `"x"`, `{"items":null}`, `{"items":{}}`, `{"items":"http://127.0.0.1/a"}`, `{"items":[`, `{"items":["a"]} x`,
		`{"items":[],"pagination":`, `{"items":[],"pagination":{"x":"` + strings.Repeat("x", maxMetadata) + `"}}`, `<html>`,
		`{"items":["` + strings.Repeat("x", linkBody) + `"]}`,
	} {
		f := newFilesFake(t)
		f.on(filesPath, body(answer))
		c, _ := f.client()
		if links, err := c.ConversationFiles(context.Background(), "c"); err == nil || links != nil || errors.Is(err, ErrFilesRefused) {
			t.Errorf("%.40q: %v, %v", answer, links, err)
		}
	}
	f := newFilesFake(t)
	f.on(filesPath, status(204))
	c, _ := f.client()
	if _, err := c.ConversationFiles(context.Background(), "c"); !errors.Is(err, ErrNoContent) {
		t.Errorf("204: %v", err)
	}
}

// Odd pagination is no reason to do without the links.
func TestOddPagination(t *testing.T) {
	for _, pagination := range []string{`null`, `7`, `{}`, `{"nextPage":{}}`, `{"nextPage":0}`, `{"nextPage":-1}`, `{"nextPage":"no","totalRecords":"1"}`} {
		f := newFilesFake(t)
		f.on(filesPath, body(`{"pagination":`+pagination+`,"items":["http://127.0.0.1/v1/files/a"],"x":{}}`))
		c, _ := f.client()
		links, err := c.ConversationFiles(context.Background(), "c")
		if err != nil || len(links) != 1 || len(f.asked(filesPath)) != 1 {
			t.Errorf("%s: %v, %v", pagination, links, err)
		}
	}
}

func TestFilesAreRefused(t *testing.T) {
	list := func(c *Client) error { _, err := c.ConversationFiles(context.Background(), "c"); return err }
	for name, test := range map[string]struct {
		set  func(*fake)
		hint string
		asks int
	}{
		"forbidden":           {func(f *fake) { f.on(filesPath, status(403)) }, "data.services.external.bulkfiledownload", 1},
		"not let in":          {func(f *fake) { f.on(filesPath, status(401)) }, "Bulk File Download", 2}, // once more with another token
		"no such service":     {func(f *fake) { f.on(domainPath(serviceFiles), status(404)) }, "fms", 0},
		"bad parameter":       {func(f *fake) { f.on(domainPath(serviceFiles), status(400)) }, "fms", 0},
		"invalid site":        {func(f *fake) { f.on(domainPath(serviceFiles), status(401)) }, "fms", 0},
		"no host":             {func(f *fake) { f.on(domainPath(serviceFiles), body(`{}`)) }, "fms", 0},
		"a list of others":    {func(f *fake) { f.on(domainPath(serviceFiles), body(`{"baseURIs":[{"service":"x","baseURI":"y"}]}`)) }, "fms", 0},
		"a service not asked": {func(f *fake) { f.on(domainPath(serviceFiles), f.domain(serviceHistory)) }, "fms", 0},
	} {
		f := newFilesFake(t)
		test.set(f)
		c, clk := f.client()
		err := list(c)
		auth := mustAuthError(t, err)
		if errors.Is(err, ErrNoFileService) != (test.hint == "fms") {
			t.Errorf("%s: whether there is a service: %v", name, err)
		}
		if !errors.Is(err, ErrFilesRefused) || !strings.Contains(auth.Hint, test.hint) || !strings.Contains(auth.Hint, "LivePerson") {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(f.asked(filesPath)); n != test.asks || len(clk.waited()) != 0 {
			t.Errorf("%s: asked %d times, waited %v", name, n, clk.waited())
		}
	}
	f := newFilesFake(t)
	c, _ := f.client(func(c *Config) { c.OAuth2, c.OAuth1 = nil, &OAuth1Credentials{"a", "b", "c", "d"} })
	if err := list(c); !errors.Is(err, ErrFilesRefused) || mustAuthError(t, err).Status != 0 || c.Requests() != 0 {
		t.Errorf("OAuth 1.0: %v after %d requests", err, c.Requests())
	}
}

// What passes, and what is wrong with the whole login, refuses no files.
func TestFaultsAreNoRefusal(t *testing.T) {
	for name, set := range map[string]func(*fake){
		"503":                  func(f *fake) { f.on(filesPath, status(503)) },
		"429":                  func(f *fake) { f.on(filesPath, status(429)) },
		"400":                  func(f *fake) { f.on(filesPath, status(400)) },
		"404":                  func(f *fake) { f.on(filesPath, status(404)) },
		"no answer":            func(f *fake) { f.on(filesPath, hangUp) },
		"look-up down":         func(f *fake) { f.on(domainPath(serviceFiles), status(503)) },
		"look-up timed out":    func(f *fake) { f.on(domainPath(serviceFiles), status(408)) },
		"look-up throttled":    func(f *fake) { f.on(domainPath(serviceFiles), status(429)) },
		"look-up unanswered":   func(f *fake) { f.on(domainPath(serviceFiles), hangUp) },
		"look-up not readable": func(f *fake) { f.on(domainPath(serviceFiles), body(`{"service":"fms"`)) },
		"login refused":        func(f *fake) { f.on(tokenPath, status(401)) },
	} {
		f := newFilesFake(t)
		set(f)
		c, _ := f.client()
		_, err := c.ConversationFiles(context.Background(), "c")
		if err == nil || errors.Is(err, ErrFilesRefused) || errors.Is(err, ErrNoFileService) != (name == "404") {
			t.Errorf("%s: %v", name, err)
		}
		var auth *AuthError
		if got := errors.As(err, &auth); got != (name == "login refused") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The check asks once, and knows a refusal from a fault.
func TestCheckFiles(t *testing.T) {
	f := newFilesFake(t)
	f.on(filesPath, status(404), status(400))
	c, _ := f.client()
	for range 2 { // the conversation is nobody's, and may be answered so
		if err := c.CheckFiles(context.Background()); err != nil {
			t.Error(err)
		}
	}
	for _, code := range []int{400, 404} { // but an account without the service is refused
		f := newFilesFake(t)
		f.on(domainPath(serviceFiles), status(code))
		c, _ := f.client()
		if err := c.CheckFiles(context.Background()); !errors.Is(err, ErrFilesRefused) {
			t.Errorf("no service, %d: %v", code, err)
		}
	}
	for code, refused := range map[int]bool{403: true, 503: false} {
		f := newFilesFake(t)
		f.on(filesPath, status(code))
		c, clk := f.client()
		if err := c.CheckFiles(context.Background()); err == nil || errors.Is(err, ErrFilesRefused) != refused || len(clk.waited()) > 1 {
			t.Errorf("%d: %v after %v", code, err, clk.waited())
		}
		f.on(filesPath, linkPages(true, nil))
		if err := c.CheckFiles(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

func TestOfficialFilesSample(t *testing.T) {
	sample, err := os.ReadFile("../../shared/samples/bulk-file-download-files.json")
	if err != nil {
		t.Skip("the official samples are not here")
	}
	f := newFilesFake(t)
	c, _ := f.client()
	f.on(filesPath, body(strings.ReplaceAll(string(sample), "downloadUrl", f.URL+"/"+url.PathEscape("a b"))), body(`{"items":[]}`))
	links, err := c.ConversationFiles(context.Background(), "c")
	if err != nil || len(links) != 1 || links[0].Path != "/a b" {
		t.Errorf("got %v, %v", links, err)
	}
}
