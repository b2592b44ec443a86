package liveperson

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dghubble/oauth1"
)

// login is one way to be let in.
type login interface {
	// ready returns the token for the next attempt, fetching one if need be.
	ready(ctx context.Context, c *Client) (token string, err error)
	// header is the Authorization header of one attempt.
	header(req *http.Request, token string) string
	// discard forgets a token that was refused; false if there is no other.
	discard(token string) bool
	// hint names where the privilege for an API is given.
	hint(api privilege) string
	secrets() []string
}

// privilege is what a login needs for one API.
type privilege int

const (
	readHistory privilege = iota
	readUsers
	readSkills
	readFiles
)

// oauth1Login signs each request with an API key (RFC 5849, HMAC-SHA1, no
// request-token step). Its base string is put together here, since the clock
// and the nonce are ours to give; the library encodes and signs.
type oauth1Login struct {
	keys  OAuth1Credentials
	now   func() time.Time
	nonce func() string
}

func newOAuth1(keys OAuth1Credentials, now func() time.Time) *oauth1Login {
	return &oauth1Login{keys: keys, now: now, nonce: oauth1.HexNoncer{}.Nonce}
}

func (l *oauth1Login) ready(context.Context, *Client) (string, error) { return "", nil }
func (l *oauth1Login) discard(string) bool                            { return false }

func (l *oauth1Login) secrets() []string {
	return []string{l.keys.AppKey, l.keys.AppSecret, l.keys.AccessToken, l.keys.AccessTokenSecret}
}

func (l *oauth1Login) hint(api privilege) string {
	const key = "the API key needs "
	const end = "; the clock must be right; LivePerson ended OAuth 1.0 on 31 May 2026, try OAuth 2.0"
	switch api {
	case readUsers:
		return key + "Administration -> Users" + end
	case readSkills:
		return key + "Administration -> Skills" + end
	case readFiles:
		return "the Bulk File Download API takes OAuth 2.0 only"
	}
	return key + "Data -> Conversation History / Messaging Interactions" + end
}

func (l *oauth1Login) header(req *http.Request, _ string) string {
	params := [][2]string{
		{"oauth_consumer_key", l.keys.AppKey},
		{"oauth_nonce", l.nonce()},
		{"oauth_signature_method", "HMAC-SHA1"},
		{"oauth_timestamp", strconv.FormatInt(l.now().Unix(), 10)},
		{"oauth_token", l.keys.AccessToken},
		{"oauth_version", "1.0"},
	}
	signer := oauth1.HMACSigner{ConsumerSecret: l.keys.AppSecret}
	// HMACSigner.Sign has no way to fail.
	signature, _ := signer.Sign(l.keys.AccessTokenSecret, signatureBase(req.Method, req.URL, params))
	params = append(params, [2]string{"oauth_signature", signature})
	fields := make([]string, len(params))
	for i, p := range params {
		fields[i] = p[0] + `="` + oauth1.PercentEncode(p[1]) + `"`
	}
	return "OAuth " + strings.Join(fields, ", ")
}

// signatureBase is the string that is signed (RFC 5849, 3.4.1): method,
// address and all parameters of the query and the header. A JSON body is not
// part of it.
func signatureBase(method string, u *url.URL, params [][2]string) string {
	var pairs []string
	for _, p := range params {
		pairs = append(pairs, oauth1.PercentEncode(p[0])+"="+oauth1.PercentEncode(p[1]))
	}
	for name, values := range u.Query() {
		for _, v := range values {
			pairs = append(pairs, oauth1.PercentEncode(name)+"="+oauth1.PercentEncode(v))
		}
	}
	// '=' sorts after some characters of a name, so names are compared alone.
	slices.SortFunc(pairs, func(a, b string) int {
		an, av, _ := strings.Cut(a, "=")
		bn, bv, _ := strings.Cut(b, "=")
		if c := strings.Compare(an, bn); c != 0 {
			return c
		}
		return strings.Compare(av, bv)
	})
	return strings.ToUpper(method) +
		"&" + oauth1.PercentEncode(origin(u.Scheme, u.Host)+u.EscapedPath()) +
		"&" + oauth1.PercentEncode(strings.Join(pairs, "&"))
}
