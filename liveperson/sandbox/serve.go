package sandbox

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Route is a kind of request.
type Route string

const (
	Domain   Route = "domain"
	Token    Route = "token"
	Search   Route = "search"
	ByID     Route = "byid"
	Users    Route = "users"
	Skills   Route = "skills"
	Links    Route = "links"    // to the files of a conversation
	Download Route = "download" // of a file
	Other    Route = "other"
)

// Request is what an observer is told of a request.
type Request struct {
	Route  Route
	Number int // 1, 2, … of this route
	Method string
	URL    *url.URL
	Body   []byte // the observer's own
}

// call is one request being answered.
type call struct {
	account *Account
	request *http.Request
	route   Route
	number  int
	rest    string // of the path, behind the route
	body    []byte
	now     time.Time // of the account's clock
	seen    int64     // now without what is too fresh to be shown

	w       http.ResponseWriter
	to      io.Writer // the body: w, or what a fault puts before it
	measure bool      // nothing is sent: the answer's length is wanted

	faults        []Fault
	together      bool // several conversations are asked for by id
	partialShards bool
	shift         int
	countOff      int
	tie           uint64
}

const maxBody = 1 << 20

// ServeHTTP answers for every service of the account, on one host.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
		return
	}
	c := &call{account: a, request: r, body: body, w: w, to: w, tie: a.set.Seed}
	c.route, c.rest = a.routeOf(r.URL.Path)
	a.mu.Lock()
	a.counts[c.route]++
	c.number = a.counts[c.route]
	a.mu.Unlock()
	if a.set.Observe != nil {
		a.set.Observe(Request{c.route, c.number, r.Method, r.URL, append([]byte(nil), body...)})
	}
	if a.set.Answer > 0 && a.set.Sleep(r.Context(), a.set.Answer) != nil {
		panic(http.ErrAbortHandler)
	}
	c.now = a.set.Now()
	c.seen = a.shownAt(c.now)
	c.header().Set("Date", c.now.UTC().Format(http.TimeFormat))
	c.faults = a.active(c)
	if c.failed() {
		return
	}
	if !c.letIn() {
		c.refuse(http.StatusUnauthorized, "", "not authorised")
		return
	}
	c.answer()
}

// letIn tells whether the request carries the login that its route wants.
func (c *call) letIn() bool {
	switch c.route {
	case Domain, Token, Download, Other:
		return true
	case Links:
		return c.bearer() && c.authorised()
	}
	return c.authorised()
}

// routeOf tells what a path asks for. A path of another account is Other.
func (a *Account) routeOf(path string) (Route, string) {
	for _, p := range []struct {
		route  Route
		prefix string
	}{
		{Domain, "/api/account/{}/service/"},
		{Token, "/sentinel/api/v2/account/{}/app/token"},
		{Search, "/messaging_history/api/account/{}/conversations/search"},
		{ByID, "/messaging_history/api/account/{}/conversations/conversation/search"},
		{Users, "/api/account/{}/configuration/le-users/users"},
		{Skills, "/api/account/{}/configuration/le-users/skills"},
		{Links, "/v1/account/{}/conversation-files"},
		{Download, "/v1/AUTH_async-images/{}/"},
	} {
		if rest, ok := strings.CutPrefix(path, strings.Replace(p.prefix, "{}", a.set.Account, 1)); ok {
			return p.route, rest
		}
	}
	return Other, path
}

// methods that the routes take.
var methods = map[Route]string{
	Domain: http.MethodGet, Token: http.MethodPost, Search: http.MethodPost,
	ByID: http.MethodPost, Users: http.MethodGet, Skills: http.MethodGet,
	Links: http.MethodGet, Download: http.MethodGet,
}

// dispatch answers. It may run twice for one request, so it changes nothing.
func (c *call) dispatch() {
	if m := methods[c.route]; m != "" && m != c.request.Method {
		c.refuse(http.StatusMethodNotAllowed, "", "method not allowed")
		return
	}
	switch {
	case c.route == Domain:
		c.domain()
	case c.route == Token && c.rest == "":
		c.token()
	case c.route == Search && c.rest == "":
		c.search()
	case c.route == ByID && c.rest == "":
		c.byID()
	case c.route == Users:
		c.users()
	case c.route == Skills:
		c.skills()
	case c.route == Links && c.rest == "":
		c.links()
	case c.route == Download:
		c.download()
	case strings.HasPrefix(c.request.URL.Path, "/api/account/"):
		c.refuse(http.StatusUnauthorized, "", "invalid site")
	default:
		c.refuse(http.StatusNotFound, "", "not found")
	}
}

func (c *call) header() http.Header { return c.w.Header() }

// status sends the status line, but for 200, which the first byte sends.
func (c *call) status(code int) {
	if !c.measure {
		c.w.WriteHeader(code)
	}
}

// refuse answers with an error. Its JSON form is not documented; this is one
// of those that clients have met.
func (c *call) refuse(code int, internal, message string) {
	c.header().Set("Content-Type", "application/json; charset=utf-8")
	c.status(code)
	o := &out{w: c.to}
	o.raw(`{"error":{"internalCode":`).str(internal).raw(`,"message":`).str(message).raw(`}}`)
	o.flush()
}
